/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steady labels: drawn sequences of answers against a plain reference that looks at the whole
 * history anew for every answer, and the rules one by one. */
#include "result.h"

#include <effvk/effvk-smoother.h>
#include <math.h>
#include <string.h>

#define N 5
#define MS G_GUINT64_CONSTANT (1000000)
#define NOTHING -2
#define UNKNOWN -1

typedef struct
{
  EffvkOutputActivation activation;
  double weight, hysteresis, threshold, margin;
  guint64 time_constant, hold;
} Settings;

static EffvkModel *model;

static EffvkSmoother *
new_smoother (const Settings *settings)
{
  EffvkSmoother *smoother = effvk_smoother_new (model, settings->activation);

  effvk_smoother_set_weight (smoother, settings->weight);
  effvk_smoother_set_time_constant (smoother, settings->time_constant);
  effvk_smoother_set_hysteresis (smoother, settings->hysteresis);
  effvk_smoother_set_hold (smoother, settings->hold);
  effvk_smoother_set_unknown (smoother, settings->threshold, settings->margin);
  return smoother;
}

/* As a classifier would answer, with k classes; the smoother is to look at the logits alone. */
static EffvkResult *
new_result (const float *logits, guint k)
{
  EffvkClass classes[N] = { 0 };

  return effvk_result_new (model, classes, k, logits, N, 7, 9);
}

/* The label's index, or UNKNOWN. */
static int
add (EffvkSmoother *smoother, const float *logits, guint64 time, double *score, gboolean *changed)
{
  g_autoptr (EffvkResult) result = new_result (logits, 1);
  g_autoptr (EffvkResult) steady = effvk_smoother_add (smoother, result, time, changed);

  g_assert_nonnull (steady);
  g_assert_cmpuint (effvk_result_get_n_classes (steady), ==, 1);
  g_assert_cmpuint (effvk_result_get_gpu_time (steady), ==, 7);
  g_assert_cmpuint (effvk_result_get_total_time (steady), ==, 9);
  if (score)
    *score = effvk_result_get_score (steady, 0);
  return (int) effvk_result_get_index (steady, 0);
}

/* The logits of probabilities. */
static int
add_probabilities (EffvkSmoother *smoother, guint64 time, double a, double b, double c)
{
  const double p[N] = { a, b, c, (1 - a - b - c) / 2, (1 - a - b - c) / 2 };
  float logits[N];

  for (guint i = 0; i < N; i++)
    logits[i] = (float) log (MAX (p[i], 1e-9));
  return add (smoother, logits, time, NULL, NULL);
}

/* The reference: the share of every answer so far in the average after the last, by its age. */
static void
reference_scores (const Settings *settings, float (*logits)[N], const guint64 *times, guint last,
                  double *scores)
{
  double sum = 0.0, exponentials = 0.0;
  double average[N] = { 0 };

  for (guint i = 0; i <= last; i++)
    {
      double share = 1.0;

      for (guint j = i; j <= last; j++)
        {
          double past = settings->weight;

          if (settings->time_constant && j > 0)
            past = exp (((double) times[j - 1] - (double) times[j])
                        / (double) settings->time_constant);
          if (j > i)
            share *= past;
          else if (j > 0)
            share *= 1.0 - past;
        }
      sum += share;
      for (guint c = 0; c < N; c++)
        average[c] += share * logits[i][c];
    }
  g_assert_cmpfloat_with_epsilon (sum, 1.0, 1e-9);
  for (guint c = 0; c < N; c++)
    exponentials += exp (average[c]);
  for (guint c = 0; c < N; c++)
    scores[c] = settings->activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX
                    ? exp (average[c]) / exponentials
                : settings->activation == EFFVK_OUTPUT_ACTIVATION_SIGMOID
                    ? 1.0 / (1.0 + exp (-average[c]))
                    : average[c];
}

