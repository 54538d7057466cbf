/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fixtures.h"

/* Pipelines whose frames are Vulkan images, and what they are compared with. */

#define N_FRAMES 6
#define SOURCE "videotestsrc num-buffers=%d pattern=ball ! video/x-raw,%s,framerate=25/1 "
#define CLASSIFY                                                                                   \
  "effvkclassify name=classify device=cpu top-k=10 max-in-flight=4 post-messages=false "           \
  "model-file=%s "
#define SINK "appsink name=sink sync=false max-buffers=0"

/* Or else the test is skipped. */
gboolean vulkan_has_elements (void);

GstElement *vulkan_launch (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* The samples that arrive at the sink @name, until the end. */
GPtrArray *vulkan_pull (GstElement *pipeline, const char *name);
GstBuffer *vulkan_buffer (GPtrArray *samples, guint i);

/* What system memory gives. */
GPtrArray *vulkan_run_plain (const char *format);

guint64 vulkan_get_stat (GstElement *pipeline, const char *element, const char *name);
void vulkan_assert_same_scores (GPtrArray *a, GPtrArray *b);
void vulkan_assert_same_pixels (GPtrArray *a, GPtrArray *b);

/* Turns the validation layer on for every instance of the process, synchronization validation too
 * (by its older and its newer name). Returns the path of what it will have said. */
char *vulkan_validate (void);

/* After each test: the layer said nothing. */
void vulkan_assert_silent (const char *log);
