/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-view.h"

#include "common.h"
#include "common/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
  const char *source;
  gboolean as_json, terminal, color;
  GstEffvkJson json;

  GArray *parts; /* of Part, for the summary, or NULL */
  guint64 n_frames;
  gint64 started, now; /* us: when the first frame was there, and the last */

  GArray *seconds; /* of gint: the state in each second of the stream, -1 before the first */
  gint64 first;    /* the second that seconds[0] is */
  gboolean shown;
  gint64 last_drawn; /* us */
};

ToolMonitorView *
tool_monitor_view_new (EffvkModel *model, const char *source, gboolean json, gboolean summary)
{
  ToolMonitorView *view = g_new0 (ToolMonitorView, 1);
  const char *term = g_getenv ("TERM"), *no_color = g_getenv ("NO_COLOR");

  view->model = g_object_ref (model);
  view->source = source;
  view->as_json = json;
  view->terminal = !json && isatty (STDOUT_FILENO) && term && strcmp (term, "dumb") != 0;
  view->color = view->terminal && !(no_color && *no_color);
  view->seconds = g_array_new (FALSE, FALSE, sizeof (gint));
  view->parts = summary ? g_array_new (FALSE, FALSE, sizeof (Part)) : NULL;
  gst_effvk_json_init (&view->json);
  return view;
}

void
tool_monitor_view_free (ToolMonitorView *view)
{
  tool_monitor_view_hide (view);
  gst_effvk_json_clear (&view->json);
  g_array_unref (view->seconds);
  g_clear_pointer (&view->parts, g_array_unref);
  g_object_unref (view->model);
  g_free (view);
}

void
tool_monitor_view_hide (ToolMonitorView *view)
{
  if (view->shown)
    printf ("\r\033[K\033[A\r\033[K");
  view->shown = FALSE;
}

/* "0:01:02.3" */
static char *
format_time (gint64 ns)
{
  gint64 tenths = ns / (SECOND / 10);

  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02u:%02u.%u", tenths / 36000,
                          (guint) (tenths / 600 % 60), (guint) (tenths / 10 % 60),
                          (guint) (tenths % 10));
}

static const char *
label_of (ToolMonitorView *view, gint state)
{
  const char *label = state < 0 ? NULL : effvk_model_get_label (view->model, (guint) state);

  return label ? label : "(unknown)";
}

/* A block for a class: its own colour, or, without colours, one of the shades. */
static void
print_block (ToolMonitorView *view, gint state)
{
  static const char *const shades[] = { "█", "░", "▒", "▓", "▞", "▚" };
  static const guint colors[] = { 2, 8, 7, 3, 6, 4, 5, 1, 13, 11, 12, 14 };

  if (state < 0)
    printf ("·");
  else if (view->color)
    printf ("\033[38;5;%um█\033[0m", colors[(guint) state % G_N_ELEMENTS (colors)]);
  else
    printf ("%s", shades[(guint) state % G_N_ELEMENTS (shades)]);
}