static int
best_of (const double *scores, int but)
{
  int best = but == 0 ? 1 : 0;

  for (int c = 0; c < N; c++)
    if (c != but && scores[c] > scores[best])
      best = c;
  return best;
}

/* What an answer says by itself, where the label so far is given. */
static int
reference_found (const Settings *settings, const double *scores, int label)
{
  int best = best_of (scores, NOTHING), second = best_of (scores, best), found = best;
  double limit = settings->threshold, margin = settings->margin;

  if (label == UNKNOWN)
    {
      limit += settings->hysteresis;
      margin += settings->hysteresis;
    }
  if (label >= 0 && scores[best] - scores[label] <= settings->hysteresis)
    found = label;
  if (settings->threshold != 0 && scores[found] < limit)
    return UNKNOWN;
  if (settings->margin != 0 && scores[best] - scores[second] < margin)
    return UNKNOWN;
  return found;
}

static void
check_drawn (guint32 seed)
{
  enum
  {
    LENGTH = 60
  };
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  const double weights[] = { 0.0, 0.5, 0.9 }, bands[] = { 0.0, 0.02, 0.1, 0.4 };
  const guint64 times_of[] = { 0, 40 * MS, 300 * MS };
  Settings settings = { .activation = (EffvkOutputActivation) g_rand_int_range (rand, 1, 4),
                        .weight = weights[g_rand_int_range (rand, 0, 3)],
                        .hysteresis = bands[g_rand_int_range (rand, 0, 4)],
                        .margin = bands[g_rand_int_range (rand, 0, 4)],
                        .threshold = g_rand_boolean (rand) ? 0.3 : 0.0,
                        .time_constant = times_of[g_rand_int_range (rand, 0, 3)],
                        .hold = times_of[g_rand_int_range (rand, 0, 3)] };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);
  float logits[LENGTH][N];
  guint64 times[LENGTH], found_since = 0;
  int label = NOTHING, last_found = NOTHING;
  guint leader = 0;

  for (guint t = 0; t < LENGTH; t++)
    {
      gboolean changed;
      double scores[N], score, expected;
      int found, answer;

      times[t] = t ? times[t - 1] + (guint64) g_rand_int_range (rand, 0, 90) * MS : 5 * MS;
      if (g_rand_int_range (rand, 0, 8) == 0)
        leader = (guint) g_rand_int_range (rand, 0, N);
      for (guint c = 0; c < N; c++)
        logits[t][c] = (float) (g_rand_double_range (rand, -1.5, 1.5) + (c == leader ? 1.5 : 0.0));

      reference_scores (&settings, logits, times, t, scores);
      found = reference_found (&settings, scores, label);
      if (found != last_found) /* the first of a run of them */
        found_since = times[t];
      last_found = found;
      answer = add (smoother, logits[t], times[t], &score, &changed);
      if (label == NOTHING || times[t] - found_since >= settings.hold)
        {
          g_assert_cmpint (changed, ==, found != label);
          label = found;
        }
      else
        g_assert_false (changed);
      g_assert_cmpint (answer, ==, label);
      expected = label >= 0 ? scores[label]
                 : settings.activation == EFFVK_OUTPUT_ACTIVATION_NONE
                     ? 0.0
                     : 1.0 - scores[best_of (scores, NOTHING)];
      g_assert_cmpfloat_with_epsilon (score, expected, 1e-5);
    }
}

static void
test_drawn (void)
{
  for (guint32 seed = 0; seed < 600; seed++)
    {
      g_test_message ("seed %u", seed);
      check_drawn (seed);
    }
}

