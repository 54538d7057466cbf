/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* Which classes count: the element's properties about it, and what they make of a model's classes.
 * Any thread may call; there is a lock, which is taken inside all others. */
typedef struct _GstEffvkFilter GstEffvkFilter;

#define GST_EFFVK_FILTER_N_PROPERTIES 3

GstEffvkFilter *gst_effvk_filter_new (void);
void gst_effvk_filter_free (GstEffvkFilter *filter);

/* Installs the properties with the ids from @first on. */
void gst_effvk_filter_install_properties (GObjectClass *object_class, guint first);

/* Set or get the property with the id @first + @number; they return whether there is one. */
gboolean gst_effvk_filter_set (GstEffvkFilter *filter, guint number, const GValue *value);
gboolean gst_effvk_filter_get (GstEffvkFilter *filter, guint number, GValue *value);

/* Whether what is set suits @model. */
gboolean gst_effvk_filter_check (GstEffvkFilter *filter, EffvkModel *model, GError **error);

/* Applies the current lists to the classes of @model. Where the lists name classes that it does not
 * have, sets @error, once. Then the lists that were set before stay, if they are for @model. If
 * not, returns FALSE: no answer of the model can be reported. @changed: whether other classes count
 * now. Only one thread may call this. */
gboolean gst_effvk_filter_update (GstEffvkFilter *filter, EffvkModel *model, gboolean *changed,
                                  GError **error);

/* What was made of it; NULL: all classes count. Valid until it is updated again. */
EffvkClassFilter *gst_effvk_filter_get_classes (GstEffvkFilter *filter);
