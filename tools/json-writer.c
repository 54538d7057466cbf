/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-writer.h"

#include <math.h>
#include <stdio.h>

void
tool_json_init (ToolJson *json)
{
  json->text = g_string_new (NULL);
  json->comma = FALSE;
}

void
tool_json_clear (ToolJson *json)
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
begin_value (ToolJson *json, const char *name)
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
tool_json_begin (ToolJson *json, const char *name, char bracket)
{
  begin_value (json, name);
  g_string_append_c (json->text, bracket);
  json->comma = FALSE;
}

void
tool_json_end (ToolJson *json, char bracket)
{
  g_string_append_c (json->text, bracket);
  json->comma = TRUE;
}

void
tool_json_string (ToolJson *json, const char *name, const char *value)
{
  if (!value)
    {
      tool_json_null (json, name);
      return;
    }
  begin_value (json, name);
  append_quoted (json->text, value);
}

void
tool_json_int (ToolJson *json, const char *name, gint64 value)
{
  begin_value (json, name);
  g_string_append_printf (json->text, "%" G_GINT64_FORMAT, value);
}

void
tool_json_boolean (ToolJson *json, const char *name, gboolean value)
{
  begin_value (json, name);
  g_string_append (json->text, value ? "true" : "false");
}

void
tool_json_null (ToolJson *json, const char *name)
{
  begin_value (json, name);
  g_string_append (json->text, "null");
}

void
tool_json_double (ToolJson *json, const char *name, const char *format, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE * 2];

  if (!isfinite (value))
    {
      tool_json_null (json, name);
      return;
    }
  begin_value (json, name);
  g_string_append (json->text, g_ascii_formatd (digits, sizeof digits, format, value));
}

void
tool_json_print (ToolJson *json)
{
  g_string_append_c (json->text, '\n');
  fwrite (json->text->str, 1, json->text->len, stdout);
  fflush (stdout);
  g_string_truncate (json->text, 0);
  json->comma = FALSE;
}
