/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/events.h"

#include "common.h"
#include "common/record.h"
#include "serve/json-time.h"

#include <string.h>

#define LONGEST_STEP (2 * G_USEC_PER_SEC) /* for which a result stands, at most */
#define MOST_LABELS 32                    /* of a stream that are followed at once */
#define RETRY (2 * G_USEC_PER_SEC)        /* to write an event again */

/* A label that is seen, or was a moment ago. */
typedef struct
{
  char *label;
  gint64 first, last; /* us since 1970 */
  gint64 for_it;      /* us that it was seen, less those that it was not */
  gint64 against;     /* us that it was not seen, less those that it was, since it was raised */
  double sum;
  guint64 n;
  ServeEvent *event; /* once it is raised */
  gboolean written;  /* the event is in the store as it is */
  gint64 retry;
} Mark;

typedef struct
{
  char *stream, *region;
  char *label; /* that was seen last */
  gint64 time; /* when */
  GPtrArray *marks;
} Track;

struct _ServeEvents
{
  ServeStore *store;
  ServeEventNotify notify;
  gpointer user_data;
  GHashTable *streams; /* name → GPtrArray of Track */
};

static void
free_mark (gpointer data)
{
  Mark *mark = data;

  g_clear_pointer (&mark->event, serve_event_free);
  g_free (mark->label);
  g_free (mark);
}

static void
free_track (gpointer data)
{
  Track *track = data;

  g_ptr_array_unref (track->marks);
  g_free (track->stream);
  g_free (track->region);
  g_free (track->label);
  g_free (track);
}

/* (element-type Track): the picture's, and those of its regions; NULL: none yet. */
static GPtrArray *
list_tracks (ServeEvents *events, const char *stream)
{
  return g_hash_table_lookup (events->streams, stream);
}

static Track *
get_track (ServeEvents *events, const char *stream, const char *region)
{
  GPtrArray *tracks = list_tracks (events, stream);
  Track *track;

  if (!tracks)
    {
      tracks = g_ptr_array_new_with_free_func (free_track);
      g_hash_table_insert (events->streams, g_strdup (stream), tracks);
    }
  for (guint i = 0; i < tracks->len; i++)
    {
      track = g_ptr_array_index (tracks, i);
      if (g_strcmp0 (track->region, region) == 0)
        return track;
    }
  track = g_new0 (Track, 1);
  track->stream = g_strdup (stream);
  track->region = g_strdup (region);
  track->marks = g_ptr_array_new_with_free_func (free_mark);
  g_ptr_array_add (tracks, track);
  return track;
}

static Mark *
get_mark (Track *track, const char *label, gint64 now)
{
  Mark *mark;

  for (guint i = 0; i < track->marks->len; i++)
    {
      mark = g_ptr_array_index (track->marks, i);
      if (strcmp (mark->label, label) == 0)
        return mark;
    }
  if (track->marks->len == MOST_LABELS)
    return NULL;
  mark = g_new0 (Mark, 1);
  mark->label = g_strdup (label);
  mark->first = mark->last = now;
  g_ptr_array_add (track->marks, mark);
  return mark;
}

static void
take_up (ServeEvents *events)
{
  const ServeEventQuery query = { .open = TRUE, .limit = G_MAXINT };
  g_autoptr (GPtrArray) open = serve_store_query (events->store, &query, NULL);
  gint64 now = g_get_real_time ();

  while (open && open->len)
    {
      ServeEvent *event = g_ptr_array_steal_index (open, open->len - 1);
      Track *track = get_track (events, event->stream, event->region);
      Mark *mark = get_mark (track, event->label, now);

      if (mark && !mark->event)
        {
          mark->event = event;
          mark->written = TRUE;
          mark->first = event->start;
        }
      else
        serve_event_free (event);
    }
}

ServeEvents *
serve_events_new (ServeStore *store, ServeEventNotify notify, gpointer user_data)
{
  ServeEvents *events = g_new0 (ServeEvents, 1);

  events->store = store;
  events->notify = notify;
  events->user_data = user_data;
  events->streams
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  take_up (events);
  return events;
}

void
serve_events_free (ServeEvents *events)
{
  g_hash_table_unref (events->streams);
  g_free (events);
}

