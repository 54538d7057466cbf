/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/labels.h"

#include "model/file.h"

#include <effvk/effvk-model.h>

#include <string.h>

#define MAX_FILE ((guint64) 16 << 20)
#define MAX_LINE 4096

#define refuse(error, ...)                                                                         \
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS, __VA_ARGS__)

static gboolean
has_control (const char *line, gsize length)
{
  const char *end = line + length;
  for (; line < end; line = g_utf8_next_char (line))
    if (*line != '\t' && g_unichar_iscntrl (g_utf8_get_char (line)))
      return TRUE;
  return FALSE;
}

static const char *
line_end (const char *line, const char *end)
{
  const char *newline = memchr (line, '\n', (gsize) (end - line));
  return newline ? newline : end;
}

static gsize
line_length (const char *line, const char *end)
{
  gsize length = (gsize) (end - line);
  return length > 0 && line[length - 1] == '\r' ? length - 1 : length;
}

/* Every line is checked, but none is copied: a file of a million empty lines costs nothing. */
static gboolean
check_lines (const char *text, const char *end, guint classes, GError **error)
{
  guint number = 1;

  for (const char *line = text; line < end; number++)
    {
      const char *stop = line_end (line, end), *bad;
      gsize length = line_length (line, stop);

      if (length > MAX_LINE)
        {
          refuse (error, "line %u: expected at most %d bytes, found %" G_GSIZE_FORMAT, number,
                  MAX_LINE, length);
          return FALSE;
        }
      if (!g_utf8_validate_len (line, length, &bad))
        {
          refuse (error, "line %u: expected UTF-8, found the byte 0x%02x at column %d", number,
                  (guint8) *bad, (int) (bad - line) + 1);
          return FALSE;
        }
      if (has_control (line, length))
        {
          refuse (error, "line %u: expected plain text, found control characters", number);
          return FALSE;
        }
      if (length == 0)
        {
          refuse (error, "line %u: expected a label, found an empty line", number);
          return FALSE;
        }
      line = stop < end ? stop + 1 : end;
    }
  if (number - 1 != classes)
    {
      refuse (error, "expected %u labels, one for each class of the model, found %u", classes,
              number - 1);
      return FALSE;
    }
  return TRUE;
}

static const char *
skip_space (const char *text, const char *end)
{
  while (text < end && g_ascii_isspace (*text))
    text++;
  return text;
}

/* A bracket and then a string or nothing: a label that begins with a bracket is text. */
static gboolean
is_json (const char *text, const char *end)
{
  text = skip_space (text, end);
  if (text == end || (*text != '[' && *text != '{'))
    return FALSE;
  text = skip_space (text + 1, end);
  return text < end && (*text == '"' || *text == ']' || *text == '}');
}

static char **
parse_json (const char *text, gsize length, guint classes, GError **error)
{
  EffvkJson json;

  effvk_json_init (&json, text, length);
  g_auto (GStrv) labels = effvk_labels_read_json (&json, effvk_json_next (&json), classes, "",
                                                  EFFVK_MODEL_ERROR_LABELS, error);
  if (!labels)
    return NULL;
  if (effvk_json_next (&json) != EFFVK_JSON_END)
    {
      refuse (error, "expected one list or map, found more at byte %" G_GSIZE_FORMAT, json.offset);
      return NULL;
    }
  return g_steal_pointer (&labels);
}

char **
effvk_labels_parse (const char *text, gsize length, guint classes, GError **error)
{
  const char *end = text + length;
  char **labels;
  guint n = 0;

  if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;
  if (is_json (text, end))
    return parse_json (text, (gsize) (end - text), classes, error);
  while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
    end--;
  if (!check_lines (text, end, classes, error))
    return NULL;

  labels = g_new0 (char *, (gsize) classes + 1);
  for (const char *line = text; line < end && n < classes; n++)
    {
      const char *stop = line_end (line, end);
      labels[n] = g_strndup (line, line_length (line, stop));
      line = stop < end ? stop + 1 : end;
    }
  return labels;
}

char **
effvk_labels_read (const char *path, guint classes, GError **error)
{
  g_autoptr (GBytes) bytes = effvk_file_read_all (path, MAX_FILE, EFFVK_MODEL_ERROR_LABELS, error);
  char **labels = NULL;

  if (bytes)
    {
      gsize length;
      const char *text = g_bytes_get_data (bytes, &length);
      labels = effvk_labels_parse (text ? text : "", length, classes, error);
    }
  if (!labels)
    g_prefix_error (error, "%s: ", path);
  return labels;
}

char **
effvk_labels_numbered (guint classes)
{
  char **labels = g_new0 (char *, (gsize) classes + 1);

  for (guint i = 0; i < classes; i++)
    labels[i] = g_strdup_printf ("class %u", i);
  return labels;
}
