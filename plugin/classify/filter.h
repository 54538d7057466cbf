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

/* The classes that count are those of @model, as it is set now. Where that does not suit, @error is
 * set, once, and what was set before goes on if it is of @model; else FALSE is returned: nothing
 * that the model says can be told. @changed: whether other classes count now. One thread calls
 * this. */
gboolean gst_effvk_filter_update (GstEffvkFilter *filter, EffvkModel *model, gboolean *changed,
                                  GError **error);

/* What was made of it; NULL: all classes count. Valid until it is updated again. */
EffvkClassFilter *gst_effvk_filter_get_classes (GstEffvkFilter *filter);
