/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "media.h"
#include "monitor-state.h"
#include "monitor-view.h"

#include <math.h>

#define LONGEST 3600.0 /* s */

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  double interval, hold, timeout; /* s */
  gboolean realtime, summary, json;
} Options;

static EffvkClassifier *
make_classifier (const Options *options, GError **error)
{
  g_autoptr (EffvkClassifierOptions) classifier_options = effvk_classifier_options_new ();
  g_autoptr (EffvkModel) model = tool_load_model (&options->target, error);

  if (!model)
    return NULL;
  effvk_classifier_options_set_precision (classifier_options, options->precision);
  effvk_classifier_options_set_top_k (classifier_options, 1);
  effvk_classifier_options_set_max_in_flight (classifier_options, 1);
  return effvk_classifier_new_for_selector (options->target.device, model, classifier_options,
                                            error);
}

/* Waits until a file's frame is due, had the file been started at @started. */
static void
wait_for (gint64 started, gint64 time)
{
  gint64 due = started + time / 1000, now = g_get_monotonic_time ();

  if (due > now)
    g_usleep ((gulong) (due - now));
}

/* The next frame, however long it takes. A stream that stalls is told of once, and begins anew with the
 * next frame. */
static gboolean
next (const Options *options, ToolSource *source, ToolFrame *frame, ToolMonitorState *state,
      ToolMonitorView *view, gint64 last, GError **error)
{
  for (gboolean stalled = FALSE; !source->next (source, frame, error); stalled = TRUE)
    {
      if (!error || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        return FALSE;
      g_clear_error (error);
      if (!stalled)
        tool_monitor_view_stalled (view, state, last);
      tool_monitor_state_init (state, (gint64) (options->hold * 1e9));
    }
  return TRUE;
}

/* Watches @source to its end. */
static gboolean
watch (const Options *options, const char *name, EffvkClassifier *classifier, ToolSource *source,
       ToolMonitorView *view, GError **error)
{
  gint64 interval = (gint64) (options->interval * 1e9), due = G_MININT64, last = 0;
  gint64 started = g_get_monotonic_time ();
  ToolMonitorState state;
  ToolMonitorEvent event;
  g_autoptr (GError) problem = NULL;
  ToolFrame frame;

  tool_monitor_state_init (&state, (gint64) (options->hold * 1e9));
  while (next (options, source, &frame, &state, view, last, &problem))
    {
      /* A stream without timestamps is timed by its arrival. */
      gint64 time = frame.pts >= 0 ? frame.pts : (g_get_monotonic_time () - started) * 1000;
      g_autoptr (EffvkResult) result = NULL;

      if (time < last - interval)
        due = G_MININT64; /* the stream began anew */
      if (time < due)
        continue;
      due = time + interval;
      if (options->realtime)
        wait_for (started, time);
      result = effvk_classifier_classify (classifier, frame.image, error);
      if (!result)
        return FALSE;
      if (effvk_result_get_n_classes (result) == 0)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                               "the network's answer is not finite");
          return FALSE;
        }
      last = time;
      if (tool_monitor_state_add (&state, time, (gint) effvk_result_get_index (result, 0),
                                  (double) effvk_result_get_score (result, 0), &event))
        tool_monitor_view_event (view, &event);
      tool_monitor_view_frame (view, &state, time);
    }
  if (tool_monitor_state_end (&state, &event))
    tool_monitor_view_event (view, &event);
  if (problem)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&problem), "%s: ", name);
      return FALSE;
    }
  tool_monitor_view_end (view, &state, last);
  return TRUE;
}

static gboolean
monitor (const Options *options, const char *name, GError **error)
{
  g_autoptr (EffvkClassifier) classifier = make_classifier (options, error);
  g_autofree char *shown = g_filename_display_name (name);
  g_autoptr (ToolMonitorView) view = NULL;
  g_autoptr (ToolSource) source = NULL;
  gboolean ok;

  if (!classifier)
    return FALSE;
  source = tool_media_open (name, options->timeout, error);
  if (!source)
    {
      g_prefix_error (error, "%s: ", shown);
      return FALSE;
    }
  view = tool_monitor_view_new (effvk_classifier_get_model (classifier), shown, options->json,
                                options->summary);
  ok = watch (options, shown, classifier, source, view, error);
  tool_monitor_view_hide (view);
  return ok;
}

ToolStatus
tool_monitor (char ***argv)
{
  Options options = { .interval = 0.2, .hold = 0.5, .timeout = 5 };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.target),
          TOOL_OVERRIDES_ENTRY (&options.target),
          TOOL_GRAPH_OUTPUT_ENTRY (&options.target),
          TOOL_LABELS_ENTRY (&options.target),
          TOOL_DEVICE_ENTRY (&options.target),
          TOOL_PRECISION_ENTRY (&options.target),
          { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &options.interval,
            "Look at a frame every so many seconds (default: 0.2)", "SECONDS" },
          { "hold", 0, 0, G_OPTION_ARG_DOUBLE, &options.hold,
            "How long a state must last to be one (default: 0.5)", "SECONDS" },
          { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &options.timeout,
            "Say that the stream stalls when no frame has come for so long (default: 5; 0: never)",
            "SECONDS" },
          { "realtime", 'r', 0, G_OPTION_ARG_NONE, &options.realtime,
            "Play a file at its own speed, not as fast as can be", NULL },
          { "summary", 's', 0, G_OPTION_ARG_NONE, &options.summary,
            "At the end, a table of the states, and frames per second", NULL },
          TOOL_JSON_ENTRY (&options.json),
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  ToolStatus status = TOOL_USAGE;

  if (!tool_parse ("monitor", "FILE|URI",
                   "Watches a stream, and says when its state changes: from a picture to black, to "
                   "colour bars,\nto noise, with the model that effvk has.",
                   "On a terminal the state now and the history, a block a second, stand below the "
                   "changes.\nWith --json every change is a line of JSON.",
                   entries, argv)
      || !tool_check_precision ("monitor", options.target.precision, &options.precision))
    ;
  else if (!isfinite (options.interval) || options.interval < 0 || options.interval > LONGEST)
    tool_usage_error ("monitor", "--interval takes 0 to %g seconds, not %g", LONGEST,
                      options.interval);
  else if (!isfinite (options.hold) || options.hold < 0 || options.hold > LONGEST)
    tool_usage_error ("monitor", "--hold takes 0 to %g seconds, not %g", LONGEST, options.hold);
  else if (!isfinite (options.timeout) || options.timeout < 0 || options.timeout > LONGEST)
    tool_usage_error ("monitor", "--timeout takes 0 to %g seconds, not %g", LONGEST,
                      options.timeout);
  else if (options.summary && options.json)
    tool_usage_error ("monitor", "--summary is for people, and not for --json");
  else if (g_strv_length (*argv) != 2)
    tool_usage_error ("monitor", "takes one file or URI, but has %u", g_strv_length (*argv) - 1);
  else if (monitor (&options, (*argv)[1], &error))
    status = TOOL_OK;
  else
    {
      tool_error ("%s", error->message);
      status = TOOL_FAILED;
    }
  tool_target_clear (&options.target);
  return status;
}
