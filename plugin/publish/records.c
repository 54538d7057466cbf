/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/records.h"

#include "common/record.h"
#include "publish/dlstreamer.h"

#include <string.h>

#define MOST_LABELS 1024                            /* of objects, that are remembered */
#define NTP_TO_UNIX G_GUINT64_CONSTANT (2208988800) /* s, from 1900 to 1970 */

GType
gst_effvk_what_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_EFFVK_WHAT_FRAMES, "A record for each frame that has classes", "frames" },
    { GST_EFFVK_WHAT_OBJECTS, "A record for each frame that has objects, with these", "objects" },
    { GST_EFFVK_WHAT_CHANGES,
      "A record where the label of the frame, an object or a region changes", "changes" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstEffvkWhat", values));
  return type;
}

GType
gst_effvk_layout_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_LAYOUT_EFFVK, "As docs/schema/effvk.schema.json describes", "effvk" },
    { GST_EFFVK_LAYOUT_DLSTREAMER, "As DL Streamer's gvametaconvert", "dlstreamer" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstEffvkLayout", values));
  return type;
}

typedef struct
{
  char *label;
  gint64 since; /* pts, or -1 */
} State;

struct _GstEffvkRecords
{
  char *session; /* tells this run's sequence numbers from another's */
  guint64 sequence;
  GHashTable *states; /* what the label is of → State */
};

static void
state_free (gpointer data)
{
  g_free (((State *) data)->label);
  g_free (data);
}

GstEffvkRecords *
gst_effvk_records_new (void)
{
  GstEffvkRecords *records = g_new0 (GstEffvkRecords, 1);

  records->session = g_uuid_string_random ();
  records->states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, state_free);
  return records;
}

void
gst_effvk_records_free (GstEffvkRecords *records)
{
  g_hash_table_unref (records->states);
  g_free (records->session);
  g_free (records);
}

void
gst_effvk_records_reset (GstEffvkRecords *records)
{
  g_hash_table_remove_all (records->states);
}

static gint64
get_pts (const GstEffvkRecordFrame *frame)
{
  return GST_BUFFER_PTS_IS_VALID (frame->buffer) ? (gint64) GST_BUFFER_PTS (frame->buffer) : -1;
}

/* "ntp": the sender's time of the frame, in ns since 1970, where RTP or a muxer has brought it. */
static void
add_ntp (GstEffvkJson *json, GstBuffer *buffer)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_REFERENCE_TIMESTAMP_META_API_TYPE)))
    {
      GstReferenceTimestampMeta *reference = (GstReferenceTimestampMeta *) meta;
      GstStructure *caps = gst_caps_get_structure (reference->reference, 0);
      guint64 time = reference->timestamp;

      if (gst_structure_has_name (caps, "timestamp/x-ntp"))
        {
          if (time < NTP_TO_UNIX * GST_SECOND)
            continue;
          time -= NTP_TO_UNIX * GST_SECOND;
        }
      else if (!gst_structure_has_name (caps, "timestamp/x-unix"))
        continue;
      gst_effvk_json_int (json, "ntp", (gint64) time);
      return;
    }
}

static void
begin (GstEffvkRecords *records, GstEffvkJson *json, const GstEffvkRecordOptions *options,
       const GstEffvkRecordFrame *frame, const char *event)
{
  gst_effvk_json_init (json);
  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", event);
  gst_effvk_json_string (json, "source", options->source);
  gst_effvk_json_string (json, "session", records->session);
  gst_effvk_json_int (json, "sequence", (gint64) records->sequence++);
  gst_effvk_json_int (json, "frame", (gint64) frame->number);
  gst_effvk_record_add_pts (json, get_pts (frame));
  gst_effvk_record_add_clock (json, g_get_real_time ());
  add_ntp (json, frame->buffer);
}

static void
end (GPtrArray *parcels, GstEffvkJson *json, const GstEffvkRecordOptions *options, gboolean change)
{
  if (options->tags)
    gst_effvk_json_raw (json, "tags", options->tags);
  gst_effvk_json_end (json, '}');
  g_ptr_array_add (parcels, gst_effvk_parcel_new (json->text->str, json->text->len, change));
  gst_effvk_json_clear (json);
}

