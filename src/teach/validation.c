/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/validation.h"

#include "teach/calibration.h"
#include "teach/hold-out.h"
#include "teach/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOLDS 5
#define MANY_FOLDS 10 /* where items are few, and each that is not learned from is missed */
#define FEW_ITEMS 300
#define KNOWN 0.95 /* share of what it knows that is to be accepted, at least */
#define ROOM 0.8   /* of the way, see leave_room() */

const double effvk_validation_strengths[]
    = { 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6 };
#define N_STRENGTHS EFFVK_VALIDATION_N_STRENGTHS
G_STATIC_ASSERT (G_N_ELEMENTS (effvk_validation_strengths) == N_STRENGTHS);

typedef struct
{
  const EffvkExamples *examples;
  EffvkValidation *validation;
  const guint *folds; /* of each of the items that are tried */
  float *answers[N_STRENGTHS];
  GCancellable *cancellable;
  EffvkValidationProgress tell;
  gpointer user_data;
  gint done; /* atomic */
} Work;

typedef struct
{
  Work *work;
  guint fold;
  GThread *thread;
  GError *error;
} Fold;

void
effvk_validation_free (EffvkValidation *validation)
{
  if (!validation)
    return;
  g_free (validation->items);
  g_free (validation->answers);
  if (validation->solution)
    effvk_logistic_free_solution (validation->solution);
  g_free (validation);
}

static void
shuffle (GArray *items, GRand *rand)
{
  for (guint i = items->len; i > 1; i--)
    {
      guint j = (guint) g_rand_int_range (rand, 0, (gint32) i);
      guint kept = g_array_index (items, guint, i - 1);

      g_array_index (items, guint, i - 1) = g_array_index (items, guint, j);
      g_array_index (items, guint, j) = kept;
    }
}

/* The items of each class. Those of videos keep their order: neighbours are nearly the same, and
 * belong into the same fold. */
GPtrArray *
effvk_validation_group (const EffvkExamples *examples, GRand *rand)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint c = 0; c < examples->n_classes; c++)
    g_ptr_array_add (groups, g_array_new (FALSE, FALSE, sizeof (guint)));
  for (guint i = 0; i < examples->n_items; i++)
    g_array_append_val (groups->pdata[examples->classes[i]], i);
  for (guint c = 0; c < examples->n_classes; c++)
    {
      GArray *items = groups->pdata[c];
      gboolean still = TRUE;

      for (guint i = 0; i < items->len; i++)
        still
            = still
              && effvk_embeddings_item (examples->embeddings, g_array_index (items, guint, i))->time
                     < 0;
      if (still)
        shuffle (items, rand);
    }
  return groups;
}

/* In which fold each item is. All are tried. */
static guint *
deal (EffvkValidation *validation, const EffvkExamples *examples, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) groups = effvk_validation_group (examples, rand);
  guint *folds = g_new (guint, examples->n_items), n = 0, next = 0, largest = 0;

  validation->items = g_new (guint, examples->n_items);
  for (guint c = 0; c < groups->len; c++)
    largest = MAX (largest, ((GArray *) groups->pdata[c])->len);
  validation->n_folds = MIN (examples->n_items <= FEW_ITEMS ? MANY_FOLDS : MAX_FOLDS, largest);
  for (guint c = 0; c < groups->len; c++)
    {
      const GArray *items = groups->pdata[c];
      guint folds_of_class = MIN (validation->n_folds, items->len);

      for (guint i = 0; i < items->len; i++, n++)
        {
          validation->items[n] = g_array_index (items, guint, i);
          folds[n]
              = (next + (guint) ((guint64) i * folds_of_class / items->len)) % validation->n_folds;
        }
      next += folds_of_class; /* small classes are not all in the first folds */
    }
  validation->n_items = n;
  return folds;
}

/* Learns from all but one fold, with every strength, and tries the one. */
static gboolean
run_fold (Fold *fold)
{
  Work *work = fold->work;
  const EffvkExamples *examples = work->examples;
  const EffvkValidation *validation = work->validation;
  g_autofree guint *items = g_new (guint, validation->n_items);
  EffvkLogistic logistic = { .examples = examples, .items = items };
  double *solution = effvk_logistic_new_solution (examples);
  gboolean ok = TRUE;

  for (guint i = 0; i < validation->n_items; i++)
    if (work->folds[i] != fold->fold)
      items[logistic.n_items++] = validation->items[i];
  for (guint s = 0; s < N_STRENGTHS && ok; s++)
    {
      logistic.l2 = effvk_validation_strengths[s];
      ok = effvk_logistic_fit (&logistic, solution, work->cancellable, &fold->error);
      for (guint i = 0; i < validation->n_items && ok; i++)
        if (work->folds[i] == fold->fold)
          effvk_logistic_apply (examples, solution, validation->items[i],
                                work->answers[s] + (gsize) i * examples->n_classes);
      if (work->tell)
        work->tell ((double) (g_atomic_int_add (&work->done, 1) + 1)
                        / (double) (N_STRENGTHS * validation->n_folds),
                    work->user_data);
    }
  effvk_logistic_free_solution (solution);
  return ok;
}

