/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/timeline.h"
#include "gate/effvkgate.h"
#include "gate/labels.h"
#include "gate/pre-roll.h"

/* What was told last of the stream. */
typedef struct
{
  GstEffvkSeen passed, dropped; /* of the lists pass and drop */
  char *label;
} GstEffvkTold;

struct _GstEffvkGate
{
  GstElement parent_instance;
  GstPad *sink, *src;

  /* under the object lock */
  char *pass_text, *drop_text, *classifier_name;
  char **pass, **drop; /* NULL: no list */
  double threshold;
  GstClockTime hold, pre_roll;
  guint64 pre_roll_bytes;
  GstEffvkTold told;
  gboolean open;
  guint64 n_passed, n_dropped;

  GstPad *watched; /* of the classifier; NULL: there is none */
  gulong probe;

  /* the streaming thread's */
  GstSegment segment;
  guint width, height; /* of the pictures, or 1 */
  GstClockTime frame;  /* how long one lasts, by the caps; 0: they do not tell */
  GstEffvkTimeline timeline;
  gboolean live, asked; /* whether the pipeline is, and whether that is known */
  GstEffvkPreRoll roll;
  GstClockTime last;     /* of the last buffer whose label moves the gate out of its rest */
  gboolean wait_for_key; /* open, but for a keyframe */
  gboolean discont;      /* what passes next does not follow what passed before */
};

/* Takes what was seen in the stream (element-type GstEffvkClassification); from any thread. */
void gst_effvk_gate_tell (GstEffvkGate *self, const GPtrArray *seen);

/* The size of pictures with these caps (nullable); 1 where they tell none. */
void gst_effvk_gate_get_size (GstCaps *caps, guint *width, guint *height);

/* stream.c: the pads. */
void gst_effvk_gate_add_pads (GstEffvkGate *self);

/* Forgets the stream so far. */
void gst_effvk_gate_reset (GstEffvkGate *self);
