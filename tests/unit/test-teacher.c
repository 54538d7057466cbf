/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Teaching, without pictures: what is learned of embeddings that are made here, and what is
 * refused. */
#include "teach/examples.h"
#include "teach/logistic.h"

#include "model/model.h"

#include <effvk/effvk-teacher.h>
#include <glib/gstdio.h>
#include <math.h>

static EffvkModel *backbone;

static double
gauss (GRand *rand)
{
  return sqrt (-2 * log (g_rand_double_range (rand, 1e-9, 1)))
         * cos (2 * G_PI * g_rand_double (rand));
}

/* Items of @n_classes, @n of each: a direction of its own for each class, and noise. */
static EffvkEmbeddings *
make (guint n_classes, guint n, double noise, guint seed)
{
  EffvkEmbeddings *embeddings = effvk_embeddings_new (backbone);
  guint size = effvk_embeddings_get_size (embeddings);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n_classes * n; i++)
    {
      guint class = i % n_classes;
      g_autofree char *label = g_strdup_printf ("class %c%u", 'a' + class % 26, class / 26);
      g_autofree char *source = g_strdup_printf ("%u.png", i);
      const char *labels[] = { label, NULL };
      g_autofree float *values = g_new (float, size);

      for (guint view = 0; view < 2; view++)
        {
          for (guint f = 0; f < size; f++)
            values[f] = (float) (3 + (f % n_classes == class ? 1 : 0) + noise * gauss (rand));
          if (view)
            effvk_embeddings_add_view (embeddings, values, size);
          else
            effvk_embeddings_add (embeddings, values, size, source, -1, labels);
        }
    }
  return embeddings;
}

static EffvkModel *
fit (EffvkEmbeddings *embeddings, guint seed, GVariant **report)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, backbone, &error);
  EffvkModel *model;

  g_assert_no_error (error);
  effvk_teacher_set_seed (teacher, seed);
  g_assert_true (effvk_teacher_add_embeddings (teacher, embeddings, &error));
  g_assert_no_error (error);
  model = effvk_teacher_fit (teacher, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  if (report)
    *report = effvk_teacher_get_report (teacher);
  return model;
}

/* Which class the model's own classifier gives an item. */
static guint
classify (EffvkModel *model, const float *values, double *score)
{
  g_auto (EffvkWeights) weights = { 0 };
  guint best = 0;
  double top = -INFINITY, sum = 0;

  effvk_model_get_weights (model, EFFVK_LAYER_CLASSIFIER, 0, &weights);
  for (guint pass = 0; pass < 2; pass++)
    for (guint c = 0; c < weights.out; c++)
      {
        double answer = weights.bias[c];

        for (guint f = 0; f < weights.in; f++)
          answer += (double) weights.weight[(gsize) c * weights.in + f] * values[f];
        if (pass)
          sum += exp (answer - top);
        else if (answer > top)
          {
            top = answer;
            best = c;
          }
      }
  if (score)
    *score = 1 / sum;
  return best;
}

/* What is learned holds for items that were not learned from. */
static void
test_learned (void)
{
  g_autoptr (EffvkEmbeddings) known = make (3, 10, 0.5, 1);
  g_autoptr (EffvkEmbeddings) fresh = make (3, 20, 0.5, 2);
  g_autoptr (GVariant) report = NULL;
  g_autoptr (EffvkModel) model = fit (known, 0, &report);
  guint n_right = 0, n_sure = 0;
  double accuracy;
  gsize n;

  g_assert_cmpuint (effvk_model_get_n_classes (model), ==, 3);
  g_assert_cmpstr (effvk_model_get_label (model, 1), ==, "class b0");
  for (guint i = 0; i < 60; i++)
    {
      double score;

      n_right += classify (model, effvk_embeddings_get_values (fresh, i, &n), &score) == i % 3;
      n_sure += score >= effvk_model_get_unknown_threshold (model);
    }
  g_assert_cmpuint (n_right, >=, 58);
  g_assert_true (g_variant_lookup (report, "accuracy", "d", &accuracy));
  g_assert_cmpfloat (accuracy, >, 0.9);
  g_assert_cmpfloat (effvk_model_get_unknown_threshold (model), >, 0.34);
  g_assert_cmpfloat (effvk_model_get_unknown_threshold (model), <, 1);
  g_assert_cmpuint (n_sure, >=, 50); /* 95 % of the known, with the luck of 60 */
  g_assert_nonnull (strstr (effvk_model_get_teaching (model), "\"pictures\":30"));
}

