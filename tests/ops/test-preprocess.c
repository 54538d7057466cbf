/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preprocessing against a double-precision oracle that is written from the definitions: every
 * format, colorimetry, crop and filter, in every kernel and storage. */
#include "preprocess-check.h"

#include <math.h>

#define CENTER_BICUBIC(w, h, size)                                                                 \
  {                                                                                                \
    w, h, size, EFFVK_INTERPOLATION_BICUBIC, TRUE, EFFVK_CROP_CENTER, { 0.485f, 0.456f, 0.406f },  \
    {                                                                                              \
      0.229f, 0.224f, 0.225f                                                                       \
    }                                                                                              \
  }

static const PreprocessCase default_case = { .format = EFFVK_FORMAT_RGB,
                                             .width = 61,
                                             .height = 47,
                                             .recipe = CENTER_BICUBIC (22, 19, 26),
                                             .site = EFFVK_CHROMA_SITE_LEFT,
                                             .batch = 1 };

static void
test_formats (void)
{
  static const guint paddings[] = { 0, 3, 5, 16 };

  for (int format = EFFVK_FORMAT_RGB; format <= EFFVK_FORMAT_Y444_16LE; format++)
    for (guint i = 0; i < G_N_ELEMENTS (paddings); i++)
      {
        PreprocessCase test = default_case;

        test.format = (EffvkFormat) format;
        test.padding = paddings[i];
        test.full_range = i >= 2;
        if (i % 2) /* edge to edge */
          test.recipe.crop_mode = EFFVK_CROP_SQUASH;
        preprocess_check (&test);
      }
}

/* Filters of two samples: one pass for every format, in all parts of a frame, which may end where
   its memory does. */
static void
test_one_pass (void)
{
  static const guint crops[][4] = { { 0 }, { 7, 5, 33, 29 }, { 60, 46, 1, 1 }, { 3, 2, 58, 45 } };

  for (int format = EFFVK_FORMAT_RGB; format <= EFFVK_FORMAT_Y444_16LE; format++)
    for (guint i = 0; i < 12; i++)
      {
        PreprocessCase test = default_case;

        test.format = (EffvkFormat) format;
        test.padding = i % 3 * 7;
        test.full_range = i % 2;
        test.matrix = (EffvkMatrix) (i % 4);
        test.site = (EffvkChromaSite) (i % 3);
        test.orientation = (EffvkOrientation) (i % 8);
        memcpy (test.crop, crops[i / 3], sizeof test.crop);
        test.recipe.interpolation = EFFVK_INTERPOLATION_BILINEAR;
        test.recipe.antialias = FALSE;
        test.recipe.crop_mode = (EffvkCropMode) (i / 4);
        test.one_pass = TRUE;
        preprocess_check (&test);
      }
}

/* Frames of several formats in a batch: each pass does its own. */
static void
test_mixed (void)
{
  static const EffvkFormat formats[] = { EFFVK_FORMAT_NV12, EFFVK_FORMAT_RGB, EFFVK_FORMAT_YUY2,
                                         EFFVK_FORMAT_I420_10LE, EFFVK_FORMAT_I420 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint bits = 0; bits < 4; bits++)
      {
        PreprocessCase test = default_case;

        /* Chroma has fewer taps than luma, in a batch with frames whose rows are longer. */
        test.width = 307;
        test.height = 127;
        test.format = formats[f];
        test.second = formats[(f + 1) % G_N_ELEMENTS (formats)];
        test.batch = 3;
        test.recipe.interpolation = EFFVK_INTERPOLATION_BILINEAR;
        test.recipe.antialias = bits & 1;
        test.recipe.eight_bits = bits >> 1;
        test.one_pass = bits == 0;
        preprocess_check (&test);
      }
}

