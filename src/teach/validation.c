/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/validation.h"

#include "teach/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOLDS 5
#define MANY_FOLDS 10 /* where items are few, and each that is not learned from is missed */
#define FEW_ITEMS 300
#define MAX_ANSWERS 2000000u /* items times classes that are tried: what it costs is bounded */
#define KNOWN 0.95           /* share of what it knows that is to be accepted, at least */
#define ROOM 0.8             /* of the way, see leave_room() */

static const double strengths[]
    = { 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6 };
#define N_STRENGTHS G_N_ELEMENTS (strengths)

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
static GPtrArray *
group_by_class (const EffvkExamples *examples, GRand *rand)
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

/* Which items are tried, each class's share of them, and in which fold each is. */
static guint *
deal (EffvkValidation *validation, const EffvkExamples *examples, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) groups = group_by_class (examples, rand);
  guint most = MAX (MAX_ANSWERS / examples->n_classes, 2 * examples->n_classes), largest = 0;
  double share = MIN (1.0, (double) most / examples->n_items);
  guint *folds = g_new (guint, examples->n_items), n = 0, next = 0;

  validation->items = g_new (guint, examples->n_items);
  for (guint c = 0; c < groups->len; c++)
    largest = MAX (largest, ((GArray *) groups->pdata[c])->len);
  validation->n_folds = MIN (examples->n_items <= FEW_ITEMS ? MANY_FOLDS : MAX_FOLDS, largest);
  for (guint c = 0; c < groups->len; c++)
    {
      const GArray *items = groups->pdata[c];
      guint tried = (guint) MAX (ceil (items->len * share), MIN (items->len, 2));
      guint folds_of_class = MIN (validation->n_folds, tried);

      for (guint i = 0; i < tried; i++, n++)
        {
          validation->items[n] = g_array_index (items, guint, i);
          folds[n] = (next + (guint) ((guint64) i * folds_of_class / tried)) % validation->n_folds;
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
      logistic.l2 = strengths[s];
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

static void
score (const EffvkExamples *examples, const float *answers, double temperature, double *scores)
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
measure (const EffvkExamples *examples, const EffvkValidation *validation, const float *answers,
         double temperature, double *scores)
{
  double doubt = 1.0 / (validation->n_items + 2), loss = 0;
  double doubt_of_others = examples->n_classes > 1 ? doubt / (examples->n_classes - 1) : 0;

  for (guint i = 0; i < validation->n_items; i++)
    {
      score (examples, answers + (gsize) i * examples->n_classes, temperature, scores);
      for (guint c = 0; c < examples->n_classes; c++)
        {
          gboolean truth = effvk_examples_is (examples, validation->items[i], c);

          if (!examples->truths)
            loss -= (truth ? 1 - doubt : doubt_of_others) * log (MAX (scores[c], 1e-12));
          else
            loss -= (truth ? 1 - doubt : doubt) * log (MAX (scores[c], 1e-12))
                    + (truth ? doubt : 1 - doubt) * log (MAX (1 - scores[c], 1e-12));
        }
    }
  return loss / validation->n_items;
}

/* Golden-section search for the best temperature, 0.05 to 20. */
static double
find_temperature (const EffvkExamples *examples, const EffvkValidation *validation,
                  const float *answers, double *loss)
{
  const double ratio = (sqrt (5) - 1) / 2;
  g_autofree double *scores = g_new (double, examples->n_classes);
  double low = log (0.05), high = log (20);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double at_a = measure (examples, validation, answers, exp (a), scores);
  double at_b = measure (examples, validation, answers, exp (b), scores);

  for (guint i = 0; i < 24; i++)
    if (at_a <= at_b)
      {
        high = b;
        b = a;
        at_b = at_a;
        a = high - ratio * (high - low);
        at_a = measure (examples, validation, answers, exp (a), scores);
      }
    else
      {
        low = a;
        a = b;
        at_a = at_b;
        b = low + ratio * (high - low);
        at_b = measure (examples, validation, answers, exp (b), scores);
      }
  *loss = MIN (at_a, at_b);
  return exp (at_a <= at_b ? a : b);
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
          temperature = find_temperature (work->examples, validation, work->answers[s], &loss);

      if (s > 0 && loss >= validation->loss)
        continue;
      best = s;
      validation->loss = loss;
      validation->temperature = temperature;
    }
  validation->l2 = strengths[best];
  validation->answers = g_steal_pointer (&work->answers[best]);
}

EffvkValidation *
effvk_validation_new (const EffvkExamples *examples, guint32 seed, EffvkValidationProgress tell,
                      gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (EffvkValidation) validation = g_new0 (EffvkValidation, 1);
  g_autofree guint *folds = deal (validation, examples, seed);
  Work work = { .examples = examples,
                .validation = validation,
                .folds = folds,
                .cancellable = cancellable,
                .tell = tell,
                .user_data = user_data };
  gboolean ok;

  validation->n_classes = examples->n_classes;
  for (guint s = 0; s < N_STRENGTHS; s++)
    work.answers[s] = g_new0 (float, (gsize) validation->n_items * examples->n_classes);
  ok = run_folds (&work, error);
  if (ok)
    choose_strength (&work);
  for (guint s = 0; s < N_STRENGTHS; s++)
    g_free (work.answers[s]);
  return ok ? g_steal_pointer (&validation) : NULL;
}

void
effvk_validation_score (const EffvkValidation *validation, const EffvkExamples *examples, guint i,
                        double *scores)
{
  score (examples, validation->answers + (gsize) i * validation->n_classes, validation->temperature,
         scores);
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
