/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>

typedef struct
{
  GVariant *report; /* effvk_teacher_get_report() */
  EffvkEmbeddings *embeddings;
  const char *output;
  guint n_failed; /* files that could not be read */
  double seconds, fit_seconds;
} ToolTeaching;

void tool_teaching_print (const ToolTeaching *teaching);
void tool_teaching_print_json (const ToolTeaching *teaching);