/* A label, of what, is told of when it is another than before. */
static void
note (GstEffvkRecords *records, GPtrArray *parcels, const GstEffvkRecordOptions *options,
      const GstEffvkRecordFrame *frame, const GstEffvkClassification *seen)
{
  const GstEffvkClass *label = gst_effvk_classification_get_label (seen);
  g_autofree char *of = seen->whole ? g_strdup_printf ("frame\n%s", seen->model ? seen->model : "")
                                    : g_strdup_printf ("%s\n%" G_GINT64_FORMAT,
                                                       seen->type ? seen->type : "", seen->id);
  State *state = g_hash_table_lookup (records->states, of);
  GstEffvkChange change;
  GstEffvkJson json;

  if (!label || (state && strcmp (state->label, label->label) == 0))
    return;
  change = (GstEffvkChange){
    .state = label->label,
    .score = label->score,
    .previous = state ? state->label : NULL,
    .previous_duration = state && state->since >= 0 && get_pts (frame) >= state->since
                             ? get_pts (frame) - state->since
                             : -1,
  };
  begin (records, &json, options, frame, "state");
  gst_effvk_record_add_change (&json, &change);
  if (!seen->whole && seen->type)
    gst_effvk_json_string (&json, "type", seen->type);
  if (seen->id >= 0)
    gst_effvk_json_int (&json, "id", seen->id);
  end (parcels, &json, options, TRUE);
  if (!state && g_hash_table_size (records->states) >= MOST_LABELS)
    g_hash_table_remove_all (records->states);
  state = g_new0 (State, 1);
  state->label = g_strdup (label->label);
  state->since = get_pts (frame);
  g_hash_table_replace (records->states, g_steal_pointer (&of), state);
}

static gboolean
has (const GPtrArray *seen, gboolean whole)
{
  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);

      if (one->whole == whole && (!whole || one->classes->len > 0))
        return TRUE;
    }
  return FALSE;
}

/* A record of the frame: the classes of each model that saw all of it have one of their own. */
static void
add_frame (GstEffvkRecords *records, GPtrArray *parcels, const GstEffvkRecordOptions *options,
           const GstEffvkRecordFrame *frame)
{
  gboolean objects = options->what & GST_EFFVK_WHAT_OBJECTS && has (frame->seen, FALSE);
  gboolean any = FALSE;

  for (guint i = 0; i < frame->seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (frame->seen, i);
      GstEffvkJson json;

      if (one->whole ? one->classes->len == 0 || !(options->what & GST_EFFVK_WHAT_FRAMES)
                     : !objects || any)
        continue;
      begin (records, &json, options, frame, "result");
      gst_effvk_json_int (&json, "width", frame->width);
      gst_effvk_json_int (&json, "height", frame->height);
      if (one->whole)
        {
          gst_effvk_json_string (&json, "model", one->model);
          gst_effvk_record_add_classes (&json, one);
          if (one->age != GST_EFFVK_AGE_UNKNOWN)
            gst_effvk_json_int (&json, "age", (gint64) one->age);
        }
      if (objects && !any)
        gst_effvk_record_add_objects (&json, frame->seen);
      end (parcels, &json, options, FALSE);
      any = TRUE;
    }
}

static void
add_dlstreamer (GPtrArray *parcels, const GstEffvkRecordOptions *options,
                const GstEffvkRecordFrame *frame)
{
  GstEffvkJson json;

  if (!(options->what & GST_EFFVK_WHAT_FRAMES && has (frame->seen, TRUE))
      && !(options->what & GST_EFFVK_WHAT_OBJECTS && has (frame->seen, FALSE)))
    return;
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_dlstreamer_add (&json, options, frame);
  end (parcels, &json, options, FALSE);
}

GPtrArray *
gst_effvk_records_make (GstEffvkRecords *records, const GstEffvkRecordOptions *options,
                        const GstEffvkRecordFrame *frame, gboolean may_tell)
{
  GPtrArray *parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_parcel_unref);

  if (options->what & GST_EFFVK_WHAT_CHANGES)
    for (guint i = 0; i < frame->seen->len; i++)
      note (records, parcels, options, frame, g_ptr_array_index (frame->seen, i));
  if (may_tell && options->layout == GST_EFFVK_LAYOUT_DLSTREAMER)
    add_dlstreamer (parcels, options, frame);
  else if (may_tell)
    add_frame (records, parcels, options, frame);
  return parcels;
}
