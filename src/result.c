/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "result.h"

#include "measures.h"

struct _EffvkResult
{
  gatomicrefcount references;
  EffvkModel *model;
  EffvkClass *classes;
  guint n_classes;
  float *logits, *embedding;
  EffvkHeatmapOfImage heatmap;
  guint n_logits, n_features;
  guint64 gpu_time, total_time;
  const char *name; /* of the first class, where that is none of the model's; a constant, or NULL */
  EffvkMeasures *measures; /* or NULL */
};

G_DEFINE_BOXED_TYPE (EffvkResult, effvk_result, effvk_result_ref, effvk_result_unref)

EffvkResult *
effvk_result_new (EffvkModel *model, const EffvkClass *classes, guint n_classes,
                  const float *logits, guint n_logits, guint64 gpu_time, guint64 total_time)
{
  EffvkResult *result = g_new0 (EffvkResult, 1);

  g_atomic_ref_count_init (&result->references);
  result->model = g_object_ref (model);
  result->classes = g_memdup2 (classes, n_classes * sizeof *classes);
  result->n_classes = n_classes;
  result->logits = logits ? g_memdup2 (logits, n_logits * sizeof *logits) : NULL;
  result->n_logits = logits ? n_logits : 0;
  result->gpu_time = gpu_time;
  result->total_time = total_time;
  return result;
}

void
effvk_result_set_embedding (EffvkResult *result, const float *embedding, guint n)
{
  g_free (result->embedding);
  result->embedding = embedding ? g_memdup2 (embedding, n * sizeof *embedding) : NULL;
  result->n_features = embedding ? n : 0;
}

EffvkResult *
effvk_result_apply_unknown (EffvkResult *result, double threshold)
{
  g_autofree EffvkClass *classes = NULL;
  EffvkResult *unknown;

  g_return_val_if_fail (result != NULL, NULL);

  if (result->n_classes == 0 || result->classes[0].score >= threshold)
    return effvk_result_ref (result);
  classes = g_new (EffvkClass, result->n_classes);
  classes[0] = (EffvkClass){ .index = EFFVK_CLASS_UNKNOWN,
                             .score = CLAMP (1.0f - result->classes[0].score, 0.0f, 1.0f) };
  for (guint i = 1; i < result->n_classes; i++)
    classes[i] = result->classes[i - 1];
  unknown = effvk_result_new (result->model, classes, result->n_classes, result->logits,
                              result->n_logits, result->gpu_time, result->total_time);
  effvk_result_set_embedding (unknown, result->embedding, result->n_features);
  effvk_result_set_heatmap (unknown, &result->heatmap);
  return unknown;
}

EffvkResult *
effvk_result_ref (EffvkResult *result)
{
  g_return_val_if_fail (result != NULL, NULL);

  g_atomic_ref_count_inc (&result->references);
  return result;
}

void
effvk_result_unref (EffvkResult *result)
{
  g_return_if_fail (result != NULL);

  if (!result || !g_atomic_ref_count_dec (&result->references))
    return;
  g_object_unref (result->model);
  g_free (result->classes);
  g_free (result->logits);
  g_free (result->embedding);
  g_free (result->heatmap.cells);
  g_clear_pointer (&result->measures, effvk_measures_free);
  g_free (result);
}

guint
effvk_result_get_n_classes (EffvkResult *result)
{
  g_return_val_if_fail (result != NULL, 0);

  return result->n_classes;
}

guint
effvk_result_get_index (EffvkResult *result, guint rank)
{
  g_return_val_if_fail (result != NULL, 0);
  g_return_val_if_fail (rank < result->n_classes, 0);
  return result->classes[rank].index;
}

const char *
effvk_result_get_label (EffvkResult *result, guint rank)
{
  g_return_val_if_fail (result != NULL, NULL);
  g_return_val_if_fail (rank < result->n_classes, NULL);
  if (rank == 0 && result->name)
    return result->name;
  if (result->classes[rank].index == EFFVK_CLASS_UNKNOWN)
    return "unknown";
  return effvk_model_get_label (result->model, result->classes[rank].index);
}

float
effvk_result_get_score (EffvkResult *result, guint rank)
{
  g_return_val_if_fail (result != NULL, 0.0f);
  g_return_val_if_fail (rank < result->n_classes, 0.0f);
  return result->classes[rank].score;
}

const float *
effvk_result_get_logits (EffvkResult *result, guint *n)
{
  g_return_val_if_fail (result != NULL, NULL);

  *n = result->n_logits;
  return result->logits;
}

const float *
effvk_result_get_embedding (EffvkResult *result, guint *n)
{
  g_return_val_if_fail (result != NULL, NULL);

  *n = result->n_features;
  return result->embedding;
}

guint64
effvk_result_get_gpu_time (EffvkResult *result)
{
  g_return_val_if_fail (result != NULL, 0);

  return result->gpu_time;
}

guint64
effvk_result_get_total_time (EffvkResult *result)
{
  g_return_val_if_fail (result != NULL, 0);

  return result->total_time;
}

void
effvk_result_set_heatmap (EffvkResult *result, const EffvkHeatmapOfImage *heatmap)
{
  g_free (result->heatmap.cells);
  result->heatmap = *heatmap;
  if (heatmap->cells)
    result->heatmap.cells = g_memdup2 (heatmap->cells, (gsize) heatmap->width * heatmap->height
                                                           * sizeof *heatmap->cells);
}

void
effvk_result_set_name (EffvkResult *result, const char *name)
{
  result->name = name;
}

void
effvk_result_set_measures (EffvkResult *result, const EffvkMeasures *measures)
{
  g_clear_pointer (&result->measures, effvk_measures_free);
  result->measures = measures ? effvk_measures_copy (measures) : NULL;
}

const EffvkMeasures *
effvk_result_get_measures (EffvkResult *result)
{
  g_return_val_if_fail (result != NULL, NULL);

  return result->measures;
}

const EffvkHeatmapOfImage *
effvk_result_peek_heatmap (EffvkResult *result)
{
  return &result->heatmap;
}

const float *
effvk_result_get_heatmap (EffvkResult *result, guint *width, guint *height)
{
  g_return_val_if_fail (result != NULL, NULL);
  g_return_val_if_fail (width != NULL, NULL);
  g_return_val_if_fail (height != NULL, NULL);

  *width = result->heatmap.width;
  *height = result->heatmap.height;
  return result->heatmap.cells;
}

void
effvk_result_get_heatmap_area (EffvkResult *result, double *x, double *y, double *width,
                               double *height)
{
  const double *area;

  g_return_if_fail (result != NULL);
  g_return_if_fail (x != NULL);
  g_return_if_fail (y != NULL);
  g_return_if_fail (width != NULL);
  g_return_if_fail (height != NULL);

  area = result->heatmap.area;
  *x = area[0];
  *y = area[1];
  *width = area[2];
  *height = area[3];
}
