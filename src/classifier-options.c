/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-options.h"

G_DEFINE_FINAL_TYPE (EffvkClassifierOptions, effvk_classifier_options, G_TYPE_OBJECT)

enum
{
  PROP_PRECISION = 1,
  PROP_TOP_K,
  PROP_BATCH_SIZE,
  PROP_MAX_IN_FLIGHT,
  PROP_LOGITS,
  PROP_ACTIVATION,
  PROP_EMBEDDINGS,
  PROP_HEATMAPS,
  PROP_PLAIN_KERNELS,
};

static void
effvk_classifier_options_set_property (GObject *object, guint id, const GValue *value,
                                       GParamSpec *pspec)
{
  EffvkClassifierOptions *options = EFFVK_CLASSIFIER_OPTIONS (object);

  switch (id)
    {
    case PROP_PRECISION:
      options->precision = (EffvkPrecision) g_value_get_enum (value);
      break;
    case PROP_TOP_K:
      options->top_k = g_value_get_uint (value);
      break;
    case PROP_BATCH_SIZE:
      options->batch_size = g_value_get_uint (value);
      break;
    case PROP_MAX_IN_FLIGHT:
      options->max_in_flight = g_value_get_uint (value);
      break;
    case PROP_LOGITS:
      options->logits = g_value_get_boolean (value);
      break;
    case PROP_ACTIVATION:
      options->activation = (EffvkOutputActivation) g_value_get_enum (value);
      break;
    case PROP_EMBEDDINGS:
      options->embeddings = g_value_get_boolean (value);
      break;
    case PROP_HEATMAPS:
      options->heatmaps = g_value_get_boolean (value);
      break;
    case PROP_PLAIN_KERNELS:
      options->plain_kernels = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
effvk_classifier_options_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EffvkClassifierOptions *options = EFFVK_CLASSIFIER_OPTIONS (object);

  switch (id)
    {
    case PROP_PRECISION:
      g_value_set_enum (value, options->precision);
      break;
    case PROP_TOP_K:
      g_value_set_uint (value, options->top_k);
      break;
    case PROP_BATCH_SIZE:
      g_value_set_uint (value, options->batch_size);
      break;
    case PROP_MAX_IN_FLIGHT:
      g_value_set_uint (value, options->max_in_flight);
      break;
    case PROP_LOGITS:
      g_value_set_boolean (value, options->logits);
      break;
    case PROP_ACTIVATION:
      g_value_set_enum (value, options->activation);
      break;
    case PROP_EMBEDDINGS:
      g_value_set_boolean (value, options->embeddings);
      break;
    case PROP_HEATMAPS:
      g_value_set_boolean (value, options->heatmaps);
      break;
    case PROP_PLAIN_KERNELS:
      g_value_set_boolean (value, options->plain_kernels);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
effvk_classifier_options_class_init (EffvkClassifierOptionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;

  object_class->set_property = effvk_classifier_options_set_property;
  object_class->get_property = effvk_classifier_options_get_property;
  /**
   * EffvkClassifierOptions:precision:
   *
   * How weights and activations are stored.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_PRECISION,
                                   g_param_spec_enum ("precision", "Precision",
                                                      "How weights and activations are stored",
                                                      EFFVK_TYPE_PRECISION, EFFVK_PRECISION_AUTO,
                                                      flags));
  /**
   * EffvkClassifierOptions:top-k:
   *
   * How many classes a result reports. A model with fewer classes reports all of them.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_TOP_K,
                                   g_param_spec_uint ("top-k", "Top-k",
                                                      "Classes that a result reports", 1, 1000, 5,
                                                      flags));
  /**
   * EffvkClassifierOptions:batch-size:
   *
   * How many images one submission to the device holds.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_BATCH_SIZE,
                                   g_param_spec_uint ("batch-size", "Batch size",
                                                      "Images of one submission", 1, 64, 1, flags));
  /**
   * EffvkClassifierOptions:max-in-flight:
   *
   * How many submissions may be on the device at once.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_MAX_IN_FLIGHT,
      g_param_spec_uint ("max-in-flight", "Max in flight",
                         "Submissions that may be on the device at once", 1, 16, 3, flags));
  /**
   * EffvkClassifierOptions:logits:
   *
   * Whether results carry the network's raw answers.
   *
   * Since: 0.1
   */
  g_object_class_install_property (
      object_class, PROP_LOGITS,
      g_param_spec_boolean ("logits", "Logits", "Whether results carry the network's raw answer",
                            FALSE, flags));
  /**
   * EffvkClassifierOptions:activation:
   *
   * What makes scores of the network's raw answers.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ACTIVATION,
                                   g_param_spec_enum ("activation", "Activation",
                                                      "What makes scores of the network's answers",
                                                      EFFVK_TYPE_OUTPUT_ACTIVATION,
                                                      EFFVK_OUTPUT_ACTIVATION_AUTO, flags));
  /**
   * EffvkClassifierOptions:embeddings:
   *
   * Whether results carry the features that the classifier reads.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_EMBEDDINGS,
      g_param_spec_boolean ("embeddings", "Embeddings",
                            "Whether results carry the features that the classifier reads", FALSE,
                            flags));
  /**
   * EffvkClassifierOptions:heatmaps:
   *
   * Whether results tell where their best class was seen.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_HEATMAPS,
      g_param_spec_boolean ("heatmaps", "Heat maps",
                            "Whether results tell where their best class was seen", FALSE, flags));
  /**
   * EffvkClassifierOptions:plain-kernels:
   *
   * Whether the network is made of the simplest kernels, which run on any device.
   *
   * Since: 0.2
   */
  g_object_class_install_property (
      object_class, PROP_PLAIN_KERNELS,
      g_param_spec_boolean ("plain-kernels", "Plain kernels",
                            "Whether the network is made of the simplest kernels", FALSE, flags));
}

static void
effvk_classifier_options_init (EffvkClassifierOptions *options G_GNUC_UNUSED)
{
}

EffvkClassifierOptions *
effvk_classifier_options_new (void)
{
  return g_object_new (EFFVK_TYPE_CLASSIFIER_OPTIONS, NULL);
}

void
effvk_classifier_options_set_precision (EffvkClassifierOptions *options, EffvkPrecision precision)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  g_object_set (options, "precision", precision, NULL);
}

void
effvk_classifier_options_set_top_k (EffvkClassifierOptions *options, guint top_k)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  g_object_set (options, "top-k", top_k, NULL);
}

void
effvk_classifier_options_set_batch_size (EffvkClassifierOptions *options, guint batch_size)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  g_object_set (options, "batch-size", batch_size, NULL);
}

void
effvk_classifier_options_set_max_in_flight (EffvkClassifierOptions *options, guint max_in_flight)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  g_object_set (options, "max-in-flight", max_in_flight, NULL);
}

/* @value: any number but 0 is TRUE. */
static void
set_flag (EffvkClassifierOptions *options, const char *property, gboolean value)
{
  g_object_set (options, property, value != FALSE, NULL);
}

void
effvk_classifier_options_set_logits (EffvkClassifierOptions *options, gboolean logits)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  set_flag (options, "logits", logits);
}

void
effvk_classifier_options_set_embeddings (EffvkClassifierOptions *options, gboolean embeddings)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  set_flag (options, "embeddings", embeddings);
}

void
effvk_classifier_options_set_heatmaps (EffvkClassifierOptions *options, gboolean heatmaps)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  set_flag (options, "heatmaps", heatmaps);
}

void
effvk_classifier_options_set_plain_kernels (EffvkClassifierOptions *options, gboolean plain)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  set_flag (options, "plain-kernels", plain);
}

void
effvk_classifier_options_set_activation (EffvkClassifierOptions *options,
                                         EffvkOutputActivation activation)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER_OPTIONS (options));

  g_object_set (options, "activation", activation, NULL);
}
