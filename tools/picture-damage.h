/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What is wrong with a damaged picture. Decoders show the rest of it without a word. It may be a
 * JPEG whose data are cut off or make no sense, or a GIF, BMP, icon or RIFF file that is shorter
 * than it says. NULL where nothing is wrong, or where the format is another one. Transfer full. */
char *tool_picture_find_damage (const guint8 *data, gsize size);
