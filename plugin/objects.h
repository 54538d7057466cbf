/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "request.h"
#include "steady.h"
#include "tracks.h"

#define EFFVK_OBJECT_NONE G_MAXUINT

/* An object that a detector upstream has found in a frame, and what the network says of it. */
typedef struct
{
  guint x, y, width, height; /* its rectangle, in pixels of the picture, inside of it */
  GQuark type;               /* what the detector calls it; 0: nothing */
  float confidence;          /* the detector's; 0 where it does not say */
  gint64 track;              /* a tracker's id, or -1 */
  guint od;                  /* the id of its ODMtd, or EFFVK_OBJECT_NONE */
  guint roi;                 /* which of the buffer's ROI metas it is, or EFFVK_OBJECT_NONE */

  gboolean due;        /* is to be classified, rather than to have its track's last result */
  EffvkResult *result; /* NULL: nothing */
  guint n;             /* how many of its classes are reported */
  GstClockTime age;    /* of the result: ns since its frame */
  gboolean changed;    /* the result is new, and to be posted */
} EffvkObject;

typedef enum
{
  EFFVK_REGION_FULL_FRAME,
  EFFVK_REGION_ROI_LIST,
} EffvkInferenceRegion;

GType effvk_inference_region_get_type (void);
#define EFFVK_TYPE_INFERENCE_REGION (effvk_inference_region_get_type ())

/* The element's properties about objects. */
typedef struct
{
  EffvkInferenceRegion region;
  char *classes;            /* with commas; NULL: all */
  guint min_size, max_size; /* pixels: of the shorter, of the longer side; 0: no limit */
  guint interval;           /* classify a tracked object in every n-th frame; 0: once */
} EffvkObjectOptions;

#define EFFVK_OBJECTS_N_PROPERTIES 5

void effvk_object_options_copy (const EffvkObjectOptions *options, EffvkObjectOptions *copy);
void effvk_object_options_clear (EffvkObjectOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkObjectOptions, effvk_object_options_clear)

/* As in steady.h. */
void effvk_objects_install_properties (GObjectClass *object_class, guint first);
gboolean effvk_objects_set (EffvkObjectOptions *options, guint number, const GValue *value);
gboolean effvk_objects_get (const EffvkObjectOptions *options, guint number, GValue *value);

/* An empty list of EffvkObject; g_array_unref() frees what they hold. */
GArray *effvk_objects_new (void);

/* Appends an object as it was found, of any rectangle; the other fields are unset. NULL when there is
 * nothing of it inside the picture of @width x @height. */
EffvkObject *effvk_objects_add (GArray *objects, guint width, guint height, gint64 x, gint64 y,
                                gint64 w, gint64 h);

/* The objects of a buffer whose picture is @width x @height, in the order in which they were found:
 * GstAnalytics' and regions of interest, those that are both once. @ignored: how many @options leave
 * out, or lie outside of the picture. */
GArray *effvk_objects_find (GstBuffer *buffer, const EffvkObjectOptions *options, guint width,
                            guint height, guint *ignored);

/* Decides which objects of the next frame, that @model classifies, are due. Returns where they are (free with g_free()), and how
 * many, which may be 0. */
EffvkRectangle *effvk_objects_plan (GArray *objects, EffvkTracks *tracks, EffvkModel *model,
                                    guint interval, guint *n_due);

/* Gives the due objects their results, in order: makes them steady, remembers them, and gives the other
 * objects the result of their track. @time: of the frame, for smoothers. Returns how many objects
 * changed. */
guint effvk_objects_finish (GArray *objects, GPtrArray *results, EffvkTracks *tracks,
                            const EffvkSteady *steady, EffvkModel *model,
                            EffvkOutputActivation activation, GstClockTime time, guint top_k,
                            double threshold);

/* A structure that describes where and what an object is: "x", "y", "width", "height" (double, in shares
 * of a picture of @width x @height), and where they are known "type" (string) and "id" (int64). */
GstStructure *effvk_object_describe (const EffvkObject *object, guint width, guint height);
