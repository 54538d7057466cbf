/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The choice of kernels: forced, tuned, kept on disk, and ignored where it is not whole or
   another's. */
#include "net/tuning.h"

#include <glib/gstdio.h>
#include <math.h>

#define CLASSES 10

typedef struct
{
  EffvkDevice *device;
  EffvkModel *model;
  EffvkNetOptions options;
  char *folder;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("effvk-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_setenv ("EFFVK_CACHE_DIR", fixture->folder, TRUE);
  fixture->device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  g_assert_no_error (error);
  fixture->model = effvk_model_new_random ("phi=-8", CLASSES, 7, &error);
  g_assert_no_error (error);
  fixture->options = (EffvkNetOptions){ .batch = 1, .top_k = 1 };
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_setenv ("EFFVK_CACHE_DIR", "", TRUE);
  g_free (fixture->folder);
  g_object_unref (fixture->model);
  g_object_unref (fixture->device);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* The choices of a network built now, and optionally what it answers. */
static EffvkChoices *
build (Fixture *fixture, EffvkChoices *wanted, float logits[CLASSES])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  EffvkChoices *made = effvk_choices_new ();
  EffvkNetOptions options = fixture->options;
  g_autoptr (EffvkNet) net = NULL;

  options.choices = wanted;
  options.made = made;
  net = effvk_net_new (fixture->device, fixture->model, &options, &error);
  g_assert_no_error (error);
  if (logits)
    {
      EffvkProgram *program = effvk_net_get_program (net);
      const EffvkTensorInfo *in = effvk_program_get_info (program, effvk_net_get_input (net));
      gsize n = (gsize) in->h * in->w * in->c;
      g_autofree float *values = g_new (float, n);

      for (gsize i = 0; i < n; i++)
        values[i] = (float) g_rand_double_range (rand, -2, 2);
      effvk_program_write (program, effvk_net_get_input (net), values, &error);
      g_assert_no_error (error);
      effvk_program_run (program, &error);
      g_assert_no_error (error);
      effvk_program_read (program, effvk_net_get_output (net, EFFVK_NET_LOGITS), logits, &error);
      g_assert_no_error (error);
    }
  return made;
}

static void
assert_same_answer (const float a[CLASSES], const float b[CLASSES])
{
  double error = 0, power = 0;

  for (guint i = 0; i < CLASSES; i++)
    {
      error += pow ((double) a[i] - b[i], 2);
      power += pow (a[i], 2);
    }
  g_assert_cmpfloat (power, >, 0);
  g_assert_cmpfloat (error, <=, 1e-7 * power);
}

static gboolean
same (const EffvkChoices *a, const EffvkChoices *b)
{
  gboolean equal = effvk_choices_get_n (a) == effvk_choices_get_n (b);

  for (guint i = 0; equal && i < effvk_choices_get_n (a); i++)
    equal = strcmp (effvk_choices_get (a, i)->op, effvk_choices_get (b, i)->op) == 0
            && strcmp (effvk_choices_get (a, i)->kernel, effvk_choices_get (b, i)->kernel) == 0;
  return equal;
}

/* Of every op another kernel than the built-in one, where it has one. */
static EffvkChoices *
others (const EffvkChoices *builtin)
{
  EffvkChoices *result = effvk_choices_new ();

  for (guint i = 0; i < effvk_choices_get_n (builtin); i++)
    {
      EffvkChoice choice = *effvk_choices_get (builtin, i);

      for (guint k = 0; choice.usable[k]; k++)
        if (strcmp (choice.usable[k], effvk_choices_get (builtin, i)->kernel) != 0)
          choice.kernel = choice.usable[k];
      effvk_choices_add (result, &choice);
    }
  return result;
}

static char *
only_file (Fixture *fixture)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    if (g_str_has_prefix (name, "kernels-"))
      return g_build_filename (fixture->folder, name, NULL);
  return NULL;
}

static void
test_kept (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  float before[CLASSES], after[CLASSES];
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, before);
  g_autoptr (EffvkChoices) other = others (builtin);
  g_autoptr (EffvkChoices) found = NULL;
  g_autofree char *key = effvk_net_describe (fixture->device, fixture->model, &fixture->options);

  if (same (builtin, other))
    {
      g_test_skip ("the device can run one kernel of each op");
      return;
    }
  g_assert_true (effvk_choices_save (other, fixture->device, key, &error));
  g_assert_no_error (error);
  found = build (fixture, NULL, after);
  g_assert_true (same (found, other));
  assert_same_answer (before, after);
}

