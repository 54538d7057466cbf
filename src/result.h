/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-meter.h>
#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>

typedef struct
{
  guint index;
  float score;
} EffvkClass;

/* @classes and @logits (may be NULL) are copied; a reference to @model is taken, for its labels. */
EffvkResult *effvk_result_new (EffvkModel *model, const EffvkClass *classes, guint n_classes,
                               const float *logits, guint n_logits, guint64 gpu_time,
                               guint64 total_time);

/* Of a result that nobody else has seen yet. @embedding (may be NULL) is copied. */
void effvk_result_set_embedding (EffvkResult *result, const float *embedding, guint n);

/* A heat map as it lies in memory, and the part of the image that it covers. */
typedef struct
{
  float *cells; /* NULL: there is none */
  guint width, height;
  double area[4]; /* x, y, width, height */
} EffvkHeatmapOfImage;

/* The same of a heat map; its cells are copied. */
void effvk_result_set_heatmap (EffvkResult *result, const EffvkHeatmapOfImage *heatmap);
const EffvkHeatmapOfImage *effvk_result_peek_heatmap (EffvkResult *result);

/* The same of the first class's name, a constant, where it is none of the model's; and of measures,
 * which are copied. */
void effvk_result_set_name (EffvkResult *result, const char *name);
void effvk_result_set_measures (EffvkResult *result, const EffvkMeasures *measures);
