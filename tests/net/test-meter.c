/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Measures equal those of naive sums in double precision, for every kind of format and size; and
 * they tell what they are for: freezes, fields, blocks, blur, dead lines, borders. */
#include "device-fixture.h"
#include "meter-reference.h"

#include <effvk/effvk-meter.h>
#include <math.h>

/* Where a format has its luma: bytes of a pixel, the first of them, whether red, green and blue are
 * there instead, and the code's place in a word of two bytes. */
typedef struct
{
  EffvkFormat format;
  guint step, first, second, third;
  gboolean colour;
  guint depth, shift;
} Kind;

static const Kind kinds[] = {
  { EFFVK_FORMAT_GRAY8, 1, 0, 0, 0, FALSE, 8, 0 },
  { EFFVK_FORMAT_I420, 1, 0, 0, 0, FALSE, 8, 0 },
  { EFFVK_FORMAT_NV12, 1, 0, 0, 0, FALSE, 8, 0 },
  { EFFVK_FORMAT_YUY2, 2, 0, 0, 0, FALSE, 8, 0 },
  { EFFVK_FORMAT_UYVY, 2, 1, 0, 0, FALSE, 8, 0 },
  { EFFVK_FORMAT_RGB, 3, 0, 1, 2, TRUE, 8, 0 },
  { EFFVK_FORMAT_BGRX, 4, 2, 1, 0, TRUE, 8, 0 },
  { EFFVK_FORMAT_P010_10LE, 2, 0, 0, 0, FALSE, 10, 6 },
  { EFFVK_FORMAT_I420_10LE, 2, 0, 0, 0, FALSE, 10, 0 },
};

/* An image of @kind whose bytes are noise, and what its luma is, 0 to 255. */
static EffvkImage *
make_noise (const Kind *kind, guint width, guint height, guint seed, Picture *picture)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  EffvkImage *image = effvk_image_new (kind->format, width, height);
  static guint8 *kept[2];
  static guint turn;
  gsize stride = ((gsize) width * kind->step + 7) / 4 * 4, size = stride * height;
  guint8 *bytes;

  turn = !turn; /* the bytes of an image outlive it by one */
  g_free (kept[turn]);
  bytes = kept[turn] = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  *picture = (Picture){ width, height, g_new (double, (gsize) width *height) };
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      {
        guint8 *pixel = bytes + y * stride + (gsize) x * kind->step;
        double value = pixel[kind->first];

        if (kind->depth > 8)
          {
            guint code = (guint) g_rand_int_range (rand, 0, 1 << kind->depth);

            pixel[0] = (guint8) (code << kind->shift);
            pixel[1] = (guint8) (code << kind->shift >> 8);
            value = code / (double) (1u << (kind->depth - 8));
          }
        else if (kind->colour)
          value = 0.299 * pixel[kind->first] + 0.587 * pixel[kind->second]
                  + 0.114 * pixel[kind->third];
        picture->luma[(gsize) y * width + x] = value;
      }
  for (guint i = 0; i < effvk_format_get_n_planes (kind->format); i++)
    g_assert_true (effvk_image_set_plane (image, i, bytes, stride, size));
  return image;
}

static void
test_oracle (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const guint sizes[][2] = { { 64, 48 }, { 17, 5 }, { 1, 1 }, { 2, 2 }, { 131, 150 } };
  g_autoptr (EffvkMeter) meter = effvk_meter_new (fixture->device);
  g_autoptr (GError) error = NULL;

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        guint width = sizes[s][0], height = sizes[s][1];
        g_auto (Picture) one = { 0 };
        g_auto (Picture) two = { 0 };
        g_autoptr (EffvkImage) first = make_noise (&kinds[k], width, height, 2 * s, &one);
        g_autoptr (EffvkMeasures) begun = effvk_meter_measure (meter, first, &error);
        g_autoptr (EffvkImage) second = NULL;
        g_autoptr (EffvkMeasures) measures = NULL;

        g_assert_no_error (error);
        g_assert_true (isnan (effvk_measures_get (begun, EFFVK_MEASURE_CHANGE)));
        g_assert_true (isnan (effvk_measures_get (begun, EFFVK_MEASURE_TOP_FIRST)));
        second = make_noise (&kinds[k], width, height, 2 * s + 1, &two);
        measures = effvk_meter_measure (meter, second, &error);
        g_assert_no_error (error);
        check_all (measures, second, &two, &one);
      }
}

