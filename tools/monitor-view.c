/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-view.h"

#include "common.h"
#include "common/record.h"
#include "file-name.h"
#include "terminal.h"
#include "text.h"

#include <math.h>
#include <stdio.h>

#define REDRAW (G_USEC_PER_SEC / 10)
#define SECOND G_GINT64_CONSTANT (1000000000)

/* For how much of a long watch the summary has room. */
#define MOST_PARTS 100

/* A part of the stream in one state. */
typedef struct
{
  gint state;
  gint64 since, until;
  double score;
} Part;

struct _ToolMonitorView
{
  EffvkModel *model;
  char *source;
  gboolean as_json, color;
  GstEffvkJson json;

  GArray *parts; /* of Part, for the summary, or NULL */
  guint64 n_frames;
  gint64 started, now; /* us: when the first frame was there, and the last */

  GArray *seconds;   /* of gint: the state in each second of the stream, -1 before the first */
  gint64 first;      /* the second that seconds[0] is */
  ToolLive live;     /* the state, and below it the history */
  gint64 last_drawn; /* us */
  char *reason;      /* why there is no signal, or NULL */
};

ToolMonitorView *
tool_monitor_view_new (EffvkModel *model, const char *source, gboolean json, gboolean summary)
{
  ToolMonitorView *view = g_new0 (ToolMonitorView, 1);

  view->model = g_object_ref (model);
  view->source = g_strdup (source);
  view->as_json = json;
  tool_live_init (&view->live, stdout);
  view->live.live &= !json;
  view->color = tool_terminal_has_color (stdout);
  view->seconds = g_array_new (FALSE, FALSE, sizeof (gint));
  view->parts = summary ? g_array_new (FALSE, FALSE, sizeof (Part)) : NULL;
  gst_effvk_json_init (&view->json);
  return view;
}

void
tool_monitor_view_free (ToolMonitorView *view)
{
  tool_live_hide (&view->live);
  gst_effvk_json_clear (&view->json);
  g_array_unref (view->seconds);
  g_clear_pointer (&view->parts, g_array_unref);
  g_object_unref (view->model);
  g_free (view->source);
  g_free (view->reason);
  g_free (view);
}

static const char *
label_of (ToolMonitorView *view, gint state)
{
  const char *label = state < 0 ? NULL : effvk_model_get_label (view->model, (guint) state);

  if (state == TOOL_MONITOR_NO_SIGNAL)
    return "no-signal";
  if (state == TOOL_MONITOR_UNKNOWN)
    return "unknown";
  if (TOOL_MONITOR_IS_SIGNAL (state))
    return effvk_signal_state_get_name ((EffvkSignalState) TOOL_MONITOR_SIGNAL (state));
  return label ? label : "(no state yet)";
}

static gboolean
has_score (gint state)
{
  return state >= 0 || state == TOOL_MONITOR_UNKNOWN || TOOL_MONITOR_IS_SIGNAL (state);
}

/* For a table and a line: what a label holds must not drive the terminal. */
static char *
clean_label (ToolMonitorView *view, gint state)
{
  return tool_terminal_clean (label_of (view, state));
}

/* A block for a class: its own colour, or, without colours, its own shape. One column each. */
static void
print_block (ToolMonitorView *view, gint state)
{
  static const char *const shapes[]
      = { "█", "░", "▒", "▓", "▀", "▄", "▌", "▐", "▚", "▞", "▖", "▝", "▙", "▟", "▛", "▜" };
  static const char letters[] = "#ox%=+*@abcdefgh";
  static const guint colors[] = { 2, 8, 7, 3, 6, 4, 5, 1, 13, 11, 12, 14 };
  gboolean unicode = tool_terminal_has_unicode ();

  if (TOOL_MONITOR_IS_SIGNAL (state))
    state = 12 + TOOL_MONITOR_SIGNAL (state); /* beside the built-in model's classes */
  if (state == TOOL_MONITOR_NO_SIGNAL)
    printf ("-");
  else if (state == TOOL_MONITOR_UNKNOWN)
    printf ("?");
  else if (state < 0)
    printf ("%s", unicode ? "·" : ".");
  else if (!unicode)
    printf ("%c", letters[(guint) state % (G_N_ELEMENTS (letters) - 1)]);
  else if (view->color)
    printf ("\033[38;5;%um█\033[0m", colors[(guint) state % G_N_ELEMENTS (colors)]);
  else
    printf ("%s", shapes[(guint) state % G_N_ELEMENTS (shapes)]);
}

/* The time of day, and the stream's. */
static void
print_times (gint64 time)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *clock = g_date_time_format (now, "%Y-%m-%d %H:%M:%S");
  g_autofree char *at = tool_format_tenths (time);

  printf ("%s %10s  ", clock, at);
}