/* Where there is nothing to learn the accuracy says so, and scores are not sure. */
static void
test_nothing_to_learn (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = effvk_embeddings_new (backbone);
  guint size = effvk_embeddings_get_size (embeddings);
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autofree float *values = g_new (float, size);
  g_autoptr (GVariant) report = NULL;
  g_autoptr (EffvkModel) model = NULL;
  double accuracy, sum = 0;
  gsize n;

  for (guint i = 0; i < 80; i++)
    {
      const char *const labels[] = { i % 2 ? "heads" : "tails", NULL };

      for (guint f = 0; f < size; f++)
        values[f] = (float) gauss (rand);
      effvk_embeddings_add (embeddings, values, size, "coin", -1, labels);
    }
  model = fit (embeddings, 0, &report);
  g_assert_true (g_variant_lookup (report, "accuracy", "d", &accuracy));
  g_assert_cmpfloat (accuracy, >, 0.2);
  g_assert_cmpfloat (accuracy, <, 0.8);
  for (guint i = 0; i < 80; i++)
    {
      double score;

      classify (model, effvk_embeddings_get_values (embeddings, i, &n), &score);
      sum += score;
    }
  g_assert_cmpfloat (sum / 80, <, 0.9);
}

static void
test_same_each_time (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make (4, 8, 1.0, 5);
  g_autoptr (EffvkModel) one = fit (embeddings, 7, NULL);
  g_autoptr (EffvkModel) two = fit (embeddings, 7, NULL);
  g_auto (EffvkWeights) a = { 0 };
  g_auto (EffvkWeights) b = { 0 };

  effvk_model_get_weights (one, EFFVK_LAYER_CLASSIFIER, 0, &a);
  effvk_model_get_weights (two, EFFVK_LAYER_CLASSIFIER, 0, &b);
  g_assert_cmpmem (a.weight, a.in * a.out * sizeof (float), b.weight,
                   b.in * b.out * sizeof (float));
  g_assert_cmpstr (effvk_model_get_teaching (one), ==, effvk_model_get_teaching (two));
}