/* Without settings the answer is the network's own. */
static void
test_off (void)
{
  const Settings settings = { .activation = EFFVK_OUTPUT_ACTIVATION_AUTO };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);
  const float logits[] = { 0.5f, 2.0f, -1.0f, 2.5f, 0.5f };
  const guint order[] = { 3, 1, 0, 4, 2 };
  double sum = 0.0;

  for (guint k = 1; k <= N; k++)
    {
      g_autoptr (EffvkResult) result = new_result (logits, k);
      g_autoptr (EffvkResult) steady = effvk_smoother_add (smoother, result, k * MS, NULL);
      const float *averages;
      guint n;

      g_assert_cmpuint (effvk_result_get_n_classes (steady), ==, k);
      for (guint i = 0; i < N; i++)
        sum += i < k ? (double) effvk_result_get_score (steady, i) : 0.0;
      for (guint i = 0; i < k; i++)
        {
          g_assert_cmpuint (effvk_result_get_index (steady, i), ==, order[i]);
          g_assert_cmpstr (effvk_result_get_label (steady, i), ==,
                           effvk_model_get_label (model, order[i]));
        }
      averages = effvk_result_get_logits (steady, &n);
      g_assert_cmpmem (averages, n * sizeof *averages, logits, sizeof logits);
      if (k == N)
        g_assert_cmpfloat_with_epsilon (sum, 1.0, 1e-5);
      sum = 0.0;
    }
}

/* One odd frame in ten flaps without smoothing, and does not with any of the three means. */
static void
test_flapping (void)
{
  const Settings each[]
      = { { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX },
          { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .weight = 0.8 },
          { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .time_constant = 200 * MS },
          { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .hysteresis = 0.3 },
          { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .hold = 100 * MS } };

  for (guint s = 0; s < G_N_ELEMENTS (each); s++)
    {
      g_autoptr (EffvkSmoother) smoother = new_smoother (&each[s]);
      int last = 0;
      guint changes = 0;

      for (guint t = 0; t < 100; t++)
        {
          int label = t % 10 == 9 ? add_probabilities (smoother, t * 40 * MS, 0.35, 0.6, 0.01)
                                  : add_probabilities (smoother, t * 40 * MS, 0.7, 0.2, 0.05);

          changes += label != last;
          last = label;
        }
      g_assert_cmpuint (changes, ==, s == 0 ? 19 : 0);
    }
}

static void
test_unknown (void)
{
  Settings settings = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .threshold = 0.5 };
  g_autoptr (EffvkSmoother) by_threshold = new_smoother (&settings), by_margin = NULL;
  const float logits[N] = { 0 };
  g_autoptr (EffvkResult) flat = new_result (logits, 3), steady = NULL;

  g_assert_cmpint (add_probabilities (by_threshold, 0, 0.49, 0.3, 0.1), ==, UNKNOWN);
  g_assert_cmpint (add_probabilities (by_threshold, 1, 0.51, 0.3, 0.1), ==, 0);
  effvk_smoother_set_hysteresis (by_threshold, 0.1);
  g_assert_cmpint (add_probabilities (by_threshold, 2, 0.51, 0.3, 0.1), ==, 0);
  g_assert_cmpint (add_probabilities (by_threshold, 3, 0.49, 0.3, 0.1), ==, UNKNOWN);
  g_assert_cmpint (add_probabilities (by_threshold, 4, 0.59, 0.3, 0.1), ==, UNKNOWN);
  g_assert_cmpint (add_probabilities (by_threshold, 5, 0.61, 0.3, 0.05), ==, 0);

  settings = (Settings){ .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .margin = 0.2 };
  by_margin = new_smoother (&settings);
  g_assert_cmpint (add_probabilities (by_margin, 0, 0.49, 0.3, 0.1), ==, UNKNOWN);
  g_assert_cmpint (add_probabilities (by_margin, 1, 0.49, 0.28, 0.1), ==, 0);

  /* The label first, then the best classes. */
  steady = effvk_smoother_add (by_margin, flat, 2, NULL);
  g_assert_cmpuint (effvk_result_get_index (steady, 0), ==, EFFVK_CLASS_UNKNOWN);
  g_assert_cmpstr (effvk_result_get_label (steady, 0), ==, "unknown");
  g_assert_cmpfloat_with_epsilon (effvk_result_get_score (steady, 0), 0.8f, 1e-6);
  for (guint i = 1; i < 3; i++)
    {
      g_assert_cmpuint (effvk_result_get_index (steady, i), ==, i - 1);
      g_assert_cmpfloat_with_epsilon (effvk_result_get_score (steady, i), 0.2f, 1e-6);
    }
}

