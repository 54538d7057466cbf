/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/labels.h"

#include "model/file.h"

#include <effvk/effvk-model.h>

#include <string.h>
#include <unistd.h>

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

char **
effvk_labels_parse (const char *text, gsize length, guint classes, GError **error)
{
  const char *end = text + length;
  char **labels;
  guint n = 0;

  if (length >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0)
    text += 3;
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
  g_autofree char *text = NULL;
  char **labels = NULL;
  guint64 size;
  int fd = effvk_file_open (path, MAX_FILE, &size, EFFVK_MODEL_ERROR_LABELS, error);

  if (fd >= 0)
    {
      text = g_malloc (size + 1);
      if (effvk_file_read (fd, text, size, EFFVK_MODEL_ERROR_LABELS, error))
        labels = effvk_labels_parse (text, size, classes, error);
      close (fd);
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