/* Measures a drawn picture, after @last where that is not NULL. */
static EffvkMeasures *
measure (Fixture *fixture, const guint8 *last, const guint8 *pixels, guint width, guint height)
{
  g_autoptr (EffvkMeter) meter = effvk_meter_new (fixture->device);
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_GRAY8, width, height);
  g_autoptr (EffvkMeasures) before = NULL;
  g_autoptr (GError) error = NULL;
  EffvkMeasures *measures;

  for (guint i = last ? 0 : 1; i < 2; i++)
    {
      g_assert_true (
          effvk_image_set_plane (image, 0, i ? pixels : last, width, (gsize) width * height));
      measures = effvk_meter_measure (meter, image, &error);
      g_assert_no_error (error);
      if (!i)
        before = measures;
    }
  return measures;
}

#define W 256
#define H 192

/* A picture with edges of any direction, and a little noise; it moves with @x. */
static guint8
draw (guint x, guint y, guint seed)
{
  double wave = sin (x * 0.07 + sin (y * 0.05) * 3) * 60 + (((x + y) / 37) % 2) * 50;

  return (guint8) (100 + wave + (x * 7919 + y * 104729 + seed * 31337) % 5);
}

static guint8 *
paint (guint shift, guint seed)
{
  guint8 *pixels = g_malloc (W * H);

  for (guint i = 0; i < W * H; i++)
    pixels[i] = draw (i % W + shift, i / W, seed);
  return pixels;
}

static double
get (EffvkMeasures *measures, EffvkMeasure measure)
{
  return effvk_measures_get (measures, measure);
}

/* What noise has too little of. */
static void
check_drawn (const EffvkMeasures *measures, const guint8 *pixels)
{
  g_auto (Picture) picture = { W, H, g_new (double, W *H) };

  for (guint i = 0; i < W * H; i++)
    picture.luma[i] = pixels[i];
  check_combed (measures, &picture);
  check_block_edges (measures, &picture);
}

/* A freeze with noise, and one with a clock that runs. */
static void
test_freeze (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree guint8 *picture = paint (0, 0);
  g_autofree guint8 *noisy = paint (0, 1);
  g_autofree guint8 *moved = paint (3, 0);
  g_autofree guint8 *clock = g_memdup2 (picture, W * H);
  g_autoptr (EffvkMeasures) same = measure (fixture, picture, picture, W, H);
  g_autoptr (EffvkMeasures) noise = measure (fixture, picture, noisy, W, H);
  g_autoptr (EffvkMeasures) motion = measure (fixture, picture, moved, W, H);
  g_autoptr (EffvkMeasures) ticks = NULL;

  for (guint i = 0; i < 16; i++)
    memset (clock + (20 + i) * W + 30, 255, 10);
  ticks = measure (fixture, picture, clock, W, H);
  g_assert_cmpfloat (get (same, EFFVK_MEASURE_CHANGE), ==, 0);
  g_assert_cmpfloat (get (noise, EFFVK_MEASURE_CHANGE), <, 0.01);
  g_assert_cmpfloat (get (noise, EFFVK_MEASURE_BLOCK_CHANGE), <, 0.01);
  g_assert_cmpfloat (get (motion, EFFVK_MEASURE_CHANGE), >, 0.02);
  g_assert_cmpfloat (get (ticks, EFFVK_MEASURE_CHANGE), <, 0.005);
  g_assert_cmpfloat (get (ticks, EFFVK_MEASURE_BLOCK_CHANGE), >, 0.05);
}

