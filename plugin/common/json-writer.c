/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/json-writer.h"

#include <math.h>

void
gst_effvk_json_init (GstEffvkJson *json)
{
  json->text = g_string_new (NULL);
  json->comma = FALSE;
}

void
gst_effvk_json_clear (GstEffvkJson *json)
{
  if (json->text)
    g_string_free (json->text, TRUE);
  json->text = NULL;
}

static void
append_quoted (GString *text, const char *value)
{
  /* File names need not be UTF-8; JSON has to. */
  g_autofree char *valid = g_utf8_make_valid (value, -1);

  g_string_append_c (text, '"');
  for (const char *p = valid; *p; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_printf (text, "\\%c", *p);
      else if ((guchar) *p < 0x20 || *p == 0x7f)
        g_string_append_printf (text, "\\u%04x", (guint) *p);
      else
        g_string_append_c (text, *p);
    }
  g_string_append_c (text, '"');
}

static void
begin_value (GstEffvkJson *json, const char *name)
{
  if (json->comma)
    g_string_append (json->text, ", ");
  if (name)
    {
      append_quoted (json->text, name);
      g_string_append (json->text, ": ");
    }
  json->comma = TRUE;
}

void
gst_effvk_json_begin (GstEffvkJson *json, const char *name, char bracket)
{
  begin_value (json, name);
  g_string_append_c (json->text, bracket);
  json->comma = FALSE;
}

void
gst_effvk_json_end (GstEffvkJson *json, char bracket)
{
  g_string_append_c (json->text, bracket);
  json->comma = TRUE;
}

void
gst_effvk_json_string (GstEffvkJson *json, const char *name, const char *value)
{
  if (!value)
    {
      gst_effvk_json_null (json, name);
      return;
    }
  begin_value (json, name);
  append_quoted (json->text, value);
}

void
gst_effvk_json_int (GstEffvkJson *json, const char *name, gint64 value)
{
  begin_value (json, name);
  g_string_append_printf (json->text, "%" G_GINT64_FORMAT, value);
}

void
gst_effvk_json_boolean (GstEffvkJson *json, const char *name, gboolean value)
{
  begin_value (json, name);
  g_string_append (json->text, value ? "true" : "false");
}

void
gst_effvk_json_null (GstEffvkJson *json, const char *name)
{
  begin_value (json, name);
  g_string_append (json->text, "null");
}

void
gst_effvk_json_raw (GstEffvkJson *json, const char *name, const char *value)
{
  begin_value (json, name);
  g_string_append (json->text, value);
}

void
gst_effvk_json_double (GstEffvkJson *json, const char *name, const char *format, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE * 2];

  if (!isfinite (value))
    {
      gst_effvk_json_null (json, name);
      return;
    }
  begin_value (json, name);
  g_string_append (json->text, g_ascii_formatd (digits, sizeof digits, format, value));
}

void
gst_effvk_json_begin_again (GstEffvkJson *json)
{
  g_string_truncate (json->text, 0);
  json->comma = FALSE;
}
