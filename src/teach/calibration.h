/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/examples.h"

/* Raw answers, [classes], become scores: by softmax, or by sigmoid where an item may have several
 * classes. */
void effvk_calibration_score (const EffvkExamples *examples, const float *answers,
                              double temperature, double *scores);

/* What answers, [items][classes], are to be divided by to be as sure as they are right. @loss is of
 * what is so divided, in nats an item. */
double effvk_calibration_find_temperature (const EffvkExamples *examples, const guint *items,
                                           guint n_items, const float *answers, double *loss);
