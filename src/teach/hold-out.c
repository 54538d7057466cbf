/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/hold-out.h"

#include "teach/calibration.h"
#include "teach/logistic.h"

#include <math.h>
#include <string.h>

#define MAX_ANSWERS 2000000u /* items times classes that are tried: what it costs is bounded */
#define MAX_TRIED 0.2        /* of a class */
#define PART 5               /* items of a class that the strength is chosen with */
#define WORSE 2              /* strengths in a row, after which weaker ones are not tried */

typedef struct
{
  GArray *tried, *part, *learned; /* (element-type guint): items; part is of learned */
} Split;

static void
split_clear (Split *split)
{
  g_array_unref (split->tried);
  g_array_unref (split->part);
  g_array_unref (split->learned);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Split, split_clear)

gboolean
effvk_hold_out_suits (const EffvkExamples *examples)
{
  return (gsize) examples->n_items * examples->n_classes > MAX_ANSWERS;
}

/* The first of a class are tried; of the others some, far from each other, are the part. A class of
 * one item is only learned. */
static void
split_class (Split *split, const GArray *items, double share)
{
  guint most = MAX (1, (guint) (items->len * MAX_TRIED));
  guint n = items->len > 1 ? MIN ((guint) ceil (items->len * share), most) : 0;
  guint others = items->len - n, part = MIN (others, PART);

  g_array_append_vals (split->tried, items->data, n);
  g_array_append_vals (split->learned, &g_array_index (items, guint, n), others);
  for (guint i = 0; i < part; i++)
    g_array_append_vals (split->part,
                         &g_array_index (items, guint, n + (guint) ((guint64) i * others / part)),
                         1);
}

static void
split_items (Split *split, const EffvkExamples *examples, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) groups = effvk_validation_group (examples, rand);
  double share = (double) MAX_ANSWERS / examples->n_classes / examples->n_items;

  split->tried = g_array_new (FALSE, FALSE, sizeof (guint));
  split->part = g_array_new (FALSE, FALSE, sizeof (guint));
  split->learned = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint c = 0; c < groups->len; c++)
    split_class (split, groups->pdata[c], share);
}

/* Learns from @items, beginning with @solution, and tries the items of @validation. */
static gboolean
learn (EffvkValidation *validation, const EffvkExamples *examples, const GArray *items, double l2,
       double *solution, GCancellable *cancellable, GError **error)
{
  EffvkLogistic logistic
      = { examples, (const guint *) (gconstpointer) items->data, items->len, l2, TRUE };

  if (!effvk_logistic_fit (&logistic, solution, cancellable, error))
    return FALSE;
  for (guint i = 0; i < validation->n_items; i++)
    effvk_logistic_apply (examples, solution, validation->items[i],
                          validation->answers + (gsize) i * examples->n_classes);
  validation->temperature
      = effvk_calibration_find_temperature (examples, validation->items, validation->n_items,
                                            validation->answers, &validation->loss);
  return TRUE;
}

/* The strength that does best of those down to where it only gets worse, and its solution. */
static gboolean
choose_strength (EffvkValidation *validation, const EffvkExamples *examples, const GArray *part,
                 EffvkValidationProgress tell, gpointer user_data, GCancellable *cancellable,
                 GError **error)
{
  gsize size = sizeof (double) * examples->n_classes * (examples->n_columns + 1);
  double *solution = effvk_logistic_new_solution (examples), least = INFINITY;
  guint worse = 0;
  gboolean ok = TRUE;

  for (guint s = 0; s < EFFVK_VALIDATION_N_STRENGTHS && worse < WORSE; s++)
    {
      ok = learn (validation, examples, part, effvk_validation_strengths[s], solution, cancellable,
                  error);
      if (!ok)
        break;
      worse++;
      if (validation->loss < least)
        {
          least = validation->loss;
          validation->l2 = effvk_validation_strengths[s];
          memcpy (validation->solution, solution, size);
          worse = 0;
        }
      if (tell)
        tell ((s + 1) * 0.5 / EFFVK_VALIDATION_N_STRENGTHS, user_data);
    }
  effvk_logistic_free_solution (solution);
  return ok;
}

gboolean
effvk_hold_out (EffvkValidation *validation, const EffvkExamples *examples, guint32 seed,
                EffvkValidationProgress tell, gpointer user_data, GCancellable *cancellable,
                GError **error)
{
  g_auto (Split) split = { 0 };

  split_items (&split, examples, seed);
  validation->n_folds = 1;
  validation->n_items = split.tried->len;
  validation->items = g_memdup2 (split.tried->data, sizeof (guint) * split.tried->len);
  validation->answers = g_new0 (float, (gsize) split.tried->len * examples->n_classes);
  validation->solution = effvk_logistic_new_solution (examples);
  if (!choose_strength (validation, examples, split.part, tell, user_data, cancellable, error)
      || !learn (validation, examples, split.learned, validation->l2, validation->solution,
                 cancellable, error))
    return FALSE;
  if (tell)
    tell (1, user_data);
  return TRUE;
}
