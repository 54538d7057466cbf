/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/steady-clock.h"
#include "model/model.h"
#include "result.h"

#include <effvk/effvk-smoother.h>
#include <math.h>

/* No label yet, or no candidate: neither a class nor unknown. */
#define NO_CLASS (G_MAXUINT - 1)

struct _EffvkSmoother
{
  GObject parent_instance;

  EffvkModel *model;
  guint n_classes;
  EffvkOutputActivation activation; /* never auto */
  double weight, hysteresis, unknown_threshold, unknown_margin;
  EffvkClassFilter *filter;    /* NULL: all classes count */
  guint64 time_constant, hold; /* ns */

  float *logits, *scores;  /* averages, and what they score */
  EffvkSteadyClock clock;  /* of results; begins with the first label */
  guint label;             /* a class, EFFVK_CLASS_UNKNOWN, or NO_CLASS before the first result */
  guint candidate;         /* what would replace it; NO_CLASS: nothing would */
  guint64 candidate_since; /* of the clock */
};

G_DEFINE_FINAL_TYPE (EffvkSmoother, effvk_smoother, G_TYPE_OBJECT)

static void
effvk_smoother_finalize (GObject *object)
{
  EffvkSmoother *smoother = EFFVK_SMOOTHER (object);

  g_clear_object (&smoother->model);
  g_clear_object (&smoother->filter);
  g_free (smoother->logits);
  g_free (smoother->scores);
  G_OBJECT_CLASS (effvk_smoother_parent_class)->finalize (object);
}

static void
effvk_smoother_class_init (EffvkSmootherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_smoother_finalize;
}

static void
effvk_smoother_init (EffvkSmoother *smoother)
{
  effvk_smoother_reset (smoother);
}

EffvkSmoother *
effvk_smoother_new (EffvkModel *model, EffvkOutputActivation activation)
{
  EffvkSmoother *smoother;

  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);

  smoother = g_object_new (EFFVK_TYPE_SMOOTHER, NULL);
  smoother->model = g_object_ref (model);
  smoother->n_classes = effvk_model_get_n_classes (model);
  smoother->activation = activation ? activation : effvk_model_get_arch (model)->output;
  smoother->logits = g_new0 (float, smoother->n_classes);
  smoother->scores = g_new0 (float, smoother->n_classes);
  return smoother;
}

EffvkModel *
effvk_smoother_get_model (EffvkSmoother *smoother)
{
  g_return_val_if_fail (EFFVK_IS_SMOOTHER (smoother), NULL);

  return smoother->model;
}

void
effvk_smoother_set_weight (EffvkSmoother *smoother, double weight)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));
  g_return_if_fail (weight >= 0.0 && weight < 1.0);
  smoother->weight = weight;
}

void
effvk_smoother_set_time_constant (EffvkSmoother *smoother, guint64 time_constant)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));

  smoother->time_constant = time_constant;
}

void
effvk_smoother_set_hysteresis (EffvkSmoother *smoother, double hysteresis)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));
  g_return_if_fail (hysteresis >= 0.0);
  smoother->hysteresis = hysteresis;
}

void
effvk_smoother_set_hold (EffvkSmoother *smoother, guint64 hold)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));

  smoother->hold = hold;
}

void
effvk_smoother_set_unknown (EffvkSmoother *smoother, double threshold, double margin)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));
  g_return_if_fail (!isnan (threshold) && margin >= 0.0);
  smoother->unknown_threshold = threshold;
  smoother->unknown_margin = margin;
}

void
effvk_smoother_set_filter (EffvkSmoother *smoother, EffvkClassFilter *filter)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));
  g_return_if_fail (!filter || EFFVK_IS_CLASS_FILTER (filter));
  g_return_if_fail (!filter || effvk_class_filter_get_model (filter) == smoother->model);

  g_set_object (&smoother->filter, filter);
}

void
effvk_smoother_reset (EffvkSmoother *smoother)
{
  g_return_if_fail (EFFVK_IS_SMOOTHER (smoother));

  smoother->label = smoother->candidate = NO_CLASS;
  smoother->clock = (EffvkSteadyClock){ .now = smoother->clock.now };
}

static void
average (EffvkSmoother *smoother, const float *logits, guint64 passed)
{
  double past = smoother->weight;

  if (smoother->label == NO_CLASS)
    past = 0.0;
  else if (smoother->time_constant)
    past = exp (-(double) passed / (double) smoother->time_constant);
  for (guint i = 0; i < smoother->n_classes; i++)
    smoother->logits[i] = (float) (past * smoother->logits[i] + (1.0 - past) * logits[i]);
}

static void
score (EffvkSmoother *smoother)
{
  double top = smoother->logits[0], sum = 0.0;

  if (smoother->activation == EFFVK_OUTPUT_ACTIVATION_NONE)
    {
      memcpy (smoother->scores, smoother->logits, smoother->n_classes * sizeof *smoother->scores);
      return;
    }
  if (smoother->activation == EFFVK_OUTPUT_ACTIVATION_SIGMOID)
    {
      for (guint i = 0; i < smoother->n_classes; i++)
        smoother->scores[i] = (float) (1.0 / (1.0 + exp (-(double) smoother->logits[i])));
      return;
    }
  for (guint i = 1; i < smoother->n_classes; i++)
    top = MAX (top, smoother->logits[i]);
  for (guint i = 0; i < smoother->n_classes; i++)
    {
      double e = exp (smoother->logits[i] - top);

      smoother->scores[i] = (float) e;
      sum += e;
    }
  for (guint i = 0; i < smoother->n_classes; i++)
    smoother->scores[i] = (float) (smoother->scores[i] / sum);
}

