/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The preprocessing's part of the self-test: it asks whether the device filters and converts as the
 * taps and the standards say. Whether the taps are right does not depend on the device. */
#include "ops/preprocess.h"
#include "ops/resize-taps.h"
#include "selftest/cases.h"

typedef struct
{
  const EffvkImage *image;
  const EffvkFormatInfo *format;
  EffvkTaps x, y, chroma_x, chroma_y;
} Reference;

static void
reference_init (Reference *reference, const EffvkImage *image, const EffvkRecipe *recipe)
{
  const EffvkFrameLayout *layout = &image->layout;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  EffvkAxis x_axis, y_axis;

  *reference = (Reference){ .image = image, .format = format };
  effvk_axes_init (&x_axis, &y_axis, layout, recipe);
  effvk_taps_init (&reference->x, &x_axis, recipe->interpolation, recipe->antialias);
  effvk_taps_init (&reference->y, &y_axis, recipe->interpolation, recipe->antialias);
  effvk_taps_init_subsampled (&reference->chroma_x, &reference->x, &x_axis, format->chroma_x,
                              layout->site != EFFVK_CHROMA_SITE_CENTER);
  effvk_taps_init_subsampled (&reference->chroma_y, &reference->y, &y_axis, format->chroma_y,
                              layout->site == EFFVK_CHROMA_SITE_TOP_LEFT);
}

static void
reference_clear (Reference *reference)
{
  effvk_taps_clear (&reference->x);
  effvk_taps_clear (&reference->y);
  effvk_taps_clear (&reference->chroma_x);
  effvk_taps_clear (&reference->chroma_y);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reference, reference_clear)

/* A code of component @c. */
static double
get_code (const Reference *reference, guint c, guint x, guint y)
{
  const EffvkComponent *component = &reference->format->components[c];
  const guint8 *sample = reference->image->planes[component->plane].data
                         + y * reference->image->planes[component->plane].stride
                         + x * component->step + component->offset;

  if (reference->format->depth == 8)
    return sample[0];
  return (sample[0] | sample[1] << 8) >> reference->format->shift;
}

/* Component @c where column @column and row @row of the output are, as a code. */
static double
resample (const Reference *reference, guint c, guint column, guint row)
{
  gboolean chroma = c > 0 && reference->format->yuv;
  const EffvkTaps *x = chroma ? &reference->chroma_x : &reference->x;
  const EffvkTaps *y = chroma ? &reference->chroma_y : &reference->y;
  double sum = 0.0;

  for (guint j = 0; j < y->count; j++)
    for (guint i = 0; i < x->count; i++)
      sum += (double) x->weights[column * x->count + i] * (double) y->weights[row * y->count + j]
             * get_code (reference, c, MIN (x->first[column] + i, x->high - 1),
                         MIN (y->first[row] + j, y->high - 1));
  return sum;
}

/* Codes to R'G'B' in 0..1. */
static void
to_rgb (const Reference *reference, double v[3])
{
  static const double kr_kb[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 }, { 0.212, 0.087 } };
  const EffvkFrameLayout *layout = &reference->image->layout;
  double kr = kr_kb[layout->matrix][0], kb = kr_kb[layout->matrix][1];
  double full = (1u << reference->format->depth) - 1, unit = 1u << (reference->format->depth - 8);
  double y, cb, cr;

  if (!reference->format->yuv)
    for (guint c = 0; c < 3; c++)
      v[c] = layout->full_range ? v[c] / full : (v[c] / unit - 16.0) / 219.0;
  else
    {
      y = layout->full_range ? v[0] / full : (v[0] / unit - 16.0) / 219.0;
      cb = (v[1] - 128.0 * unit) / (layout->full_range ? full : 224.0 * unit);
      cr = (v[2] - 128.0 * unit) / (layout->full_range ? full : 224.0 * unit);
      v[0] = y + 2.0 * (1.0 - kr) * cr;
      v[2] = y + 2.0 * (1.0 - kb) * cb;
      v[1] = (y - kr * v[0] - kb * v[2]) / (1.0 - kr - kb);
    }
  for (guint c = 0; c < 3; c++)
    v[c] = CLAMP (v[c], 0.0, 1.0);
}

/* [H,W,@channels] */
static void
compute (const Reference *reference, const EffvkRecipe *recipe, guint channels, double *output)
{
  for (guint row = 0; row < recipe->height; row++)
    for (guint column = 0; column < recipe->width; column++)
      {
        double v[3];

        for (guint c = 0; c < 3; c++)
          v[c] = resample (reference, c, column, row);
        to_rgb (reference, v);
        if (channels == 1)
          v[0] = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
        for (guint c = 0; c < channels; c++)
          *output++ = (v[c] - (double) recipe->mean[c]) / (double) recipe->std[c];
      }
}

