/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/*
 * Tensor decoders read from the caps which tensors a buffer has, from GStreamer 1.28 on: a field
 * `tensors` with a structure `tensorgroups`. Before 1.28 nothing of it is in the caps. Only the
 * logits are told: no decoder knows embeddings, and `tensordecodebin` refuses what none decodes.
 */

/* The shape of the logits: [rows, classes]. */
typedef struct
{
  guint rows;    /* 0: as many as there are objects */
  guint classes; /* 0: there are no logits */
} GstEffvkLogitsShape;

/* Whether this GStreamer has tensors in caps. */
gboolean gst_effvk_tensor_caps_exist (void);

/* Adds the logits to the tensors of @caps, or takes them out. Both take @caps over. */
GstCaps *gst_effvk_tensor_caps_add (GstCaps *caps, const GstEffvkLogitsShape *shape);
GstCaps *gst_effvk_tensor_caps_remove (GstCaps *caps);
