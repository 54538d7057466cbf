/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/classification.h"
#include "common/json-writer.h"

/* The JSON of a result, the same wherever effvk writes one: docs/schema/effvk.schema.json. A face
 * opens the object, writes what it knows of the frame, and calls these. */

/* Members "label", "index" and "score", null where there is none, and "classes". */
void gst_effvk_record_add_classes (GstEffvkJson *json, const GstEffvkClassification *seen);

/* A member "objects": those of @seen (element-type GstEffvkClassification) that are not the whole
 * frame. */
void gst_effvk_record_add_objects (GstEffvkJson *json, const GPtrArray *seen);

/* "pts", null where @pts is negative. */
void gst_effvk_record_add_pts (GstEffvkJson *json, gint64 pts);

/* "clock": @time in us since 1970, in UTC, as RFC 3339 has it. */
void gst_effvk_record_add_clock (GstEffvkJson *json, gint64 time);

/* What became of a stream's label, or of an object's. */
typedef struct
{
  const char *state, *previous; /* NULL: none */
  double score;                 /* of the state */
  gint64 previous_duration;     /* ns; negative: not known */
} GstEffvkChange;

/* Members "state", "score", "previous" and "previous_duration". */
void gst_effvk_record_add_change (GstEffvkJson *json, const GstEffvkChange *change);