static void
test_hold (void)
{
  const Settings settings
      = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .hold = 100 * MS, .threshold = 0.3 };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);

  g_assert_cmpint (add_probabilities (smoother, 1000 * MS, 0.6, 0.2, 0.1), ==, 0); /* at once */
  g_assert_cmpint (add_probabilities (smoother, 1040 * MS, 0.2, 0.6, 0.1), ==, 0);
  g_assert_cmpint (add_probabilities (smoother, 1139 * MS, 0.2, 0.6, 0.1), ==, 0);
  g_assert_cmpint (add_probabilities (smoother, 1140 * MS, 0.2, 0.6, 0.1), ==, 1);
  g_assert_cmpint (add_probabilities (smoother, 1200 * MS, 0.25, 0.25, 0.25), ==, 1);
  g_assert_cmpint (add_probabilities (smoother, 1290 * MS, 0.6, 0.2, 0.1), ==, 1); /* a break */
  g_assert_cmpint (add_probabilities (smoother, 1350 * MS, 0.25, 0.25, 0.25), ==, 1);
  g_assert_cmpint (add_probabilities (smoother, 1450 * MS, 0.25, 0.25, 0.25), ==, UNKNOWN);
}

/* Reset: nothing of what was before counts. */
static void
test_anew (void)
{
  const Settings settings
      = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .weight = 0.9, .hold = 100 * MS };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);

  g_assert_cmpint (add_probabilities (smoother, 1000 * MS, 0.9, 0.05, 0.01), ==, 0);
  g_assert_cmpint (add_probabilities (smoother, 1001 * MS, 0.1, 0.8, 0.01), ==, 0);
  effvk_smoother_reset (smoother);
  g_assert_cmpint (add_probabilities (smoother, 1000 * MS, 0.1, 0.05, 0.8), ==, 2);
}

/* After how many results of a stream whose times are made by @time another label replaces the
 * first, which was there for ten results. */
static guint
count_until_change (const Settings *settings, guint64 (*time) (guint))
{
  g_autoptr (EffvkSmoother) smoother = new_smoother (settings);
  guint n = 0;

  while (n < 10)
    g_assert_cmpint (add_probabilities (smoother, time (n++), 0.9, 0.02, 0.02), ==, 0);
  while (n < 200 && add_probabilities (smoother, time (n++), 0.02, 0.9, 0.02) == 0)
    continue;
  return n - 10;
}

static guint64
in_order (guint n)
{
  return (1000 + 40 * n) * MS;
}

static guint64
that_falls_back (guint n)
{
  return (n < 11 ? 3600000 + 40 * n : 40 * (n - 11)) * MS;
}

/* Always within the same second. */
static guint64
that_falls_back_often (guint n)
{
  return (1000 + 40 * (n % 5)) * MS;
}

/* From the third result of the new label on. */
static guint64
that_stands_still (guint n)
{
  return in_order (MIN (n, 12));
}

static guint64
that_leaps_and_returns (guint n)
{
  return in_order (n) + (n == 7 || n == 8 ? 3600000 : 0) * MS;
}

/* At the second result of the new label. */
static guint64
that_leaps (guint n)
{
  return in_order (n) + (n > 10 ? 3600000 : 0) * MS;
}

/* A label changes after as many results as in a stream whose times are in order, neither at once
 * nor never. */
