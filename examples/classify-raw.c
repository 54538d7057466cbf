/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libeffvk alone, without GStreamer: classifies one raw RGB frame.
 *
 *   classify-raw MODEL [FRAME.rgb WIDTH HEIGHT]
 *
 * FRAME.rgb has WIDTH * HEIGHT * 3 bytes; without it a synthetic frame is classified. */
#include <effvk/effvk.h>

#include <stdio.h>
#include <stdlib.h>

/* A blue sky above green grass. */
static GBytes *
make_frame (guint width, guint height)
{
  guint8 *pixels = g_malloc ((gsize) width * height * 3);

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      {
        guint8 *pixel = pixels + ((gsize) y * width + x) * 3;

        pixel[0] = (guint8) (y < height / 2 ? 90 : 60);
        pixel[1] = (guint8) (y < height / 2 ? 160 : 140 + (x * 7 + y * 13) % 40);
        pixel[2] = (guint8) (y < height / 2 ? 230 : 50);
      }
  return g_bytes_new_take (pixels, (gsize) width * height * 3);
}

static GBytes *
read_frame (const char *path, GError **error)
{
  char *contents;
  gsize size;

  return g_file_get_contents (path, &contents, &size, error) ? g_bytes_new_take (contents, size)
                                                             : NULL;
}

static gboolean
classify (const char *model_path, GBytes *frame, guint width, guint height, GError **error)
{
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkImage) image = NULL;
  g_autoptr (EffvkResult) result = NULL;

  device = effvk_device_new ("auto", error);
  if (!device)
    return FALSE;
  model = effvk_model_new_from_file (model_path, error);
  if (!model)
    return FALSE;
  classifier = effvk_classifier_new (device, model, NULL, error);
  if (!classifier)
    return FALSE;

  image = effvk_image_new_from_bytes_checked (EFFVK_FORMAT_RGB, width, height, frame, error);
  if (!image)
    return FALSE;
  result = effvk_classifier_classify (classifier, image, error);
  if (!result)
    return FALSE;

  printf ("%s on %s\n", effvk_model_get_name (model), effvk_device_get_name (device));
  for (guint i = 0; i < effvk_result_get_n_classes (result); i++)
    printf ("%6.2f %%  %s\n", 100.0 * (double) effvk_result_get_score (result, i),
            effvk_result_get_label (result, i));
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) frame = NULL;
  guint width = 320, height = 240;

  if (argc != 2 && argc != 5)
    {
      fprintf (stderr, "usage: classify-raw MODEL [FRAME.rgb WIDTH HEIGHT]\n");
      return 2;
    }
  if (argc == 5)
    {
      width = (guint) strtoul (argv[3], NULL, 10);
      height = (guint) strtoul (argv[4], NULL, 10);
      frame = read_frame (argv[2], &error);
    }
  else
    frame = make_frame (width, height);

  if (!frame || !classify (argv[1], frame, width, height, &error))
    {
      fprintf (stderr, "classify-raw: %s\n", error->message);
      return 1;
    }
  return 0;
}