/* Crops at odd and even places; what lies around is other noise, and must not be seen. */
static void
test_crops (void)
{
  static const guint crops[][4]
      = { { 0, 0, 61, 47 }, { 7, 5, 33, 29 }, { 8, 6, 32, 28 },  { 13, 0, 1, 47 },
          { 0, 46, 61, 1 }, { 60, 46, 1, 1 }, { 11, 21, 2, 25 }, { 3, 2, 57, 20 } };
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB,  EFFVK_FORMAT_GRAY8, EFFVK_FORMAT_I420,      EFFVK_FORMAT_NV12,
          EFFVK_FORMAT_Y42B, EFFVK_FORMAT_NV24,  EFFVK_FORMAT_GBR,       EFFVK_FORMAT_XBGR,
          EFFVK_FORMAT_YUY2, EFFVK_FORMAT_VYUY,  EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_I420_10LE };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint i = 0; i < G_N_ELEMENTS (crops); i++)
      {
        PreprocessCase test = default_case;

        test.format = formats[f];
        memcpy (test.crop, crops[i], sizeof test.crop);
        preprocess_check (&test);
      }
}

static void
test_colorimetry (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_NV12,      EFFVK_FORMAT_I420,      EFFVK_FORMAT_UYVY,
          EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_I420_12LE, EFFVK_FORMAT_P016_LE,
          EFFVK_FORMAT_Y444_10LE, EFFVK_FORMAT_GRAY8,     EFFVK_FORMAT_GRAY16_LE,
          EFFVK_FORMAT_RGB };

  for (int matrix = EFFVK_MATRIX_BT601; matrix <= EFFVK_MATRIX_SMPTE240M; matrix++)
    for (gboolean full_range = FALSE; full_range <= TRUE; full_range++)
      for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
        for (int site = EFFVK_CHROMA_SITE_CENTER; site <= EFFVK_CHROMA_SITE_TOP_LEFT; site++)
          {
            PreprocessCase test = default_case;

            test.format = formats[f];
            test.matrix = (EffvkMatrix) matrix;
            test.full_range = full_range;
            test.site = (EffvkChromaSite) site;
            preprocess_check (&test);
          }
}

