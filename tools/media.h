/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens what GStreamer decodes, a file or a URI, and takes the first video or the image in it.
 * Frames are decoded ahead in threads of their own. Errors name what is wrong, but not the file.
 * Where no frame comes for @timeout seconds (0: however long), next fails with
 * G_IO_ERROR_TIMED_OUT, and may be called again. */
ToolSource *tool_media_open (const char *location, double timeout, GError **error);

/* Called several times a second while next waits. */
typedef void (*ToolMediaIdle) (gpointer user_data);
void tool_media_set_idle (ToolSource *source, ToolMediaIdle idle, gpointer user_data);

/* Whether anything came from the server or the device. */
gboolean tool_media_has_answered (ToolSource *source);

/* Whether it has an end that is known, as a recording has, and a live stream not. */
gboolean tool_media_is_finite (ToolSource *source);
