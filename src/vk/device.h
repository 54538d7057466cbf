/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/log.h"
#include "vk/caps.h"
#include "vk/error.h"

#include <effvk/effvk-vulkan.h>

struct _EffvkDevice
{
  GObject parent_instance;

  /* constant once made */
  VkPhysicalDevice physical;
  VkDevice handle;
  struct VolkDeviceTable vk; /* this device's entry points: device->vk.vkCmdDispatch (...) */
  VkQueue queue;
  guint32 queue_family;
  VkPhysicalDeviceMemoryProperties memory;
  EffvkDeviceCaps caps;
  VkPipelineCache pipeline_cache;
  EffvkDeviceInfo *info;
  gboolean is_slow; /* a CPU device, or one with validation: see effvk_device_get_timeout() */

  gboolean tells_executables; /* see vk/executables.h */
  gboolean imports_dmabuf;
  gboolean imports_modifiers; /* and those that are not linear; see vk/modifiers.h */
  guint host_alignment;       /* bytes, of the CPU's memory that can be imported; 0: none can */
  guint32 foreign_family;     /* that stands for whoever else uses a DMA buffer */

  gboolean is_wrapped; /* the handle is not ours: */
  EffvkVulkanDevice wrapped;

  GMutex queue_lock; /* around every use of the queue, unless it has another lock */
  gint lost;         /* atomic; see EffvkDeviceLoss */
  gboolean shared;   /* is in the table of open devices */

  GMutex pipelines_lock;
  GHashTable *pipelines; /* see vk/pipeline.c */

  GMutex cache_lock;
  gsize cache_size; /* bytes of the pipeline cache when it was last loaded or saved */

  GMutex precision_lock;         /* around the self-test that chooses: */
  EffvkPrecision auto_precision; /* what AUTO means on this device; AUTO: not chosen yet */
};

/* Like effvk_device_new(), but it passes over the first @rank devices that @selector means. It also
 * passes over those that cannot be opened, and says so. @rank receives the rank of the device that
 * it returns. */
EffvkDevice *effvk_device_new_ranked (const char *selector, guint *rank, GError **error);

/* Another device on the same hardware, for itself, with a queue of a family that computes. */
EffvkDevice *effvk_device_new_beside (EffvkDevice *device, guint32 queue_family, GError **error);

/* The kernels' view of a device. */
const EffvkDeviceCaps *effvk_device_get_caps (EffvkDevice *device);

/* How long a submission may take before the device counts as hung, ns: nothing may wait for ever.
 * It is 10 s on a GPU, and 600 s with validation. It is 600 s on a CPU device, too, which compiles
 * a shader when it first runs, and shares its cores. */
guint64 effvk_device_get_timeout (EffvkDevice *device);

/* Whether something that was submitted may run for ever. What a submit can reach must not be
 * freed then, as the device may still use it: leak it. */
gboolean effvk_device_is_hung (EffvkDevice *device);

/* Around every use of the queue. */
void effvk_device_lock_queue (EffvkDevice *device);
void effvk_device_unlock_queue (EffvkDevice *device);

/* Submits with the queue locked; @fence is signalled at the end. */
gboolean effvk_device_submit_locked (EffvkDevice *device, const VkSubmitInfo *info, VkFence fence,
                                     GError **error);

/* Submits command buffers, to run in order; @fence is signalled at the end. Locks the queue. */
gboolean effvk_device_submit (EffvkDevice *device, const VkCommandBuffer *commands, guint n,
                              VkFence fence, GError **error);

/* Waits until @fence is signalled, for at most @timeout ns; 0: only asks. Returns 1 when it is, 0
 * when it is not yet (only with a timeout of 0), -1 on failure: then the device is lost. */
int effvk_device_wait (EffvkDevice *device, VkFence fence, guint64 timeout, GError **error);

/* Names an object for debuggers and the validation layers. No-op without VK_EXT_debug_utils. */
void effvk_device_name (EffvkDevice *device, VkObjectType type, guint64 handle, const char *name);

/* Messages that the validation layers gave in this process. They are on when the environment has
 * EFFVK_VALIDATION=1 (core and synchronization validation); each message is also a g_warning(). */
guint effvk_validation_get_n_messages (void);