static void
pool_run (gpointer fold, gpointer user_data G_GNUC_UNUSED)
{
  run_fold (fold);
}

static gboolean
run_folds (Work *work, GError **error)
{
  guint n = work->validation->n_folds;
  g_autofree Fold *folds = g_new0 (Fold, n);
  GThreadPool *pool
      = g_thread_pool_new (pool_run, NULL, (gint) g_get_num_processors (), TRUE, NULL);
  gboolean ok = TRUE;

  for (guint i = 0; i < n; i++)
    {
      folds[i] = (Fold){ .work = work, .fold = i };
      g_thread_pool_push (pool, &folds[i], NULL);
    }
  g_thread_pool_free (pool, FALSE, TRUE);
  for (guint i = 0; i < n; i++)
    if (folds[i].error)
      {
        if (ok)
          g_propagate_error (error, folds[i].error);
        else
          g_error_free (folds[i].error);
        ok = FALSE;
      }
  return ok;
}

/* Takes the strength that does best; of equals the strongest. */
static void
choose_strength (Work *work)
{
  EffvkValidation *validation = work->validation;
  guint best = 0;

  for (guint s = 0; s < N_STRENGTHS; s++)
    {
      double loss,
          temperature
          = effvk_calibration_find_temperature (work->examples, validation->items,
                                                validation->n_items, work->answers[s], &loss);

      if (s > 0 && loss >= validation->loss)
        continue;
      best = s;
      validation->loss = loss;
      validation->temperature = temperature;
    }
  validation->l2 = effvk_validation_strengths[best];
  validation->answers = g_steal_pointer (&work->answers[best]);
}

/* Learns from all but a part of the items, in turns. */
static gboolean
validate_across (Work *work, guint32 seed, GError **error)
{
  EffvkValidation *validation = work->validation;
  g_autofree guint *folds = deal (validation, work->examples, seed);
  gboolean ok;

  work->folds = folds;
  for (guint s = 0; s < N_STRENGTHS; s++)
    work->answers[s] = g_new0 (float, (gsize) validation->n_items * validation->n_classes);
  ok = run_folds (work, error);
  if (ok)
    choose_strength (work);
  for (guint s = 0; s < N_STRENGTHS; s++)
    g_free (work->answers[s]);
  return ok;
}

EffvkValidation *
effvk_validation_new (const EffvkExamples *examples, guint32 seed, EffvkValidationProgress tell,
                      gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (EffvkValidation) validation = g_new0 (EffvkValidation, 1);
  Work work = { .examples = examples,
                .validation = validation,
                .cancellable = cancellable,
                .tell = tell,
                .user_data = user_data };

  validation->n_classes = examples->n_classes;
  if (effvk_hold_out_suits (examples)
          ? !effvk_hold_out (validation, examples, seed, tell, user_data, cancellable, error)
          : !validate_across (&work, seed, error))
    return NULL;
  return g_steal_pointer (&validation);
}

void
effvk_validation_score (const EffvkValidation *validation, const EffvkExamples *examples, guint i,
                        double *scores)
{
  effvk_calibration_score (examples, validation->answers + (gsize) i * validation->n_classes,
                           validation->temperature, scores);
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

/* What few items tell apart without a mistake has nearly the same score for all, and a limit beside
 * it would refuse the next one. So a part of the way from knowing nothing to there is left, in log
 * odds. */
static double
leave_room (const EffvkExamples *examples, double score)
{
  double nothing = examples->truths ? 0 : -log (MAX (examples->n_classes - 1, 1));
  double sure = log (score / MAX (1 - score, 1e-12));

  return 1 / (1 + exp (-(nothing + ROOM * (sure - nothing))));
}

double
effvk_validation_find_threshold (const EffvkValidation *validation, const EffvkExamples *examples)
{
  g_autofree double *scores = g_new (double, examples->n_classes);
  g_autofree double *best = g_new (double, validation->n_items);
  guint rank;

  for (guint i = 0; i < validation->n_items; i++)
    {
      effvk_validation_score (validation, examples, i, scores);
      best[i] = 0;
      for (guint c = 0; c < examples->n_classes; c++)
        best[i] = MAX (best[i], scores[c]);
    }
  qsort (best, validation->n_items, sizeof *best, compare_doubles);
  rank = (guint) floor ((1 - KNOWN) * (validation->n_items + 1) + 1e-9);
  return leave_room (examples, best[MAX (rank, 1) - 1]);
}
