/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "file-name.h"
#include "monitor-many.h"
#include "monitor-state.h"
#include "monitor-stream.h"
#include "monitor-view.h"
#include "stop.h"

#include <math.h>

#define LONGEST 3600.0                      /* s */
#define LEAP G_GINT64_CONSTANT (1000000000) /* ns */

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  double interval, hold, timeout; /* s */
  double unknown_threshold;
  gint retry; /* -1: for ever */
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

/* A stream that is watched. Its time goes on while it is silent, and where it begins anew. */
typedef struct
{
  const Options *options;
  EffvkClassifier *classifier;
  double unknown_threshold;
  ToolMonitorView *view;
  ToolMonitorState state;

  gint64 started; /* us, this computer's clock */
  gint64 last;    /* ns, the stream's time of the last frame */
  gint64 arrived; /* us, when that came */
  gint64 offset;  /* ns, from the frames' time to the stream's */
  gint64 due;     /* ns, when the next frame is to be looked at */
  gboolean anew;  /* the next frame is the first after a break */
} Watch;

/* The stream's time, now that no frame comes. */
static gint64
get_time (const Watch *watch)
{
  return watch->last + (g_get_monotonic_time () - watch->arrived) * 1000;
}

/* Whether a frame's timestamp has nothing to do with those before: the stream begins anew. After a
 * break a decoder may have a last frame of what was before, and then time leaps. */
static gboolean
is_new_beginning (const Watch *watch, gint64 time)
{
  gint64 interval = (gint64) (watch->options->interval * 1e9);

  return watch->anew || time < watch->last - interval
         || (watch->state.state == TOOL_MONITOR_NO_SIGNAL && time > get_time (watch) + LEAP);
}

/* The stream's time of a frame. A stream without timestamps is timed by its arrival. */
static gint64
time_frame (Watch *watch, const ToolFrame *frame)
{
  if (frame->pts < 0)
    return (g_get_monotonic_time () - watch->started) * 1000;
  if (is_new_beginning (watch, frame->pts + watch->offset))
    {
      watch->offset = MAX (get_time (watch), watch->last) - frame->pts;
      watch->due = G_MININT64;
      watch->anew = FALSE;
    }
  return frame->pts + watch->offset;
}

static void
on_idle (gpointer user_data)
{
  Watch *watch = user_data;

  if (!watch->options->realtime)
    tool_monitor_view_idle (watch->view, &watch->state, get_time (watch));
}

/* The state that a frame shows. */
static gint
get_state (EffvkResult *result)
{
  guint class = effvk_result_get_index (result, 0);

  return class == EFFVK_CLASS_UNKNOWN ? TOOL_MONITOR_UNKNOWN : (gint) class;
}

/* Looks at a frame. */
static gboolean
look (Watch *watch, const ToolFrame *frame, GError **error)
{
  gint64 time = time_frame (watch, frame);
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (EffvkResult) told = NULL;
  ToolMonitorEvent event;

  if (time < watch->due)
    return TRUE;
  watch->due = time + (gint64) (watch->options->interval * 1e9);
  if (watch->options->realtime
      && !tool_stop_sleep (watch->started + time / 1000 - g_get_monotonic_time ()))
    return TRUE;
  result = effvk_classifier_classify (watch->classifier, frame->image, error);
  if (!result)
    return FALSE;
  if (effvk_result_get_n_classes (result) == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "the network's answer is not finite");
      return FALSE;
    }
  told = effvk_result_apply_unknown (result, watch->unknown_threshold);
  watch->last = time;
  watch->arrived = g_get_monotonic_time ();
  if (tool_monitor_state_add (&watch->state, time, get_state (told),
                              (double) effvk_result_get_score (told, 0), &event))
    tool_monitor_view_event (watch->view, &event);
  tool_monitor_view_frame (watch->view, &watch->state, time);
  return TRUE;
}

/* No frame comes: since the last one there is no signal. */
static void
lose (Watch *watch, const char *kind, const char *reason)
{
  ToolMonitorEvent event;

  watch->anew = TRUE;
  if (tool_monitor_state_lose (&watch->state, watch->last, &event))
    tool_monitor_view_lost (watch->view, &event, kind, reason);
}

/* The stream is at its end, or has failed. */
static void
finish (Watch *watch, gboolean failed, gboolean silent)
{
  ToolMonitorEvent event;

  if (tool_monitor_state_end (&watch->state, &event))
    tool_monitor_view_event (watch->view, &event);
  if (!failed)
    tool_monitor_view_end (watch->view, &watch->state, silent ? get_time (watch) : watch->last);
}

/* Watches @stream to its end. */
static gboolean
run (Watch *watch, ToolStream *stream, GError **error)
{
  g_autofree char *silence = g_strdup_printf ("no frame came for %g s", watch->options->timeout);
  gboolean silent = FALSE;
  ToolFrame frame;

  for (;;)
    switch (tool_stream_next (stream, &frame, error))
      {
      case TOOL_STREAM_FRAME:
        silent = FALSE;
        if (!look (watch, &frame, error))
          return FALSE;
        break;
      case TOOL_STREAM_STALLED:
        silent = TRUE;
        lose (watch, "stalled", silence);
        break;
      case TOOL_STREAM_LOST:
        silent = TRUE;
        lose (watch, "state", tool_stream_get_reason (stream));
        break;
      case TOOL_STREAM_ENDED:
        finish (watch, FALSE, silent);
        return TRUE;
      case TOOL_STREAM_FAILED:
        finish (watch, TRUE, silent);
        return FALSE;
      }
}

