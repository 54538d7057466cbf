/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/keys.h"
#include "serve/shard.h"

typedef struct
{
  char *listen, *token, *certificate, *key, *state_directory, *shard;
  char *examples_directory;
  double keep_days, keep_megabytes, max_clients, request_timeout;
  gboolean write_back;
} ServeServerConfig;

typedef struct
{
  char *file, *labels, *overrides, *device, *precision, *activation;
  double batch_size;
} ServeModelConfig;

typedef struct
{
  char *uri, *credentials, *model, *regions, *alarms, *outputs;
  double rate, threshold, unknown_threshold, hold, detect, recover, timeout, latency;
} ServeStreamConfig;

typedef struct
{
  char *uri, *command, *credentials, *secret;
} ServeOutputConfig;

extern const ServeKey serve_server_keys[], serve_model_keys[], serve_stream_keys[],
    serve_output_keys[];

/* Everything that `effvk serve` is told. The tables go from names to the structures above. */
typedef struct
{
  ServeServerConfig server;
  GHashTable *models, *streams, *outputs;
} ServeConfig;

/* What the command line says. It goes before what the file says, also when that is read again. */
typedef struct
{
  ServeServerConfig server;
  ServeModelConfig model; /* SERVE_DEFAULT_MODEL */
} ServeOptions;

#define SERVE_DEFAULT_MODEL "default"
#define SERVE_PUSH "push:" /* a stream's URI: its results come over HTTP */

ServeConfig *serve_config_new (void);
void serve_config_free (ServeConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeConfig, serve_config_free)

/* Reads a file; the texts of @options go before its own. Nothing unknown is passed over: a misspelt
 * key is an error. */
ServeConfig *serve_config_load (const char *path, const ServeOptions *options, GError **error);

/* Sets those texts that @options has. */
void serve_config_override (ServeConfig *config, const ServeOptions *options);
void serve_options_clear (ServeOptions *options);

/* Whether what it says goes together: streams name models and outputs that are there. */
gboolean serve_config_check (const ServeConfig *config, GError **error);

/* Writes the streams into the file at @path, which keeps everything else. */
gboolean serve_config_write_streams (const ServeConfig *config, const char *path, GError **error);

/* Which of the streams are this process's, on this host. */
gboolean serve_config_get_shard (const ServeConfig *config, ServeShard *shard, GError **error);

/* Letters, digits, '-', '_' and '.', 64 at most: it is part of paths. */
gboolean serve_config_check_name (const char *name, GError **error);

ServeStreamConfig *serve_stream_config_new (void);
ServeStreamConfig *serve_stream_config_copy (const ServeStreamConfig *config);
void serve_stream_config_free (ServeStreamConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeStreamConfig, serve_stream_config_free)

/* Whether a stream alone makes sense: a URI, regions that can be read. */
gboolean serve_stream_config_check (const ServeStreamConfig *config, GError **error);

/* The name of the stream's model. */
const char *serve_stream_config_get_model (const ServeStreamConfig *config);
