/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Builds JSON text on one line. Numbers are written with a chosen number of digits, in any locale:
 * 0.913, where a general writer prints the double's 17 digits. */
typedef struct
{
  GString *text;
  gboolean comma; /* the next value follows another one */
} ToolJson;

void tool_json_init (ToolJson *json);
void tool_json_clear (ToolJson *json);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolJson, tool_json_clear)

/* Values: in an object each has a name, in an array and at the top @name is NULL. */
void tool_json_begin (ToolJson *json, const char *name, char bracket);       /* '{' or '[' */
void tool_json_end (ToolJson *json, char bracket);                           /* '}' or ']' */
void tool_json_string (ToolJson *json, const char *name, const char *value); /* NULL is null */
void tool_json_int (ToolJson *json, const char *name, gint64 value);
void tool_json_boolean (ToolJson *json, const char *name, gboolean value);
void tool_json_null (ToolJson *json, const char *name);

/* @format is one of printf(), for instance "%.3f"; what is not finite becomes null. */
void tool_json_double (ToolJson *json, const char *name, const char *format, double value);

/* Prints the text and a line end to stdout, at once, and begins anew. */
void tool_json_print (ToolJson *json);
