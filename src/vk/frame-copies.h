/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/frame-memory.h"
#include "base/image.h"
#include "vk/memory.h"

typedef struct _EffvkFrameCopies EffvkFrameCopies;

/* A frame that only the device sees: its pixels are copied to a buffer by the device, in the
 * submission that reads them. What it is in embeds this. */
typedef struct _EffvkDeviceFrame EffvkDeviceFrame;
struct _EffvkDeviceFrame
{
  EffvkFrameMemory memory; /* with only_device_sees_it */
  EffvkDevice *device;
  guint n_planes;

  /* Sets the layout's strides, of frames in a format with as many planes. FALSE with @error set
   * when they cannot be copied. */
  gboolean (*place) (EffvkDeviceFrame *frame, EffvkFrameLayout *layout, GError **error);
  /* With the queue locked, right before record: adds what is to be waited for. */
  gboolean (*prepare) (EffvkDeviceFrame *frame, EffvkFrameCopies *copies, GError **error);
  /* Records the copy to @buffer from @offset on. */
  void (*record) (EffvkDeviceFrame *frame, const EffvkFrameLayout *layout,
                  const EffvkBuffer *buffer, gsize offset, VkCommandBuffer commands);
};

/* What the image's pixels are in when only a device sees it, or NULL. */
EffvkDeviceFrame *effvk_device_frame_of (const EffvkImage *image);

/* Where a copy of @image's pixels, which are in @frame, lies in a buffer. FALSE with @error set (in
 * EFFVK_DEVICE_ERROR, UNSUPPORTED) when they cannot be copied on @device. */
gboolean effvk_device_frame_place (EffvkDeviceFrame *frame, const EffvkImage *image,
                                   EffvkDevice *device, EffvkFrameLayout *layout, GError **error);

/* Pixels, not bytes, of a row of a plane. */
guint effvk_device_frame_columns (const EffvkFrameLayout *layout, guint plane);

/* Sets EFFVK_DEVICE_ERROR_UNSUPPORTED and returns FALSE. */
gboolean effvk_device_frame_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Frames that are copied to a buffer in one submission. Begins as { 0 }. */
struct _EffvkFrameCopies
{
  GArray *copies; /* NULL: none */
  GArray *semaphores, *values;
};

/* Adds a copy to @offset. A reference to @frame is taken. */
void effvk_frame_copies_add (EffvkFrameCopies *copies, EffvkDeviceFrame *frame,
                             const EffvkFrameLayout *layout, gsize offset);
gboolean effvk_frame_copies_is_empty (const EffvkFrameCopies *copies);

/* Lets the submission wait for a timeline semaphore. */
void effvk_frame_copies_wait (EffvkFrameCopies *copies, VkSemaphore semaphore, guint64 value);

/* Submits @commands, which must not be in use and are recorded anew with all copies to @buffer, and
 * then
 * @others. */
gboolean effvk_frame_copies_submit (EffvkFrameCopies *copies, const EffvkBuffer *buffer,
                                    VkCommandBuffer commands, const VkCommandBuffer *others,
                                    guint n_others, VkFence fence, GError **error);

/* When the device is done: nothing is to be copied any more. */
void effvk_frame_copies_clear (EffvkFrameCopies *copies);