/* All filters and crop modes, shrinking and growing, upright and wide. */
static void
test_recipes (void)
{
  static const guint sizes[][2] = { { 61, 47 }, { 40, 90 }, { 9, 7 }, { 26, 26 } };
  static const guint networks[][3] = { { 22, 19, 26 }, { 19, 21, 24 }, { 24, 24, 24 },
                                       { 7, 1, 9 },    { 1, 6, 8 },    { 33, 34, 41 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
      for (guint bits = 0; bits < 8; bits++)
        {
          PreprocessCase test = default_case;

          test.format = (s + bits) % 2 ? EFFVK_FORMAT_NV12 : EFFVK_FORMAT_BGR;
          test.width = sizes[s][0];
          test.height = sizes[s][1];
          test.recipe.width = networks[k][0];
          test.recipe.height = networks[k][1];
          test.recipe.resize_size = networks[k][2];
          test.recipe.interpolation
              = bits & 1 ? EFFVK_INTERPOLATION_BICUBIC : EFFVK_INTERPOLATION_BILINEAR;
          test.recipe.antialias = bits >> 1 & 1;
          test.recipe.crop_mode = bits >> 2 ? EFFVK_CROP_CENTER : EFFVK_CROP_SQUASH;
          preprocess_check (&test);
        }
}

/* Turned and mirrored frames, with parts of them, in every crop mode and with inputs that are not
 * square. */
static void
test_orientations (void)
{
  static const guint networks[][3]
      = { { 22, 19, 26 }, { 19, 22, 19 }, { 24, 24, 24 }, { 24, 24, 27 } };
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_NV12, EFFVK_FORMAT_YUY2, EFFVK_FORMAT_I420_10LE };

  for (int orientation = EFFVK_ORIENTATION_ROTATE_0;
       orientation <= EFFVK_ORIENTATION_FLIP_ROTATE_270; orientation++)
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
      for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
        for (int mode = EFFVK_CROP_CENTER; mode <= EFFVK_CROP_BORDER; mode++)
          {
            PreprocessCase test = default_case;

            test.format = formats[f];
            test.orientation = (EffvkOrientation) orientation;
            test.recipe.width = networks[k][0];
            test.recipe.height = networks[k][1];
            test.recipe.resize_size = networks[k][2];
            test.recipe.crop_mode = (EffvkCropMode) mode;
            if ((f + k) % 2)
              memcpy (test.crop, (guint[]){ 7, 5, 33, 28 }, sizeof test.crop);
            preprocess_check (&test);
          }
}

/* Pixels that are not square, and a picture with a border. */
static void
test_proportions (void)
{
  static const guint pixels[][2]
      = { { 0, 0 }, { 16, 11 }, { 59, 54 }, { 1, 2 }, { 3, 1 }, { 4, 5 } };
  static const guint sizes[][2]
      = { { 61, 47 }, { 40, 90 }, { 9, 7 }, { 26, 26 }, { 1, 1 }, { 300, 2 } };
  static const guint networks[][3] = { { 22, 19, 26 }, { 24, 24, 24 }, { 33, 34, 41 } };

  for (guint p = 0; p < G_N_ELEMENTS (pixels); p++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
        for (int mode = EFFVK_CROP_CENTER; mode <= EFFVK_CROP_BORDER; mode++)
          {
            PreprocessCase test = default_case;

            test.format = (p + s) % 2 ? EFFVK_FORMAT_NV12 : EFFVK_FORMAT_BGR;
            test.pixel_width = pixels[p][0];
            test.pixel_height = pixels[p][1];
            test.width = sizes[s][0];
            test.height = sizes[s][1];
            test.recipe.width = networks[k][0];
            test.recipe.height = networks[k][1];
            test.recipe.resize_size = networks[k][2];
            test.recipe.crop_mode = (EffvkCropMode) mode;
            test.orientation = (EffvkOrientation) ((p + s + k) % 8);
            test.recipe.antialias = k != 2;
            test.luma = k == 0 && mode == EFFVK_CROP_BORDER;
            preprocess_check (&test);
          }
}

/* Rounding between the passes changes most pixels, so a test of it alone must have few that differ.
 */
static void
test_eight_bits (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB,       EFFVK_FORMAT_BGRX,     EFFVK_FORMAT_XBGR, EFFVK_FORMAT_GBR,
          EFFVK_FORMAT_BGR,       EFFVK_FORMAT_GRAY8,    EFFVK_FORMAT_NV12, EFFVK_FORMAT_YUY2,
          EFFVK_FORMAT_GRAY16_LE, EFFVK_FORMAT_P010_10LE };
  static const guint sizes[][2] = { { 61, 47 }, { 9, 70 }, { 200, 7 }, { 333, 222 } };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint bits = 0; bits < 8; bits++)
        {
          PreprocessCase test = default_case;

          test.format = formats[f];
          test.width = sizes[s][0];
          test.height = sizes[s][1];
          test.padding = f * 7;
          test.recipe.eight_bits = TRUE;
          test.full_range = bits >> 1 & 1;
          test.recipe.interpolation
              = bits & 1 ? EFFVK_INTERPOLATION_BICUBIC : EFFVK_INTERPOLATION_BILINEAR;
          test.batch = 1 + (bits >> 2);
          test.orientation = (EffvkOrientation) ((f + s * 3 + bits) % 8);
          if (s == 3)
            memcpy (test.crop, (guint[]){ 17, 5, 233, 128 }, sizeof test.crop);
          preprocess_check (&test);
        }
}

