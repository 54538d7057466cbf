/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "overlay/history.h"
#include "overlay/painter.h"

#include <gst/video/video.h>

/* Makes compositions of what was seen. It draws only what has changed. It keeps the pixels of the
 * panel and the tags, and where nothing has changed the whole composition. */
typedef struct
{
  GstEffvkPainter *painter;
  GstEffvkHistory history;
  GHashTable *pixels; /* what is drawn → GstBuffer */
  char *panel_key, *strip_key;
  GstClockTime
      drawn; /* when numbers were drawn last; numbers that change all the time cannot be read */
  char *key; /* of the composition */
  GstVideoOverlayComposition *composition;

  /* frames per second, by their arrival */
  gint64 counted; /* us, when the count began */
  guint n_frames;
  double fps; /* 0: not known yet */
} GstEffvkScene;

void gst_effvk_scene_init (GstEffvkScene *scene);
void gst_effvk_scene_clear (GstEffvkScene *scene);

/* Forgets the stream so far. */
void gst_effvk_scene_reset (GstEffvkScene *scene);

/* What is to be drawn over a picture of @width x @height in which @seen (element-type
 * GstEffvkClassification) was seen, and whose running time is @time. Returns: (transfer full)
 * (nullable): %NULL where that is nothing */
GstVideoOverlayComposition *gst_effvk_scene_draw (GstEffvkScene *scene, const GstEffvkStyle *style,
                                                  const GPtrArray *seen, guint width, guint height,
                                                  GstClockTime time);
