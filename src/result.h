/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

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
