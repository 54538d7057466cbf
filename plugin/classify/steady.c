/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/steady.h"

enum
{
  SMOOTHING,
  SMOOTHING_TIME,
  HYSTERESIS,
  HOLD,
  UNKNOWN_THRESHOLD,
  UNKNOWN_MARGIN,
  MESSAGES_ON_CHANGE,
};
G_STATIC_ASSERT (MESSAGES_ON_CHANGE + 1 == GST_EFFVK_STEADY_N_PROPERTIES);

void
gst_effvk_steady_install_properties (GObjectClass *object_class, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (
      object_class, first + SMOOTHING,
      g_param_spec_double ("smoothing", "Smoothing",
                           "The weight of the past, 0 to below 1, when the network's raw answers "
                           "are averaged from one classified frame to the next",
                           0.0, 0.999, 0.0, flags));
  g_object_class_install_property (
      object_class, first + SMOOTHING_TIME,
      g_param_spec_uint64 ("smoothing-time", "Smoothing time",
                           "Average by time instead: after so many ns the past counts for 1/e, "
                           "however many frames there are. 0: use smoothing",
                           0, G_MAXINT64, 0, flags));
  g_object_class_install_property (
      object_class, first + HYSTERESIS,
      g_param_spec_double (
          "hysteresis", "Hysteresis",
          "How much better another class must score than the label before it becomes the label",
          0.0, G_MAXDOUBLE, 0.0, flags));
  g_object_class_install_property (
      object_class, first + HOLD,
      g_param_spec_uint64 ("hold", "Hold",
                           "How long, in ns, another class must be the best without a break before "
                           "it becomes the label",
                           0, G_MAXINT64, 0, flags));
  g_object_class_install_property (
      object_class, first + UNKNOWN_THRESHOLD,
      g_param_spec_double ("unknown-threshold", "Unknown threshold",
                           "The label is \"unknown\" (index -1) where the best class scores less. "
                           "-1: the model's own threshold, which a taught model has. 0: never",
                           -G_MAXDOUBLE, G_MAXDOUBLE, GST_EFFVK_MODELS_THRESHOLD, flags));
  g_object_class_install_property (
      object_class, first + UNKNOWN_MARGIN,
      g_param_spec_double ("unknown-margin", "Unknown margin",
                           "The label is \"unknown\" where the scores of the two best classes "
                           "differ by less than this. 0: never",
                           0.0, G_MAXDOUBLE, 0.0, flags));
  g_object_class_install_property (
      object_class, first + MESSAGES_ON_CHANGE,
      g_param_spec_boolean ("messages-on-change", "Messages on change",
                            "With post-messages: post only when the label changes", FALSE, flags));
}

gboolean
gst_effvk_steady_set (GstEffvkSteady *steady, guint number, const GValue *value)
{
  switch (number)
    {
    case SMOOTHING:
      steady->smoothing = g_value_get_double (value);
      return TRUE;
    case SMOOTHING_TIME:
      steady->smoothing_time = g_value_get_uint64 (value);
      return TRUE;
    case HYSTERESIS:
      steady->hysteresis = g_value_get_double (value);
      return TRUE;
    case HOLD:
      steady->hold = g_value_get_uint64 (value);
      return TRUE;
    case UNKNOWN_THRESHOLD:
      steady->unknown_threshold = g_value_get_double (value);
      return TRUE;
    case UNKNOWN_MARGIN:
      steady->unknown_margin = g_value_get_double (value);
      return TRUE;
    case MESSAGES_ON_CHANGE:
      steady->on_change = g_value_get_boolean (value);
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
gst_effvk_steady_get (const GstEffvkSteady *steady, guint number, GValue *value)
{
  switch (number)
    {
    case SMOOTHING:
      g_value_set_double (value, steady->smoothing);
      return TRUE;
    case SMOOTHING_TIME:
      g_value_set_uint64 (value, steady->smoothing_time);
      return TRUE;
    case HYSTERESIS:
      g_value_set_double (value, steady->hysteresis);
      return TRUE;
    case HOLD:
      g_value_set_uint64 (value, steady->hold);
      return TRUE;
    case UNKNOWN_THRESHOLD:
      g_value_set_double (value, steady->unknown_threshold);
      return TRUE;
    case UNKNOWN_MARGIN:
      g_value_set_double (value, steady->unknown_margin);
      return TRUE;
    case MESSAGES_ON_CHANGE:
      g_value_set_boolean (value, steady->on_change);
      return TRUE;
    default:
      return FALSE;
    }
}

/* A model's own threshold is a probability. */
static double
get_unknown_threshold (const GstEffvkSteady *steady, EffvkModel *model,
                       EffvkOutputActivation activation)
{
  if (steady->unknown_threshold != GST_EFFVK_MODELS_THRESHOLD)
    return steady->unknown_threshold;
  return activation == EFFVK_OUTPUT_ACTIVATION_NONE ? 0.0
                                                    : effvk_model_get_unknown_threshold (model);
}

gboolean
gst_effvk_steady_apply (const GstEffvkSteady *steady, EffvkSmoother **smoother, EffvkModel *model,
                        EffvkOutputActivation activation, EffvkResult **result, GstClockTime time)
{
  double unknown_threshold = get_unknown_threshold (steady, model, activation);
  EffvkResult *answer;
  gboolean changed;

  if (steady->smoothing == 0.0 && steady->smoothing_time == 0 && steady->hysteresis == 0.0
      && steady->hold == 0 && unknown_threshold == 0.0 && steady->unknown_margin == 0.0
      && !steady->on_change && !steady->filter)
    {
      g_clear_object (smoother); /* what it remembers is not of the frame before the next */
      return TRUE;
    }
  if (*smoother && effvk_smoother_get_model (*smoother) != model)
    g_clear_object (smoother);
  if (!*smoother)
    *smoother = effvk_smoother_new (model, activation);
  effvk_smoother_set_weight (*smoother, steady->smoothing);
  effvk_smoother_set_time_constant (*smoother, steady->smoothing_time);
  effvk_smoother_set_hysteresis (*smoother, steady->hysteresis);
  effvk_smoother_set_hold (*smoother, steady->hold);
  effvk_smoother_set_filter (*smoother, steady->filter);
  effvk_smoother_set_unknown (*smoother, unknown_threshold, steady->unknown_margin);
  answer = effvk_smoother_add (*smoother, *result, time, &changed);
  g_return_val_if_fail (answer, TRUE); /* the element's classifiers are made with logits */
  effvk_result_unref (*result);
  *result = answer;
  return changed || !steady->on_change;
}

guint
gst_effvk_steady_count (EffvkResult *result, guint top_k, double threshold)
{
  guint n = MIN (effvk_result_get_n_classes (result), top_k);
  guint least = n > 0 && effvk_result_get_index (result, 0) == EFFVK_CLASS_UNKNOWN ? 1 : 0;

  while (n > least && effvk_result_get_score (result, n - 1) < threshold)
    n--;
  return n;
}