static gboolean
is_alarm (const char *alarms, const char *label)
{
  g_auto (GStrv) parts = g_strsplit (alarms ? alarms : "", ";", -1);
  gboolean alarm = FALSE;

  for (guint i = 0; parts[i]; i++)
    {
      const char *part = g_strstrip (parts[i]);
      gboolean no = *part == '!';

      if (strcmp (part + no, "*") == 0 || strcmp (part + no, label) == 0)
        alarm = !no;
    }
  return alarm;
}

static char *
describe (const ServeEvent *event)
{
  return serve_event_to_json (event, event->end ? "cleared" : "raised");
}

/* Writes what is not written yet. A disk that is full may have room later: nothing is told before
 * it is kept, so that nothing that was told is lost. */
static gboolean
write_mark (ServeEvents *events, Mark *mark, const char *const *outputs, gint64 now)
{
  g_autoptr (GError) error = NULL;

  if (mark->written || now < mark->retry)
    return mark->written;
  if (!serve_store_put (events->store, mark->event, outputs, describe, &error))
    {
      if (mark->retry == 0)
        tool_error ("%s: %s; it is tried again", mark->event->stream, error->message);
      mark->retry = now + RETRY;
      return FALSE;
    }
  mark->written = TRUE;
  mark->retry = 0;
  events->notify (mark->event, mark->event->end ? "cleared" : "raised", events->user_data);
  return TRUE;
}

static void
raise_event (Track *track, Mark *mark, const ServeEventRules *rules)
{
  ServeEvent *event = g_new0 (ServeEvent, 1);

  event->stream = g_strdup (track->stream);
  event->region = g_strdup (track->region);
  event->label = g_strdup (mark->label);
  event->alarm = is_alarm (rules->alarms, mark->label);
  event->score = mark->sum / (double) MAX (mark->n, 1);
  event->start = mark->first;
  mark->event = event;
  mark->written = FALSE;
  mark->against = 0;
}

/* What the time since the last result, in which its label was seen, says about a label. */
static void
pass_time (const Track *track, Mark *mark, gint64 passed, gint64 most)
{
  gboolean seen = g_strcmp0 (track->label, mark->label) == 0;

  mark->for_it = CLAMP (mark->for_it + (seen ? passed : -passed), 0, most);
  mark->against = MAX (0, mark->against + (seen ? -passed : passed));
}

/* Returns whether there is nothing left to follow. */
static gboolean
judge (ServeEvents *events, Track *track, Mark *mark, const ServeEventRules *rules,
       const char *const *outputs, gint64 now)
{
  gboolean seen = g_strcmp0 (track->label, mark->label) == 0;

  if (!mark->event && seen && mark->for_it >= (gint64) (rules->detect * G_USEC_PER_SEC))
    raise_event (track, mark, rules);
  if (!mark->event)
    return !seen && mark->for_it == 0;
  if (!write_mark (events, mark, outputs, now) || seen
      || mark->against < (gint64) (rules->recover * G_USEC_PER_SEC))
    return FALSE;
  if (!mark->event->end)
    {
      mark->event->end = MAX (mark->last, mark->event->start + 1);
      mark->event->score = mark->n ? mark->sum / (double) mark->n : mark->event->score;
      mark->written = FALSE;
    }
  return write_mark (events, mark, outputs, now);
}

void
serve_events_see (ServeEvents *events, const char *stream, const char *region, const char *label,
                  double score, const ServeEventRules *rules, const char *const *outputs,
                  gint64 now)
{
  Track *track = get_track (events, stream, region);
  gint64 passed = track->time ? CLAMP (now - track->time, 0, LONGEST_STEP) : 0;
  Mark *mark;

  for (guint i = 0; i < track->marks->len; i++)
    pass_time (track, g_ptr_array_index (track->marks, i), passed,
               (gint64) (rules->detect * G_USEC_PER_SEC));
  if (g_strcmp0 (track->label, label) != 0)
    {
      g_free (track->label);
      track->label = g_strdup (label);
    }
  track->time = now;
  mark = label ? get_mark (track, label, now) : NULL;
  if (mark)
    {
      mark->last = now;
      mark->sum += score;
      mark->n++;
    }
  for (guint i = track->marks->len; i-- > 0;)
    if (judge (events, track, g_ptr_array_index (track->marks, i), rules, outputs, now))
      g_ptr_array_remove_index (track->marks, i);
}

