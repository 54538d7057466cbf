/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* Teaching while a stream flows: examples are frames, or objects in them, that somebody names; a
 * classifier is fitted to them in a thread. May be called from any thread. */
typedef struct _GstEffvkTeaching GstEffvkTeaching;

/* @element: messages are from it; not owned. */
GstEffvkTeaching *gst_effvk_teaching_new (GstElement *element);
void gst_effvk_teaching_free (GstEffvkTeaching *teaching);

/* The next frame that is seen shows @label. */
void gst_effvk_teaching_ask (GstEffvkTeaching *teaching, const char *label);

/* Call this when a frame was classified. @results (element-type EffvkResult) are those of the
 * frame, or of the objects in it, with embeddings of @model's. If somebody asked for examples, they
 * become examples of the label that was asked for first. Cheap where nobody asked. */
void gst_effvk_teaching_see (GstEffvkTeaching *teaching, EffvkModel *model, GPtrArray *results,
                             GstClockTime time);

/* Told of a model that was taught, from a thread. */
typedef void (*GstEffvkTaughtFunc) (GstElement *element, EffvkModel *model, const char *file);

/* Fits a classifier to the examples, in a thread, and writes it to @file (NULL: nowhere). An
 * element message effvkclassify-taught tells how it went. Returns FALSE where one is being fitted
 * already, or there is no example. */
gboolean gst_effvk_teaching_fit (GstEffvkTeaching *teaching, const char *file,
                                 GstEffvkTaughtFunc taught);

/* Ends a fit, if there is one, and forgets labels that no frame came for; examples stay. */
void gst_effvk_teaching_stop (GstEffvkTeaching *teaching);
