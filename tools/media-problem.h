/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/* Puts in place of @error, why the stream at @uri cannot be opened, what has to be put right: the
 * host, the port, the path, or the user name and the password. Asks the name server and the port
 * for it, which takes a few seconds at most. */
void tool_media_explain (const char *uri, GError **error);
