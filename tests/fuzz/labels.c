/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "model/labels.h"

/* The number of classes, in two bytes, and the file. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) labels = NULL;
  guint classes;

  if (size < 2)
    return 0;
  classes = data[0] | (guint) data[1] << 8;
  /* A copy of its own length, so that a byte read beyond is seen. */
  g_autofree char *text = g_memdup2 (data + 2, size - 2);
  labels = effvk_labels_parse (text ? text : "", size - 2, classes, &error);
  if (!labels == !error)
    g_error ("labels and error, or neither");
  if (labels && g_strv_length (labels) != classes)
    g_error ("another number of labels than asked for");
  return 0;
}
