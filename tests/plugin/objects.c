/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "objects.h"

const gboolean objects_forms[2] = { TRUE, FALSE };

gboolean
objects_have_form (gboolean as_roi)
{
#ifdef HAVE_GST_ANALYTICS
  return TRUE;
#else
  return as_roi;
#endif
}

GstHarness *
objects_start (const char *properties, GstVideoInfo *info)
{
  g_autofree char *all
      = g_strdup_printf ("inference-region=roi-list top-k=%d %s", N_CLASSES, properties);
  GstHarness *harness = fixture_harness (all);

  fixture_set_caps (harness, info, GST_VIDEO_FORMAT_RGB, OBJECTS_WIDTH, OBJECTS_HEIGHT);
  return harness;
}

void
objects_add (GstBuffer *buffer, gboolean as_roi, const ObjectsFound *found, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (fixture_add_object (buffer, as_roi, found[i].type, found[i].x, found[i].y,
                                       found[i].width, found[i].height, found[i].track));
}

GstBuffer *
objects_frame (const GstVideoInfo *info, guint seed, gboolean as_roi, const ObjectsFound *found,
               guint n)
{
  GstBuffer *buffer = fixture_frame (info, seed);

  objects_add (buffer, as_roi, found, n);
  return buffer;
}

void
objects_scores (const GstStructure *classes, double *scores)
{
  const GValue *indices = gst_structure_get_value (classes, "indices");
  const GValue *values = gst_structure_get_value (classes, "scores");

  g_assert_cmpuint (gst_value_array_get_size (indices), ==, N_CLASSES);
  for (guint i = 0; i < N_CLASSES; i++)
    scores[g_value_get_int (gst_value_array_get_value (indices, i))]
        = g_value_get_double (gst_value_array_get_value (values, i));
}

/* The rectangle of a frame as a frame of its own. */
static GstBuffer *
cut (GstBuffer *frame, const GstVideoInfo *info, const ObjectsFound *found)
{
  GstBuffer *cut = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo from, to;

  gst_buffer_map (frame, &from, GST_MAP_READ);
  gst_buffer_map (cut, &to, GST_MAP_WRITE);
  for (int y = 0; y < found->height; y++)
    memcpy (to.data + y * GST_VIDEO_INFO_PLANE_STRIDE (info, 0),
            from.data + ((found->y + y) * OBJECTS_WIDTH + found->x) * 3, (gsize) found->width * 3);
  gst_buffer_unmap (cut, &to);
  gst_buffer_unmap (frame, &from);
  return cut;
}

void
objects_expect (GstBuffer *frame, const ObjectsFound *found, double *scores)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, found->width, found->height);
  g_assert_cmpuint (fixture_push_for_scores (harness, cut (frame, &info, found), scores), ==,
                    N_CLASSES);
  gst_harness_teardown (harness);
}

void
objects_assert_placed (const GstStructure *object, const ObjectsFound *found)
{
  double x, y, width, height;
  gint64 id;

  g_assert_true (gst_structure_get (object, "x", G_TYPE_DOUBLE, &x, "y", G_TYPE_DOUBLE, &y, "width",
                                    G_TYPE_DOUBLE, &width, "height", G_TYPE_DOUBLE, &height, NULL));
  g_assert_cmpfloat_with_epsilon (x * OBJECTS_WIDTH, found->x, 1e-9);
  g_assert_cmpfloat_with_epsilon (y * OBJECTS_HEIGHT, found->y, 1e-9);
  g_assert_cmpfloat_with_epsilon (width * OBJECTS_WIDTH, found->width, 1e-9);
  g_assert_cmpfloat_with_epsilon (height * OBJECTS_HEIGHT, found->height, 1e-9);
  g_assert_cmpstr (gst_structure_get_string (object, "type"), ==, found->type);
  if (found->track < 0)
    g_assert_false (gst_structure_has_field (object, "id"));
  else
    {
      g_assert_true (gst_structure_get_int64 (object, "id", &id));
      g_assert_cmpint (id, ==, found->track);
    }
}
