/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"

#include <effvk/effvk-meter.h>

#define EFFVK_N_MEASURES (EFFVK_MEASURE_BLOCK_EDGES + 1)

struct _EffvkMeasures
{
  double values[EFFVK_N_MEASURES];
  guint width, height; /* of the frame */
};

/* What @sums, the output of ops/measures.h, says of a frame; @compares: also of how it differs from
 * the one before. @black as the op's. */
EffvkMeasures *effvk_measures_new (const EffvkFrameLayout *layout, const float *sums, float black,
                                   gboolean compares);
