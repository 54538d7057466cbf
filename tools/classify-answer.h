/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

#include <effvk/effvk-meter.h>
#include <effvk/effvk-result.h>

/* The classes of one frame. */
typedef struct
{
  const char *source;
  guint64 frame;
  gint64 pts; /* -1: an image, or a raw frame */
  gboolean damaged;
  EffvkResult *result;
  EffvkMeasures *measures; /* or NULL */
} ToolAnswer;

/* Prints a line of JSON. */
void tool_answer_print_json (const ToolAnswer *answer, GstEffvkJson *json);

/* Prints a line of CSV for each class. */
void tool_answer_print_csv (const ToolAnswer *answer);
void tool_answer_print_csv_header (void);

/* Appends a field of CSV and a comma; quoted where it has to be. */
void tool_csv_append (GString *row, const char *text);

/* Appends a file's name, as a URI where it is no UTF-8. */
void tool_csv_append_file (GString *row, const char *name);

/* The row without its last comma, with a line end. */
void tool_csv_print (GString *row);
