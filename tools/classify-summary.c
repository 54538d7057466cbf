/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify-summary.h"

#include "common.h"
#include "file-name.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define NO_CLASS (EFFVK_CLASS_UNKNOWN - 1) /* the answer was not finite */

/* The frames whose first class is the same. */
typedef struct
{
  guint class;
  char *label;
  guint64 n_frames;
  gint64 time; /* ns */
  double sum;  /* of scores */
  double share;
} Part;

struct _ToolSummary
{
  ToolOutputFormat format;
  GstEffvkJson json;
  GString *row;

  char *source; /* NULL before the first */
  gboolean damaged;
  GArray *parts;  /* of Part */
  GHashTable *at; /* class to its place in parts */
  guint64 n_frames;
  gint64 last; /* pts of the frame before, -1 where it has none */
  guint last_part;
};

static void
part_clear (gpointer data)
{
  g_free (((Part *) data)->label);
}

ToolSummary *
tool_summary_new (ToolOutputFormat format)
{
  ToolSummary *summary = g_new0 (ToolSummary, 1);

  summary->format = format;
  gst_effvk_json_init (&summary->json);
  summary->row = g_string_new (NULL);
  summary->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (summary->parts, part_clear);
  summary->at = g_hash_table_new (NULL, NULL);
  if (format == TOOL_OUTPUT_CSV)
    printf ("source,frames,duration,damaged,index,label,share,score\n");
  return summary;
}

static Part *
get_part (ToolSummary *summary, guint i)
{
  return &g_array_index (summary->parts, Part, i);
}

static int
compare_parts (gconstpointer a, gconstpointer b)
{
  const Part *x = a, *y = b;

  if (x->share != y->share)
    return x->share < y->share ? 1 : -1;
  return (x->class > y->class) - (x->class < y->class);
}

/* Fills in the shares, the largest first; of the frames where there is no time. Returns the time of
 * all, or -1. The last frame lasts as long as the others do. */
static gint64
share_out (ToolSummary *summary)
{
  gint64 time = 0;

  for (guint i = 0; i < summary->parts->len; i++)
    time += get_part (summary, i)->time;
  if (time > 0)
    {
      gint64 each = time / (gint64) (summary->n_frames - 1);

      get_part (summary, summary->last_part)->time += each;
      time += each;
    }
  for (guint i = 0; i < summary->parts->len; i++)
    {
      Part *part = get_part (summary, i);

      part->share = time > 0 ? (double) part->time / (double) time
                             : (double) part->n_frames / (double) summary->n_frames;
    }
  g_array_sort (summary->parts, compare_parts);
  return summary->last >= 0 ? time : -1;
}

static void
print_text (ToolSummary *summary, gint64 duration)
{
  g_autofree char *name = tool_file_shown (summary->source);
  g_autofree char *clean = tool_terminal_clean (name);
  g_autofree char *time = duration >= 0 ? tool_format_tenths (duration) : NULL;

  printf ("%s  ", clean);
  if (time)
    printf ("%s  ", time);
  for (guint i = 0; i < summary->parts->len; i++)
    {
      const Part *part = get_part (summary, i);
      g_autofree char *label = tool_terminal_clean (part->label);
      /* An image is all of one class: how sure that is says more. */
      double value = summary->n_frames > 1 ? part->share : part->sum;

      printf ("%s%s %.1f %%", i ? ", " : "", label, value * 100);
    }
  printf ("%s\n", summary->damaged ? "  (damaged)" : "");
}

