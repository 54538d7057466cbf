/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/object.h"

/* Named rectangles that are classified without a detector, for instance
 * "gate=0.1,0.2,0.3,0.4;door=10px,20px,64px,48px". The numbers are x, y, width and height, in
 * shares of the picture or, with px, in pixels. */
typedef struct
{
  GQuark name;
  double place[4];    /* x, y, width, height */
  gboolean pixels[4]; /* rather than shares */
} GstEffvkRegion;

/* Returns: (element-type GstEffvkRegion) (nullable): free with g_array_unref(); NULL with @error
 * set where the text is wrong. NULL and "" are no regions: an empty list. */
GArray *gst_effvk_regions_parse (const char *text, GError **error);

/* Appends the regions as objects of a picture of @width x @height. Each has a track of its own, by
 * its name, so that its label is steady. Returns how many lie outside of the picture. */
guint gst_effvk_regions_add (const GArray *regions, GArray *objects, guint width, guint height);
