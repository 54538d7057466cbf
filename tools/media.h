/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens what GStreamer decodes, a file or a URI, and takes the first video or the image in it.
 * Frames are decoded ahead in threads of their own. Errors name what is wrong, but not the file.
 * Where no frame comes for @timeout seconds (0: however long), next fails with G_IO_ERROR_TIMED_OUT, and
 * may be called again. */
ToolSource *tool_media_open (const char *location, double timeout, GError **error);
