/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network.h"

#include "element-error.h"

EffvkModel *
effvk_network_load_model (GstElement *element, const char *model_file, const char *overrides,
                          const char *labels_file)
{
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GError) error = NULL;

  if (overrides && !*overrides)
    overrides = NULL;
  model = effvk_model_new_with_overrides (model_file && *model_file ? model_file : NULL, overrides,
                                          &error);
  if (!model)
    {
      effvk_element_post_error (element, error, "Could not load the model", model_file);
      return NULL;
    }
  if (labels_file && *labels_file && !effvk_model_load_labels (model, labels_file, &error))
    {
      effvk_element_post_error (element, error, "Could not load the labels", labels_file);
      return NULL;
    }
  return g_steal_pointer (&model);
}

/* One warning where nobody asked for a CPU and got one: the first question when it is slow. */
static void
warn_about_cpu (GstElement *element, const char *selector, EffvkDevice *device)
{
  if (effvk_device_get_device_type (device) == EFFVK_DEVICE_TYPE_CPU
      && (!*selector || g_str_equal (selector, "auto")))
    GST_ELEMENT_WARNING (
        element, RESOURCE, SETTINGS,
        ("No GPU was found: classifying on the CPU with %s. Set device=cpu to do so on "
         "purpose, or device=gpu to refuse it.",
         effvk_device_get_name (device)),
        (NULL));
}

EffvkDevice *
effvk_network_open_device (GstElement *element, const char *selector)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = effvk_device_new (selector, &error);

  if (!device)
    effvk_element_post_error (element, error, "Could not open a Vulkan device", NULL);
  else
    warn_about_cpu (element, selector, device);
  return device;
}
