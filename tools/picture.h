/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens a still picture of any format that gdk-pixbuf reads: the pixels that libjpeg and libpng
 * give to everybody, those that networks were trained on (GStreamer's jpegdec halves the chroma of
 * every JPEG). One frame. Returns NULL without @error when @path is not a picture. */
ToolSource *tool_picture_open (const char *path, GError **error);
