/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which classes count: the lists, what is wrong with them, and what a smoother makes of them. */
#include "result.h"

#include <effvk/effvk-smoother.h>
#include <glib/gstdio.h>
#include <math.h>

#define N 6

static EffvkModel *model; /* with a comma in a label, two of one name, and a number */

static EffvkClassFilter *
new_filter (const char *allow, const char *deny, const char *thresholds)
{
  g_autoptr (GError) error = NULL;
  EffvkClassFilter *filter = effvk_class_filter_new (model, allow, deny, thresholds, &error);

  g_assert_no_error (error);
  g_assert_true (effvk_class_filter_get_model (filter) == model);
  return filter;
}

/* The classes that pass with a score of a half, a digit each. */
static void
assert_passing (const char *allow, const char *deny, const char *thresholds, const char *expected)
{
  g_autoptr (EffvkClassFilter) filter = new_filter (allow, deny, thresholds);
  g_autoptr (GString) passing = g_string_new (NULL);

  for (guint i = 0; i < N + 2; i++)
    if (effvk_class_filter_passes (filter, i, 0.5))
      g_string_append_printf (passing, "%u", i);
  g_assert_cmpstr (passing->str, ==, expected);
}

static void
test_lists (void)
{
  assert_passing (NULL, NULL, NULL, "012345");
  assert_passing ("", " , ", ",", "012345");
  assert_passing ("cat,dog", NULL, NULL, "01");
  assert_passing (" dog ,, tabby\\, tabby cat", NULL, NULL, "12");
  assert_passing ("crane", NULL, NULL, "34"); /* both */
  assert_passing (NULL, "crane,0", NULL, "125");
  assert_passing ("cat,dog", "dog", NULL, "0"); /* deny wins */
  assert_passing ("1", NULL, NULL, "5");        /* a label before an index */
  assert_passing ("2", NULL, NULL, "2");
  assert_passing (NULL, NULL, "cat=0.5,dog=0.51", "02345");
  assert_passing (NULL, NULL, "crane = 1e3 , tabby\\, tabby cat = -1", "0125");
  assert_passing (NULL, "cat", "cat=0.1", "12345");
}

static void
test_refused (void)
{
  static const struct
  {
    const char *lists[3], *message;
  } bad[] = {
    { { "cart" }, "allow: the model has no class \"cart\"; did you mean \"cat\"?" },
    { { "zebrafish" },
      "allow: the model has no class \"zebrafish\"; expected a label or an index from 0 to 5" },
    { { "6" }, "allow: the model has no class \"6\"" },
    { { "-1" }, "allow: the model has no class \"-1\"" },
    { { NULL, "cat,Dog" }, "deny: the model has no class \"Dog\"; did you mean \"dog\"?" },
    { { "cat", "0" }, "deny: no class is left" },
    { { NULL, NULL, "cat" }, "class thresholds: \"cat\": expected CLASS=SCORE" },
    { { NULL, NULL, "cat=" }, "class thresholds: \"cat=\": expected CLASS=SCORE" },
    { { NULL, NULL, "cat=nan" }, "class thresholds: \"cat=nan\": expected CLASS=SCORE" },
    { { NULL, NULL, "cat=0.4x" }, "class thresholds: \"cat=0.4x\": expected CLASS=SCORE" },
    { { NULL, NULL, "fish=0.4" }, "class thresholds: the model has no class \"fish\"" },
    { { NULL, NULL, "=0.4" }, "class thresholds: the model has no class \"\"" },
    { { NULL, NULL, "cat=0.4,0=0.5" }, "class thresholds: \"0=0.5\": this class has two" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *const *lists = bad[i].lists;
      g_autoptr (GError) error = NULL;

      g_assert_null (effvk_class_filter_new (model, lists[0], lists[1], lists[2], &error));
      g_assert_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS);
      if (!g_str_has_prefix (error->message, bad[i].message))
        g_error ("\"%s\" does not begin with \"%s\"", error->message, bad[i].message);
    }
}

/* Scores 0.5, 0.2, 0.12, 0.1, 0.05, 0.03; the heat map is of the class 0. */
static EffvkResult *
new_result (guint k)
{
  const double p[N] = { 0.5, 0.2, 0.12, 0.1, 0.05, 0.03 };
  EffvkHeatmapOfImage heatmap = { (float[]){ 1.0f, 2.0f }, 2, 1, { 0, 0, 1, 1 } };
  EffvkClass classes[N];
  EffvkResult *result;
  float logits[N];

  for (guint i = 0; i < N; i++)
    {
      logits[i] = (float) log (p[i]);
      classes[i] = (EffvkClass){ i, (float) p[i] };
    }
  result = effvk_result_new (model, classes, k, logits, N, 0, 0);
  effvk_result_set_heatmap (result, &heatmap);
  return result;
}

