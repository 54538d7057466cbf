/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/app.h"

/* What app.c and changes.c share. */

/* Whether @config has the stream, and it is this shard's. */
gboolean serve_app_serves (ServeApp *app, const ServeConfig *config, const char *name);

/* Who gets the stream's events. NULL: nobody. Transfer full. */
char **serve_app_get_outputs (const ServeStreamConfig *config);

/* Starts the stream, or changes the one that is there. */
void serve_app_start_stream (ServeApp *app, const char *name, const ServeStreamConfig *config);

/* Outputs that are new or changed. What cannot be sent to is an error, and the others are there. */
gboolean serve_app_start_outputs (ServeApp *app, const ServeConfig *config, GError **error);

/* Of streams that are not served here with @config. */
void serve_app_end_events (ServeApp *app, const ServeConfig *config);

/* Looks which version of the file was read. */
void serve_app_remember_file (ServeApp *app);
