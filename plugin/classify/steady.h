/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* Labels that do not flap: the element's properties about it, and their application to results. */

/* An unknown-threshold that is the model's own. */
#define GST_EFFVK_MODELS_THRESHOLD -1.0

typedef struct
{
  double smoothing, hysteresis, unknown_threshold, unknown_margin;
  GstClockTime smoothing_time, hold;
  gboolean on_change;       /* messages only where the label changes */
  EffvkClassFilter *filter; /* (unowned): the classes that count; NULL: all. Not a property here */
} GstEffvkSteady;

#define GST_EFFVK_STEADY_N_PROPERTIES 7

/* Installs the properties with the ids from @first on. */
void gst_effvk_steady_install_properties (GObjectClass *object_class, guint first);

/* Set or get the property with the id @first + @number; they return whether there is one. */
gboolean gst_effvk_steady_set (GstEffvkSteady *steady, guint number, const GValue *value);
gboolean gst_effvk_steady_get (const GstEffvkSteady *steady, guint number, GValue *value);

/* Replaces a result (with logits) by the steady one. @smoother: that of the stream or the object;
 * NULL at first, made here when it is needed. Returns whether the label changed, which it always
 * does where nobody asked. */
gboolean gst_effvk_steady_apply (const GstEffvkSteady *steady, EffvkSmoother **smoother,
                                 EffvkModel *model, EffvkOutputActivation activation,
                                 EffvkResult **result, GstClockTime time);

/* How many classes of a result are to be reported: at most @top_k, none below @threshold; but an
 * unknown label is. */
guint gst_effvk_steady_count (EffvkResult *result, guint top_k, double threshold);
