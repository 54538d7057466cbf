/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/views.h"

#include "base/image.h"

#define LEAST 0.85 /* of an image's sides that a crop keeps */

/* The orientation that shows the image mirrored, left to right, when it is upright. To mirror what
 * was turned by a quarter is to mirror it first and turn it the other way. */
static EffvkOrientation
mirror (EffvkOrientation orientation)
{
  guint quarters = orientation % 4;
  gboolean mirrored = orientation >= EFFVK_ORIENTATION_FLIP_ROTATE_0;

  return (EffvkOrientation) ((4 - quarters) % 4 + (mirrored ? 0 : 4));
}

static void
crop (EffvkImage *image, GRand *rand)
{
  EffvkRectangle whole = image->layout.crop;
  double share = g_rand_double_range (rand, LEAST, 1.0);
  guint width = MAX (1, (guint) (whole.width * share));
  guint height = MAX (1, (guint) (whole.height * share));
  guint x = whole.x + (guint) g_rand_int_range (rand, 0, (gint32) (whole.width - width) + 1);
  guint y = whole.y + (guint) g_rand_int_range (rand, 0, (gint32) (whole.height - height) + 1);

  effvk_image_set_crop (image, x, y, width, height);
}

GPtrArray *
effvk_views_new (const EffvkImage *image, guint n, guint32 seed)
{
  GPtrArray *views = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_image_free);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++)
    {
      EffvkImage *view = effvk_image_copy (image);

      if (i >= 2)
        crop (view, rand);
      if (i % 2 == 1)
        effvk_image_set_orientation (view, mirror (effvk_image_get_orientation (view)));
      g_ptr_array_add (views, view);
    }
  return views;
}
