/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "examples.h"

#include "common.h"
#include "csv.h"
#include "source.h"
#include "stop.h"
#include "terminal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_TIME 1e9 /* s */

static void
example_free (gpointer data)
{
  ToolExample *example = data;

  g_free (example->source);
  g_strfreev (example->labels);
  g_free (example);
}

static ToolExample *
example_new (const char *source, const char *label)
{
  const char *labels[] = { label, NULL };
  ToolExample *example = g_new0 (ToolExample, 1);

  example->source = g_strdup (source);
  example->labels = g_strdupv ((GStrv) labels);
  example->start = example->end = -1;
  return example;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The names in a folder, sorted, without hidden ones. */
static GPtrArray *
list_folder (const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  GPtrArray *names;
  const char *name;

  if (!dir)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)))
    if (name[0] != '.')
      g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* All files in a folder and the folders in it. */
static gboolean
add_folder (GPtrArray *examples, const char *folder, const char *label, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = list_folder (folder, error);

  if (!names)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];

      if (!g_file_test (name, G_FILE_TEST_IS_DIR))
        g_ptr_array_add (examples, example_new (name, label));
      else if (depth < MAX_DEPTH && !g_file_test (name, G_FILE_TEST_IS_SYMLINK)
               && !add_folder (examples, name, label, depth + 1, error))
        return FALSE;
    }
  return TRUE;
}

GPtrArray *
tool_examples_from_arguments (char *const *arguments, GError **error)
{
  g_autoptr (GPtrArray) examples = g_ptr_array_new_with_free_func (example_free);

  for (guint i = 0; arguments[i]; i++)
    if (!g_file_test (arguments[i], G_FILE_TEST_IS_DIR))
      g_ptr_array_add (examples, example_new (arguments[i], NULL));
    else if (!add_folder (examples, arguments[i], NULL, 0, error))
      return NULL;
  return g_steal_pointer (&examples);
}

GPtrArray *
tool_examples_from_folder (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) examples = g_ptr_array_new_with_free_func (example_free);
  g_autoptr (GPtrArray) names = list_folder (folder, error);

  if (!names)
    return NULL;
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *label = g_path_get_basename (names->pdata[i]);

      if (g_file_test (names->pdata[i], G_FILE_TEST_IS_DIR)
          && !add_folder (examples, names->pdata[i], label, 0, error))
        return NULL;
    }
  if (examples->len == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "%s: expected a folder for each class, with its pictures in it; found none",
                   folder);
      return NULL;
    }
  return g_steal_pointer (&examples);
}

/* The columns of a list. */
enum
{
  SOURCE,
  LABEL,
  START,
  END,
  X,
  Y,
  WIDTH,
  HEIGHT,
  N_COLUMNS
};

static gboolean
read_number (const char *text, double max, double *number)
{
  char *end;

  *number = g_ascii_strtod (text, &end);
  return *text && !*end && isfinite (*number) && *number >= 0 && *number <= max;
}

/* Start, end and part of an example, where the row has them. */
static const char *
read_details (ToolExample *example, const GPtrArray *row)
{
  double numbers[N_COLUMNS] = { 0 };
  gboolean given[N_COLUMNS] = { 0 };

  for (guint c = START; c < MIN (row->len, N_COLUMNS); c++)
    {
      given[c] = *(char *) row->pdata[c] != 0;
      if (given[c] && !read_number (row->pdata[c], c < X ? MAX_TIME : G_MAXINT, &numbers[c]))
        return c < X ? "start and end are seconds" : "x, y, width and height are pixels";
    }
  if (given[START])
    example->start = (gint64) (numbers[START] * 1e9);
  if (given[END])
    example->end = (gint64) (numbers[END] * 1e9);
  if (given[START] && given[END] && example->end < example->start)
    return "the end is before the start";
  if (given[X] != given[Y] || given[X] != given[WIDTH] || given[X] != given[HEIGHT])
    return "a part needs all of x, y, width and height";
  if (given[X])
    example->part = (EffvkRectangle){ (guint) numbers[X], (guint) numbers[Y],
                                      (guint) numbers[WIDTH], (guint) numbers[HEIGHT] };
  return given[X] && (example->part.width == 0 || example->part.height == 0) ? "the part is empty"
                                                                             : NULL;
}

/* What a row says; NULL with @problem set where it says nothing that makes sense. */
static ToolExample *
read_row (const GPtrArray *row, const char *folder, gboolean several, const char **problem)
{
  const char *source = row->pdata[SOURCE];
  g_autofree char *scheme = g_uri_parse_scheme (source);
  g_autofree char *path = scheme || g_path_is_absolute (source)
                              ? g_strdup (source)
                              : g_build_filename (folder, source, NULL);
  ToolExample *example;

  *problem = NULL;
  if (row->len < 2 || row->len > N_COLUMNS)
    *problem = "expected source, label and, where wanted, start, end, x, y, width, height";
  else if (!*source)
    *problem = "the source is empty";
  else if (!*(char *) row->pdata[LABEL] && !several)
    *problem = "the label is empty";
  if (*problem)
    return NULL;
  example = example_new (path, row->pdata[LABEL]);
  if (several)
    {
      g_strfreev (example->labels);
      example->labels = *(char *) row->pdata[LABEL] ? g_strsplit (row->pdata[LABEL], "|", 0)
                                                    : g_new0 (char *, 1);
    }
  *problem = read_details (example, row);
  if (*problem)
    g_clear_pointer (&example, example_free);
  return example;
}