/* The file has all of it, to the last bit. */
static void
test_file (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make (3, 5, 0.5, 9);
  g_autoptr (EffvkModel) model = fit (embeddings, 0, NULL);
  g_autoptr (EffvkModel) read = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("effvk-teacher-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "m.safetensors", NULL);

  g_assert_true (effvk_model_save (model, path, &error));
  g_assert_no_error (error);
  read = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  g_remove (path);
  g_rmdir (folder);
  for (EffvkLayer layer = EFFVK_LAYER_HEAD; layer <= EFFVK_LAYER_CLASSIFIER; layer++)
    {
      g_auto (EffvkWeights) a = { 0 };
      g_auto (EffvkWeights) b = { 0 };
      g_auto (EffvkWeights) c = { 0 };

      effvk_model_get_weights (model, layer, 0, &a);
      effvk_model_get_weights (read, layer, 0, &b);
      effvk_model_get_weights (backbone, layer, 0, &c);
      g_assert_cmpmem (a.weight, a.in * a.out * sizeof (float), b.weight,
                       b.in * b.out * sizeof (float));
      g_assert_cmpmem (a.bias, a.out * sizeof (float), b.bias, b.out * sizeof (float));
      if (layer == EFFVK_LAYER_HEAD) /* the backbone's own */
        g_assert_cmpmem (a.weight, a.in * a.out * sizeof (float), c.weight,
                         c.in * c.out * sizeof (float));
    }
  g_assert_cmpfloat (effvk_model_get_unknown_threshold (read), ==,
                     effvk_model_get_unknown_threshold (model));
  g_assert_cmpstr (effvk_model_get_teaching (read), ==, effvk_model_get_teaching (model));
  g_assert_true (effvk_embeddings_is_of (embeddings, read));
}

/* Loss and gradient of naive sums in double precision: at the solution all slopes are flat. */
static void
check_stationary (const EffvkExamples *examples, const double *solution, double l2)
{
  guint n = examples->n_columns, classes = examples->n_classes;
  g_autofree double *gradient = g_new0 (double, (gsize) classes *(n + 1));
  g_autofree double *p = g_new (double, classes);
  double steepest = 0;

  for (guint i = 0; i < examples->n_items; i++)
    {
      const EffvkEmbeddingsItem *item = effvk_embeddings_item (examples->embeddings, i);

      for (guint view = 0; view < item->n_views; view++)
        {
          const float *row = examples->rows + (gsize) (item->first + view) * n;
          double sum = 0, weight = examples->weights[examples->classes[i]] / item->n_views;

          for (guint c = 0; c < classes; c++)
            {
              p[c] = solution[(gsize) c * (n + 1) + n];
              for (guint f = 0; f < n; f++)
                p[c] += solution[(gsize) c * (n + 1) + f] * examples->stretch
                        * (row[f] - (examples->centre ? examples->centre[f] : 0));
              p[c] = exp (p[c]);
              sum += p[c];
            }
          for (guint c = 0; c < classes; c++)
            for (guint f = 0; f <= n; f++)
              gradient[(gsize) c * (n + 1) + f]
                  += weight * (p[c] / sum - (examples->classes[i] == c))
                     * (f == n ? 1
                               : examples->stretch
                                     * (row[f] - (examples->centre ? examples->centre[f] : 0)));
        }
    }
  for (guint c = 0; c < classes; c++)
    for (guint f = 0; f <= n; f++)
      {
        double slope = gradient[(gsize) c * (n + 1) + f]
                       + (f < n ? l2 * solution[(gsize) c * (n + 1) + f] : 0);

        steepest = MAX (steepest, fabs (slope));
      }
  g_test_message ("%u rows of %u columns: the steepest slope is %g",
                  examples->embeddings->rows->len / examples->embeddings->size, n, steepest);
  g_assert_cmpfloat (steepest, <, 2e-3);
}

/* A minimum is one, with fewer rows than features (reduced) and with more, in parts and at once. */
static void
test_minimum (void)
{
  static const guint numbers[] = { 8, 400 };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (EffvkEmbeddings) embeddings = make (3, numbers[i], 2.0, 11);
      g_autoptr (GError) error = NULL;
      g_autoptr (EffvkExamples) examples = effvk_examples_new (embeddings, FALSE, &error);
      g_autofree guint *items = NULL;
      double *one, *two;
      gsize n;

      g_assert_no_error (error);
      g_assert_true ((examples->reduction != NULL) == (i == 0));
      n = (gsize) 3 * (examples->n_columns + 1);
      items = g_new (guint, examples->n_items);
      for (guint j = 0; j < examples->n_items; j++)
        items[j] = j;
      one = effvk_logistic_new_solution (examples);
      two = effvk_logistic_new_solution (examples);
      for (guint parallel = 0; parallel < 2; parallel++)
        {
          const EffvkLogistic logistic = { examples, items, examples->n_items, 1e-3, parallel };

          g_assert_true (effvk_logistic_fit (&logistic, parallel ? two : one, NULL, &error));
          g_assert_no_error (error);
        }
      check_stationary (examples, one, 1e-3);
      g_assert_cmpmem (one, n * sizeof *one, two, n * sizeof *two);
      effvk_logistic_free_solution (one);
      effvk_logistic_free_solution (two);
    }
}