static void
test_times (void)
{
  const Settings held = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .hold = 400 * MS };
  const Settings smoothed
      = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .time_constant = 400 * MS };
  const struct
  {
    guint64 (*time) (guint);
    guint later; /* results that may be too many */
  } cases[] = { { that_falls_back, 0 },
                { that_falls_back_often, 0 },
                { that_stands_still, 4 },
                { that_leaps_and_returns, 0 },
                { that_leaps, 0 } };
  guint n_held = count_until_change (&held, in_order),
        n_smoothed = count_until_change (&smoothed, in_order);

  g_assert_cmpuint (n_held, ==, 11);
  g_assert_cmpuint (n_smoothed, ==, 7);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint n = count_until_change (&held, cases[i].time);

      g_assert_cmpuint (n, >=, n_held);
      g_assert_cmpuint (n, <=, n_held + cases[i].later);
      n = count_until_change (&smoothed, cases[i].time);
      g_assert_cmpuint (n, >=, n_smoothed);
      g_assert_cmpuint (n, <=, n_smoothed + cases[i].later);
    }
}

/* The embedding stays the frame's own. */
static void
test_embedding (void)
{
  const Settings settings = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .weight = 0.5 };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);
  const float logits[N] = { 1, 2, 3, 4, 5 }, embedding[] = { 0.5f, -0.25f };
  const EffvkClass best = { .index = 4, .score = 0.5f };

  for (guint pass = 0; pass < 2; pass++)
    {
      g_autoptr (EffvkResult) result = effvk_result_new (model, &best, 1, logits, N, 0, 0);
      g_autoptr (EffvkResult) steady = NULL;
      const float *kept;
      guint n;

      effvk_result_set_embedding (result, pass ? embedding : NULL, 2);
      steady = effvk_smoother_add (smoother, result, pass, NULL);
      g_assert_nonnull (steady);
      kept = effvk_result_get_embedding (steady, &n);
      g_assert_cmpuint (n, ==, pass ? 2 : 0);
      if (pass)
        g_assert_cmpmem (kept, sizeof embedding, embedding, sizeof embedding);
      else
        g_assert_null (kept);
    }
}

static void
test_refused (void)
{
  const Settings settings = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX, .weight = 0.5 };
  g_autoptr (EffvkSmoother) smoother = new_smoother (&settings);
  const EffvkClass best = { .index = 1, .score = 0.5f };
  const float logits[N] = { 1, 2, 3, 4, 5 };
  g_autoptr (EffvkResult) without = effvk_result_new (model, &best, 1, NULL, 0, 0, 0);
  g_autoptr (EffvkResult) few = effvk_result_new (model, &best, 1, logits, N - 1, 0, 0);
  g_autoptr (EffvkResult) not_finite = effvk_result_new (model, NULL, 0, logits, N, 0, 0);
  g_autoptr (EffvkResult) steady = NULL;
  gboolean changed = TRUE;

  g_assert_null (effvk_smoother_add (smoother, without, 0, NULL));
  g_assert_null (effvk_smoother_add (smoother, few, 0, NULL));
  steady = effvk_smoother_add (smoother, not_finite, 0, &changed);
  g_assert_true (steady == not_finite);
  g_assert_false (changed);
  g_assert_cmpint (add (smoother, logits, 0, NULL, &changed), ==, 4); /* still the first */
  g_assert_true (changed);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  model = effvk_model_new_random ("phi=-4", N, 1, &error);
  g_assert_no_error (error);
  g_test_add_func ("/smoother/drawn", test_drawn);
  g_test_add_func ("/smoother/off", test_off);
  g_test_add_func ("/smoother/flapping", test_flapping);
  g_test_add_func ("/smoother/unknown", test_unknown);
  g_test_add_func ("/smoother/hold", test_hold);
  g_test_add_func ("/smoother/anew", test_anew);
  g_test_add_func ("/smoother/times", test_times);
  g_test_add_func ("/smoother/embedding", test_embedding);
  g_test_add_func ("/smoother/refused", test_refused);
  status = g_test_run ();
  g_object_unref (model);
  return status;
}
