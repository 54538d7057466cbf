/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Which streams of a list are this process's, where several processes have the same list. Each
 * stream is one process's. Nobody has to ask anybody: every process computes the same. */
typedef struct
{
  guint index; /* from 0 */
  guint of;    /* how many; 0: this process has all streams */
} ServeShard;

/* Reads "1/4", or "auto/4": the number at the end of @host, as a StatefulSet names its pods. NULL
 * or "" is all streams. FALSE with @error: it is neither. */
gboolean serve_shard_parse (const char *text, const char *host, ServeShard *shard, GError **error);

/* The shard that has the stream @name, among @of of them (from 1). With one shard more or less only
 * about 1/@of of the streams move. */
guint serve_shard_choose (const char *name, guint of);

gboolean serve_shard_has (const ServeShard *shard, const char *name);