/* Over the reduced rows' basis a classifier answers as over all features. */
static void
test_reduction (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make (2, 10, 1.0, 13);
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkExamples) examples = effvk_examples_new (embeddings, FALSE, &error);
  guint n = examples->n_columns, size = effvk_embeddings_get_size (embeddings);
  g_autofree double *weights = g_new (double, n);
  g_autofree double *features = g_new (double, size);
  g_autoptr (GRand) rand = g_rand_new_with_seed (17);
  double length = 0, whole = 0;

  for (guint k = 0; k < n; k++)
    {
      weights[k] = gauss (rand);
      length += weights[k] * weights[k];
    }
  effvk_examples_expand (examples, weights, features);
  for (guint f = 0; f < size; f++)
    whole += features[f] * features[f];
  g_assert_cmpfloat_with_epsilon (length, whole,
                                  1e-6 * length); /* so that the penalty is the same */
  for (guint r = 0; r < 40; r++)
    {
      double reduced = 0, expected = 0;

      for (guint k = 0; k < n; k++)
        reduced += weights[k] * examples->rows[(gsize) r * n + k];
      for (guint f = 0; f < size; f++)
        expected += features[f] * examples->scale
                    * (effvk_embeddings_row (embeddings, r)[f] - examples->mean[f]);
      g_assert_cmpfloat_with_epsilon (reduced, expected, 1e-4);
    }
}

static void
test_multi_label (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, backbone, &error);
  g_autoptr (EffvkEmbeddings) embeddings = effvk_embeddings_new (backbone);
  g_autoptr (GRand) rand = g_rand_new_with_seed (19);
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GVariant) report = NULL;
  guint size = effvk_embeddings_get_size (embeddings);
  g_autofree float *values = g_new (float, size);
  double accuracy;

  for (guint i = 0; i < 60; i++)
    {
      const char *labels[3] = { NULL };
      guint n = 0;

      if (i & 1)
        labels[n++] = "cat";
      if (i & 2)
        labels[n++] = "dog";
      for (guint f = 0; f < size; f++)
        values[f]
            = (float) ((f % 3 == 0 && (i & 1)) + (f % 3 == 1 && (i & 2)) + 0.3 * gauss (rand));
      effvk_embeddings_add (embeddings, values, size, "both", -1, labels);
    }
  effvk_teacher_set_multi_label (teacher, TRUE);
  g_assert_true (effvk_teacher_add_embeddings (teacher, embeddings, &error));
  model = effvk_teacher_fit (teacher, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (effvk_model_get_arch (model)->output, ==, EFFVK_OUTPUT_ACTIVATION_SIGMOID);
  report = effvk_teacher_get_report (teacher);
  g_assert_true (g_variant_lookup (report, "accuracy", "d", &accuracy));
  g_assert_cmpfloat (accuracy, >, 0.95);
}

/* What is labelled wrong, and what is there twice, is found. */
static void
test_found_out (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make (2, 12, 0.3, 23);
  guint size = effvk_embeddings_get_size (embeddings);
  const char *const wrong[] = { "class b0", NULL };
  g_autofree float *values = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autoptr (GVariant) offenders = NULL;
  g_autoptr (GVariant) duplicates = NULL;
  g_autoptr (EffvkModel) model = NULL;
  guint item, other;
  double cosine;
  gsize n;

  values = g_memdup2 (effvk_embeddings_get_values (embeddings, 4, &n), size * sizeof (float));
  effvk_embeddings_add (embeddings, values, size, "again.png", -1, wrong); /* it is of class a0 */
  model = fit (embeddings, 0, &report);
  offenders = g_variant_lookup_value (report, "offenders", NULL);
  g_assert_cmpuint (g_variant_n_children (offenders), >=, 1);
  g_variant_get_child (offenders, 0, "(u&s&sdd)", &item, NULL, NULL, NULL, NULL);
  g_assert_cmpuint (item, ==, 24);
  duplicates = g_variant_lookup_value (report, "duplicates", NULL);
  for (gsize i = 0; i < g_variant_n_children (duplicates); i++)
    {
      g_variant_get_child (duplicates, i, "(uud)", &item, &other, &cosine);
      if (item == 4 && other == 24)
        {
          g_assert_cmpfloat_with_epsilon (cosine, 1, 1e-6);
          return;
        }
    }
  g_assert_not_reached ();
}

