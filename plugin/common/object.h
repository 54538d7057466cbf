/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

#define GST_EFFVK_OBJECT_NONE G_MAXUINT

/* The tracks of objects: trackers' ids are not negative, those of regions are below
   GST_EFFVK_NO_TRACK. */
#define GST_EFFVK_NO_TRACK (-1)
#define GST_EFFVK_REGION_TRACK(name) (GST_EFFVK_NO_TRACK - (gint64) (name))

/* An object that a detector upstream has found in a frame, and what the network says of it. */
typedef struct
{
  guint x, y, width, height; /* its rectangle, in pixels of the picture, inside of it */
  GQuark type;               /* what the detector calls it; 0: nothing */
  float confidence;          /* the detector's; 0 where it does not say */
  gint64 track;              /* a tracker's id, GST_EFFVK_NO_TRACK, or a region's own */
  guint od;                  /* the id of its ODMtd, or GST_EFFVK_OBJECT_NONE */
  guint roi;                 /* which of the buffer's ROI metas it is, or GST_EFFVK_OBJECT_NONE */

  gboolean due;        /* is to be classified, rather than to have its track's last result */
  EffvkResult *result; /* NULL: nothing */
  guint n;             /* how many of its classes are reported */
  GstClockTime age;    /* of the result: ns since its frame */
  gboolean changed;    /* the result is new, and to be posted */
} GstEffvkObject;

/* An empty list of GstEffvkObject; g_array_unref() frees what they hold. */
GArray *gst_effvk_objects_new (void);

/* Appends an object as it was found, of any rectangle; the other fields are unset. NULL when there
 * is nothing of it inside the picture of @width x @height. */
GstEffvkObject *gst_effvk_objects_add (GArray *objects, guint width, guint height, gint64 x,
                                       gint64 y, gint64 w, gint64 h);

/* A structure that describes where and what an object is: "x", "y", "width", "height" (double, in
 * shares of a picture of @width x @height), and where they are known "type" (string) and "id"
 * (int64). */
GstStructure *gst_effvk_object_describe (const GstEffvkObject *object, guint width, guint height);
