/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preprocesses one raw frame as a network would get it, for test-preprocess-pil.py:
 *
 *   preprocess-dump FORMAT WIDTH HEIGHT SIZE RESIZE bilinear|bicubic center|squash < FRAME > TENSOR
 *
 * The frame is tightly packed; Y'CbCr is BT.601, full range, chroma in the centre, as in JPEG
 * files. The tensor is [SIZE,SIZE,3] float32 in 0..1. */
#include "ops/preprocess.h"

#include <stdio.h>

static gboolean
dump (const EffvkImage *image, const EffvkRecipe *recipe, GError **error)
{
  g_autoptr (EffvkDevice) device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), error);
  g_autoptr (EffvkProgram) program = NULL;
  g_autofree float *pixels = g_new (float, (gsize) recipe->width * recipe->height * 3);
  EffvkTensorInfo info = { "input", EFFVK_STORAGE_F32, 1, recipe->height, recipe->width, 3 };
  EffvkOpContext context = { .storage = EFFVK_STORAGE_F32 };
  g_autoptr (EffvkPreprocessPlan) plan = effvk_preprocess_plan_new (&image->layout, recipe);
  EffvkPreprocessRoom room = { 0 };
  EffvkBuffer staging = { 0 }, items = { 0 };
  EffvkPreprocess op = { .recipe = recipe, .room = &room, .items = &items };
  gsize n = (gsize) recipe->width * recipe->height * 3;
  gboolean done;

  if (!device
      || !effvk_buffer_init (&staging, device, EFFVK_MEMORY_UPLOAD, image->layout.size, "staging",
                             error))
    return FALSE;
  effvk_preprocess_room_grow (&room, plan);
  if (!effvk_buffer_init (&items, device, EFFVK_MEMORY_UPLOAD,
                          effvk_preprocess_items (&room, 1).size, "items", error))
    return FALSE;
  effvk_image_copy_to (image, staging.map);
  effvk_preprocess_plan_write (plan, &room, 1, 0, 0, items.map);
  effvk_buffer_flush (&staging);
  effvk_buffer_flush (&items);
  context.program = program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  op.frames = effvk_preprocess_add_frames (program, &staging);
  op.output = effvk_program_add_persistent (program, &info);
  done = effvk_preprocess (&context, &op, error) && effvk_program_compile (program, error)
         && effvk_program_run (program, error)
         && effvk_program_read (program, op.output, pixels, error)
         && fwrite (pixels, sizeof (float), n, stdout) == n;
  g_clear_pointer (&program, effvk_program_free);
  effvk_buffer_clear (&staging);
  effvk_buffer_clear (&items);
  return done;
}

/* All of the standard input. */
static GBytes *
read_frame (void)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 chunk[65536];
  gsize n;

  while ((n = fread (chunk, 1, sizeof chunk, stdin)) > 0)
    g_byte_array_append (bytes, chunk, (guint) n);
  return g_byte_array_free_to_bytes (bytes);
}

static guint
parse (const char *text)
{
  return (guint) g_ascii_strtoull (text, NULL, 10);
}

int
main (int argc, char **argv)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (EffvkImage) image = NULL;
  g_autoptr (GError) error = NULL;
  EffvkRecipe recipe = { .antialias = TRUE, .std = { 1.0f, 1.0f, 1.0f } };

  if (argc != 9)
    {
      g_printerr (
          "usage: %s FORMAT WIDTH HEIGHT SIZE RESIZE bilinear|bicubic center|squash float|8bit "
          "< FRAME > TENSOR\n",
          argv[0]);
      return 2;
    }
  bytes = read_frame ();
  image = effvk_image_new_from_bytes (effvk_format_from_string (argv[1]), parse (argv[2]),
                                      parse (argv[3]), bytes);
  if (!image)
    {
      g_printerr ("no frame of %s, %s x %s in %" G_GSIZE_FORMAT " bytes\n", argv[1], argv[2],
                  argv[3], g_bytes_get_size (bytes));
      return 1;
    }
  effvk_image_set_colorimetry (image, EFFVK_MATRIX_BT601, TRUE, EFFVK_CHROMA_SITE_CENTER);
  recipe.width = recipe.height = parse (argv[4]);
  recipe.resize_size = parse (argv[5]);
  recipe.interpolation = g_str_equal (argv[6], "bicubic") ? EFFVK_INTERPOLATION_BICUBIC
                                                          : EFFVK_INTERPOLATION_BILINEAR;
  recipe.crop_mode = g_str_equal (argv[7], "center") ? EFFVK_CROP_CENTER : EFFVK_CROP_SQUASH;
  recipe.eight_bits = g_str_equal (argv[8], "8bit");
  if (!dump (image, &recipe, &error))
    {
      g_printerr ("%s\n", error ? error->message : "short write");
      return 1;
    }
  return 0;
}
