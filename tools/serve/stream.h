/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/pipeline.h"

/* A stream that is watched for ever: connected, followed, and connected again when it breaks off.
 * For the main thread. */
typedef struct _ServeStream ServeStream;

typedef enum
{
  SERVE_CONNECTING, /* no frame has come yet */
  SERVE_PLAYING,
  SERVE_STALLED,   /* frames came, and come no more */
  SERVE_NO_SIGNAL, /* the source is away; it is tried again */
  SERVE_FAILED,    /* something has to be put right; it is tried again now and then */
  SERVE_N_STATES,
} ServeState;

extern const char *const serve_state_names[SERVE_N_STATES];

/* What is seen in the whole picture, or in a region of it. */
typedef struct
{
  char *region; /* NULL: the whole picture */
  char *label;
  double score;
  gint64 since, seen; /* us since 1970: the first result with this label, and the last */
} ServeChannel;

/* Skips by reason, as in effvkclassify's stats. */
#define SERVE_SKIPS 5
extern const char *const serve_skip_names[SERVE_SKIPS];

typedef struct
{
  guint64 frames, inferences, skipped[SERVE_SKIPS], reconnects;
  ServeLatency latency;
} ServeTotals;

typedef struct
{
  /* A result. */
  void (*result) (ServeStream *stream, const ServeChannel *channel, gpointer user_data);
  /* The state, or its reason, is another one. */
  void (*state) (ServeStream *stream, gpointer user_data);
  /* A file has come to its end. NULL: it is played again. */
  void (*ended) (ServeStream *stream, gpointer user_data);
} ServeStreamEvents;

/* @model is copied. */
ServeStream *serve_stream_new (const char *name, const ServeStreamConfig *config,
                               const ServeModelConfig *model, const char *instance,
                               const ServeStreamEvents *events, gpointer user_data);
void serve_stream_free (ServeStream *stream);

const char *serve_stream_get_name (ServeStream *stream);
const char *serve_stream_get_instance (ServeStream *stream); /* of its network */
const ServeStreamConfig *serve_stream_get_config (ServeStream *stream);
ServeState serve_stream_get_state (ServeStream *stream);
const char *serve_stream_get_reason (ServeStream *stream); /* or NULL */
gint64 serve_stream_get_since (ServeStream *stream);       /* us since 1970: of the state */

/* (element-type ServeChannel): the whole picture first, once there is a result. */
GPtrArray *serve_stream_get_channels (ServeStream *stream);
ServeTotals serve_stream_get_totals (ServeStream *stream);

/* effvkclassify's "stats", where there is a connection. (nullable), transfer full. */
GstStructure *serve_stream_get_stats (ServeStream *stream);

/* Whether frames come, but the network has not answered yet. */
gboolean serve_stream_is_waiting (ServeStream *stream);

/* As serve_pipeline_get_sample(). */
GstSample *serve_stream_get_sample (ServeStream *stream);

/* Takes settings; connects anew only where they need it. */
void serve_stream_set_config (ServeStream *stream, const ServeStreamConfig *config);

/* Several times a second: looks whether frames come, and connects again when it is time. */
void serve_stream_tick (ServeStream *stream);

/* A result from elsewhere, for streams whose URI is SERVE_PUSH. */
void serve_stream_push (ServeStream *stream, const char *region, const char *label, double score);