static void
test_extremes (void)
{
  static const guint sizes[][2]
      = { { 1, 1 }, { 2, 1 },    { 1, 2 },    { 2, 2 },     { 3, 3 },
          { 4, 5 }, { 1, 4096 }, { 4096, 1 }, { 16384, 2 }, { 3, 16384 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint bits = 0; bits < 8; bits++)
      {
        PreprocessCase test = default_case;

        test.format = bits & 1 ? EFFVK_FORMAT_I420 : EFFVK_FORMAT_RGBA;
        test.width = sizes[s][0];
        test.height = sizes[s][1];
        test.recipe.crop_mode = bits & 2 ? EFFVK_CROP_CENTER : EFFVK_CROP_SQUASH;
        test.recipe.antialias = bits >> 2 & 1;
        preprocess_check (&test);
      }
}

static void
test_batch (void)
{
  static const EffvkFormat formats[] = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_YV12, EFFVK_FORMAT_NV21 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint batch = 2; batch <= 5; batch += 3)
      {
        PreprocessCase test = default_case;

        test.format = formats[f];
        test.batch = batch;
        preprocess_check (&test);
      }
}

/* A network that takes luma. */
static void
test_luma (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_BGRA, EFFVK_FORMAT_NV12, EFFVK_FORMAT_GRAY8 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint bits = 0; bits < 2; bits++)
      {
        PreprocessCase test = default_case;

        test.format = formats[f];
        test.matrix = EFFVK_MATRIX_BT709;
        test.batch = 2;
        test.luma = TRUE;
        test.recipe.eight_bits = bits;
        preprocess_check (&test);
      }
}

/* One case of the real size, by the usual recipe. */
static void
test_real_size (void)
{
  PreprocessCase test = default_case;

  test.format = EFFVK_FORMAT_NV12;
  test.width = 639;
  test.height = 361;
  test.recipe = (EffvkRecipe) CENTER_BICUBIC (224, 224, 256);
  preprocess_check (&test);
}

/* Chroma that is a linear ramp over the picture, sampled where its site says, must come out as that
 * ramp whatever the site: this does not depend on the oracle's idea of where a sample lies. */
static void
test_siting (void)
{
  /* Centres of the chroma samples, in pixels, across and down. */
  static const double centres[][2] = { { 1.0, 1.0 }, { 0.5, 1.0 }, { 0.5, 0.5 } };

  for (int site = EFFVK_CHROMA_SITE_CENTER; site <= EFFVK_CHROMA_SITE_TOP_LEFT; site++)
    for (guint vertical = 0; vertical < 2; vertical++)
      {
        PreprocessCase test = default_case;
        EffvkImage *image;
        g_autofree float *got = NULL;

        test.format = EFFVK_FORMAT_I420;
        test.width = test.height = 128;
        test.full_range = TRUE;
        test.site = (EffvkChromaSite) site;
        test.recipe = (EffvkRecipe) CENTER_BICUBIC (48, 48, 48);
        image = preprocess_make_image (&test);
        for (guint y = 0; y < 128; y++)
          memset ((guint8 *) image->planes[0].data + y * 128, 128, 128);
        for (guint y = 0; y < 64; y++)
          for (guint x = 0; x < 64; x++)
            {
              double at = 2.0 * (vertical ? y : x) + centres[site][vertical];

              ((guint8 *) image->planes[1].data)[y * 64 + x] = 128;
              /* Codes are whole, so cosited samples all lose the half of their place. */
              ((guint8 *) image->planes[2].data)[y * 64 + x] = (guint8) floor (at + 64.0);
            }
        got = preprocess_run (&test, &image, effvk_preprocess_kernels[0].name, EFFVK_STORAGE_F32);
        for (guint y = 8; y < 40; y++)
          for (guint x = 8; x < 40; x++)
            {
              double at = ((vertical ? y : x) + 0.5) * 128.0 / 48.0;
              double lost = centres[site][vertical] == 0.5 ? 0.5 : 0.0;
              double cr = (at + 64.0 - lost - 128.0) / 255.0;
              double red = 128.0 / 255.0 + 1.402 * cr;

              /* A wrong site is off by half a code or more. */
              g_assert_cmpfloat (fabs (got[(y * 48 + x) * 3] - red), <, 0.1 / 255.0);
            }
        preprocess_free_image (image);
      }
}