static void
print_json (ToolSummary *summary, gint64 duration)
{
  GstEffvkJson *json = &summary->json;

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", "summary");
  tool_json_file (json, "source", summary->source);
  gst_effvk_json_int (json, "frames", (gint64) summary->n_frames);
  if (duration >= 0)
    gst_effvk_json_int (json, "duration", duration);
  else
    gst_effvk_json_null (json, "duration");
  if (summary->damaged)
    gst_effvk_json_boolean (json, "damaged", TRUE);
  gst_effvk_json_begin (json, "classes", '[');
  for (guint i = 0; i < summary->parts->len; i++)
    {
      const Part *part = get_part (summary, i);

      if (part->class == NO_CLASS)
        continue;
      gst_effvk_json_begin (json, NULL, '{');
      if (part->class == EFFVK_CLASS_UNKNOWN)
        gst_effvk_json_null (json, "index");
      else
        gst_effvk_json_int (json, "index", part->class);
      gst_effvk_json_string (json, "label", part->label);
      gst_effvk_json_double (json, "share", "%.6f", part->share);
      gst_effvk_json_double (json, "score", "%.6f", part->sum / (double) part->n_frames);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

static void
print_csv (ToolSummary *summary, gint64 duration)
{
  GString *row = summary->row;

  for (guint i = 0; i < summary->parts->len; i++)
    {
      const Part *part = get_part (summary, i);

      if (part->class == NO_CLASS)
        continue;
      tool_csv_append_file (row, summary->source);
      g_string_append_printf (row, "%" G_GUINT64_FORMAT ",", summary->n_frames);
      if (duration >= 0)
        g_string_append_printf (row, "%.3f", (double) duration / 1e9);
      g_string_append_printf (row, ",%s,%d,", summary->damaged ? "true" : "false",
                              (gint) part->class);
      tool_csv_append (row, part->label);
      g_string_append_printf (row, "%.6f,%.6f,", part->share, part->sum / (double) part->n_frames);
      tool_csv_print (row);
    }
}

static void
finish (ToolSummary *summary)
{
  gint64 duration;

  if (summary->n_frames == 0)
    return;
  duration = share_out (summary);
  tool_live_hide_any ();
  (summary->format == TOOL_OUTPUT_JSON  ? print_json
   : summary->format == TOOL_OUTPUT_CSV ? print_csv
                                        : print_text) (summary, duration);
  fflush (stdout);
  g_array_set_size (summary->parts, 0);
  g_hash_table_remove_all (summary->at);
  summary->n_frames = 0;
  summary->damaged = FALSE;
}

/* The place of the part with the first class of @result. */
static guint
find_part (ToolSummary *summary, EffvkResult *result)
{
  gboolean finite = effvk_result_get_n_classes (result) > 0;
  guint class = finite ? effvk_result_get_index (result, 0) : NO_CLASS;
  gpointer at;
  Part part = { .class = class };

  if (g_hash_table_lookup_extended (summary->at, GUINT_TO_POINTER (class), NULL, &at))
    return GPOINTER_TO_UINT (at);
  part.label = g_strdup (finite ? effvk_result_get_label (result, 0) : "(no finite answer)");
  g_hash_table_insert (summary->at, GUINT_TO_POINTER (class),
                       GUINT_TO_POINTER (summary->parts->len));
  g_array_append_val (summary->parts, part);
  return summary->parts->len - 1;
}

void
tool_summary_add (ToolSummary *summary, const ToolAnswer *answer)
{
  Part *part;
  guint i;

  if (answer->frame == 0 || g_strcmp0 (answer->source, summary->source) != 0)
    {
      finish (summary);
      g_free (summary->source);
      summary->source = g_strdup (answer->source);
    }
  else if (answer->pts >= 0 && summary->n_frames > 0)
    get_part (summary, summary->last_part)->time += MAX (answer->pts - summary->last, 0);
  i = find_part (summary, answer->result);
  part = get_part (summary, i);
  part->n_frames++;
  if (part->class != NO_CLASS)
    part->sum += (double) effvk_result_get_score (answer->result, 0);
  summary->n_frames++;
  summary->damaged |= answer->damaged;
  summary->last = answer->pts;
  summary->last_part = i;
}

void
tool_summary_free (ToolSummary *summary)
{
  finish (summary);
  gst_effvk_json_clear (&summary->json);
  g_string_free (summary->row, TRUE);
  g_array_unref (summary->parts);
  g_hash_table_unref (summary->at);
  g_free (summary->source);
  g_free (summary);
}
