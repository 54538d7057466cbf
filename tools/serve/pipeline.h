/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/config.h"

#include <gst/gst.h>

/* One connection of one stream: source, decoder, effvkclassify. Starting, stopping and asking why a
 * server does not answer may block, so they have threads of their own. A stream that hangs does not
 * hold up the others. All functions are for the main thread. */
typedef struct _ServePipeline ServePipeline;

/* Called in the main thread, and never after serve_pipeline_stop(). */
typedef struct
{
  /* A message of effvkclassify. */
  void (*result) (const GstStructure *message, gpointer user_data);
  /* It came to its end: @reason is NULL for the end of a stream, otherwise what went wrong.
   * @lasting: trying again will hardly help. */
  void (*end) (const char *reason, gboolean lasting, gpointer user_data);
} ServePipelineEvents;

/* Upper bounds of the histogram of the time in effvkclassify, in s; the last one is infinite. */
#define SERVE_LATENCIES 12
extern const double serve_latency_bounds[SERVE_LATENCIES];

typedef struct
{
  guint64 n, buckets[SERVE_LATENCIES]; /* not cumulative */
  double sum;                          /* s */
} ServeLatency;

/* @instance: streams with the same one share a network. */
ServePipeline *serve_pipeline_start (const ServeStreamConfig *config, const ServeModelConfig *model,
                                     const char *instance, const ServePipelineEvents *events,
                                     gpointer user_data, GError **error);

/* Forgets it; it ends by itself. @again: the stream connects again, so its network is kept. */
void serve_pipeline_stop (ServePipeline *pipeline, gboolean again);

/* Settings that count from the next frame on. */
void serve_pipeline_update (ServePipeline *pipeline, const ServeStreamConfig *config);

/* Frames that the decoder gave. */
guint64 serve_pipeline_get_frames (ServePipeline *pipeline);

/* The last frame that was classified, with its metadata. NULL: none yet. Transfer full. */
GstSample *serve_pipeline_get_sample (ServePipeline *pipeline);

/* effvkclassify's "stats". Transfer full. */
GstStructure *serve_pipeline_get_stats (ServePipeline *pipeline);

/* Adds to @latency. */
void serve_pipeline_add_latency (ServePipeline *pipeline, ServeLatency *latency);

/* How many are not wholly gone yet, those that run among them. */
guint serve_pipeline_count (void);

/* Before the process ends: waits until they are gone. One that hangs is not waited for for ever. */
void serve_pipeline_wait (void);