static gboolean
counts (EffvkSmoother *smoother, guint i, double score)
{
  return !smoother->filter || effvk_class_filter_passes (smoother->filter, i, score);
}

/* The @k best classes that count, best first; the lower index first among equals, as the device has
 * it. Sorted by the averages, of which scores may round to the same. Returns how many there are. */
static guint
find_best (EffvkSmoother *smoother, EffvkClass *best, guint k)
{
  guint n = 0;

  for (guint i = 0; i < smoother->n_classes; i++)
    {
      guint at;

      if ((n == k && smoother->logits[i] <= smoother->logits[best[k - 1].index])
          || !counts (smoother, i, (double) smoother->scores[i]))
        continue;
      for (at = n < k ? n++ : k - 1;
           at > 0 && smoother->logits[i] > smoother->logits[best[at - 1].index]; at--)
        best[at] = best[at - 1];
      best[at] = (EffvkClass){ .index = i, .score = smoother->scores[i] };
    }
  return n;
}

/* What the averages say, seen from the label so far. */
static guint
find_label (EffvkSmoother *smoother, const EffvkClass *best, guint n)
{
  guint label = n > 0 ? best[0].index : EFFVK_CLASS_UNKNOWN;
  /* An unknown is left only for a class that clears the limits. */
  double lift = smoother->label == EFFVK_CLASS_UNKNOWN ? smoother->hysteresis : 0.0;

  if (n == 0)
    return label;
  if (smoother->label < smoother->n_classes
      && counts (smoother, smoother->label, (double) smoother->scores[smoother->label])
      && best[0].score <= smoother->scores[smoother->label] + smoother->hysteresis)
    label = smoother->label;
  if (smoother->unknown_threshold != 0.0
      && smoother->scores[label] < smoother->unknown_threshold + lift)
    return EFFVK_CLASS_UNKNOWN;
  if (smoother->unknown_margin > 0.0 && n > 1
      && best[0].score - best[1].score < smoother->unknown_margin + lift)
    return EFFVK_CLASS_UNKNOWN;
  return label;
}

/* There is a label, and a filter that was set since has not left it out. */
static gboolean
may_stay (EffvkSmoother *smoother)
{
  return smoother->label == EFFVK_CLASS_UNKNOWN
         || (smoother->label != NO_CLASS && counts (smoother, smoother->label, INFINITY));
}

/* Returns whether the label changed. */
static gboolean
settle (EffvkSmoother *smoother, guint found)
{
  if (found == smoother->label)
    {
      smoother->candidate = NO_CLASS;
      return FALSE;
    }
  if (found != smoother->candidate)
    {
      smoother->candidate = found;
      smoother->candidate_since = smoother->clock.now;
    }
  if (smoother->clock.now - smoother->candidate_since < smoother->hold && may_stay (smoother))
    return FALSE;
  smoother->label = found;
  smoother->candidate = NO_CLASS;
  return TRUE;
}

/* The score of the best class that may count, however low it is. */
static float
get_best_score (EffvkSmoother *smoother)
{
  float best = 0.0f;

  for (guint i = 0; i < smoother->n_classes; i++)
    if (counts (smoother, i, INFINITY))
      best = MAX (best, smoother->scores[i]);
  return best;
}

/* Puts the label before the other ones of the @n best, which have room for it. Returns how many
 * they are then, @k at most. */
static guint
put_first (EffvkSmoother *smoother, EffvkClass *best, guint n, guint k)
{
  EffvkClass first = { .index = smoother->label };
  guint at = 0;

  if (smoother->label < smoother->n_classes)
    first.score = smoother->scores[smoother->label];
  else if (smoother->activation != EFFVK_OUTPUT_ACTIVATION_NONE)
    first.score = 1.0f - get_best_score (smoother);
  while (at < n && best[at].index != smoother->label)
    at++;
  n = MIN (MAX (n, at + 1), k);
  memmove (best + 1, best, MIN (at, n - 1) * sizeof *best);
  best[0] = first;
  return n;
}

/* The heat map is of the network's best class, which may not count. */
static void
copy_attachments (EffvkSmoother *smoother, EffvkResult *result, EffvkResult *steady)
{
  guint n;
  const float *embedding = effvk_result_get_embedding (result, &n);

  effvk_result_set_embedding (steady, embedding, n);
  if (counts (smoother, effvk_result_get_index (result, 0), INFINITY))
    effvk_result_set_heatmap (steady, effvk_result_peek_heatmap (result));
}

EffvkResult *
effvk_smoother_add (EffvkSmoother *smoother, EffvkResult *result, guint64 time, gboolean *changed)
{
  g_return_val_if_fail (EFFVK_IS_SMOOTHER (smoother), NULL);
  g_return_val_if_fail (result != NULL, NULL);

  g_autofree EffvkClass *best = NULL;
  guint n, n_best, k = effvk_result_get_n_classes (result);
  const float *logits = effvk_result_get_logits (result, &n);
  EffvkResult *steady;
  gboolean moved;

  if (changed)
    *changed = FALSE;
  if (k == 0)
    return effvk_result_ref (result);
  if (n != smoother->n_classes)
    return NULL;

  average (smoother, logits, effvk_steady_clock_advance (&smoother->clock, time));
  score (smoother);
  n_best = MIN (MAX (k, 2), n); /* two, for the margin */
  best = g_new (EffvkClass, n_best + 1);
  n_best = find_best (smoother, best, n_best);
  moved = settle (smoother, find_label (smoother, best, n_best));
  k = put_first (smoother, best, n_best, k);
  if (changed)
    *changed = moved;
  steady
      = effvk_result_new (smoother->model, best, k, smoother->logits, n,
                          effvk_result_get_gpu_time (result), effvk_result_get_total_time (result));
  copy_attachments (smoother, result, steady);
  return steady;
}
