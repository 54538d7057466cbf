/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

/* A picture, or a stretch of a video, with what it shows. */
typedef struct
{
  char *source;
  GStrv labels;        /* none: an empty list */
  gint64 start, end;   /* ns of a video; -1: from its beginning, to its end */
  EffvkRectangle part; /* of the picture; width 0: all of it */
} ToolExample;

/* What @arguments name: files and URIs, and all files in folders. Without labels. */
GPtrArray *tool_examples_from_arguments (char *const *arguments, GError **error);

/* A folder for each class, with its pictures and videos in it. */
GPtrArray *tool_examples_from_folder (const char *folder, GError **error);

/* A CSV file of the columns source, label and, where wanted, start and end (s), x, y, width and
 * height (pixels). A source that is no URI is relative to the list's folder. @several: a label may
 * be several, with | between them, or none. */
GPtrArray *tool_examples_from_list (const char *path, gboolean several, GError **error);

/* Its source, with the part of it that is meant ("#xywh=…"). */
char *tool_example_name (const ToolExample *example);

/* Told of each picture of an example. FALSE with @error set ends it. */
typedef gboolean (*ToolExampleFunc) (const ToolExample *example, const ToolFrame *frame,
                                     gpointer user_data, GError **error);

/* Shows @func what an example is about: a still picture, or a video's frames every @interval s. */
gboolean tool_example_look (const ToolExample *example, double interval, ToolExampleFunc func,
                            gpointer user_data, GError **error);

/* Looks at all examples, as several commands do. It names those that cannot be read. Where stderr
 * is a terminal it shows the progress. @n_looked counts pictures and frames, @n_failed examples.
 * FALSE with
 * @error set when @func failed, so that going on makes no sense. */
gboolean tool_examples_look (GPtrArray *examples, double interval, ToolExampleFunc func,
                             gpointer user_data, guint *n_looked, guint *n_failed, GError **error);
