/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/* @error says why the stream at @uri cannot be opened. This function replaces it with what has to
 * be mended: the host, the port, the path, or the user name and the password. To find out it asks
 * the name server and the port, which takes a few seconds at most. */
void tool_media_explain (const char *uri, GError **error);