static void
print_json (ToolMonitorView *view, const char *kind, const ToolMonitorEvent *event,
            const char *reason)
{
  GstEffvkJson *json = &view->json;
  gint state = event->state, previous = event->previous;
  const GstEffvkChange change
      = { .state = state == TOOL_MONITOR_NONE ? NULL : label_of (view, state),
          .previous = previous == TOOL_MONITOR_NONE ? NULL : label_of (view, previous),
          .score = has_score (state) ? event->score : NAN,
          .previous_duration = event->since - event->previous_since };

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", kind);
  tool_json_file (json, "source", view->source);
  gst_effvk_record_add_pts (json, event->since);
  gst_effvk_record_add_clock (json, g_get_real_time ());
  gst_effvk_record_add_change (json, &change);
  if (reason)
    gst_effvk_json_string (json, "reason", reason);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

static void
remember_part (ToolMonitorView *view, const ToolMonitorEvent *event)
{
  Part part = { event->state, event->since, event->since, event->score };

  if (!view->parts)
    return;
  if (view->parts->len > 0 && event->previous != TOOL_MONITOR_NONE)
    g_array_index (view->parts, Part, view->parts->len - 1).until = event->since;
  if (view->parts->len == MOST_PARTS)
    g_array_remove_index (view->parts, 0);
  g_array_append_val (view->parts, part);
}

/* "…, after 0:00:03.0 of black" */
static void
print_previous (ToolMonitorView *view, const ToolMonitorEvent *event)
{
  g_autofree char *duration = tool_format_tenths (event->since - event->previous_since);
  g_autofree char *label = clean_label (view, event->previous);

  if (event->previous != TOOL_MONITOR_NONE)
    printf (", after %s of %s", duration, label);
}

static void
print_line (ToolMonitorView *view, const ToolMonitorEvent *event, const char *reason)
{
  g_autofree char *label = clean_label (view, event->state);
  g_autofree char *why = reason ? tool_terminal_clean (reason) : NULL;

  tool_live_hide (&view->live);
  print_times (event->since);
  if (view->live.live)
    {
      print_block (view, event->state);
      printf (" ");
    }
  printf ("%s", label);
  print_previous (view, event);
  if (why)
    printf (": %s", why);
  printf ("\n");
  fflush (stdout);
  view->last_drawn = 0;
}

/* The history has a state from when it began. */
static void
rewrite (ToolMonitorView *view, const ToolMonitorEvent *event)
{
  gint64 from = MAX (event->since / SECOND - view->first, 0);

  for (gint64 i = from; i < (gint64) view->seconds->len; i++)
    g_array_index (view->seconds, gint, i) = event->state;
}

void
tool_monitor_view_event (ToolMonitorView *view, const ToolMonitorEvent *event)
{
  g_clear_pointer (&view->reason, g_free);
  rewrite (view, event);
  remember_part (view, event);
  if (view->as_json)
    print_json (view, "state", event, NULL);
  else
    print_line (view, event, NULL);
}

void
tool_monitor_view_lost (ToolMonitorView *view, const ToolMonitorEvent *event, const char *kind,
                        const char *reason)
{
  g_free (view->reason);
  view->reason = g_strdup (reason);
  remember_part (view, event);
  if (view->as_json)
    print_json (view, kind, event, reason);
  else
    print_line (view, event, reason);
}

static void
print_signal_json (ToolMonitorView *view, const EffvkSignalEvent *event)
{
  GstEffvkJson *json = &view->json;

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", event->raised ? "raised" : "cleared");
  tool_json_file (json, "source", view->source);
  gst_effvk_record_add_pts (json, (gint64) event->since);
  gst_effvk_record_add_clock (json, g_get_real_time ());
  gst_effvk_json_string (json, "signal", effvk_signal_state_get_name (event->state));
  gst_effvk_json_boolean (json, "alarm", effvk_signal_state_is_alarm (event->state));
  gst_effvk_json_double (json, "score", "%.4f", event->confidence);
  gst_effvk_json_int (json, "decided", (gint64) event->time);
  if (!event->raised)
    gst_effvk_json_int (json, "duration", (gint64) event->duration);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

void
tool_monitor_view_signal (ToolMonitorView *view, const EffvkSignalEvent *event)
{
  g_autofree char *duration = tool_format_tenths ((gint64) event->duration);
  const char *name = effvk_signal_state_get_name (event->state);

  if (view->as_json)
    {
      print_signal_json (view, event);
      return;
    }
  /* The worst is the state, of which a line of its own tells. */
  if (effvk_signal_state_is_alarm (event->state))
    return;
  tool_live_hide (&view->live);
  print_times ((gint64) event->since);
  if (event->raised)
    printf ("%s begins\n", name);
  else
    printf ("%s ends, after %s\n", name, duration);
  fflush (stdout);
  view->last_drawn = 0;
}

/* Frames that were looked at, a second. */
static double
rate (const ToolMonitorView *view)
{
  double seconds = (double) (view->now - view->started) / G_USEC_PER_SEC;

  return seconds > 0 ? (double) (view->n_frames - 1) / seconds : 0;
}

/* What the state is now, as long as fits. */
static char *
describe_state (ToolMonitorView *view, const ToolMonitorState *state, gint64 time, guint width)
{
  g_autofree char *lasted = tool_format_tenths (MAX (0, time - state->since));
  g_autofree char *label = clean_label (view, state->state);
  double score = state->n ? state->sum * 100 / (double) state->n : 0;
  char *text;

  if (state->state == TOOL_MONITOR_NO_SIGNAL && view->reason)
    text = g_strdup_printf ("%s for %s: %s", label, lasted, view->reason);
  else
    text = g_strdup_printf ("%s for %s, %.0f %%, %.1f frames/s", label, lasted, score, rate (view));
  if (tool_terminal_text_width (text) > width)
    {
      g_free (text);
      text = g_strdup_printf ("%s %s", label, lasted);
    }
  return text;
}

static void
draw (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  /* Some terminals wrap when the last column is written. */
  guint n = view->seconds->len, width = MAX (tool_terminal_width (stdout), 4) - 1;
  g_autofree char *text = describe_state (view, state, time, width - 2);
  g_autofree char *clean = tool_terminal_clean (text);
  g_autofree char *cut = tool_terminal_cut (clean, width - 2);

  tool_live_hide (&view->live);
  print_block (view, state->state);
  printf (" %s\n", cut);
  for (guint i = n > width ? n - width : 0; i < n; i++)
    print_block (view, g_array_index (view->seconds, gint, i));
  tool_live_shown (&view->live, 2);
}

/* Extends the history up to @time. It holds what a wide terminal can show. */
static void
remember (ToolMonitorView *view, gint state, gint64 time)
{
  const guint most = 1024;
  gint64 second = time / SECOND;

  if (view->seconds->len == 0 || second < view->first
      || second > view->first + (gint64) view->seconds->len + most)
    {
      g_array_set_size (view->seconds, 0); /* the start, or a jump in the stream's time */
      view->first = second;
    }
  while (view->first + (gint64) view->seconds->len <= second)
    g_array_append_val (view->seconds, state);
  g_array_index (view->seconds, gint, second - view->first) = state;
  if (view->seconds->len > 2 * most)
    {
      g_array_remove_range (view->seconds, 0, most);
      view->first += most;
    }
}

static void
show (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  gint64 now = g_get_monotonic_time ();

  if (!view->live.live)
    return;
  remember (view, state->state, time);
  if (now - view->last_drawn < REDRAW)
    return;
  draw (view, state, time);
  view->last_drawn = now;
}

void
tool_monitor_view_frame (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  gint64 now = g_get_monotonic_time ();

  if (view->n_frames++ == 0)
    view->started = now;
  view->now = now;
  if (view->parts && view->parts->len > 0 && state->n > 0)
    {
      Part *part = &g_array_index (view->parts, Part, view->parts->len - 1);

      part->until = time;
      part->score = state->sum / (double) state->n;
    }
  show (view, state, time);
}

void
tool_monitor_view_idle (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  if (view->parts && view->parts->len > 0)
    g_array_index (view->parts, Part, view->parts->len - 1).until = time;
  show (view, state, time);
}

static void
print_summary (ToolMonitorView *view)
{
  printf ("\n%-14s %10s %11s %6s\n", "state", "from", "for", "score");
  for (guint i = 0; i < view->parts->len; i++)
    {
      const Part *part = &g_array_index (view->parts, Part, i);
      g_autofree char *since = tool_format_tenths (part->since);
      g_autofree char *lasted = tool_format_tenths (part->until - part->since);
      g_autofree char *label = clean_label (view, part->state);

      printf ("%-14s %10s %11s", label, since, lasted);
      if (has_score (part->state))
        printf (" %4.0f %%", part->score * 100);
      printf ("\n");
    }
  printf ("%" G_GUINT64_FORMAT " frames in %.1f s, %.1f frames/s\n", view->n_frames,
          (double) (view->now - view->started) / G_USEC_PER_SEC, rate (view));
}

void
tool_monitor_view_end (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  const ToolMonitorEvent event = { .state = TOOL_MONITOR_NONE,
                                   .previous = state->state,
                                   .since = time,
                                   .previous_since = state->since };

  if (view->as_json)
    {
      print_json (view, "end", &event, NULL);
      return;
    }
  if (view->live.live && state->state != TOOL_MONITOR_NONE)
    {
      draw (view, state, time);
      printf ("\n");
      view->live.n_lines = 0;
    }
  else
    {
      print_times (time);
      printf ("end");
      print_previous (view, &event);
      printf ("\n");
    }
  if (view->parts)
    print_summary (view);
  fflush (stdout);
}
