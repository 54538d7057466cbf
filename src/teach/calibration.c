/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/calibration.h"

#include <math.h>

void
effvk_calibration_score (const EffvkExamples *examples, const float *answers, double temperature,
                         double *scores)
{
  double top = answers[0], sum = 0;

  for (guint c = 1; c < examples->n_classes; c++)
    top = MAX (top, (double) answers[c]);
  for (guint c = 0; c < examples->n_classes; c++)
    {
      scores[c] = examples->truths ? 1 / (1 + exp (-answers[c] / temperature))
                                   : exp ((answers[c] - top) / temperature);
      sum += scores[c];
    }
  for (guint c = 0; c < examples->n_classes && !examples->truths; c++)
    scores[c] /= sum;
}

/* How badly answers, divided by a temperature, foretell what is so: nats an item. A truth counts as
 * a little less than certain, as with Platt. Otherwise classes that few items tell apart without a
 * mistake would count as certain. */
static double
measure (const EffvkExamples *examples, const guint *items, guint n_items, const float *answers,
         double temperature, double *scores)
{
  double doubt = 1.0 / (n_items + 2), loss = 0;
  double doubt_of_others = examples->n_classes > 1 ? doubt / (examples->n_classes - 1) : 0;

  for (guint i = 0; i < n_items; i++)
    {
      effvk_calibration_score (examples, answers + (gsize) i * examples->n_classes, temperature,
                               scores);
      for (guint c = 0; c < examples->n_classes; c++)
        {
          gboolean truth = effvk_examples_is (examples, items[i], c);

          if (!examples->truths)
            loss -= (truth ? 1 - doubt : doubt_of_others) * log (MAX (scores[c], 1e-12));
          else
            loss -= (truth ? 1 - doubt : doubt) * log (MAX (scores[c], 1e-12))
                    + (truth ? doubt : 1 - doubt) * log (MAX (1 - scores[c], 1e-12));
        }
    }
  return loss / n_items;
}

/* A golden-section search, 0.05 to 20. */
double
effvk_calibration_find_temperature (const EffvkExamples *examples, const guint *items,
                                    guint n_items, const float *answers, double *loss)
{
  const double ratio = (sqrt (5) - 1) / 2;
  g_autofree double *scores = g_new (double, examples->n_classes);
  double low = log (0.05), high = log (20);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double at_a = measure (examples, items, n_items, answers, exp (a), scores);
  double at_b = measure (examples, items, n_items, answers, exp (b), scores);

  for (guint i = 0; i < 24; i++)
    if (at_a <= at_b)
      {
        high = b;
        b = a;
        at_b = at_a;
        a = high - ratio * (high - low);
        at_a = measure (examples, items, n_items, answers, exp (a), scores);
      }
    else
      {
        low = a;
        a = b;
        at_a = at_b;
        b = low + ratio * (high - low);
        at_b = measure (examples, items, n_items, answers, exp (b), scores);
      }
  *loss = MIN (at_a, at_b);
  return exp (at_a <= at_b ? a : b);
}