/* The classes of the answer, a digit each, u: unknown; and the first one's score. */
static EffvkResult *
assert_answer (EffvkSmoother *smoother, guint k, guint64 time, const char *expected, double score)
{
  g_autoptr (EffvkResult) result = new_result (k);
  EffvkResult *answer = effvk_smoother_add (smoother, result, time, NULL);
  g_autoptr (GString) classes = g_string_new (NULL);

  for (guint i = 0; i < effvk_result_get_n_classes (answer); i++)
    {
      guint index = effvk_result_get_index (answer, i);

      if (index == EFFVK_CLASS_UNKNOWN)
        g_string_append_c (classes, 'u');
      else
        g_string_append_printf (classes, "%u", index);
    }
  g_assert_cmpstr (classes->str, ==, expected);
  g_assert_cmpfloat_with_epsilon ((double) effvk_result_get_score (answer, 0), score, 1e-5);
  return answer;
}

static EffvkSmoother *
new_smoother (const char *allow, const char *deny, const char *thresholds)
{
  EffvkSmoother *smoother = effvk_smoother_new (model, EFFVK_OUTPUT_ACTIVATION_SOFTMAX);
  g_autoptr (EffvkClassFilter) filter = new_filter (allow, deny, thresholds);

  effvk_smoother_set_filter (smoother, filter);
  return smoother;
}

static void
test_before_top_k (void)
{
  static const struct
  {
    const char *lists[3];
    guint k;
    const char *answer;
    double score;
  } cases[] = {
    { { NULL, "cat", NULL }, 1, "1", 0.2 },
    { { NULL, "cat,dog", NULL }, 2, "23", 0.12 },
    { { "crane", NULL, NULL }, 3, "34", 0.1 },
    { { NULL, NULL, "cat=0.6,crane=0.06" }, 4, "1235", 0.2 },
    { { "cat", NULL, "cat=0.6" }, 3, "u", 0.5 }, /* 1 less what cat scores */
    { { "dog", NULL, "dog=0.6" }, 3, "u", 0.8 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const *lists = cases[i].lists;
      g_autoptr (EffvkSmoother) smoother = new_smoother (lists[0], lists[1], lists[2]);
      g_autoptr (EffvkResult) answer
          = assert_answer (smoother, cases[i].k, 0, cases[i].answer, cases[i].score);
    }
}

/* What is not of a class that counts is not told. */
static void
test_heatmap (void)
{
  g_autoptr (EffvkSmoother) with = new_smoother (NULL, "dog", NULL),
                            without = new_smoother (NULL, "cat", NULL);
  g_autoptr (EffvkResult) cat = assert_answer (with, 1, 0, "0", 0.5),
                          dog = assert_answer (without, 1, 0, "1", 0.2);
  guint width, height;

  g_assert_nonnull (effvk_result_get_heatmap (cat, &width, &height));
  g_assert_cmpuint (width, ==, 2);
  g_assert_null (effvk_result_get_heatmap (dog, &width, &height));
}

/* A label that does not count any more is left at once; one that scores too little after its
 * hold. */
static void
test_label (void)
{
  g_autoptr (EffvkSmoother) smoother = new_smoother (NULL, NULL, NULL);
  g_autoptr (EffvkClassFilter) deny = new_filter (NULL, "cat", NULL),
                               raise = new_filter (NULL, NULL, "dog=0.3");
  EffvkResult *answer;

  effvk_smoother_set_hysteresis (smoother, 0.4);
  effvk_smoother_set_hold (smoother, 100);
  answer = assert_answer (smoother, 2, 0, "01", 0.5);
  effvk_result_unref (answer);
  effvk_smoother_set_filter (smoother, deny);
  answer = assert_answer (smoother, 2, 1, "12", 0.2);
  effvk_result_unref (answer);
  effvk_smoother_set_filter (smoother, NULL);
  answer = assert_answer (smoother, 2, 2, "10", 0.2); /* the hysteresis keeps it */
  effvk_result_unref (answer);
  effvk_smoother_set_filter (smoother, raise);
  answer = assert_answer (smoother, 2, 3, "10", 0.2); /* so does the hold */
  effvk_result_unref (answer);
  answer = assert_answer (smoother, 2, 103, "02", 0.5);
  effvk_result_unref (answer);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *labels = NULL;
  int fd, status;

  g_test_init (&argc, &argv, NULL);
  model = effvk_model_new_random ("phi=-4", N, 1, &error);
  g_assert_no_error (error);
  fd = g_file_open_tmp (NULL, &labels, &error);
  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (labels, "cat\ndog\ntabby, tabby cat\ncrane\ncrane\n1\n", -1, NULL);
  g_assert_true (effvk_model_load_labels (model, labels, &error));
  g_unlink (labels);
  g_test_add_func ("/class-filter/lists", test_lists);
  g_test_add_func ("/class-filter/refused", test_refused);
  g_test_add_func ("/class-filter/before-top-k", test_before_top_k);
  g_test_add_func ("/class-filter/heatmap", test_heatmap);
  g_test_add_func ("/class-filter/label", test_label);
  status = g_test_run ();
  g_object_unref (model);
  return status;
}
