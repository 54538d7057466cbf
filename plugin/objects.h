/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-result.h>
#include <gst/gst.h>

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
  EffvkResult *result;       /* NULL: nothing */
  guint n;                   /* how many of its classes are reported */
} EffvkObject;