static gboolean
monitor (const Options *options, const char *name, GError **error)
{
  g_autoptr (EffvkClassifier) classifier = make_classifier (options, error);
  g_autofree char *shown = tool_file_shown (name);
  g_autoptr (ToolMonitorView) view = NULL;
  g_autoptr (ToolStream) stream = NULL;
  Watch watch = { .options = options, .classifier = classifier, .due = G_MININT64 };

  if (!classifier)
    return FALSE;
  watch.unknown_threshold = tool_choose_unknown_threshold (options->unknown_threshold,
                                                           effvk_classifier_get_model (classifier));
  stream = tool_stream_new (name, options->timeout, options->retry, error);
  if (stream)
    {
      view = tool_monitor_view_new (effvk_classifier_get_model (classifier), name, options->json,
                                    options->summary);
      watch.view = view;
      watch.started = watch.arrived = g_get_monotonic_time ();
      tool_monitor_state_init (&watch.state, (gint64) (options->hold * 1e9));
      tool_stream_set_idle (stream, on_idle, &watch);
      if (run (&watch, stream, error))
        return TRUE;
    }
  g_prefix_error (error, "%s: ", shown);
  return FALSE;
}

static gboolean
monitor_many (const Options *options, char *const *sources, GError **error)
{
  const ToolMonitorMany many = { .target = &options->target,
                                 .interval = options->interval,
                                 .hold = options->hold,
                                 .timeout = options->timeout,
                                 .unknown_threshold = options->unknown_threshold,
                                 .json = options->json };

  return tool_monitor_many (&many, sources, error);
}

ToolStatus
tool_monitor (char ***argv)
{
  Options options = { .interval = 0.2,
                      .hold = 0.5,
                      .timeout = 5,
                      .retry = -1,
                      .unknown_threshold = TOOL_MODELS_THRESHOLD };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.target),
          TOOL_OVERRIDES_ENTRY (&options.target),
          TOOL_GRAPH_OUTPUT_ENTRY (&options.target),
          TOOL_LABELS_ENTRY (&options.target),
          TOOL_DEVICE_ENTRY (&options.target),
          TOOL_PRECISION_ENTRY (&options.target),
          TOOL_UNKNOWN_ENTRY (&options.unknown_threshold),
          { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &options.interval,
            "Look at a frame every so many seconds (default: 0.2)", "SECONDS" },
          { "hold", 0, 0, G_OPTION_ARG_DOUBLE, &options.hold,
            "How long a state must last to be one (default: 0.5)", "SECONDS" },
          { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &options.timeout,
            "Say that the stream stalls when no frame has come for so long (default: 5; 0: never)",
            "SECONDS" },
          { "retry", 0, 0, G_OPTION_ARG_INT, &options.retry,
            "How often to try to reach a stream again that broke off (default: for ever)", "N" },
          { "realtime", 'r', 0, G_OPTION_ARG_NONE, &options.realtime,
            "Play a file at its own speed, not as fast as possible", NULL },
          { "summary", 's', 0, G_OPTION_ARG_NONE, &options.summary,
            "Print a table of the states at the end, and frames per second", NULL },
          TOOL_JSON_ENTRY (&options.json),
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  ToolStatus status = TOOL_USAGE;

  tool_stop_watch ();
  if (!tool_parse (
          "monitor", "FILE|URI…",
          "Watches a stream, or several, and says when the state changes. With effvk's own model "
          "the "
          "states are\na picture, black, colour bars, noise and others. A stream that breaks "
          "off is opened again.",
          "On a terminal the current state and the history stand below the changes. A "
          "block of the\n"
          "history is a second. With --json every change is a line of JSON.",
          entries, argv)
      || !tool_check_precision ("monitor", options.target.precision, &options.precision)
      || !tool_check_unknown_threshold ("monitor", options.unknown_threshold))
    ;
  else if (!isfinite (options.interval) || options.interval < 0 || options.interval > LONGEST)
    tool_usage_error ("monitor", "--interval takes 0 to %g seconds, not %g", LONGEST,
                      options.interval);
  else if (!isfinite (options.hold) || options.hold < 0 || options.hold > LONGEST)
    tool_usage_error ("monitor", "--hold takes 0 to %g seconds, not %g", LONGEST, options.hold);
  else if (!isfinite (options.timeout) || options.timeout < 0 || options.timeout > LONGEST)
    tool_usage_error ("monitor", "--timeout takes 0 to %g seconds, not %g", LONGEST,
                      options.timeout);
  else if (options.retry < -1)
    tool_usage_error ("monitor", "--retry takes 0 or more, or -1 for ever, not %d", options.retry);
  else if (options.summary && options.json)
    tool_usage_error ("monitor", "--summary is for people, and not for --json");
  else if (g_strv_length (*argv) < 2)
    tool_usage_error ("monitor", "takes a file or a URI, or several, but has none");
  else if ((*argv)[2] && (options.summary || options.retry >= 0))
    tool_usage_error ("monitor", "--%s is for one file or URI, not for several",
                      options.summary ? "summary" : "retry");
  else if ((*argv)[2])
    status = monitor_many (&options, *argv + 1, &error) ? TOOL_OK : tool_fail (error);
  else if (monitor (&options, (*argv)[1], &error))
    status = TOOL_OK;
  else
    status = tool_fail (error);
  tool_target_clear (&options.target);
  return status;
}