/* Only what the crop's taps read is filtered, of the rows and of the columns. */
static void
test_extent (void)
{
  static const struct
  {
    EffvkFormat format;
    EffvkRectangle crop;
    guint width, height,
        bytes; /* of the luma or RGB plane that the recipe's crop needs, taps included */
  } cases[] = { { EFFVK_FORMAT_NV12, { 501, 301, 100, 50 }, 60, 50, 1 },
                { EFFVK_FORMAT_NV12, { 0, 0, 1920, 64 }, 64, 64, 1 },
                { EFFVK_FORMAT_RGB, { 0, 0, 64, 1080 }, 64, 64, 3 } };
  EffvkRecipe recipe = CENTER_BICUBIC (24, 24, 24);

  for (guint bits = 0; bits < 2; bits++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autoptr (EffvkImage) image = effvk_image_new (cases[i].format, 1920, 1080);
        g_autoptr (EffvkPreprocessPlan) plan = NULL;
        EffvkPreprocessRoom room = { 0 };
        const EffvkRectangle *crop = &cases[i].crop;
        guint slack = 48; /* pixels: the filter's width, and what a texel holds besides */
        guint columns = 0;

        recipe.eight_bits = bits;
        g_assert_true (effvk_image_set_crop (image, crop->x, crop->y, crop->width, crop->height));
        plan = effvk_preprocess_plan_new (&image->layout, &recipe);
        effvk_preprocess_room_grow (&room, plan);
        g_assert_cmpuint (room.narrow_rows, <=, cases[i].height + slack);
        for (guint shape = 0; shape < EFFVK_ROWS_N_SHAPES; shape++)
          {
            g_assert_cmpuint (room.columns[shape][0] * 16, <=,
                              (cases[i].width + slack) * cases[i].bytes);
            columns += room.columns[shape][0];
          }
        g_assert_cmpuint (columns + room.narrow_columns, >, 0);
        if (bits && cases[i].format == EFFVK_FORMAT_RGB)
          g_assert_cmpuint (room.narrow_rows, >, 0);
      }
}

/* A device without a kernel of that name is an error, not a crash. */
static void
test_unknown_kernel (void)
{
  g_autoptr (EffvkProgram) program = effvk_program_new (preprocess_device, EFFVK_PROGRAM_DEFAULT);
  const EffvkPreprocessRoom room = { 0 };
  g_autoptr (GError) error = NULL;
  EffvkTensorInfo info = { "input", EFFVK_STORAGE_F32, 1, 19, 22, 3 };
  EffvkOpContext context = { program, EFFVK_STORAGE_F32, .kernel = "no such kernel" };
  EffvkPreprocess op = { .recipe = &default_case.recipe,
                         .room = &room,
                         .output = effvk_program_add_persistent (program, &info) };

  g_assert_false (effvk_preprocess (&context, &op, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  GError *error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  preprocess_device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  g_assert_no_error (error);
  g_test_add_func ("/preprocess/formats", test_formats);
  g_test_add_func ("/preprocess/one-pass", test_one_pass);
  g_test_add_func ("/preprocess/mixed", test_mixed);
  g_test_add_func ("/preprocess/crops", test_crops);
  g_test_add_func ("/preprocess/colorimetry", test_colorimetry);
  g_test_add_func ("/preprocess/recipes", test_recipes);
  g_test_add_func ("/preprocess/orientations", test_orientations);
  g_test_add_func ("/preprocess/proportions", test_proportions);
  g_test_add_func ("/preprocess/luma", test_luma);
  g_test_add_func ("/preprocess/eight-bits", test_eight_bits);
  g_test_add_func ("/preprocess/extremes", test_extremes);
  g_test_add_func ("/preprocess/batch", test_batch);
  g_test_add_func ("/preprocess/real-size", test_real_size);
  g_test_add_func ("/preprocess/siting", test_siting);
  g_test_add_func ("/preprocess/extent", test_extent);
  g_test_add_func ("/preprocess/unknown-kernel", test_unknown_kernel);
  status = g_test_run ();
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
  g_object_unref (preprocess_device);
  return status;
}
