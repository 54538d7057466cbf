/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "file-name.h"
#include "media-decoder.h"
#include "monitor-many.h"
#include "monitor-signal.h"
#include "monitor-state.h"
#include "monitor-stream.h"
#include "monitor-view.h"
#include "stop.h"

#include <math.h>

#define MOST_STATES 16 /* classes of which the answer tells: more than the built-in model has */
#define LONGEST 3600.0 /* s */
#define HOLD 0.5       /* s */
#define NO_HOLD (-1e9) /* nobody set it */
#define LEAP G_GINT64_CONSTANT (1000000000) /* ns */

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  double interval, hold, timeout; /* s; hold is negative where nobody set it */
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
  effvk_classifier_options_set_top_k (classifier_options, MOST_STATES);
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
  ToolMonitorSignal *signal; /* NULL: another model than effvk's own */

  gint64 started;  /* us, this computer's clock */
  gint64 last;     /* ns, the stream's time of the last frame */
  gint64 arrived;  /* us, when that came */
  gint64 offset;   /* ns, from the frames' time to the stream's */
  gint64 due;      /* ns, when the next frame is to be looked at */
  gboolean anew;   /* the next frame is the first after a break */
  gboolean finite; /* a recording, whose times are what passed */
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

/* What the network says of a frame. */
static EffvkResult *
ask (Watch *watch, const ToolFrame *frame, GError **error)
{
  g_autoptr (EffvkResult) result
      = effvk_classifier_classify (watch->classifier, frame->image, error);

  if (!result)
    return NULL;
  if (effvk_result_get_n_classes (result) == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "the network's answer is not finite");
      return NULL;
    }
  return effvk_result_apply_unknown (result, watch->unknown_threshold);
}

/* Tells what was raised and cleared. */
static void
tell_signal (Watch *watch)
{
  EffvkSignalEvent event;

  while (watch->signal && effvk_signal_pop (watch->signal->signal, &event))
    tool_monitor_view_signal (watch->view, &event);
}

/* Adds what is known of a frame; @result is NULL where the network was not asked. Returns whether
 * the state changed. */
static gboolean
add (Watch *watch, EffvkResult *result, const ToolFrame *frame, gint64 time,
     ToolMonitorEvent *event, GError **error)
{
  if (!watch->signal)
    return tool_monitor_state_add (&watch->state, time, get_state (result),
                                   (double) effvk_result_get_score (result, 0), event);
  if (!tool_monitor_signal_add (watch->signal, result, frame->image, frame->newly_damaged, time,
                                error))
    return FALSE;
  return tool_monitor_signal_update (watch->signal, &watch->state, time, event);
}

/* There is no signal since the last frame, for @passed ns. */
static void
tell_loss (Watch *watch, gint64 passed, const char *kind, const char *reason)
{
  ToolMonitorEvent event;

  if (watch->signal)
    tool_monitor_signal_lose (watch->signal, passed);
  if (watch->signal ? tool_monitor_signal_update (watch->signal, &watch->state, watch->last, &event)
                    : tool_monitor_state_lose (&watch->state, watch->last, &event))
    tool_monitor_view_lost (watch->view, &event, kind, reason);
  tell_signal (watch);
}

/* In a recording the time between two frames may be what no frame came for. */
static void
look_for_gap (Watch *watch, gint64 time)
{
  gint64 timeout = (gint64) (watch->options->timeout * 1e9);
  g_autofree char *reason = NULL;

  if (!watch->signal || !watch->finite || watch->signal->first < 0 || timeout <= 0
      || time - watch->last < timeout)
    return;
  reason = g_strdup_printf ("no frame for %.1f s of the recording",
                            (double) (time - watch->last) / 1e9);
  tell_loss (watch, timeout, "stalled", reason);
}

/* Looks at a frame: the network at some of them, the meter at all. */
static gboolean
look (Watch *watch, const ToolFrame *frame, GError **error)
{
  gint64 time = time_frame (watch, frame);
  gboolean asks = time >= watch->due;
  g_autoptr (EffvkResult) result = NULL;
  GError *problem = NULL;
  ToolMonitorEvent event;

  if (!asks && !watch->signal)
    return TRUE;
  if (watch->options->realtime
      && !tool_stop_sleep (watch->started + time / 1000 - g_get_monotonic_time ()))
    return TRUE;
  if (asks)
    {
      watch->due = time + (gint64) (watch->options->interval * 1e9);
      result = ask (watch, frame, error);
      if (!result)
        return FALSE;
    }
  look_for_gap (watch, time);
  watch->last = time;
  watch->arrived = g_get_monotonic_time ();
  if (add (watch, result, frame, time, &event, &problem))
    tool_monitor_view_event (watch->view, &event);
  tell_signal (watch);
  if (problem)
    {
      g_propagate_error (error, problem);
      return FALSE;
    }
  if (asks)
    tool_monitor_view_frame (watch->view, &watch->state, time);
  return TRUE;
}

