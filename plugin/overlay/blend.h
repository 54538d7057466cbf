/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

/* Blends a composition into frames in system memory. Other than GStreamer's own blending it touches
 * the drawing's pixels alone, and they are converted once, not for each frame. */
typedef struct
{
  GstVideoOverlayComposition *composition; /* that the patches are made of; NULL: none yet */
  GstVideoInfo info;                       /* of the frames that they are for */
  GArray *drawn;
} GstEffvkBlend;

void gst_effvk_blend_init (GstEffvkBlend *blend);
void gst_effvk_blend_clear (GstEffvkBlend *blend);

/* Whether this can be blended here. What cannot is left to GStreamer: drawings that are stretched
 * and change all the time, as heat maps, and rare formats. */
gboolean gst_effvk_blend_takes (GstVideoOverlayComposition *composition, const GstVideoInfo *info);

/* @frame: mapped for reading and writing. */
void gst_effvk_blend_draw (GstEffvkBlend *blend, GstVideoOverlayComposition *composition,
                           GstVideoFrame *frame);