static void
add_labelled (EffvkEmbeddings *embeddings, const char *label)
{
  guint size = effvk_embeddings_get_size (embeddings);
  g_autofree float *values = g_new0 (float, size);
  const char *const labels[] = { label, NULL };

  values[embeddings->items->len % size] = 1;
  effvk_embeddings_add (embeddings, values, size, "x.png", -1, labels);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *labels[6];
    EffvkTeacherError code;
    const char *word;
  } cases[] = {
    { { NULL }, EFFVK_TEACHER_ERROR_TOO_FEW, "no picture" },
    { { "a", "a" }, EFFVK_TEACHER_ERROR_TOO_FEW, "two classes" },
    { { "a", "a", "jammed" }, EFFVK_TEACHER_ERROR_TOO_FEW, "\"jammed\" has 1 picture" },
    { { "a", "b", "c" }, EFFVK_TEACHER_ERROR_TOO_FEW, "has 1 picture" },
    { { "a", "a", "b\nc", "b\nc" }, EFFVK_TEACHER_ERROR_LABEL, "line end" },
    { { "a", "a", "", "" }, EFFVK_TEACHER_ERROR_LABEL, "label" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EffvkEmbeddings) embeddings = effvk_embeddings_new (backbone);
      g_autoptr (GError) error = NULL;
      g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, backbone, &error);

      for (guint l = 0; cases[i].labels[l]; l++)
        add_labelled (embeddings, cases[i].labels[l]);
      g_assert_true (effvk_teacher_add_embeddings (teacher, embeddings, &error));
      g_assert_null (effvk_teacher_fit (teacher, NULL, NULL, NULL, &error));
      g_test_message ("%s", error->message);
      g_assert_error (error, EFFVK_TEACHER_ERROR, (gint) cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].word));
      g_assert_null (effvk_teacher_get_report (teacher));
    }
}

/* Labels with commas and quotation marks are labels. */
static void
test_odd_labels (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = effvk_embeddings_new (backbone);
  g_autoptr (EffvkModel) model = NULL;

  for (guint i = 0; i < 4; i++)
    add_labelled (embeddings, i % 2 ? "ours, \"not\" theirs" : "{\"a\":1}");
  model = fit (embeddings, 0, NULL);
  g_assert_cmpstr (effvk_model_get_label (model, 0), ==, "ours, \"not\" theirs");
  g_assert_cmpstr (effvk_model_get_label (model, 1), ==, "{\"a\":1}");
}

static void
test_other_backbone (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) other = effvk_model_new_random ("phi=-4", 3, 2, &error);
  g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, other, &error);
  g_autoptr (EffvkEmbeddings) embeddings = make (2, 2, 1, 1);
  EffvkImage *image = effvk_image_new (EFFVK_FORMAT_RGB, 8, 8);

  g_assert_false (effvk_teacher_add_embeddings (teacher, embeddings, &error));
  g_assert_error (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_MISMATCH);
  g_clear_error (&error);
  g_assert_false (effvk_teacher_add (teacher, image, "a", &error)); /* there is no device */
  g_assert_error (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_FAILED);
  effvk_image_free (image);
}

static void
cancel (double share G_GNUC_UNUSED, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static void
test_cancelled (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkTeacher) teacher = effvk_teacher_new (NULL, backbone, &error);
  g_autoptr (EffvkEmbeddings) embeddings = make (4, 30, 3, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_assert_true (effvk_teacher_add_embeddings (teacher, embeddings, &error));
  g_assert_null (effvk_teacher_fit (teacher, cancellable, cancel, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  backbone = effvk_model_new_random ("phi=-4", 3, 1, &error);
  g_assert_no_error (error);
  g_test_add_func ("/teacher/other-backbone", test_other_backbone);
  g_test_add_func ("/teacher/reduction", test_reduction);
  if (effvk_teacher_is_built_in ())
    {
      g_test_add_func ("/teacher/learned", test_learned);
      g_test_add_func ("/teacher/nothing-to-learn", test_nothing_to_learn);
      g_test_add_func ("/teacher/same-each-time", test_same_each_time);
      g_test_add_func ("/teacher/file", test_file);
      g_test_add_func ("/teacher/minimum", test_minimum);
      g_test_add_func ("/teacher/multi-label", test_multi_label);
      g_test_add_func ("/teacher/found-out", test_found_out);
      g_test_add_func ("/teacher/refused", test_refused);
      g_test_add_func ("/teacher/odd-labels", test_odd_labels);
      g_test_add_func ("/teacher/cancelled", test_cancelled);
    }
  status = g_test_run ();
  g_object_unref (backbone);
  return status;
}
