/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shaders of a CPU device are compiled before the network runs, and once for all sizes of
   tensors. */
#include "net/net.h"
#include "vk/program-private.h"

#include <glib/gstdio.h>
#include <stdlib.h>

static char *folder; /* of the driver's cache */

/* What lies in a folder, in bytes. */
static guint64
measure (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  GStatBuf status;
  guint64 size = 0;

  if (!dir)
    return g_stat (path, &status) == 0 ? (guint64) status.st_size : 0;
  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      size += measure (child);
    }
  return size;
}

static void
empty (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      empty (child);
      g_remove (child);
    }
}

static EffvkNet *
build (EffvkDevice *device)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-8", 10, 7, &error);
  EffvkNetOptions options = { .batch = 1, .top_k = 1 };
  EffvkNet *net;

  g_assert_no_error (error);
  net = effvk_net_new (device, model, &options, &error);
  g_assert_no_error (error);
  return net;
}

static EffvkDevice *
open_device (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);

  g_assert_no_error (error);
  return device;
}

static void
test_compiled_before (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = open_device ();
  EffvkNet *net = build (device);
  gboolean cpu = effvk_device_get_caps (device)->cpu;
  guint64 built, used;

  /* The driver's cache is whole when all its users have gone. */
  effvk_net_free (net);
  g_object_unref (device);
  built = measure (folder);

  device = open_device ();
  net = build (device);
  effvk_program_run (effvk_net_get_program (net), &error);
  g_assert_no_error (error);
  effvk_net_free (net);
  g_object_unref (device);
  used = measure (folder);

  if (!cpu)
    g_test_skip ("not a CPU device");
  else if (used == 0)
    g_test_skip ("the driver keeps no shaders on disk");
  else
    g_assert_cmpuint (built, ==, used); /* nothing is left to be compiled, and nothing twice */
}

/* Threads that build networks at a time share what is compiled, and what they make is theirs. */
static gpointer
run_one (gpointer data)
{
  EffvkNet *net = build (data);
  g_autoptr (GError) error = NULL;
  float logits[10];

  effvk_program_run (effvk_net_get_program (net), &error);
  g_assert_no_error (error);
  effvk_program_read (effvk_net_get_program (net), effvk_net_get_output (net, EFFVK_NET_LOGITS),
                      logits, &error);
  g_assert_no_error (error);
  effvk_net_free (net);
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (EffvkDevice) device = NULL;
  GThread *threads[3];

  empty (folder);
  device = open_device ();
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("builder", run_one, device);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_view_sizes (void)
{
  g_autoptr (EffvkDevice) device = open_device ();
  g_autoptr (EffvkProgram) program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);

  if (!effvk_device_get_caps (device)->cpu)
    {
      g_test_skip ("not a CPU device");
      return;
    }
  for (guint i = 0; i < 2000; i++)
    {
      EffvkTensorInfo info = { "t",
                               (EffvkStorage) (i % 2),
                               1,
                               1,
                               i < 100 ? i + 1 : (guint) g_test_rand_int_range (1, 1 << 14),
                               (guint) g_test_rand_int_range (1, 9) };
      const Tensor *tensor = get_tensor (program, effvk_program_add_tensor (program, &info));

      g_assert_cmpuint (tensor->view_size, >=, tensor->size);
      g_assert_cmpuint (tensor->view_size >> 8 & 0xff, !=, 0);
      g_assert_cmpuint (tensor->view_size & (tensor->view_size - 1), !=, 0);
      g_assert_cmpuint (tensor->view_size % effvk_storage_texel_size (info.storage), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = NULL;
  int status;

  folder = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_setenv ("MESA_SHADER_CACHE_DIR", folder, TRUE);
  g_unsetenv ("MESA_SHADER_CACHE_DISABLE");
  g_test_init (&argc, &argv, NULL);
  device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  if (device)
    {
      g_clear_object (&device);
      empty (folder);
      g_test_add_func ("/warm-up/compiled-before", test_compiled_before);
      g_test_add_func ("/warm-up/threads", test_threads);
      g_test_add_func ("/warm-up/view-sizes", test_view_sizes);
      status = g_test_run ();
    }
  else
    {
      printf ("1..0 # SKIP %s\n", error->message);
      status = 0;
    }
  empty (folder);
  g_rmdir (folder);
  g_free (folder);
  return status ? status : effvk_validation_get_n_messages () != 0;
}
