/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/model-config.h"

void
gst_effvk_model_config_copy (const GstEffvkModelConfig *config, GstEffvkModelConfig *copy)
{
  *copy = *config;
  copy->model_file = g_strdup (config->model_file);
  copy->model_overrides = g_strdup (config->model_overrides);
  copy->labels_file = g_strdup (config->labels_file);
  copy->device = g_strdup (config->device);
  copy->instance_id = g_strdup (config->instance_id);
  if (copy->frames_device)
    g_object_ref (copy->frames_device);
}

void
gst_effvk_model_config_clear (GstEffvkModelConfig *config)
{
  g_free (config->model_file);
  g_free (config->model_overrides);
  g_free (config->labels_file);
  g_free (config->device);
  g_free (config->instance_id);
  g_clear_object (&config->frames_device);
  *config = (GstEffvkModelConfig){ 0 };
}

gboolean
gst_effvk_model_config_satisfies (const GstEffvkModelConfig *has, const GstEffvkModelConfig *wanted)
{
  return g_strcmp0 (has->model_file, wanted->model_file) == 0
         && g_strcmp0 (has->model_overrides, wanted->model_overrides) == 0
         && g_strcmp0 (has->labels_file, wanted->labels_file) == 0
         && g_strcmp0 (has->device, wanted->device) == 0
         && (!wanted->frames_device || has->frames_device == wanted->frames_device)
         && has->precision == wanted->precision && has->activation == wanted->activation
         && has->batch_size == wanted->batch_size && has->batch_timeout == wanted->batch_timeout
         && has->top_k >= wanted->top_k;
}

gboolean
gst_effvk_model_config_is_shared (const GstEffvkModelConfig *config)
{
  return config->instance_id && *config->instance_id;
}

static gboolean
check_string (const char *name, const char *default_value, const char *theirs, const char *ours,
              GError **error)
{
  theirs = theirs && *theirs ? theirs : default_value;
  ours = ours && *ours ? ours : default_value;
  if (g_str_equal (ours, default_value) || g_str_equal (ours, theirs))
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               "The network that is shared was made with %s=\"%s\", not \"%s\"", name, theirs,
               ours);
  return FALSE;
}

static gboolean
check_number (const char *name, guint64 default_value, guint64 theirs, guint64 ours, GError **error)
{
  if (ours == default_value || ours == theirs)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               "The network that is shared was made with %s=%" G_GUINT64_FORMAT
               ", not %" G_GUINT64_FORMAT,
               name, theirs, ours);
  return FALSE;
}

/* 0 is auto. */
static gboolean
check_enum (const char *name, GType type, int theirs, int ours, GError **error)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (type);

  return ours == 0
         || check_string (name, "", g_enum_get_value (values, theirs)->value_nick,
                          g_enum_get_value (values, ours)->value_nick, error);
}

/* A device can read its own images only; it reads the CPU's memory as well. */
static gboolean
check_frames_device (EffvkDevice *theirs, EffvkDevice *ours, GError **error)
{
  if (!ours || ours == theirs)
    return TRUE;
  g_set_error_literal (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "The network that is shared works on another device than the one that the frames "
      "are on (memory:VulkanImage)");
  return FALSE;
}

gboolean
gst_effvk_model_config_check_shared (const GstEffvkModelConfig *theirs, guint batch,
                                     const GstEffvkModelConfig *ours, GError **error)
{
  return check_string ("model-file", "", theirs->model_file, ours->model_file, error)
         && check_string ("model-overrides", "", theirs->model_overrides, ours->model_overrides,
                          error)
         && check_string ("labels-file", "", theirs->labels_file, ours->labels_file, error)
         && check_frames_device (theirs->frames_device, ours->frames_device, error)
         && check_string ("device", "auto", theirs->device, ours->device, error)
         && check_enum ("precision", EFFVK_TYPE_PRECISION, theirs->precision, ours->precision,
                        error)
         && check_enum ("activation", EFFVK_TYPE_OUTPUT_ACTIVATION, theirs->activation,
                        ours->activation, error)
         && check_number ("batch-size", 0, batch, ours->batch_size, error)
         && check_number ("batch-timeout", GST_EFFVK_DEFAULT_BATCH_TIMEOUT, theirs->batch_timeout,
                          ours->batch_timeout, error)
         && check_number ("top-k", MIN (theirs->top_k, ours->top_k), theirs->top_k, ours->top_k,
                          error);
}
