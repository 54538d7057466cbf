/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

typedef enum
{
  GST_EFFVK_FRAMES_MAPPED,    /* where the CPU can map them */
  GST_EFFVK_FRAMES_IN_VULKAN, /* in GStreamer's Vulkan images */
  GST_EFFVK_FRAMES_IN_DMABUF, /* in DMA buffers */
} GstEffvkFramesKind;

GstEffvkFramesKind gst_effvk_frames_kind (const GstCaps *caps);

/* Where the pixels of a stream's frames are, as its caps say. */
typedef struct
{
  GstEffvkFramesKind kind;
  guint64 modifier; /* DRM's, of those in DMA buffers */
} GstEffvkFramesPlace;

/*
 * What a network is asked about one frame, and what it answers: a result per image, in the images'
 * order. The images are the frame, or parts of it.
 *
 * Two hold it: the frame's place in the element's queue, and the network until it has answered.
 */
typedef struct _GstEffvkRequest GstEffvkRequest;

struct _GstEffvkRequest
{
  gatomicrefcount references;
  GDestroyNotify notify; /* for the one who waits; both under the network's lock */
  gpointer waiter;

  /* The frame's pixels, until it is answered. */
  GstVideoFrame frame; /* mapped when its buffer is set */
  EffvkImage *image;
  EffvkRectangle *parts; /* n_images; NULL: the whole frame, once */
  guint n_images;

  /* Under the network's lock. */
  guint n_submitted, n_collected; /* images */

  /* Written by the network until the request is answered, by nobody afterwards. */
  gint answered;      /* atomic */
  GPtrArray *results; /* EffvkResult, n_images where there is no error */
  GError *error;      /* why there are fewer results than images */
  gint64 asked, done; /* us of the monotonic clock */

  gsize copied;    /* bytes, before the first submission */
  const char *way; /* how the pixels get to the device, for the log: one of a few constants */
};

/* Makes a request about @buffer, a frame as @info says. Maps a frame in system memory. Takes a
 * frame of another kind as the network's @device has it. @image describes such frames. It is
 * replaced when a frame lies differently in memory. @parts: @n_parts rectangles inside the picture
 * that are asked about; NULL: the whole. @batch: how many of them a submission holds. For more, the
 * pixels are copied once at most. Returns NULL with @reason set (free with g_free()) when the
 * buffer is not such a frame. */
GstEffvkRequest *gst_effvk_request_new (EffvkImage **image, const GstEffvkFramesPlace *place,
                                        EffvkDevice *device, const GstVideoInfo *info,
                                        GstBuffer *buffer, const EffvkRectangle *parts,
                                        guint n_parts, guint batch, char **reason);

/* About a copy of a whole image, whose pixels stay until the request is answered or cancelled. */
GstEffvkRequest *gst_effvk_request_new_for_image (const EffvkImage *image);

GstEffvkRequest *gst_effvk_request_ref (GstEffvkRequest *request);
void gst_effvk_request_unref (GstEffvkRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkRequest, gst_effvk_request_unref)

/* Lets go of the frame's pixels. */
void gst_effvk_request_release_pixels (GstEffvkRequest *request);
