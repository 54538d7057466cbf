/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-result.h>

/* Knows nothing of GStreamer, so that the effvk command can do without. */

#define GST_EFFVK_AGE_UNKNOWN G_MAXUINT64 /* as GST_CLOCK_TIME_NONE */

typedef struct
{
  char *label;
  gint index; /* -1: the label is "unknown", or whoever made the metadata does not say */
  double score;
} GstEffvkClass;

/* What was seen in a frame, or in an object or a region of it. */
typedef struct
{
  gboolean whole;             /* the frame; then the rectangle covers all of it */
  double x, y, width, height; /* in shares of the picture */
  char *type;        /* what the detector calls the object, or the region's name; or NULL */
  gint64 id;         /* a tracker's, or -1 */
  double confidence; /* the detector's, or NaN */

  char *model;     /* that made the classes; NULL where that is not said */
  guint64 age;     /* ns since the frame that was classified, or GST_EFFVK_AGE_UNKNOWN */
  GArray *classes; /* of GstEffvkClass; the first is the label. May be empty */

  /* Where the best class was seen: floats, row by row; NULL: that is not told. */
  GBytes *heatmap;
  guint heatmap_width, heatmap_height;
  double heatmap_area[4]; /* x, y, width, height, in shares of the rectangle */
} GstEffvkClassification;

/* Of the whole frame, without classes. */
GstEffvkClassification *gst_effvk_classification_new (void);
void gst_effvk_classification_free (GstEffvkClassification *classification);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkClassification, gst_effvk_classification_free)

/* It is of a part of the picture: what of the rectangle, in shares, lies inside. FALSE: nothing
 * does. */
gboolean gst_effvk_classification_set_place (GstEffvkClassification *classification, double x,
                                             double y, double width, double height);

/* Those of @result, @n at most. */
void gst_effvk_classification_take_result (GstEffvkClassification *classification,
                                           EffvkResult *result, guint n);

/* A class whose score is not finite is left out: nobody can compare it or draw it. */
void gst_effvk_classification_add (GstEffvkClassification *classification, const char *label,
                                   gint index, double score);

/* The label, the first class; NULL: there is none. */
const GstEffvkClass *gst_effvk_classification_get_label (const GstEffvkClassification *seen);
