/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a network on raw numbers, for tests that compare with other implementations.
 *
 *   net-run MODEL INPUT.f32 OUTPUT.f32 [fp32|fp16 [one|apart]]
 *
 * INPUT.f32 holds one or more normalised images, [N,H,W,C] native floats of the model's input size,
 * which go through the network as one batch, or one by one; apart: with a submission for each
 * dispatch, as a device has to answer each in time. OUTPUT.f32 receives the logits,
 * [N,classes]. The last line of the standard output is the most memory that this process had, in
 * kB. EFFVK_TEST_DEVICE selects the device. Exit status: 0 all right, 1 it failed (or the
 * validation layers complained), 2 wrong usage, 77 no Vulkan device here.
 */

#include "net/net.h"
#include "vk/once.h"

#include <stdio.h>
#include <string.h>

#define MAX_IMAGES 64

/* The whole images of a file. */
static float *
read_images (const char *path, gsize image_size, guint *n, GError **error)
{
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, error))
    return NULL;
  if (size == 0 || size % image_size != 0 || size / image_size > MAX_IMAGES)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "%s: expected 1 to %d images of %" G_GSIZE_FORMAT
                   " bytes, found %" G_GSIZE_FORMAT " bytes",
                   path, MAX_IMAGES, image_size, size);
      return NULL;
    }
  *n = (guint) (size / image_size);
  return (float *) g_steal_pointer (&data);
}

static gboolean
run_apart (EffvkDevice *device, EffvkProgram *program, GError **error)
{
  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    {
      g_auto (EffvkOnce) once = { 0 };

      if (!effvk_once_begin (&once, device, error))
        return FALSE;
      effvk_program_record_range (program, once.commands, i, 1);
      if (!effvk_once_submit (&once, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run (EffvkDevice *device, char **paths, EffvkStorage storage, const char *how, GError **error)
{
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (paths[0], error);
  EffvkNetOptions options = { .storage = storage, .top_k = 1 };
  g_autoptr (EffvkNet) net = NULL;
  g_autofree float *input = NULL;
  g_autofree float *logits = NULL;
  const EffvkArch *arch;
  EffvkProgram *program;
  gsize image_size;
  guint n;

  if (!model)
    return FALSE;
  arch = effvk_model_get_arch (model);
  image_size = (gsize) arch->height * arch->width * arch->in_channels;
  input = read_images (paths[1], image_size * sizeof (float), &n, error);
  if (!input)
    return FALSE;
  options.batch = g_str_equal (how, "one") ? 1 : n;
  net = effvk_net_new (device, model, &options, error);
  if (!net)
    return FALSE;
  program = effvk_net_get_program (net);
  logits = g_new (float, (gsize) n * arch->classes);
  for (guint i = 0; i < n; i += options.batch)
    if (!effvk_program_write (program, effvk_net_get_input (net), input + i * image_size, error)
        || !(g_str_equal (how, "apart") ? run_apart (device, program, error)
                                        : effvk_program_run (program, error))
        || !effvk_program_read (program, effvk_net_get_output (net, EFFVK_NET_LOGITS),
                                logits + (gsize) i * arch->classes, error))
      return FALSE;
  return g_file_set_contents (paths[2], (const char *) logits,
                              (gssize) ((gsize) n * arch->classes * sizeof (float)), error);
}

/* getrusage() would count what the parent had before it became this program. */
static void
print_peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL)
      && (line = strstr (status, "VmHWM:")))
    printf ("%" G_GUINT64_FORMAT "\n", g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10));
}

int
main (int argc, char **argv)
{
  const char *precision = argc >= 5 ? argv[4] : "fp32", *how = argc >= 6 ? argv[5] : "";
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (argc < 4 || argc > 6 || (strcmp (precision, "fp32") != 0 && strcmp (precision, "fp16") != 0)
      || (argc == 6 && strcmp (how, "one") != 0 && strcmp (how, "apart") != 0))
    {
      fprintf (stderr, "usage: %s MODEL INPUT.f32 OUTPUT.f32 [fp32|fp16 [one|apart]]\n", argv[0]);
      return 2;
    }
  device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  if (g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER)
      || g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NOT_FOUND))
    {
      fprintf (stderr, "%s\n", error->message);
      return 77;
    }
  if (!device
      || !run (device, argv + 1,
               strcmp (precision, "fp16") == 0 ? EFFVK_STORAGE_F16 : EFFVK_STORAGE_F32, how,
               &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  print_peak_memory ();
  return effvk_validation_get_n_messages () ? 1 : 0;
}
