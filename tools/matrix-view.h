/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

/* What pictures of each class were taken for: [n][n] counts, a row a class. */

/* A table where it is small, else the pairs that are mistaken most. */
void tool_matrix_print (const char *const *labels, const guint *counts, guint n);

void tool_matrix_to_json (GstEffvkJson *json, const char *name, const guint *counts, guint n);

/* The two classes that are mistaken for each other most, either way. Returns how often; 0:
   never. */
guint tool_matrix_find_worst (const guint *counts, guint n, guint *a, guint *b);

/* Prints to a column of @width characters: cut, or with spaces behind (before, with @right). */
void tool_print_column (const char *text, guint width, gboolean right);
