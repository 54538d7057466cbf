/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "examples.h"

/* A small picture for a page that needs no other file: a data URI of a JPEG. */

/* Of a file, or of the part of it that its name ends with ("#xywh=…"); NULL where gdk-pixbuf cannot
 * read it. */
char *tool_thumbnail_of_file (const char *name);

/* Of a frame that GStreamer decoded, upright; NULL for others. */
char *tool_thumbnail_of_frame (const ToolExample *example, const ToolFrame *frame);
