/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

typedef struct
{
  EffvkFormat format;
  guint width, height;
} ToolRawFormat;

/* Reads "FORMAT:WxH", for instance "I420:640x480". Returns whether it is one. */
gboolean tool_raw_parse (const char *text, ToolRawFormat *format);

/* Opens a file of raw frames without headers, tightly packed, one after the other; "-" is the
 * standard input. */
ToolSource *tool_raw_open (const char *path, const ToolRawFormat *format, GError **error);
