/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/effvkclassify.h"

/* Nothing here touches Vulkan: the elements exist on a machine without a driver, and say what is
 * missing when they are started. */
static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (effvkclassify, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, effvk,
                   "Video classification with EfficientNet on Vulkan compute", plugin_init,
                   EFFVK_VERSION, "LGPL", "effvk", "https://arxiv.org/abs/1905.11946")