/* Files that must not be taken: every byte of it counts. */
static void
test_damaged (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, NULL);
  g_autoptr (EffvkChoices) other = others (builtin);
  g_autofree char *key = effvk_net_describe (fixture->device, fixture->model, &fixture->options);
  g_autofree char *path = NULL, *good = NULL;
  gsize size;

  g_assert_true (effvk_choices_save (other, fixture->device, key, NULL));
  path = only_file (fixture);
  g_assert_true (g_file_get_contents (path, &good, &size, NULL));
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *bad = g_memdup2 (good, size);
      g_autoptr (EffvkChoices) loaded = NULL;
      gsize length = i % 2 ? size : size * i / 200;

      bad[(gsize) i * 7919 % size] ^= (char) (1 + i % 255);
      g_assert_true (g_file_set_contents (path, bad, (gssize) length, NULL));
      loaded = effvk_choices_load (fixture->device, key);
      g_assert_null (loaded);
    }
  {
    g_autoptr (EffvkChoices) found = build (fixture, NULL, NULL);

    g_assert_true (same (found, builtin));
  }
}

/* A whole file of another driver: its name is this one's. */
static void
test_foreign (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, NULL);
  g_autoptr (EffvkChoices) other = others (builtin);
  g_autoptr (EffvkChoices) loaded = NULL;
  g_autofree char *key = effvk_net_describe (fixture->device, fixture->model, &fixture->options);
  g_autofree char *path = NULL, *good = NULL, *sum = NULL;
  g_autoptr (GString) text = NULL;
  gsize size;
  char *driver;

  g_assert_true (effvk_choices_save (other, fixture->device, key, NULL));
  path = only_file (fixture);
  g_assert_true (g_file_get_contents (path, &good, &size, NULL));
  driver = strstr (good, " driver ") + strlen (" driver ");
  *driver = *driver == '7' ? '8' : '7';
  text = g_string_new_len (good, (gssize) size - 65);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize) text->len);
  g_string_append_printf (text, "%s\n", sum);
  g_assert_cmpuint (text->len, ==, size);
  g_assert_true (g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  loaded = effvk_choices_load (fixture->device, key);
  g_assert_null (loaded);
}

/* Kernels that are not there (of a newer effvk, say) are not missed. */
static void
test_unknown (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, NULL);
  g_autoptr (EffvkChoices) strange = effvk_choices_new ();
  g_autoptr (EffvkChoices) found = NULL;

  effvk_choices_add (strange, &(EffvkChoice){ .op = "conv", .kernel = "magic" });
  effvk_choices_add (strange, &(EffvkChoice){ .op = "no such op", .kernel = "lanes" });
  found = build (fixture, strange, NULL);
  g_assert_true (same (found, builtin));
}

static void
test_tuned (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  float before[CLASSES], after[CLASSES];
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, before);
  g_autoptr (EffvkChoices) tuned = NULL;
  g_autoptr (GVariantIter) changes = NULL;
  g_autoptr (GVariant) report = NULL;
  g_autofree char *path = NULL;
  const char *op, *was, *is;
  double was_ns, is_ns, total_before, total_after;
  guint number, n_ops, n_changed = 0;

  g_assert_null (only_file (fixture));
  report = effvk_net_tune (fixture->device, fixture->model, &fixture->options, &error);
  g_assert_no_error (error);
  path = only_file (fixture);
  g_assert_nonnull (path);

  tuned = build (fixture, NULL, after);
  assert_same_answer (before, after);
  g_variant_lookup (report, "ops", "u", &n_ops);
  g_assert_cmpuint (n_ops, ==, effvk_choices_get_n (tuned));
  g_variant_lookup (report, "before", "d", &total_before);
  g_variant_lookup (report, "after", "d", &total_after);
  g_assert_cmpfloat (total_before, >=, total_after);
  g_variant_lookup (report, "changes", "a(usssdd)", &changes);
  while (g_variant_iter_next (changes, "(u&s&s&sdd)", &number, &op, &was, &is, &was_ns, &is_ns))
    {
      g_assert_cmpstr (effvk_choices_get (builtin, number)->kernel, ==, was);
      g_assert_cmpstr (effvk_choices_get (tuned, number)->kernel, ==, is);
    }
  for (guint i = 0; i < n_ops; i++)
    n_changed
        += strcmp (effvk_choices_get (builtin, i)->kernel, effvk_choices_get (tuned, i)->kernel)
           != 0;
  g_assert_cmpuint (n_changed, ==, g_variant_iter_n_children (changes));
}

