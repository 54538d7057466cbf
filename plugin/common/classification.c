/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/classification.h"

#include <math.h>

static void
clear_class (gpointer data)
{
  g_free (((GstEffvkClass *) data)->label);
}

GstEffvkClassification *
gst_effvk_classification_new (void)
{
  GstEffvkClassification *classification = g_new0 (GstEffvkClassification, 1);

  classification->whole = TRUE;
  classification->width = classification->height = 1;
  classification->id = -1;
  classification->confidence = NAN;
  classification->age = GST_EFFVK_AGE_UNKNOWN;
  classification->classes = g_array_new (FALSE, FALSE, sizeof (GstEffvkClass));
  g_array_set_clear_func (classification->classes, clear_class);
  return classification;
}

void
gst_effvk_classification_free (GstEffvkClassification *classification)
{
  g_free (classification->type);
  g_free (classification->model);
  g_clear_pointer (&classification->heatmap, g_bytes_unref);
  g_array_unref (classification->classes);
  g_free (classification);
}

gboolean
gst_effvk_classification_set_place (GstEffvkClassification *classification, double x, double y,
                                    double width, double height)
{
  double right = MIN (x + width, 1.0), bottom = MIN (y + height, 1.0);

  if (!isfinite (x) || !isfinite (y) || !isfinite (right) || !isfinite (bottom))
    return FALSE;
  classification->whole = FALSE;
  classification->x = MAX (x, 0.0);
  classification->y = MAX (y, 0.0);
  classification->width = right - classification->x;
  classification->height = bottom - classification->y;
  return classification->width > 0 && classification->height > 0;
}

void
gst_effvk_classification_add (GstEffvkClassification *classification, const char *label, gint index,
                              double score)
{
  GstEffvkClass class = { .index = index, .score = score };

  if (!isfinite (score))
    return;
  class.label = g_utf8_make_valid (label ? label : "", -1);
  g_array_append_val (classification->classes, class);
}

void
gst_effvk_classification_take_result (GstEffvkClassification *classification, EffvkResult *result,
                                      guint n)
{
  for (guint i = 0; i < MIN (n, effvk_result_get_n_classes (result)); i++)
    gst_effvk_classification_add (classification, effvk_result_get_label (result, i),
                                  (gint) effvk_result_get_index (result, i),
                                  (double) effvk_result_get_score (result, i));
}

const GstEffvkClass *
gst_effvk_classification_get_label (const GstEffvkClassification *seen)
{
  return seen->classes->len > 0 ? &g_array_index (seen->classes, GstEffvkClass, 0) : NULL;
}
