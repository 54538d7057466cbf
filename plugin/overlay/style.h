/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/classification.h"

#include <gst/gst.h>

/* What is drawn. */
typedef enum
{
  GST_EFFVK_SHOW_LABEL = 1 << 0,
  GST_EFFVK_SHOW_BARS = 1 << 1,
  GST_EFFVK_SHOW_OBJECTS = 1 << 2,
  GST_EFFVK_SHOW_AGE = 1 << 3,
  GST_EFFVK_SHOW_STRIP = 1 << 4,
  GST_EFFVK_SHOW_FPS = 1 << 5,
  GST_EFFVK_SHOW_MODEL = 1 << 6,
  GST_EFFVK_SHOW_HEATMAP = 1 << 7,
} GstEffvkShow;

GType gst_effvk_show_get_type (void);
#define GST_EFFVK_TYPE_SHOW (gst_effvk_show_get_type ())

typedef enum
{
  GST_EFFVK_PLACE_TOP_LEFT,
  GST_EFFVK_PLACE_TOP,
  GST_EFFVK_PLACE_TOP_RIGHT,
  GST_EFFVK_PLACE_BOTTOM_LEFT,
  GST_EFFVK_PLACE_BOTTOM,
  GST_EFFVK_PLACE_BOTTOM_RIGHT,
} GstEffvkPlace;

GType gst_effvk_place_get_type (void);
#define GST_EFFVK_TYPE_PLACE (gst_effvk_place_get_type ())

/* The element's properties. */
typedef struct
{
  GstEffvkShow show;
  GstEffvkPlace place;
  char *font;                       /* a family, or several with commas */
  double font_size;                 /* in shares of the picture's shorter side */
  guint32 color, background, boxes; /* ARGB; boxes: 0 is a colour for each label */
  double threshold;
  guint max_classes;
  guint64 strip_duration; /* ns */
} GstEffvkStyle;

/* The colour of a label, ARGB: the same everywhere, and of each run. */
guint32 gst_effvk_style_get_label_color (const char *label);
