/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define N_CLASSES 10

/* A small model with random weights, made once a process; the path of its file. */
const char *fixture_model (void);

/* A path in the process's temporary folder. Free with g_free(). */
char *fixture_path (const char *name);

/* What main() ends with: runs the tests, removes what the above made, and ends GStreamer, so
 * that its tracer tells of leaks: a warning, which is fatal. */
int fixtures_run (void);

/* A harness around effvkclassify with the small model, device=cpu, skipped=none and further
 * properties ("top-k=2 threshold=0.1"), or NULL. */
GstHarness *fixture_harness (const char *properties);

/* A frame of noise that depends on @seed, with a timestamp. */
GstBuffer *fixture_frame (const GstVideoInfo *info, guint seed);

void fixture_set_caps (GstHarness *harness, GstVideoInfo *info, GstVideoFormat format, int width,
                       int height);

/* The scores of the custom meta by class index, N_CLASSES of them, 0 where a class is not reported.
 * Returns how many are. */
guint fixture_scores (GstBuffer *buffer, double *scores);

void fixture_assert_scores_equal (const double *a, const double *b, double within);

/* Pushes a frame, checks that its size, pixels and times come out unchanged, and returns the buffer
 * that did. */
GstBuffer *fixture_push (GstHarness *harness, GstBuffer *buffer);

/* The same for its fixture_scores(). */
guint fixture_push_for_scores (GstHarness *harness, GstBuffer *buffer, double *scores);

/* Ends a flush, and begins a segment. */
void fixture_flush_stop (GstHarness *harness);

/* Flushes whatever is in flight. */
void fixture_flush (GstHarness *harness);

/* What a detector and a tracker attach: an object of a type and, where @track is not negative,
 * with an id. As a region of interest in DL Streamer's form, or as GstAnalytics has it, which is
 * FALSE where this GStreamer has none. */
gboolean fixture_add_object (GstBuffer *buffer, gboolean as_roi, const char *type, int x, int y,
                             int width, int height, int track);

/* What the custom meta says of the object with the number @i, or NULL. */
const GstStructure *fixture_object (GstBuffer *buffer, guint i);
guint fixture_n_objects (GstBuffer *buffer);

/* The best class's index and score of a structure with the fields of the custom meta. */
int fixture_best (const GstStructure *classes, double *score);

/* A counter or a time of the element's stats. */
guint64 fixture_get_stat (GstHarness *harness, const char *name);
