/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

struct _EffvkDeviceInfo
{
  gint refs; /* atomic */

  guint index;
  char *name;
  char *driver;
  char *uuid; /* 36 characters */
  EffvkDeviceType type;
  char *problem;    /* NULL: usable */
  GVariant *limits; /* (nullable): see effvk_device_info_get_limits() */
};

/* One of the system's devices and all that is known of it before it is opened. */
typedef struct
{
  VkPhysicalDevice handle; /* valid while the instance is */
  EffvkDeviceInfo *info;

  EffvkDeviceCaps caps;
  guint32 queue_family;
  gboolean dmabuf;       /* imports them, with the two extensions that take */
  gboolean modifiers;    /* and those with DRM modifiers: has VK_EXT_image_drm_format_modifier */
  gboolean format_lists; /* needs VK_KHR_image_format_list for that */
  guint host_alignment;  /* bytes, of the CPU's memory that it imports; 0: it imports none */
  gboolean executables;  /* see vk/executables.h */
  gboolean foreign;      /* has VK_EXT_queue_family_foreign */
  gboolean portability_subset; /* has VK_KHR_portability_subset, which must then be enabled */
} EffvkPhysical;

void effvk_physical_free (EffvkPhysical *physical);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkPhysical, effvk_physical_free)

/* Describes a device that is used in an instance of that Vulkan @version. @queue_family: the one to
 * use, or -1 for the best. */
EffvkPhysical *effvk_physical_new (VkPhysicalDevice handle, guint index, guint32 version,
                                   gint64 queue_family);

/* The devices of an instance, in its order. Returns a list of EffvkPhysical, maybe empty, or NULL
 * with @error set. */
GPtrArray *effvk_physical_list (VkInstance instance, GError **error);
