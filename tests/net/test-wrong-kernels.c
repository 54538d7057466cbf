/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A driver that computes wrong is found by the self-test, and how that ended is remembered. Above
 * the layer of tests/layer/fault.h, on a driver that computes right. */

#include "fault-matrix.h"

#include "selftest/record.h"

#include <effvk/effvk-selftest.h>
#include <glib/gstdio.h>

static EffvkDevice *
open_device (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = effvk_device_new ("cpu", &error);

  g_assert_no_error (error);
  return device;
}

static void
print (const char *op, const char *kernel, const char *shape, double nmse G_GNUC_UNUSED,
       gboolean passed, gpointer data)
{
  GHashTable *failed = data;

  if (passed)
    return;
  g_hash_table_add (failed, g_strdup_printf ("%s %s", op, kernel));
  g_test_message ("%s %s: %s", op, kernel, shape);
}

/* Which kernels fail. */
static GHashTable *
run (const char *broken, EffvkPrecision precision, guint n_replays)
{
  GHashTable *failed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  guint n_failed;

  fault_get_control ()->break_kernels (broken);
  device = open_device ();
  if (n_replays)
    effvk_selftest_replay (device, precision, 1, n_replays, print, failed, &n_failed, &error);
  else
    effvk_selftest_run (device, precision, 1, 1, print, failed, &n_failed, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_failed > 0, ==, g_hash_table_size (failed) > 0);
  fault_get_control ()->break_kernels (NULL);
  return failed;
}

static void
test_kernels (void)
{
  static const struct
  {
    const char *broken;
    EffvkPrecision precision;
    const char *found;
  } faults[] = {
    { "barrier", EFFVK_PRECISION_FP32, "top-k storage" },
    { "overflow", EFFVK_PRECISION_FP16, "pointwise tile" },
    { "stride", EFFVK_PRECISION_FP32, "depthwise tile" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (GHashTable) wrong = run (faults[i].broken, faults[i].precision, 0);

      g_assert_true (g_hash_table_contains (wrong, faults[i].found));
    }
  for (EffvkPrecision precision = EFFVK_PRECISION_FP32; precision <= EFFVK_PRECISION_FP16;
       precision++)
    {
      g_autoptr (GHashTable) right = run (NULL, precision, 0);

      g_assert_cmpuint (g_hash_table_size (right), ==, 0);
    }
}

static void
test_replay (void)
{
  g_autoptr (GHashTable) right = NULL;
  g_autoptr (GHashTable) wrong = NULL;

  g_setenv ("EFFVK_FAULT_INCOHERENT", "1", TRUE);
  right = run (NULL, EFFVK_PRECISION_FP32, 20);
  g_assert_cmpuint (g_hash_table_size (right), ==, 0);
  fault_get_control ()->spoil_memory (TRUE);
  wrong = run (NULL, EFFVK_PRECISION_FP32, 3);
  fault_get_control ()->spoil_memory (FALSE);
  g_assert_true (g_hash_table_contains (wrong, "memory not-coherent"));
  g_unsetenv ("EFFVK_FAULT_INCOHERENT");
}

/* A fault that comes and goes: only one run of several is wrong. */
static void
spoil_later (const char *op G_GNUC_UNUSED, const char *kernel, const char *shape,
             double nmse G_GNUC_UNUSED, gboolean passed, gpointer data)
{
  guint *n_failed = data;

  if (!passed)
    g_test_message ("%s: %s", kernel, shape);
  *n_failed += !passed;
  if (g_str_equal (kernel, "not-coherent"))
    fault_get_control ()->spoil_once (200);
}

static void
test_intermittent (void)
{
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  guint n_failed = 0;

  g_setenv ("EFFVK_FAULT_INCOHERENT", "1", TRUE);
  device = open_device ();
  g_assert_true (effvk_selftest_replay (device, EFFVK_PRECISION_FP32, 1, 100, spoil_later,
                                        &n_failed, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_failed, ==, 1);
  g_unsetenv ("EFFVK_FAULT_INCOHERENT");
}

static gboolean
passes (GError **error)
{
  g_autoptr (EffvkDevice) device = open_device ();

  return effvk_selftest_passes (device, EFFVK_PRECISION_FP16, error);
}

static void
test_remembered (void)
{
  g_autofree char *folder = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  g_autoptr (EffvkDevice) device = open_device ();
  g_autofree char *name = g_strdup_printf ("selftest-%s-fp16.txt", effvk_device_get_uuid (device));
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;
  g_autofree char *pipelines = NULL;
  g_autoptr (GError) error = NULL;

  g_free (name);
  name = g_strdup_printf ("pipelines-%s.bin", effvk_device_get_uuid (device));
  pipelines = g_build_filename (folder, name, NULL);
  g_clear_object (&device);
  g_setenv ("EFFVK_CACHE_DIR", folder, TRUE);
  g_assert_true (passes (&error));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));

  /* it is not run again, */
  fault_get_control ()->break_kernels ("overflow");
  g_assert_true (passes (&error));
  /* unless the file is of another driver */
  text[strlen (text) / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_false (passes (&error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "comparisons failed"));
  g_clear_error (&error);
  /* a failure is remembered too */
  fault_get_control ()->break_kernels (NULL);
  g_assert_false (passes (&error));
  g_clear_error (&error);
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_true (passes (&error));

  g_setenv ("EFFVK_CACHE_DIR", "", TRUE);
  g_remove (path);
  g_remove (pipelines);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wrong-kernels/kernels", test_kernels);
  g_test_add_func ("/wrong-kernels/replay", test_replay);
  g_test_add_func ("/wrong-kernels/intermittent", test_intermittent);
  g_test_add_func ("/wrong-kernels/remembered", test_remembered);
  return g_test_run ();
}
