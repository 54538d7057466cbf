/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The self-test of top-k, up to the largest class count that a model may have. It includes equal
 * logits, logits that are not finite, and the best ones all in one invocation's share. */
#include "selftest/cases.h"
#include "selftest/reference.h"

#include <math.h>

#define MAX_CLASSES 1000000 /* of a model */
#define MAX_K 1000          /* that a classifier reports */
#define SHARE 128           /* a multiple of every kernel's invocations */

/* Compares one image's answer, [k][4], and adds to the NMSE's sums. Transfer full. */
static char *
find_top_k_fault (EffvkOutputActivation activation, const float *logits, guint classes, guint k,
                  const float *answer, double *error, double *energy)
{
  g_autofree guint *indices = g_new (guint, k);
  g_autofree double *scores = g_new (double, k);
  gboolean finite = effvk_reference_top_k (activation, logits, classes, k, indices, scores);

  for (guint rank = 0; rank < k; rank++)
    {
      const float *got = answer + 4 * (gsize) rank;
      double expected, below, tolerance;

      if (got[2] != (float) finite)
        return g_strdup_printf ("rank %u says finite %g, expected %d", rank, (double) got[2],
                                finite);
      if (!finite)
        continue;
      if (got[0] != (float) indices[rank])
        return g_strdup_printf ("rank %u is class %g, expected %u", rank, (double) got[0],
                                indices[rank]);
      /* Vulkan lets the error of exp (x) grow with x: 3 + 2 |x| units in the last place. */
      expected = scores[rank];
      below = activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX
                  ? (double) logits[indices[0]] - logits[indices[rank]]
                  : fabs ((double) logits[indices[rank]]);
      tolerance = fabs (expected) * 1e-6 * (1.0 + below) + G_MINFLOAT;
      if (!(fabs (got[1] - expected) <= tolerance))
        return g_strdup_printf ("rank %u has score %.9g, expected %.9g", rank, (double) got[1],
                                expected);
      *error += (got[1] - expected) * (got[1] - expected);
      *energy += expected * expected;
    }
  return NULL;
}

/* The @k best, and some that are not, are one invocation's. */
static void
draw_cluster (EffvkTrial *trial, float *logits, guint classes, guint k)
{
  guint first = (guint) g_rand_int_range (trial->rand, 0, SHARE);

  effvk_trial_describe (trial, "clustered");
  for (guint i = 0, at = first; i < k + 9 && at < classes; i++, at += SHARE)
    logits[at] += 16.0f;
}

static void
draw_ties (EffvkTrial *trial, float *logits, gsize n)
{
  effvk_trial_describe (trial, "ties");
  for (gsize i = 0; i < n; i++)
    logits[i] = rintf (logits[i]);
}

/* A value that is not finite in each image but the last. */
static void
draw_hostile (EffvkTrial *trial, float *logits, guint classes, guint images)
{
  static const float hostile[] = { NAN, INFINITY, -INFINITY };

  effvk_trial_describe (trial, "not finite");
  for (guint i = 0; i + 1 < images; i++)
    logits[i * classes + (guint) g_rand_int_range (trial->rand, 0, (gint32) classes)]
        = hostile[i % G_N_ELEMENTS (hostile)];
}

/* Draws [N,1,1,C] and k. In turn: few classes; few, of which some are not finite; very many. */
static EffvkTrialInput
draw_logits (EffvkTrial *trial, guint index, EffvkTensorInfo *info, guint *k)
{
  gboolean hostile = index % 3 == 1, many = index % 3 == 2, most = index / 3 % 2 == 1;
  double centre = g_rand_double_range (trial->rand, -12.0, 12.0);
  EffvkTrialInput logits;

  info->n = hostile ? 4 : (guint) g_rand_int_range (trial->rand, 1, many ? 2 : 4);
  info->c = effvk_trial_size (trial, 1100);
  if (many)
    info->c = most ? MAX_CLASSES : 20000 + 40 * info->c;
  *k = index % 4 == 2 ? MIN (info->c, MAX_K) : effvk_trial_size (trial, MIN (info->c, MAX_K));
  effvk_trial_describe (trial, "%u images, %u of %u", info->n, *k, info->c);
  logits = effvk_trial_add_input (trial, info, centre - 8.0, centre + 8.0);
  if (index % 3 != 0)
    draw_ties (trial, logits.values, (gsize) info->n * info->c);
  if (many)
    draw_cluster (trial, logits.values, info->c, *k);
  if (hostile)
    draw_hostile (trial, logits.values, info->c, info->n);
  return logits;
}

gboolean
effvk_selftest_run_top_k (EffvkTrial *trial, guint index, GError **error)
{
  EffvkTensorInfo in = { "logits", EFFVK_STORAGE_F32, 0, 1, 1, 0 };
  EffvkTensorInfo out = { "top-k", EFFVK_STORAGE_F32, 0, 1, 0, 4 };
  EffvkTrialInput logits = draw_logits (trial, index, &in, &out.w);
  EffvkTopK op = { .logits = logits.tensor,
                   .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX + (index / 3 + index) % 3 };
  g_autofree float *answers = NULL;
  g_autofree char *fault = NULL;
  double square = 0.0, energy = 0.0;

  out.n = in.n;
  op.output = effvk_trial_add_output (trial, &out, error);
  if (!op.output || !effvk_top_k (&trial->context, &op, error) || !effvk_trial_run (trial, error))
    return FALSE;
  /* Another one took its place where it is unfit for the shape. */
  trial->context.kernel = effvk_program_get_dispatch (trial->context.program, 0)->kernel;

  answers = effvk_trial_read (trial, op.output, error);
  if (!answers)
    return FALSE;
  for (guint n = 0; n < in.n && !fault; n++)
    fault = find_top_k_fault (op.activation, logits.values + (gsize) n * in.c, in.c, out.w,
                              answers + (gsize) n * out.w * 4, &square, &energy);
  if (!fault
      && !effvk_trial_find_fault (trial, op.output, answers, EFFVK_PADDING_CHANNELS_ZERO, &fault,
                                  error))
    return FALSE;
  effvk_trial_report (trial, fault ? INFINITY : square / MAX (energy, G_MINDOUBLE), !fault, fault);
  return TRUE;
}
