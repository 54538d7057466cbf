/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

/* Files' names need not be UTF-8; JSON and CSV have to be. */

/* The URI of a file whose name is no UTF-8; NULL for others. Transfer full. */
char *tool_file_uri (const char *file);

/* @name for people: valid UTF-8, and a URI's password hidden. Transfer full. */
char *tool_file_shown (const char *name);

/* A member @name with a file's name. Where that is no UTF-8 there is a member @name"_uri" as well,
 * by which the file is found. */
void tool_json_file (GstEffvkJson *json, const char *name, const char *file);
