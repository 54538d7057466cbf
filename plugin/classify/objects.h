/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/steady.h"
#include "classify/tracks.h"
#include "common/object.h"

typedef enum
{
  GST_EFFVK_REGION_FULL_FRAME,
  GST_EFFVK_REGION_ROI_LIST,
  GST_EFFVK_REGION_REGIONS,
} GstEffvkInferenceRegion;

GType gst_effvk_inference_region_get_type (void);
#define GST_EFFVK_TYPE_INFERENCE_REGION (gst_effvk_inference_region_get_type ())

/* The element's properties about objects. */
typedef struct
{
  GstEffvkInferenceRegion region;
  char *classes;            /* with commas; NULL: all */
  guint min_size, max_size; /* pixels: of the shorter, of the longer side; 0: no limit */
  guint interval;           /* classify a tracked object in every n-th frame; 0: once */
  char *regions_text;
  GArray *regions;       /* GstEffvkRegion, never changed; NULL: none */
  char *regions_problem; /* why the text was refused; NULL: it was not */
} GstEffvkObjectOptions;

#define GST_EFFVK_OBJECTS_N_PROPERTIES 6
#define GST_EFFVK_OBJECTS_REGIONS 5 /* the number of the property "regions" */

void gst_effvk_object_options_copy (const GstEffvkObjectOptions *options,
                                    GstEffvkObjectOptions *copy);
void gst_effvk_object_options_clear (GstEffvkObjectOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstEffvkObjectOptions, gst_effvk_object_options_clear)

/* As in steady.h. */
void gst_effvk_objects_install_properties (GObjectClass *object_class, guint first);
gboolean gst_effvk_objects_set (GstEffvkObjectOptions *options, guint number, const GValue *value);
gboolean gst_effvk_objects_get (const GstEffvkObjectOptions *options, guint number, GValue *value);

/* Whether objects are looked for, and whether the frame is classified as a whole. */
gboolean gst_effvk_objects_are_wanted (const GstEffvkObjectOptions *options);
gboolean gst_effvk_objects_and_frame (const GstEffvkObjectOptions *options);

/* The objects of a buffer whose picture is @width x @height, in the order in which they were found:
 * GstAnalytics' and regions of interest, those that are both once, and then the named regions.
 * @ignored: how many objects @options leave out, or lie outside of the picture. @outside: how many
 * named regions lie outside. */
GArray *gst_effvk_objects_find (GstBuffer *buffer, const GstEffvkObjectOptions *options,
                                guint width, guint height, guint *ignored, guint *outside);

/* Decides which objects of the next frame, that @model classifies, are due. Returns where they are
 * (free with g_free()), and how many, which may be 0. */
EffvkRectangle *gst_effvk_objects_plan (GArray *objects, GstEffvkTracks *tracks, EffvkModel *model,
                                        guint interval, guint *n_due);

/* Gives the due objects their results, in order: makes them steady, remembers them, and gives the
 * other objects the result of their track. @time: of the frame, for smoothers. Returns how many
 * objects changed. */
guint gst_effvk_objects_finish (GArray *objects, GPtrArray *results, GstEffvkTracks *tracks,
                                const GstEffvkSteady *steady, EffvkModel *model,
                                EffvkOutputActivation activation, GstClockTime time, guint top_k,
                                double threshold);
