/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/* Memory that the CPU and @device both see, for upstream to write frames to: those need no copy.
 * Where the device has no more of it, system memory. */
GstAllocator *gst_effvk_frame_allocator_new (EffvkDevice *device);

/* What of it a buffer lies in, when that is its only memory; else NULL. */
EffvkFrameMemory *gst_effvk_frame_allocator_get_memory (GstBuffer *buffer);

/* Answers an allocation query with a pool of such memory, when what downstream has answered is no
 * more than system memory. */
void gst_effvk_frame_allocator_propose (EffvkDevice *device, GstQuery *query);
