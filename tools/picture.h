/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* Opens a still picture of any format that gdk-pixbuf reads, as one frame. Its pixels are those of
 * libjpeg and libpng, which networks were trained on. GStreamer's jpegdec halves the chroma of
 * every JPEG. Returns NULL without @error when @path is not a picture. */
ToolSource *tool_picture_open (const char *path, GError **error);