/* No frame comes: since the last one there is no signal. */
static void
lose (Watch *watch, const char *kind, const char *reason)
{
  watch->anew = TRUE;
  tell_loss (watch, get_time (watch) - watch->last, kind, reason);
}

/* The stream is at its end, or has failed. */
static void
finish (Watch *watch, gboolean failed, gboolean silent)
{
  ToolMonitorEvent event;

  if (watch->signal ? tool_monitor_signal_end (watch->signal, &watch->state, &event)
                    : tool_monitor_state_end (&watch->state, &event))
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

/* The model is effvk's own, whose classes are states of a signal. */
static gboolean
has_own_model (const ToolTarget *target)
{
  return !target->model && !target->labels && !target->output;
}

static gboolean
monitor (const Options *options, const char *name, GError **error)
{
  g_autoptr (EffvkClassifier) classifier = make_classifier (options, error);
  g_autofree char *shown = tool_file_shown (name);
  g_autoptr (ToolMonitorView) view = NULL;
  g_autoptr (ToolStream) stream = NULL;
  g_autoptr (ToolMonitorSignal) signal = NULL;
  double hold = options->hold;
  Watch watch = { .options = options, .classifier = classifier, .due = G_MININT64 };

  if (!classifier)
    return FALSE;
  watch.unknown_threshold = tool_choose_unknown_threshold (options->unknown_threshold,
                                                           effvk_classifier_get_model (classifier));
  if (has_own_model (&options->target))
    signal = tool_monitor_signal_new (classifier, hold < 0 ? -1 : (gint64) (hold * 1e9),
                                      (gint64) (options->timeout * 1e9));
  stream = tool_stream_new (name, options->timeout, options->retry, error);
  if (stream)
    {
      view = tool_monitor_view_new (effvk_classifier_get_model (classifier), name, options->json,
                                    options->summary);
      watch.view = view;
      watch.signal = signal;
      watch.finite = !tool_media_is_remote (name);
      watch.started = watch.arrived = g_get_monotonic_time ();
      tool_monitor_state_init (&watch.state, (gint64) ((hold < 0 ? HOLD : hold) * 1e9));
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
                                 .hold = options->hold < 0 ? HOLD : options->hold,
                                 .timeout = options->timeout,
                                 .unknown_threshold = options->unknown_threshold,
                                 .json = options->json };

  return tool_monitor_many (&many, sources, error);
}

ToolStatus
tool_monitor (char ***argv)
{
  Options options = { .interval = 0.2,
                      .hold = NO_HOLD,
                      .timeout = 5,
                      .retry = -1,
                      .unknown_threshold = TOOL_MODELS_THRESHOLD };
  const GOptionEntry entries[] = {
    TOOL_MODEL_ENTRY (&options.target),
    TOOL_OVERRIDES_ENTRY (&options.target),
    TOOL_GRAPH_OUTPUT_ENTRY (&options.target),
    TOOL_LABELS_ENTRY (&options.target),
    TOOL_DEVICE_ENTRY (&options.target),
    TOOL_PRECISION_ENTRY (&options.target),
    TOOL_UNKNOWN_ENTRY (&options.unknown_threshold),
    { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &options.interval,
      "Look at a frame every so many seconds (default: 0.2)", "SECONDS" },
    { "hold", 0, 0, G_OPTION_ARG_DOUBLE, &options.hold,
      "How long a state must last to be one (default: each state's own; 0.5 with other models)",
      "SECONDS" },
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
    G_OPTION_ENTRY_NULL
  };
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
  else if (!isfinite (options.hold) || (options.hold < 0 && options.hold > NO_HOLD)
           || options.hold > LONGEST)
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
  else if ((*argv)[2] && (options.summary || options.retry >= 0 || options.target.output))
    tool_usage_error ("monitor", "--%s is for one file or URI, not for several",
                      options.summary      ? "summary"
                      : options.retry >= 0 ? "retry"
                                           : "output");
  else if ((*argv)[2])
    status = monitor_many (&options, *argv + 1, &error) ? TOOL_OK : tool_fail (error);
  else if (monitor (&options, (*argv)[1], &error))
    status = TOOL_OK;
  else
    status = tool_fail (error);
  tool_target_clear (&options.target);
  return status;
}