void
serve_events_tick (ServeEvents *events, const char *stream, gint64 silence,
                   const ServeEventRules *rules, const char *const *outputs, gint64 now)
{
  GPtrArray *tracks = list_tracks (events, stream);

  for (guint i = 0; tracks && i < tracks->len; i++)
    {
      Track *track = g_ptr_array_index (tracks, i);

      if (track->region && track->marks->len && now - track->time > silence)
        serve_events_see (events, stream, track->region, NULL, 0, rules, outputs, now);
    }
}

static void
end_track (ServeEvents *events, Track *track, const char *const *outputs, gint64 now)
{
  for (guint i = 0; i < track->marks->len; i++)
    {
      Mark *mark = g_ptr_array_index (track->marks, i);

      if (!mark->event)
        continue;
      mark->event->end = MAX (now, mark->event->start + 1);
      mark->written = FALSE;
      mark->retry = 0;
      write_mark (events, mark, outputs, now);
    }
}

void
serve_events_forget (ServeEvents *events, const char *stream, const char *const *outputs)
{
  GPtrArray *tracks = list_tracks (events, stream);

  for (guint i = 0; tracks && i < tracks->len; i++)
    end_track (events, g_ptr_array_index (tracks, i), outputs, g_get_real_time ());
  g_hash_table_remove (events->streams, stream);
}

GPtrArray *
serve_events_list_streams (ServeEvents *events)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, events->streams);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  return names;
}

/* The event of a mark that is still followed, or NULL. */
static ServeEvent *
find_open (ServeEvents *events, const ServeEvent *event)
{
  GPtrArray *tracks = list_tracks (events, event->stream);

  for (guint i = 0; tracks && i < tracks->len; i++)
    for (guint m = 0; m < ((Track *) g_ptr_array_index (tracks, i))->marks->len; m++)
      {
        Mark *mark = g_ptr_array_index (((Track *) g_ptr_array_index (tracks, i))->marks, m);

        if (mark->event && mark->event->id == event->id)
          return mark->event;
      }
  return NULL;
}

gboolean
serve_events_acknowledge (ServeEvents *events, gint64 id, GError **error)
{
  g_autoptr (ServeEvent) event = serve_store_get (events->store, id);
  ServeEvent *open;

  if (!event)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no event %" G_GINT64_FORMAT,
                   id);
      return FALSE;
    }
  event->acknowledged = TRUE;
  if (!serve_store_put (events->store, event, NULL, NULL, error))
    return FALSE;
  open = find_open (events, event);
  if (open)
    open->acknowledged = TRUE;
  events->notify (event, "acknowledged", events->user_data);
  return TRUE;
}

gboolean
serve_events_has_alarm (ServeEvents *events, const char *stream)
{
  GPtrArray *tracks = list_tracks (events, stream);

  for (guint i = 0; tracks && i < tracks->len; i++)
    for (guint m = 0; m < ((Track *) g_ptr_array_index (tracks, i))->marks->len; m++)
      {
        Mark *mark = g_ptr_array_index (((Track *) g_ptr_array_index (tracks, i))->marks, m);

        if (mark->event && mark->event->alarm && !mark->event->end)
          return TRUE;
      }
  return FALSE;
}

char *
serve_event_to_json (const ServeEvent *event, const char *what)
{
  GstEffvkJson json;

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  if (what)
    gst_effvk_json_string (&json, "event", what);
  gst_effvk_json_int (&json, "id", event->id);
  gst_effvk_json_int (&json, "seq", event->seq);
  gst_effvk_json_string (&json, "stream", event->stream);
  gst_effvk_json_string (&json, "region", event->region);
  gst_effvk_json_string (&json, "label", event->label);
  gst_effvk_json_double (&json, "score", "%.4f", event->score);
  gst_effvk_json_boolean (&json, "alarm", event->alarm);
  gst_effvk_json_boolean (&json, "acknowledged", event->acknowledged);
  serve_json_time (&json, "start", event->start);
  serve_json_time (&json, "end", event->end);
  gst_effvk_json_boolean (&json, "snapshot", event->snapshot);
  gst_effvk_json_end (&json, '}');
  return g_string_free (g_steal_pointer (&json.text), FALSE);
}
