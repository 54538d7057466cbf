/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/config.h"
#include "serve/store.h"

/* Sends what the store has for an output, in order, again and again while the other side is away.
 * The store is the queue: what was not sent when the process ended is sent by the next one. */
typedef struct _ServeOutput ServeOutput;

typedef struct
{
  guint64 sent, refused, failures;
  gboolean connected;
} ServeOutputStatus;

/* NULL with @error: the URI cannot be sent to. */
ServeOutput *serve_output_new (const char *name, const ServeOutputConfig *config, ServeStore *store,
                               GError **error);

/* Waits until nothing is being sent. */
void serve_output_free (ServeOutput *output);

/* There is something in the store. */
void serve_output_wake (ServeOutput *output);

ServeOutputStatus serve_output_get_status (ServeOutput *output);
