/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens what GStreamer decodes, a file or a URI, and takes the first video or the image in it.
 * Frames are decoded ahead in threads of their own. Errors name what is wrong, but not the file. */
ToolSource *tool_media_open (const char *location, GError **error);
