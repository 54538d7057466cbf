/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Builds JSON text on one line. Numbers are written with a chosen number of digits, in any locale:
 * 0.913, where a general writer prints the double's 17 digits. */
typedef struct
{
  GString *text;
  gboolean comma; /* the next value follows another one */
} GstEffvkJson;

void gst_effvk_json_init (GstEffvkJson *json);
void gst_effvk_json_clear (GstEffvkJson *json);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstEffvkJson, gst_effvk_json_clear)

/* Values: in an object each has a name, in an array and at the top @name is NULL. */
void gst_effvk_json_begin (GstEffvkJson *json, const char *name, char bracket); /* '{' or '[' */
void gst_effvk_json_end (GstEffvkJson *json, char bracket);                     /* '}' or ']' */
void gst_effvk_json_string (GstEffvkJson *json, const char *name,
                            const char *value); /* NULL is null */
void gst_effvk_json_int (GstEffvkJson *json, const char *name, gint64 value);
void gst_effvk_json_boolean (GstEffvkJson *json, const char *name, gboolean value);
void gst_effvk_json_null (GstEffvkJson *json, const char *name);
void gst_effvk_json_raw (GstEffvkJson *json, const char *name, const char *value); /* JSON text */

/* @format is one of printf(), for instance "%.3f"; what is not finite becomes null. */
void gst_effvk_json_double (GstEffvkJson *json, const char *name, const char *format, double value);

/* Forgets the text so far. */
void gst_effvk_json_begin_again (GstEffvkJson *json);
