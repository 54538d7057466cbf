/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "csv.h"

#include <string.h>

static void
row_free (gpointer data)
{
  ToolCsvRow *row = data;

  g_ptr_array_unref (row->fields);
  g_free (row);
}

static gboolean
refuse (GError **error, const char *path, guint line, const char *problem)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s:%u: %s", path, line, problem);
  return FALSE;
}

/* A field in quotation marks; @p is behind the first. Returns what follows it, or NULL where it has
 * no end. */
static const char *
read_quoted (const char *p, GString *field, guint *line)
{
  for (; *p; p++)
    {
      if (*p == '"' && p[1] != '"')
        return p + 1;
      p += *p == '"' ? 1 : 0;
      *line += *p == '\n' ? 1 : 0;
      g_string_append_c (field, *p);
    }
  return NULL;
}

/* The fields up to the end of the line. */
static const char *
read_row (const char *p, ToolCsvRow *row, guint *line, const char **problem)
{
  for (;;)
    {
      g_autoptr (GString) field = g_string_new (NULL);

      if (*p == '"' && !(p = read_quoted (p + 1, field, line)))
        {
          *problem = "a quotation mark has no partner";
          return NULL;
        }
      while (*p && *p != ',' && *p != '\n' && !(*p == '\r' && p[1] == '\n'))
        g_string_append_c (field, *p++);
      g_ptr_array_add (row->fields, g_strdup (g_strstrip (field->str)));
      if (*p == ',')
        {
          p++;
          continue;
        }
      p += *p == '\r' ? 1 : 0;
      *line += *p == '\n' ? 1 : 0;
      return *p ? p + 1 : p;
    }
}

static gboolean
read_rows (const char *text, GPtrArray *rows, const char *path, GError **error)
{
  guint line = 1;

  for (const char *p = text; *p;)
    {
      ToolCsvRow *row = g_new0 (ToolCsvRow, 1);
      gboolean comment = *p == '#';
      const char *problem = NULL;

      row->fields = g_ptr_array_new_with_free_func (g_free);
      row->line = line;
      if (comment)
        {
          p += strcspn (p, "\n");
          p += *p ? 1 : 0;
          line++;
        }
      else
        p = read_row (p, row, &line, &problem);
      if (comment || problem || (row->fields->len == 1 && !*(char *) row->fields->pdata[0]))
        row_free (row);
      else
        g_ptr_array_add (rows, row);
      if (problem)
        return refuse (error, path, line, problem);
    }
  return TRUE;
}

GPtrArray *
tool_csv_read (const char *path, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (row_free);
  g_autofree char *text = NULL;
  gsize length, skip;

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;
  skip = g_str_has_prefix (text, "\xef\xbb\xbf") ? 3 : 0;
  if (strlen (text) != length || !g_utf8_validate (text, -1, NULL))
    {
      refuse (error, path, 1, "it is not UTF-8 text");
      return NULL;
    }
  return read_rows (text + skip, rows, path, error) ? g_steal_pointer (&rows) : NULL;
}