/* A frame of random bytes with rows that do not lie side by side; the trial owns its planes. */
static EffvkImage *
random_image (EffvkTrial *trial, guint index)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_NV12,      EFFVK_FORMAT_RGB,  EFFVK_FORMAT_I420, EFFVK_FORMAT_BGRX,
          EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_YUY2, EFFVK_FORMAT_GRAY8 };
  EffvkFormat format = formats[index % G_N_ELEMENTS (formats)];
  guint width = effvk_trial_size (trial, 90), height = effvk_trial_size (trial, 90);
  const EffvkFormatInfo *info = effvk_format_get_info (format);
  EffvkImage *image = effvk_image_new (format, width, height);

  effvk_trial_describe (trial, "%s %ux%u", effvk_format_to_string (format), width, height);
  for (guint p = 0; p < effvk_format_get_n_planes (format); p++)
    {
      gsize stride = effvk_frame_plane_row_bytes (&image->layout, p)
                     + (gsize) g_rand_int_range (trial->rand, 0, 20);
      gsize size = stride * effvk_frame_plane_rows (&image->layout, p);
      guint8 *data = g_malloc (size);

      for (gsize i = 0; i < size; i++)
        data[i] = (guint8) g_rand_int_range (trial->rand, 0, 256);
      if (info->depth > 8) /* nothing in the bits below the code */
        for (gsize y = 0; y < size; y += stride)
          for (gsize i = 0; i < stride; i += 2)
            data[y + i] &= (guint8) (0xffu << info->shift);
      g_ptr_array_add (trial->owned, data);
      effvk_image_set_plane (image, p, data, stride, size);
    }
  effvk_image_set_colorimetry (image, (EffvkMatrix) (index % 4), index % 3 == 0,
                               (EffvkChromaSite) (index / 2 % 3));
  return image;
}

/* Puts an image where the op looks for item @i. */
static void
write_item (const EffvkPreprocessPlan *plan, const EffvkPreprocess *op, const EffvkImage *image,
            guint i, EffvkBuffer *frames)
{
  effvk_image_copy_to (image, frames->map + i * image->layout.size);
  effvk_preprocess_plan_write (plan, op->room, op->batch, i, i * image->layout.size,
                               op->items->map);
}

gboolean
effvk_selftest_run_preprocess (EffvkTrial *trial, guint index, GError **error)
{
  const guint batch = 1 + index % 2, channels = index % 4 == 3 ? 1 : 3;
  EffvkRecipe recipe
      = { .width = effvk_trial_size (trial, 40),
          .height = effvk_trial_size (trial, 40),
          .interpolation = index % 3 ? EFFVK_INTERPOLATION_BICUBIC : EFFVK_INTERPOLATION_BILINEAR,
          .antialias = index % 4 != 1,
          .crop_mode = index % 2 ? EFFVK_CROP_SQUASH : EFFVK_CROP_CENTER,
          .mean = { 0.485f, 0.456f, 0.406f },
          .std = { 0.229f, 0.224f, 0.225f } };
  g_autoptr (EffvkImage) image = random_image (trial, index);
  g_auto (Reference) reference = { 0 };
  g_autoptr (EffvkPreprocessPlan) plan = NULL;
  EffvkTensorInfo info
      = { "input", trial->test->storage, batch, recipe.height, recipe.width, channels };
  gsize outputs = (gsize) recipe.height * recipe.width * channels;
  g_autofree double *expected = g_new (double, outputs *batch);
  EffvkPreprocessRoom room = { 0 };
  EffvkPreprocess op = { .recipe = &recipe, .room = &room, .batch = batch };
  EffvkBuffer *frames, *items;

  recipe.resize_size = MIN (recipe.width, recipe.height);
  recipe.resize_size += (guint) g_rand_int_range (trial->rand, 0, 6);
  effvk_trial_describe (trial, "%u to %ux%ux%u of %u", batch, recipe.height, recipe.width, channels,
                        recipe.resize_size);
  reference_init (&reference, image, &recipe);
  plan = effvk_preprocess_plan_new (&image->layout, &recipe);
  effvk_preprocess_room_grow (&room, plan);
  frames = effvk_trial_add_buffer (trial, "frames", image->layout.size * batch, error);
  items = frames ? effvk_trial_add_buffer (trial, "items",
                                           effvk_preprocess_items (&room, batch).size, error)
                 : NULL;
  if (!items)
    return FALSE;
  op.items = items;
  op.frames = effvk_preprocess_add_frames (trial->context.program, frames);
  op.output = effvk_trial_add_output (trial, &info, error);
  if (!op.output || !effvk_preprocess (&trial->context, &op, error))
    return FALSE;
  for (guint i = 0; i < batch; i++)
    {
      write_item (plan, &op, image, i, frames);
      compute (&reference, &recipe, channels, expected + i * outputs);
    }
  return effvk_buffer_flush (frames, error) && effvk_buffer_flush (items, error)
         && effvk_trial_run (trial, error)
         && effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}
