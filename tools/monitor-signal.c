/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-signal.h"

#include <math.h>
#include <string.h>

#define NOTHING_KNOWN G_GINT64_CONSTANT (2000000000) /* ns, after which that is a state */

ToolMonitorSignal *
tool_monitor_signal_new (EffvkClassifier *classifier, gint64 hold, gint64 timeout)
{
  ToolMonitorSignal *signal = g_new0 (ToolMonitorSignal, 1);

  signal->model = g_object_ref (effvk_classifier_get_model (classifier));
  signal->signal = effvk_signal_new (signal->model);
  signal->meter = effvk_meter_new (effvk_classifier_get_device (classifier));
  signal->first = -1;
  signal->last = TOOL_MONITOR_NONE;
  effvk_signal_set_times (signal->signal, EFFVK_SIGNAL_STATE_NO_SIGNAL, (guint64) timeout, 0);
  for (guint i = EFFVK_SIGNAL_STATE_CORRUPTION; i <= EFFVK_SIGNAL_STATE_BLACK && hold >= 0; i++)
    effvk_signal_set_times (signal->signal, (EffvkSignalState) i, (guint64) hold, (guint64) hold);
  return signal;
}

void
tool_monitor_signal_free (ToolMonitorSignal *signal)
{
  g_object_unref (signal->signal);
  g_object_unref (signal->meter);
  g_object_unref (signal->model);
  g_free (signal);
}

gboolean
tool_monitor_signal_add (ToolMonitorSignal *signal, EffvkResult *result, const EffvkImage *image,
                         gboolean damaged, gint64 time, GError **error)
{
  g_autoptr (EffvkMeasures) measures = effvk_meter_measure (signal->meter, image, error);

  if (!measures)
    return FALSE;
  if (signal->first < 0)
    signal->first = time;
  if (result)
    {
      guint class = effvk_result_get_index (result, 0);

      signal->last = class == EFFVK_CLASS_UNKNOWN ? TOOL_MONITOR_UNKNOWN : (gint) class;
      signal->score = (double) effvk_result_get_score (result, 0);
    }
  if (damaged)
    effvk_signal_add_damage (signal->signal, (guint64) time);
  effvk_signal_add (signal->signal, result, measures, (guint64) time);
  return TRUE;
}

void
tool_monitor_signal_lose (ToolMonitorSignal *signal, gint64 passed)
{
  guint64 timeout;

  effvk_signal_get_times (signal->signal, EFFVK_SIGNAL_STATE_NO_SIGNAL, &timeout, NULL);
  effvk_signal_tick (signal->signal, MAX ((guint64) passed, timeout));
  effvk_meter_reset (signal->meter);
}

/* A state as the monitor has it: the model's class where it has one of the name. */
static gint
get_state (ToolMonitorSignal *signal, EffvkSignalState state)
{
  const char *name = effvk_signal_state_get_name (state);

  if (state == EFFVK_SIGNAL_STATE_UNKNOWN)
    return TOOL_MONITOR_UNKNOWN;
  if (state == EFFVK_SIGNAL_STATE_NO_SIGNAL)
    return TOOL_MONITOR_NO_SIGNAL;
  for (guint i = 0; i < effvk_model_get_n_classes (signal->model); i++)
    if (g_strcmp0 (effvk_model_get_label (signal->model, i), name) == 0)
      return (gint) i;
  return TOOL_MONITOR_SIGNAL (state);
}

static void
change (ToolMonitorState *state, gint now, gint64 since, double score, ToolMonitorEvent *event)
{
  *event = (ToolMonitorEvent){ .state = now,
                               .previous = state->state,
                               .since = since,
                               .previous_since = state->since,
                               .score = score };
  state->state = now;
  state->since = since;
}

gboolean
tool_monitor_signal_update (ToolMonitorSignal *signal, ToolMonitorState *state, gint64 time,
                            ToolMonitorEvent *event)
{
  guint64 since;
  double confidence;
  gint now = get_state (signal, effvk_signal_get_state (signal->signal, &confidence, &since));

  if (state->state == TOOL_MONITOR_NONE && now == TOOL_MONITOR_UNKNOWN)
    {
      if (signal->first < 0 || time - signal->first < NOTHING_KNOWN)
        return FALSE;
      since = (guint64) signal->first;
    }
  state->sum = confidence;
  state->n = 1;
  if (now == state->state)
    return FALSE;
  change (state, now, (gint64) since, confidence, event);
  return TRUE;
}

gboolean
tool_monitor_signal_end (ToolMonitorSignal *signal, ToolMonitorState *state,
                         ToolMonitorEvent *event)
{
  if (state->state != TOOL_MONITOR_NONE || signal->last == TOOL_MONITOR_NONE)
    return FALSE;
  change (state, signal->last, signal->first, signal->score, event);
  return TRUE;
}
