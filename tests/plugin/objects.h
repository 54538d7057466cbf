/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fixtures.h"

/* Frames with objects, and what the element says of them. */

#define OBJECTS_WIDTH 160
#define OBJECTS_HEIGHT 120

typedef struct
{
  const char *type;
  int x, y, width, height, track; /* a negative track: the object has no id */
} ObjectsFound;

/* As fixture_add_object()'s @as_roi. */
extern const gboolean objects_forms[2];

/* Whether this GStreamer has the form. */
gboolean objects_have_form (gboolean as_roi);

/* A harness that asks about objects, with further properties; it takes frames of RGB. */
GstHarness *objects_start (const char *properties, GstVideoInfo *info);

void objects_add (GstBuffer *buffer, gboolean as_roi, const ObjectsFound *found, guint n);

/* A frame of noise with objects. */
GstBuffer *objects_frame (const GstVideoInfo *info, guint seed, gboolean as_roi,
                          const ObjectsFound *found, guint n);

/* The N_CLASSES scores in an object's structure, by class index. */
void objects_scores (const GstStructure *classes, double *scores);

/* What the network says of a rectangle's pixels alone. */
void objects_expect (GstBuffer *frame, const ObjectsFound *found, double *scores);

void objects_assert_placed (const GstStructure *object, const ObjectsFound *found);