/* Two fields of a moving picture in a frame, whichever is first, and a frame of one. */
static void
test_fields (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint first = 0; first < 3; first++)
    {
      g_autofree guint8 *frames[2] = { g_malloc (W * H), g_malloc (W * H) };
      g_autoptr (EffvkMeasures) m = NULL;
      double top, bottom;

      for (guint f = 0; f < 2; f++)
        for (guint i = 0; i < W * H; i++)
          {
            guint field = first == 2 ? 0 : (i / W + first) % 2; /* the later one */

            frames[f][i] = draw (i % W + 6 * (2 * f + field), i / W, 0);
          }
      m = measure (fixture, frames[0], frames[1], W, H);
      top = get (m, EFFVK_MEASURE_TOP_FIRST);
      bottom = get (m, EFFVK_MEASURE_BOTTOM_FIRST);
      check_drawn (m, frames[1]);
      if (first == 2)
        g_assert_cmpfloat (get (m, EFFVK_MEASURE_COMBED), ==, 0);
      else
        g_assert_cmpfloat (get (m, EFFVK_MEASURE_COMBED), >, 0.1);
      if (first == 0)
        g_assert_cmpfloat (top, >, 1.3 * bottom);
      else if (first == 1)
        g_assert_cmpfloat (bottom, >, 1.3 * top);
      else
        g_assert_cmpfloat (MIN (top, bottom), >, 1.5 * get (m, EFFVK_MEASURE_LINES));
    }
}

/* Blocks that are of another place stand out where they lie on the grid, and nowhere else. */
static void
test_damage (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint shift = 0; shift <= 7; shift += 7)
    {
      g_autofree guint8 *damaged = paint (0, 0);
      g_autoptr (EffvkMeasures) m = NULL;

      for (guint block = 0; block < 20; block++)
        for (guint i = 0; i < 256; i++)
          {
            guint x = block * 5 % 14 * 16 + i % 16 + shift,
                  y = block * 3 % 11 * 16 + i / 16 + shift;

            damaged[y * W + x] = block % 2 ? 250 : 5;
          }
      m = measure (fixture, NULL, damaged, W, H);
      check_drawn (m, damaged);
      if (shift == 0)
        g_assert_cmpfloat (get (m, EFFVK_MEASURE_BLOCK_EDGES), >, 0.1);
      else
        g_assert_cmpfloat (get (m, EFFVK_MEASURE_BLOCK_EDGES), <, 0.02);
    }
}

/* Steps at every 8th column and row, or at every 12th after scaling, stand out. */
static void
test_blocks (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree guint8 *picture = paint (0, 0);
  g_autoptr (EffvkMeasures) clean = measure (fixture, NULL, picture, W, H);

  g_assert_cmpfloat (get (clean, EFFVK_MEASURE_BLOCKINESS), <, 0.5);
  for (guint size = 8; size <= 12; size += 4)
    {
      g_autofree guint8 *blocks = g_malloc (W * H);
      g_autoptr (EffvkMeasures) m = NULL;

      for (guint i = 0; i < W * H; i++)
        blocks[i] = draw (i % W / size * size, i / W / size * size, 0);
      m = measure (fixture, NULL, blocks, W, H);
      if (size == 8)
        g_assert_cmpfloat (get (m, EFFVK_MEASURE_BLOCKINESS), >, 4);
      g_assert_cmpfloat (get (m, EFFVK_MEASURE_GRID_BLOCKINESS), >, 4);
      g_assert_cmpfloat (fmod (get (m, EFFVK_MEASURE_GRID), size), ==, 0);
    }
}

static void
test_blur (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree guint8 *sharp = g_malloc (W * H);
  g_autofree guint8 *blurred = g_malloc (W * H);
  g_autoptr (EffvkMeasures) one = NULL;
  g_autoptr (EffvkMeasures) two = NULL;

  for (guint i = 0; i < W * H; i++)
    {
      guint x = i % W, n = 0;

      sharp[i] = (x / 24) % 2 ? 200 : 40;
      for (guint u = x; u < x + 9; u++)
        n += (u / 24) % 2 ? 200 : 40;
      blurred[i] = (guint8) (n / 9);
    }
  one = measure (fixture, NULL, sharp, W, H);
  two = measure (fixture, NULL, blurred, W, H);
  g_assert_cmpfloat_with_epsilon (get (one, EFFVK_MEASURE_EDGE_WIDTH), 1, 1e-6);
  g_assert_cmpfloat (get (two, EFFVK_MEASURE_EDGE_WIDTH), >, 4);
}

