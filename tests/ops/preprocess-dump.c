/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preprocesses raw frames as a network would get them, for test-preprocess-pil.py. Reads, again and
 * again until the input ends, a line
 *
 *   FORMAT WIDTH HEIGHT SIZE RESIZE bilinear|bicubic center|squash|border antialias|sharp
 *   float|8bit
 *
 * and a tightly packed frame behind it; Y'CbCr is BT.601, full range, chroma in the centre, as in
 * JPEG files. Writes [SIZE,SIZE,3] float32 in 0..1; the border is black. */
#include "ops/preprocess.h"

#include <stdio.h>

static gboolean
dump (EffvkDevice *device, const EffvkImage *image, const EffvkRecipe *recipe, GError **error)
{
  g_autoptr (EffvkProgram) program = NULL;
  g_autofree float *pixels = g_new (float, (gsize) recipe->width * recipe->height * 3);
  EffvkTensorInfo info = { "input", EFFVK_STORAGE_F32, 1, recipe->height, recipe->width, 3 };
  EffvkOpContext context = { .storage = EFFVK_STORAGE_F32 };
  g_autoptr (EffvkPreprocessPlan) plan = effvk_preprocess_plan_new (&image->layout, recipe);
  EffvkPreprocessRoom room = { 0 };
  EffvkBuffer staging = { 0 }, items = { 0 };
  EffvkPreprocess op = { .recipe = recipe, .room = &room, .items = &items, .batch = 1 };
  gsize n = (gsize) recipe->width * recipe->height * 3;
  gboolean done;

  if (!effvk_buffer_init (&staging, device, EFFVK_MEMORY_UPLOAD, image->layout.size, "staging",
                          error))
    return FALSE;
  effvk_preprocess_room_grow (&room, plan);
  if (!effvk_buffer_init (&items, device, EFFVK_MEMORY_UPLOAD,
                          effvk_preprocess_items (&room, 1).size, "items", error))
    return FALSE;
  effvk_image_copy_to (image, staging.map);
  effvk_preprocess_plan_write (plan, &room, 1, 0, 0, items.map);
  context.program = program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  op.frames = effvk_preprocess_add_frames (program, &staging);
  op.output = effvk_program_add_persistent (program, &info);
  done = effvk_buffer_flush (&staging, error) && effvk_buffer_flush (&items, error)
         && effvk_preprocess (&context, &op, error) && effvk_program_compile (program, error)
         && effvk_program_run (program, error)
         && effvk_program_read (program, op.output, pixels, error)
         && fwrite (pixels, sizeof (float), n, stdout) == n && fflush (stdout) == 0;
  g_clear_pointer (&program, effvk_program_free);
  effvk_buffer_clear (&staging);
  effvk_buffer_clear (&items);
  return done;
}

static guint
parse (const char *text)
{
  return (guint) g_ascii_strtoull (text, NULL, 10);
}

/* The frame that follows on the standard input; NULL when there is none of that kind. */
static EffvkImage *
read_image (const char *format_name, guint width, guint height)
{
  EffvkFormat format = effvk_format_from_string (format_name);
  gsize size = 0, row, rows;
  g_autoptr (GBytes) bytes = NULL;
  EffvkImage *image;
  guint8 *data;

  for (guint i = 0; effvk_format_get_plane_size (format, i, width, height, &row, &rows); i++)
    size += row * rows;
  data = g_malloc (size + 1);
  bytes = g_bytes_new_take (data, size);
  if (fread (data, 1, size, stdin) != size)
    return NULL;
  image = effvk_image_new_from_bytes (format, width, height, bytes);
  if (image)
    effvk_image_set_colorimetry (image, EFFVK_MATRIX_BT601, TRUE, EFFVK_CHROMA_SITE_CENTER);
  return image;
}

static gboolean
serve (EffvkDevice *device, char **words, GError **error)
{
  g_autoptr (EffvkImage) image = read_image (words[0], parse (words[1]), parse (words[2]));
  EffvkRecipe recipe = { .std = { 1.0f, 1.0f, 1.0f } };

  if (!image)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no frame of %s, %s x %s", words[0],
                   words[1], words[2]);
      return FALSE;
    }
  recipe.width = recipe.height = parse (words[3]);
  recipe.resize_size = parse (words[4]);
  recipe.interpolation = g_str_equal (words[5], "bicubic") ? EFFVK_INTERPOLATION_BICUBIC
                                                           : EFFVK_INTERPOLATION_BILINEAR;
  recipe.crop_mode = g_str_equal (words[6], "center")   ? EFFVK_CROP_CENTER
                     : g_str_equal (words[6], "squash") ? EFFVK_CROP_SQUASH
                                                        : EFFVK_CROP_BORDER;
  recipe.antialias = g_str_equal (words[7], "antialias");
  recipe.eight_bits = g_str_equal (words[8], "8bit");
  return dump (device, image, &recipe, error);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  char line[256];

  while (!error && fgets (line, sizeof line, stdin))
    {
      g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", -1);

      if (g_strv_length (words) != 9)
        g_set_error (&error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "expected 9 words, found '%s'",
                     line);
      else if (!serve (device, words, &error) && !error)
        g_set_error_literal (&error, G_FILE_ERROR, G_FILE_ERROR_IO, "short write");
    }
  if (error)
    g_printerr ("%s\n", error->message);
  return error != NULL;
}
