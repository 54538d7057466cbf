/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A classifier of 1,000 classes is taught with 100,000 embeddings, in memory that is bounded. */
#include "model/model.h"

#include <effvk/effvk-teacher.h>
#include <math.h>
#include <sys/resource.h>

#define N_CLASSES 1000
#define N_ITEMS 100000
#define N_FRESH 2000 /* that were not learned from */
/* Besides the embeddings, which are there twice: those that are added, and the teacher's. */
#define MOST_MIB 1024

static double
get_peak_mib (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) usage.ru_maxrss / 1024;
}

static double
get_cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* As a network's features are: few of them say much of a class, and none is below zero. */
static void
make_values (guint class, GRand *noise, float *values, guint size)
{
  g_autoptr (GRand) direction = g_rand_new_with_seed (class);

  for (guint f = 0; f < size; f++)
    values[f] = (float) MAX (0, g_rand_double_range (noise, -1.5, 1));
  for (guint i = 0; i < 24; i++)
    values[g_rand_int_range (direction, 0, (gint32) size)] += (float) g_rand_double (noise);
}

static void
add_items (EffvkEmbeddings *embeddings, guint n, guint seed)
{
  guint size = effvk_embeddings_get_size (embeddings);
  g_autofree float *values = g_new (float, size);
  g_autoptr (GRand) noise = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *label = g_strdup_printf ("class %03u", i % N_CLASSES);
      const char *const labels[] = { label, NULL };

      make_values (i % N_CLASSES, noise, values, size);
      g_assert_true (effvk_embeddings_add (embeddings, values, size, "x.png", -1, labels));
    }
}

static void
on_progress (double share, gpointer user_data G_GNUC_UNUSED)
{
  g_test_message ("%.0f %%, %.0f s of processors, %.0f MiB at most", share * 100,
                  get_cpu_seconds (), get_peak_mib ());
}

/* The share of fresh items that the model's classifier has right. */
static double
get_fresh_accuracy (EffvkModel *model, EffvkModel *backbone)
{
  g_autoptr (EffvkEmbeddings) fresh = effvk_embeddings_new (backbone);
  g_auto (EffvkWeights) weights = { 0 };
  guint n_right = 0;
  gsize n;

  add_items (fresh, N_FRESH, 2);
  effvk_model_get_weights (model, EFFVK_LAYER_CLASSIFIER, 0, &weights);
  for (guint i = 0; i < N_FRESH; i++)
    {
      const float *values = effvk_embeddings_get_values (fresh, i, &n);
      double top = -INFINITY;
      guint best = 0;

      for (guint c = 0; c < weights.out; c++)
        {
          double answer = weights.bias[c];

          for (guint f = 0; f < weights.in; f++)
            answer += (double) weights.weight[(gsize) c * weights.in + f] * values[f];
          best = answer > top ? c : best;
          top = MAX (top, answer);
        }
      n_right += best == i % N_CLASSES;
    }
  return (double) n_right / N_FRESH;
}

static void
test_large (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) backbone = effvk_model_new_random ("b0", 2, 1, &error);
  g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, backbone, &error);
  g_autoptr (EffvkEmbeddings) embeddings = effvk_embeddings_new (backbone);
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GVariant) report = NULL;
  double before, accuracy, fresh, cpu, peak;
  gint64 began;

  g_assert_no_error (error);
  add_items (embeddings, N_ITEMS, 1);
  g_assert_true (effvk_teacher_add_embeddings (teacher, embeddings, &error));
  before = get_peak_mib ();
  began = g_get_monotonic_time ();
  cpu = get_cpu_seconds ();
  model = effvk_teacher_fit (teacher, NULL, on_progress, NULL, &error);
  g_assert_no_error (error);
  peak = get_peak_mib ();
  g_test_message ("%.0f MiB with the embeddings alone, %.0f MiB at most; %.0f s, %.0f s of "
                  "processors",
                  before, peak, (double) (g_get_monotonic_time () - began) / 1e6,
                  get_cpu_seconds () - cpu);
  report = effvk_teacher_get_report (teacher);
  g_assert_true (g_variant_lookup (report, "accuracy", "d", &accuracy));
  fresh = get_fresh_accuracy (model, backbone);
  g_test_message ("accuracy %.3f, of fresh items %.3f", accuracy, fresh);
  g_assert_cmpfloat (fabs (fresh - accuracy), <, 0.05); /* the luck of 2,000 items, four times */
  g_assert_cmpuint (effvk_model_get_n_classes (model), ==, N_CLASSES);
  g_assert_cmpfloat (peak - before, <, MOST_MIB);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/teacher/large", test_large);
  return g_test_run ();
}
