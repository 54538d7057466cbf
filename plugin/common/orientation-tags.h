/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* How tags say that the pictures must be turned; those of the stream go before those of all that is
 * played. Begins as { 0 }. */
typedef struct
{
  gboolean said;
  EffvkOrientation orientation;
} GstEffvkOrientationTag;
typedef struct
{
  GstEffvkOrientationTag by[2]; /* GstTagScope */
} GstEffvkOrientationTags;

/* Sees the beginning of a stream, and tags. */
void gst_effvk_orientation_tags_take_event (GstEffvkOrientationTags *turned, GstEvent *event);
/* @image: (nullable) */
void gst_effvk_orientation_tags_apply (const GstEffvkOrientationTags *turned, EffvkImage *image);
