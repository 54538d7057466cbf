/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/server.h"

/* Answers that go on: text or pictures, a piece at a time, to many clients. One that does not keep
 * up is cut off. */
typedef struct _ServeLive ServeLive;

/* Begins an endless answer of this type. Transfer none: it ends when the client goes. @gone:
 * (nullable): called then, with @user_data. */
ServeLive *serve_live_begin (ServeRequest *request, const char *type, GDestroyNotify gone,
                             gpointer user_data);

/* FALSE: the client has not read what it got before; nothing is sent. */
gboolean serve_live_send (ServeLive *live, GBytes *piece);

/* Ends the connection. */
void serve_live_cut_off (ServeLive *live);

/* Bytes that the client has not got yet. */
gsize serve_live_get_backlog (ServeLive *live);