static void
print_json (ToolMonitorView *view, const char *kind, gint state, gint64 time, double score,
            gint previous, gint64 previous_for)
{
  GstEffvkJson *json = &view->json;
  const GstEffvkChange change = { .state = state < 0 ? NULL : label_of (view, state),
                                  .previous = previous < 0 ? NULL : label_of (view, previous),
                                  .score = score,
                                  .previous_duration = previous_for };

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", kind);
  gst_effvk_json_string (json, "source", view->source);
  gst_effvk_record_add_pts (json, time);
  gst_effvk_record_add_clock (json, g_get_real_time ());
  gst_effvk_record_add_change (json, &change);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

void
tool_monitor_view_event (ToolMonitorView *view, const ToolMonitorEvent *event)
{
  g_autofree char *at = format_time (event->since);
  gint64 lasted = event->since - event->previous_since;

  if (view->parts)
    {
      Part part = { event->state, event->since, event->since, event->score };

      if (view->parts->len > 0 && event->previous >= 0)
        g_array_index (view->parts, Part, view->parts->len - 1).until = event->since;
      if (view->parts->len == MOST_PARTS)
        g_array_remove_index (view->parts, 0);
      g_array_append_val (view->parts, part);
    }
  if (view->as_json)
    {
      print_json (view, "state", event->state, event->since, event->score, event->previous, lasted);
      return;
    }
  tool_monitor_view_hide (view);
  printf ("%10s  ", at);
  if (view->terminal)
    {
      print_block (view, event->state);
      printf (" ");
    }
  printf ("%s", label_of (view, event->state));
  if (event->previous >= 0)
    {
      g_autofree char *duration = format_time (lasted);

      printf (", after %s of %s", duration, label_of (view, event->previous));
    }
  printf ("\n");
  fflush (stdout);
  view->last_drawn = 0;
}

static guint
terminal_width (void)
{
  struct winsize size;

  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Frames that were looked at, a second. */
static double
rate (const ToolMonitorView *view)
{
  double seconds = (double) (view->now - view->started) / G_USEC_PER_SEC;

  return seconds > 0 ? (double) (view->n_frames - 1) / seconds : 0;
}

static void
draw (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  guint n = view->seconds->len, width = terminal_width () - 1;
  g_autofree char *lasted = format_time (MAX (0, time - state->since));

  tool_monitor_view_hide (view);
  print_block (view, state->state);
  printf (" %s for %s, %.0f %%, %.1f frames/s\n", label_of (view, state->state), lasted,
          state->n ? state->sum * 100 / (double) state->n : 0.0, rate (view));
  for (guint i = n > width ? n - width : 0; i < n; i++)
    print_block (view, g_array_index (view->seconds, gint, i));
  fflush (stdout);
  view->shown = TRUE;
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
  if (!view->terminal)
    return;
  remember (view, state->state, time);
  if (now - view->last_drawn < REDRAW)
    return;
  draw (view, state, time);
  view->last_drawn = now;
}

void
tool_monitor_view_stalled (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  g_autofree char *at = format_time (time), *duration = format_time (time - state->since);

  if (view->as_json)
    {
      print_json (view, "stalled", -1, time, 0, state->state, time - state->since);
      return;
    }
  tool_monitor_view_hide (view);
  printf ("%10s  stalled", at);
  if (state->state >= 0)
    printf (", after %s of %s", duration, label_of (view, state->state));
  printf ("\n");
  fflush (stdout);
  view->last_drawn = 0;
}

static void
print_summary (ToolMonitorView *view)
{
  printf ("\n%-14s %10s %11s %6s\n", "state", "from", "for", "score");
  for (guint i = 0; i < view->parts->len; i++)
    {
      const Part *part = &g_array_index (view->parts, Part, i);
      g_autofree char *since = format_time (part->since);
      g_autofree char *lasted = format_time (part->until - part->since);

      printf ("%-14s %10s %11s %4.0f %%\n", label_of (view, part->state), since, lasted,
              part->score * 100);
    }
  printf ("%" G_GUINT64_FORMAT " frames in %.1f s, %.1f frames/s\n", view->n_frames,
          (double) (view->now - view->started) / G_USEC_PER_SEC, rate (view));
}

void
tool_monitor_view_end (ToolMonitorView *view, const ToolMonitorState *state, gint64 time)
{
  if (view->as_json)
    {
      print_json (view, "end", -1, time, 0, state->state, time - state->since);
      return;
    }
  if (view->terminal)
    {
      draw (view, state, time);
      printf ("\n");
      view->shown = FALSE;
    }
  else
    {
      g_autofree char *at = format_time (time), *duration = format_time (time - state->since);

      printf ("%10s  end, after %s of %s\n", at, duration, label_of (view, state->state));
    }
  if (view->parts)
    print_summary (view);
  fflush (stdout);
}
