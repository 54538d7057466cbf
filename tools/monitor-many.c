/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-many.h"

#include "common/record.h"
#include "file-name.h"
#include "media-decoder.h"
#include "serve/stream.h"
#include "stop.h"
#include "terminal.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TICK 200 /* ms */
#define INSTANCE "monitor"
#define FASTEST 1000.0 /* frames a second */
#define NO_SIGNAL "no-signal"

typedef struct _Monitor Monitor;

/* A stream, and what it was seen to be. */
typedef struct
{
  Monitor *monitor;
  const char *source; /* as it was named */
  char *shown;        /* for people */
  ServeStream *stream;
  char *state, *reason; /* the label, or NO_SIGNAL; NULL: none yet */
  double score;
  gint64 since; /* us since 1970 */
  gboolean ended;
} Watched;

struct _Monitor
{
  const ToolMonitorMany *options;
  GPtrArray *all; /* of Watched */
  GMainLoop *loop;
  GstEffvkJson json;
  ToolLive live;
  guint failed;
};

static void
free_watched (gpointer data)
{
  Watched *watched = data;

  g_clear_pointer (&watched->stream, serve_stream_free);
  g_free (watched->shown);
  g_free (watched->state);
  g_free (watched->reason);
  g_free (watched);
}

static void
print_json (Watched *watched, const char *event, const char *state, double score, gint64 now)
{
  GstEffvkJson *json = &watched->monitor->json;
  const GstEffvkChange change = { .state = state,
                                  .previous = watched->state,
                                  .score = score,
                                  .previous_duration = (now - watched->since) * 1000 };

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", event);
  tool_json_file (json, "source", watched->source);
  gst_effvk_record_add_pts (json, -1);
  gst_effvk_record_add_clock (json, now);
  gst_effvk_record_add_change (json, &change);
  if (watched->reason && state)
    gst_effvk_json_string (json, "reason", watched->reason);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

/* "2026-01-01 12:00:00  gate  black, after 0:00:03.0 of picture" */
static void
print_line (Watched *watched, const char *state, gint64 now)
{
  g_autoptr (GDateTime) date = g_date_time_new_now_local ();
  g_autofree char *clock = g_date_time_format (date, "%Y-%m-%d %H:%M:%S");
  g_autofree char *duration = tool_format_tenths ((now - watched->since) * 1000);
  g_autofree char *after = watched->state
                               ? g_strdup_printf (", after %s of %s", duration, watched->state)
                               : g_strdup ("");
  g_autofree char *text
      = g_strdup_printf ("%s  %s  %s%s%s%s", clock, watched->shown, state, after,
                         watched->reason ? ": " : "", watched->reason ? watched->reason : "");
  g_autofree char *clean = tool_terminal_clean (text);

  tool_live_hide (&watched->monitor->live);
  printf ("%s\n", clean);
  fflush (stdout);
}

/* Tells that the stream is something else now. @state: NULL at its end. */
static void
tell (Watched *watched, const char *state, double score, const char *reason)
{
  gint64 now = g_get_real_time ();

  g_free (watched->reason);
  watched->reason = g_strdup (reason);
  if (watched->monitor->options->json)
    print_json (watched, state ? "state" : "end", state, score, now);
  else
    print_line (watched, state ? state : "end", now);
  g_free (watched->state);
  watched->state = g_strdup (state);
  watched->since = now;
}

static void
end_stream (Watched *watched)
{
  gboolean more = FALSE;

  watched->ended = TRUE;
  for (guint i = 0; i < watched->monitor->all->len; i++)
    more |= !((Watched *) g_ptr_array_index (watched->monitor->all, i))->ended;
  if (!more)
    g_main_loop_quit (watched->monitor->loop);
}

static void
on_result (ServeStream *stream G_GNUC_UNUSED, const ServeChannel *channel, gpointer data)
{
  Watched *watched = data;

  watched->score = channel->score;
  if (!watched->ended && !channel->region && g_strcmp0 (watched->state, channel->label) != 0)
    tell (watched, channel->label, channel->score, NULL);
}

static void
on_state (ServeStream *stream, gpointer data)
{
  Watched *watched = data;
  ServeState state = serve_stream_get_state (stream);
  const char *reason = serve_stream_get_reason (stream);

  if (watched->ended || state == SERVE_PLAYING || state == SERVE_CONNECTING)
    return;
  if (state == SERVE_FAILED && !tool_media_is_remote (watched->source))
    {
      tool_error ("%s: %s", watched->shown, reason);
      watched->monitor->failed++;
      end_stream (watched);
    }
  else if (g_strcmp0 (watched->state, NO_SIGNAL) != 0)
    tell (watched, NO_SIGNAL, NAN, reason);
}

static void
on_ended (ServeStream *stream G_GNUC_UNUSED, gpointer data)
{
  Watched *watched = data;

  tell (watched, NULL, NAN, NULL);
  end_stream (watched);
}

/* "black 99 % for 0:00:03.0  gate" */
static char *
describe (const Watched *watched, gint64 now)
{
  g_autofree char *lasted = tool_format_tenths ((now - watched->since) * 1000);
  gboolean has_score = watched->state && !watched->reason && !watched->ended;
  g_autofree char *score
      = has_score ? g_strdup_printf (" %.0f %%", watched->score * 100) : g_strdup ("");
  const char *state = watched->ended ? "end"
                      : watched->state
                          ? watched->state
                          : serve_state_names[serve_stream_get_state (watched->stream)];

  return g_strdup_printf ("%s%s for %s  %s%s%s", state, score, lasted, watched->shown,
                          watched->reason ? ": " : "", watched->reason ? watched->reason : "");
}

/* A line for each stream. */
static void
draw (Monitor *monitor)
{
  guint width = MAX (tool_terminal_width (stdout), 4) - 1;
  gint64 now = g_get_real_time ();

  if (!monitor->live.live)
    return;
  tool_live_hide (&monitor->live);
  for (guint i = 0; i < monitor->all->len; i++)
    {
      g_autofree char *text = describe (g_ptr_array_index (monitor->all, i), now);
      g_autofree char *clean = tool_terminal_clean (text);
      g_autofree char *cut = tool_terminal_cut (clean, width);

      printf ("%s%s", i > 0 ? "\n" : "", cut);
    }
  tool_live_shown (&monitor->live, monitor->all->len);
}

static gboolean
on_tick (gpointer data)
{
  Monitor *monitor = data;

  for (guint i = 0; i < monitor->all->len; i++)
    {
      Watched *watched = g_ptr_array_index (monitor->all, i);

      if (!watched->ended)
        serve_stream_tick (watched->stream);
    }
  draw (monitor);
  return G_SOURCE_CONTINUE;
}

/* Those that have not ended by themselves end now. */
static void
finish (Monitor *monitor)
{
  for (guint i = 0; i < monitor->all->len; i++)
    {
      Watched *watched = g_ptr_array_index (monitor->all, i);

      if (!watched->ended && watched->state)
        tell (watched, NULL, NAN, NULL);
      watched->ended = TRUE;
    }
  tool_live_hide (&monitor->live);
}

static gboolean
add (Monitor *monitor, const char *source, const ServeModelConfig *model, GError **error)
{
  static const ServeStreamEvents events = { on_result, on_state, on_ended };
  const ToolMonitorMany *options = monitor->options;
  g_autoptr (ServeStreamConfig) config = serve_stream_config_new ();
  Watched *watched = g_new0 (Watched, 1);

  watched->monitor = monitor;
  watched->source = source;
  watched->shown = tool_file_shown (source);
  watched->since = g_get_real_time ();
  g_ptr_array_add (monitor->all, watched);
  config->uri = g_strdup (source);
  config->rate = options->interval > 0 ? MIN (1 / options->interval, FASTEST) : FASTEST;
  config->hold = options->hold;
  config->timeout = options->timeout > 0 ? options->timeout : G_MAXINT;
  config->unknown_threshold = options->unknown_threshold;
  if (!serve_stream_config_check (config, error))
    return FALSE;
  watched->stream = serve_stream_new (watched->shown, config, model, INSTANCE, &events, watched);
  return TRUE;
}

static void
run (Monitor *monitor)
{
  guint tick = g_timeout_add (TICK, on_tick, monitor);

  tool_stop_run (monitor->loop);
  g_source_remove (tick);
  finish (monitor);
}

gboolean
tool_monitor_many (const ToolMonitorMany *options, char *const *sources, GError **error)
{
  const ServeModelConfig model = { .file = options->target->model,
                                   .labels = options->target->labels,
                                   .overrides = options->target->overrides,
                                   .device = options->target->device,
                                   .precision = options->target->precision };
  Monitor monitor = { .options = options };
  gboolean good = gst_init_check (NULL, NULL, error);

  monitor.all = g_ptr_array_new_with_free_func (free_watched);
  monitor.loop = g_main_loop_new (NULL, FALSE);
  gst_effvk_json_init (&monitor.json);
  tool_live_init (&monitor.live, stdout);
  monitor.live.live &= !options->json;
  for (guint i = 0; good && sources[i]; i++)
    good = add (&monitor, sources[i], &model, error);
  if (good && monitor.failed < monitor.all->len)
    run (&monitor);
  g_ptr_array_unref (monitor.all);
  serve_pipeline_wait ();
  g_main_loop_unref (monitor.loop);
  gst_effvk_json_clear (&monitor.json);
  if (good && monitor.failed > 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%u of the streams failed", monitor.failed);
  return good && monitor.failed == 0;
}