static gboolean
is_heading (const GPtrArray *row)
{
  return row->len >= 2 && g_ascii_strcasecmp (row->pdata[SOURCE], "source") == 0
         && g_ascii_strcasecmp (row->pdata[LABEL], "label") == 0;
}

GPtrArray *
tool_examples_from_list (const char *path, gboolean several, GError **error)
{
  g_autoptr (GPtrArray) examples = g_ptr_array_new_with_free_func (example_free);
  g_autoptr (GPtrArray) rows = tool_csv_read (path, error);
  g_autofree char *folder = g_path_get_dirname (path);

  for (guint i = 0; rows && i < rows->len; i++)
    {
      const ToolCsvRow *row = rows->pdata[i];
      const char *problem;
      ToolExample *example;

      if (i == 0 && is_heading (row->fields))
        continue;
      example = read_row (row->fields, folder, several, &problem);
      if (!example)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s:%u: %s", path, row->line,
                       problem);
          return NULL;
        }
      g_ptr_array_add (examples, example);
    }
  if (rows && examples->len == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: there is no picture in the list",
                 path);
  return rows && examples->len ? g_steal_pointer (&examples) : NULL;
}

char *
tool_example_name (const ToolExample *example)
{
  const EffvkRectangle *part = &example->part;

  return part->width ? g_strdup_printf ("%s#xywh=%u,%u,%u,%u", example->source, part->x, part->y,
                                        part->width, part->height)
                     : g_strdup (example->source);
}

static gboolean
set_part (const ToolExample *example, EffvkImage *image, GError **error)
{
  const EffvkRectangle *part = &example->part;

  if (part->width == 0 || effvk_image_set_crop (image, part->x, part->y, part->width, part->height))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               "the part, %ux%u at %u,%u, is not inside the picture of %ux%u", part->width,
               part->height, part->x, part->y, effvk_image_get_width (image),
               effvk_image_get_height (image));
  return FALSE;
}

/* @stopped: @func failed, not the source. */
static gboolean
look (const ToolExample *example, double interval, ToolExampleFunc func, gpointer user_data,
      guint *n_looked, gboolean *stopped, GError **error)
{
  g_autoptr (ToolSource) source = tool_source_open (example->source, error);
  gint64 due = MAX (example->start, 0);
  GError *problem = NULL;
  ToolFrame frame;
  guint n = 0;

  while (source && !(*stopped = tool_stopped ()) && source->next (source, &frame, &problem))
    {
      if (frame.pts >= 0 && example->end >= 0 && frame.pts > example->end)
        break;
      if (frame.pts >= 0 && frame.pts < due)
        continue;
      if (frame.pts >= 0)
        due = frame.pts + (gint64) (interval * 1e9);
      if (!set_part (example, frame.image, error))
        return FALSE;
      n++;
      *stopped = !func (example, &frame, user_data, error);
      if (*stopped)
        return FALSE;
    }
  *n_looked += n;
  if (tool_stopped ())
    {
      *stopped = TRUE;
      g_clear_error (&problem);
      return !g_cancellable_set_error_if_cancelled (tool_stop_cancellable (), error);
    }
  if (problem)
    g_propagate_error (error, problem);
  else if (source && n == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "it has no frame between start and end");
  return source && !problem && n > 0;
}

gboolean
tool_example_look (const ToolExample *example, double interval, ToolExampleFunc func,
                   gpointer user_data, GError **error)
{
  gboolean stopped = FALSE;
  guint n = 0;

  return look (example, interval, func, user_data, &n, &stopped, error);
}

gboolean
tool_examples_look (GPtrArray *examples, double interval, ToolExampleFunc func, gpointer user_data,
                    guint *n_looked, guint *n_failed, GError **error)
{
  gboolean stopped = FALSE;
  ToolLive live;

  tool_live_init (&live, stderr);
  *n_looked = *n_failed = 0;
  for (guint i = 0; i < examples->len && !stopped; i++)
    {
      const ToolExample *example = examples->pdata[i];
      g_autoptr (GError) problem = NULL;

      g_autofree char *text = g_strdup_printf ("%u of %u", i + 1, examples->len);

      tool_live_show (&live, text);
      if (look (example, interval, func, user_data, n_looked, &stopped, &problem))
        continue;
      if (stopped)
        g_propagate_prefixed_error (error, g_steal_pointer (&problem), "%s: ", example->source);
      else
        tool_error ("%s: %s", example->source, problem->message);
      (*n_failed)++;
    }
  tool_live_hide (&live);
  return !stopped;
}
