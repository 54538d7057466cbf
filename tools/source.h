/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens a picture, a video or a URI: with gdk-pixbuf what that reads, the rest with GStreamer. */
ToolSource *tool_source_open (const char *source, GError **error);
