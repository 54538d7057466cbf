/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/config.h"

#include <gst/gst.h>

/* Streams of a model share a network, and it ends with the last of them. A stream that is alone and
 * connects again would have it made anew each time, which takes a second or more. So the network is
 * held meanwhile: by an element that sees no frames. Thread-safe; what may block is said. */

/* Sets the properties of effvkclassify that belong to the network. */
void serve_keeper_set_up (GstElement *classify, const ServeModelConfig *model,
                          const char *instance);

/* A stream has joined the network of @instance. Nobody needs to hold it any more. May block. */
void serve_keeper_joined (const char *instance);

/* A stream is about to leave. @again: it comes again, so where it is the last of them the network
 * is held. May block. */
void serve_keeper_leaves (const char *instance, const ServeModelConfig *model, gboolean again);

/* Lets go of networks whose instance is not in @instances (a set of names; NULL: none),
 * in a thread. */
void serve_keeper_forget (GHashTable *instances);

/* How many networks are held, or are being let go of. */
guint serve_keeper_count (void);
