/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/products.h"

/* The lanes of a sum: as wide as AVX's. Narrower registers take two steps, with the same result. */
#define N_LANES 8
typedef float Lanes
    __attribute__ ((vector_size (N_LANES * sizeof (float)), aligned (4), may_alias));

#define ROWS 4    /* of a tile of answers */
#define CLASSES 2 /* of it */
#define SLOPES 4  /* classes of a tile of slopes, */
#define PARTS 2   /* and times N_LANES columns */

#define INLINE static inline __attribute__ ((always_inline))

INLINE const Lanes *
lanes_at (const float *values)
{
  return (const Lanes *) values;
}

/* A tile's answers. Rows and classes beyond the last are the last once more, and are not kept. */
INLINE void
answer_tile (const float *const *rows, guint n_rows, const float *weights, guint n_classes,
             guint stride, guint n, float *answers)
{
  Lanes sums[ROWS][CLASSES] = { 0 };
  guint f = 0;

  for (; f + N_LANES <= n; f += N_LANES)
#pragma GCC unroll 4
    for (guint r = 0; r < ROWS; r++)
#pragma GCC unroll 2
      for (guint c = 0; c < CLASSES; c++)
        sums[r][c] += *lanes_at (rows[MIN (r, n_rows - 1)] + f)
                      * *lanes_at (weights + (gsize) MIN (c, n_classes - 1) * n + f);
  for (guint r = 0; r < n_rows; r++)
    for (guint c = 0; c < n_classes; c++)
      {
        float sum = 0;

        for (guint i = f; i < n; i++)
          sum += rows[r][i] * weights[(gsize) c * n + i];
        for (guint l = 0; l < N_LANES; l++)
          sum += sums[r][c][l];
        answers[(gsize) r * stride + c] = sum;
      }
}

INLINE void
answer_all (const float *const *rows, guint n_rows, const float *weights, guint n_classes, guint n,
            float *answers)
{
  for (guint c = 0; c < n_classes; c += CLASSES)
    for (guint r = 0; r < n_rows; r += ROWS)
      answer_tile (rows + r, MIN (n_rows - r, ROWS), weights + (gsize) c * n,
                   MIN (n_classes - c, CLASSES), n_classes, n, answers + (gsize) r * n_classes + c);
}

INLINE void
add_slope (const float *const *rows, guint n_rows, const float *derivatives, guint stride, guint f,
           guint n, float *sums)
{
  for (; f < n; f++)
    for (guint r = 0; r < n_rows; r++)
      sums[f] += derivatives[(gsize) r * stride] * rows[r][f];
}

/* Adds to the slopes of SLOPES classes; returns the columns that are done. */
INLINE guint
add_slopes_tile (const float *const *rows, guint n_rows, const float *derivatives, guint stride,
                 guint n, float *sums)
{
  guint f = 0;

  for (; f + PARTS * N_LANES <= n; f += PARTS * N_LANES)
    {
      Lanes tile[SLOPES][PARTS] = { 0 };

      for (guint r = 0; r < n_rows; r++)
#pragma GCC unroll 4
        for (guint c = 0; c < SLOPES; c++)
#pragma GCC unroll 2
          for (guint p = 0; p < PARTS; p++)
            tile[c][p]
                += derivatives[(gsize) r * stride + c] * *lanes_at (rows[r] + f + p * N_LANES);
      for (guint c = 0; c < SLOPES; c++)
        for (guint p = 0; p < PARTS; p++)
          *(Lanes *) (sums + (gsize) c * n + f + p * N_LANES) += tile[c][p];
    }
  return f;
}

INLINE void
add_all (const float *const *rows, guint n_rows, const float *derivatives, guint n_classes, guint n,
         float *sums)
{
  guint c = 0;

  for (; c + SLOPES <= n_classes; c += SLOPES)
    {
      float *of_tile = sums + (gsize) c * n;
      guint done = add_slopes_tile (rows, n_rows, derivatives + c, n_classes, n, of_tile);

      for (guint i = 0; i < SLOPES; i++)
        add_slope (rows, n_rows, derivatives + c + i, n_classes, done, n, of_tile + (gsize) i * n);
    }
  for (; c < n_classes; c++)
    add_slope (rows, n_rows, derivatives + c, n_classes, 0, n, sums + (gsize) c * n);
}

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2_CLONES

__attribute__ ((target ("avx2"))) static void
answer_all_avx2 (const float *const *rows, guint n_rows, const float *weights, guint n_classes,
                 guint n, float *answers)
{
  answer_all (rows, n_rows, weights, n_classes, n, answers);
}

__attribute__ ((target ("avx2"))) static void
add_all_avx2 (const float *const *rows, guint n_rows, const float *derivatives, guint n_classes,
              guint n, float *sums)
{
  add_all (rows, n_rows, derivatives, n_classes, n, sums);
}
#endif

void
effvk_products_answers (const float *const *rows, guint n_rows, const float *weights,
                        guint n_classes, guint n_columns, float *answers)
{
#ifdef HAVE_AVX2_CLONES
  if (__builtin_cpu_supports ("avx2"))
    {
      answer_all_avx2 (rows, n_rows, weights, n_classes, n_columns, answers);
      return;
    }
#endif
  answer_all (rows, n_rows, weights, n_classes, n_columns, answers);
}

void
effvk_products_add_slopes (const float *const *rows, guint n_rows, const float *derivatives,
                           guint n_classes, guint n_columns, float *sums)
{
#ifdef HAVE_AVX2_CLONES
  if (__builtin_cpu_supports ("avx2"))
    {
      add_all_avx2 (rows, n_rows, derivatives, n_classes, n_columns, sums);
      return;
    }
#endif
  add_all (rows, n_rows, derivatives, n_classes, n_columns, sums);
}
