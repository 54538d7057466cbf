/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/effvkclassify.h"
#include "gate/effvkgate.h"
#include "publish/effvkpublish.h"
#ifdef HAVE_OVERLAY
#include "overlay/effvkoverlay.h"
#endif

/* Opens no Vulkan device: the elements exist on a machine without a driver, and say what is
 * missing when they are started. A plugin that was built with GStreamer's Vulkan library needs
 * the Vulkan loader (libvulkan.so.1), to which that is linked, to be loaded at all. */
static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean ok = GST_ELEMENT_REGISTER (effvkclassify, plugin);

  ok |= GST_ELEMENT_REGISTER (effvkgate, plugin);
  ok |= GST_ELEMENT_REGISTER (effvkpublish, plugin);
#ifdef HAVE_OVERLAY
  ok |= GST_ELEMENT_REGISTER (effvkoverlay, plugin);
#endif
  return ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, effvk,
                   "Video classification with EfficientNet on Vulkan compute", plugin_init,
                   EFFVK_VERSION, "LGPL", "effvk", EFFVK_PACKAGE_ORIGIN)