static void
test_lines (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree guint8 *picture = paint (0, 0);
  g_autofree guint8 *black = g_malloc0 (W * H);
  g_autoptr (EffvkMeasures) m = NULL;
  g_autoptr (EffvkMeasures) dark = measure (fixture, NULL, black, W, H);

  memset (picture + 50 * W, 128, 3 * W); /* three dead rows */
  for (guint y = 0; y < H; y++)
    picture[y * W + 100] = 0; /* a dead column */
  memset (picture, 16, 20 * W);
  memset (picture + (H - 10) * W, 16, 10 * W);
  for (guint y = 0; y < H; y++)
    memset (picture + y * W, 16, 7);
  m = measure (fixture, NULL, picture, W, H);
  g_assert_cmpfloat (get (m, EFFVK_MEASURE_BORDER_TOP), ==, 20);
  g_assert_cmpfloat (get (m, EFFVK_MEASURE_BORDER_BOTTOM), ==, 10);
  g_assert_cmpfloat (get (m, EFFVK_MEASURE_BORDER_LEFT), ==, 7);
  g_assert_cmpfloat (get (m, EFFVK_MEASURE_BORDER_RIGHT), ==, 0);
  g_assert_cmpfloat (get (dark, EFFVK_MEASURE_BORDER_TOP), ==, 0);
  g_assert_cmpfloat (get (dark, EFFVK_MEASURE_BLACK), ==, 1);
}

/* Lines of one value between others; a flat picture has none. */
static void
test_dead (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree guint8 *picture = paint (0, 0);
  g_autofree guint8 *flat = g_malloc (W * H);
  g_autoptr (EffvkMeasures) clean = measure (fixture, NULL, picture, W, H);
  g_autoptr (EffvkMeasures) rows = NULL;
  g_autoptr (EffvkMeasures) columns = NULL;
  g_autoptr (EffvkMeasures) none = NULL;

  memset (picture + 50 * W, 128, 3 * W);
  rows = measure (fixture, NULL, picture, W, H);
  for (guint y = 0; y < H; y++)
    picture[y * W + 100] = 0;
  columns = measure (fixture, NULL, picture, W, H);
  memset (flat, 90, W * H);
  none = measure (fixture, NULL, flat, W, H);
  g_assert_cmpfloat (get (clean, EFFVK_MEASURE_DEAD_ROWS), ==, 0);
  g_assert_cmpfloat (get (clean, EFFVK_MEASURE_DEAD_COLUMNS), ==, 0);
  g_assert_cmpfloat (get (rows, EFFVK_MEASURE_DEAD_ROWS), ==, 3);
  g_assert_cmpfloat (get (columns, EFFVK_MEASURE_DEAD_COLUMNS), ==, 1);
  g_assert_cmpfloat (get (none, EFFVK_MEASURE_DEAD_ROWS), ==, 0);
  g_assert_true (isnan (get (none, EFFVK_MEASURE_EDGE_WIDTH)));
}

static void
test_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkMeter) meter = effvk_meter_new (fixture->device);
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 8, 8);
  g_autoptr (GError) error = NULL;

  g_assert_null (effvk_meter_measure (meter, image, &error)); /* no plane is set */
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
}

#define ADD(name, function) g_test_add ("/meter/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("oracle", test_oracle);
  ADD ("freeze", test_freeze);
  ADD ("fields", test_fields);
  ADD ("blocks", test_blocks);
  ADD ("damage", test_damage);
  ADD ("blur", test_blur);
  ADD ("lines", test_lines);
  ADD ("dead", test_dead);
  ADD ("refused", test_refused);
  return g_test_run ();
}
