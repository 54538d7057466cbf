/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/views.h"

#include "base/image.h"

/* Where an upright picture's pixel lies in the frame: what is left and what is right of it. */
static void
test_orientations (void)
{
  for (guint o = 0; o < 8; o++)
    {
      g_autoptr (GPtrArray) views = NULL;
      g_autoptr (GPtrArray) again = NULL;
      EffvkImage *image = effvk_image_new (EFFVK_FORMAT_RGB, 40, 30);
      const EffvkImage *crop, *same;
      g_autoptr (GPtrArray) twice = NULL;

      effvk_image_set_orientation (image, (EffvkOrientation) o);
      views = effvk_views_new (image, 4, 5);
      again = effvk_views_new (image, 4, 5);
      twice = effvk_views_new (views->pdata[1], 2, 5);
      g_assert_cmpuint (effvk_image_get_orientation (views->pdata[0]), ==, o);
      g_assert_cmpuint (effvk_image_get_orientation (views->pdata[1]), !=, o);
      g_assert_cmpuint (effvk_image_get_orientation (twice->pdata[1]), ==, o); /* mirrored twice */
      crop = views->pdata[3];
      same = again->pdata[3];
      g_assert_cmpuint (crop->layout.crop.width, <, 40);
      g_assert_cmpuint (crop->layout.crop.width, >=, 34);
      g_assert_cmpmem (&crop->layout.crop, sizeof crop->layout.crop, &same->layout.crop,
                       sizeof same->layout.crop);
      effvk_image_free (image);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/views/orientations", test_orientations);
  return g_test_run ();
}