static void
test_forced (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  float before[CLASSES], after[CLASSES];
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, before);
  g_autoptr (EffvkChoices) forced = NULL;
  EffvkNet *none;

  g_setenv ("EFFVK_KERNELS", "depthwise=tile,pointwise=tile", TRUE);
  forced = build (fixture, NULL, after);
  for (guint i = 0; i < effvk_choices_get_n (forced); i++)
    {
      const EffvkChoice *choice = effvk_choices_get (forced, i);

      if (strcmp (choice->op, "pointwise") == 0)
        g_assert_cmpstr (choice->kernel, ==, "tile");
      else if (strcmp (choice->op, "depthwise") == 0)
        g_assert_cmpstr (choice->kernel, ==, "tile");
      else
        g_assert_cmpstr (choice->kernel, ==, effvk_choices_get (builtin, i)->kernel);
    }
  assert_same_answer (before, after);

  g_setenv ("EFFVK_KERNELS", "pointwise=magic", TRUE);
  none = effvk_net_new (fixture->device, fixture->model, &fixture->options, &error);
  g_unsetenv ("EFFVK_KERNELS");
  g_assert_null (none);
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "magic"));
}

/* Squeeze-excite within the projections: chosen by their kernel alone, with as many choices as
 * other kernels of theirs have; where there is nothing to excite, the same kernel without. */
static void
test_excite (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  float before[CLASSES], after[CLASSES];
  g_autoptr (EffvkChoices) builtin = build (fixture, NULL, before);
  guint n_plain = 0, n_excite = 0;

  g_setenv ("EFFVK_KERNELS", "pointwise=split-excite", TRUE);
  {
    g_autoptr (EffvkChoices) forced = build (fixture, NULL, after);

    for (guint i = 0; i < effvk_choices_get_n (forced); i++)
      {
        const EffvkChoice *choice = effvk_choices_get (forced, i);

        g_assert_cmpstr (choice->op, !=, "squeeze-excite");
        n_plain += strcmp (choice->kernel, "split") == 0;
        n_excite += strcmp (choice->kernel, "split-excite") == 0;
      }
  }
  g_unsetenv ("EFFVK_KERNELS");
  g_assert_cmpuint (n_excite, >, 0);
  g_assert_cmpuint (n_plain, >, 0);
  assert_same_answer (before, after);

  /* With a GPU's plan they are among what is tuned. */
  fixture->options.plan = EFFVK_PLAN_GPU_SEPARATE;
  {
    g_autoptr (EffvkChoices) gpu = build (fixture, NULL, NULL);
    g_autoptr (EffvkChoices) other = others (gpu);
    g_autoptr (EffvkChoices) made = build (fixture, other, after);

    g_assert_true (same (made, other));
    assert_same_answer (before, after);
    for (guint i = 0; i < effvk_choices_get_n (made); i++)
      n_excite -= g_str_has_suffix (effvk_choices_get (made, i)->kernel, "-excite");
    g_assert_cmpuint (n_excite, ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tuning/kept", Fixture, NULL, set_up, test_kept, tear_down);
  g_test_add ("/tuning/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
  g_test_add ("/tuning/foreign", Fixture, NULL, set_up, test_foreign, tear_down);
  g_test_add ("/tuning/unknown", Fixture, NULL, set_up, test_unknown, tear_down);
  g_test_add ("/tuning/tuned", Fixture, NULL, set_up, test_tuned, tear_down);
  g_test_add ("/tuning/forced", Fixture, NULL, set_up, test_forced, tear_down);
  g_test_add ("/tuning/excite", Fixture, NULL, set_up, test_excite, tear_down);
  return g_test_run ();
}
