/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Semantic tags of GstAnalytics: the model's name on each class, related to the list of all
 * labels, as DL Streamer expects them. Where GStreamer has none (before 1.30) the element finds
 * this test's. */
#include "fixtures.h"

#include <gst/analytics/analytics.h>

#ifdef HAVE_SEMANTIC_TAGS
static char *
get_tag (GstAnalyticsMtd *mtd)
{
  return gst_analytics_mtd_get_semantic_tag (mtd);
}
#else
static char *tags[16]; /* by the id; of one buffer at a time */

void gst_analytics_mtd_set_semantic_tag (GstAnalyticsMtd *mtd, const char *tag);

void
gst_analytics_mtd_set_semantic_tag (GstAnalyticsMtd *mtd, const char *tag)
{
  g_assert_cmpuint (mtd->id, <, G_N_ELEMENTS (tags));
  g_free (tags[mtd->id]);
  tags[mtd->id] = g_strdup (tag);
}

static char *
get_tag (GstAnalyticsMtd *mtd)
{
  return g_strdup (tags[mtd->id]);
}
#endif

/* Checks that the buffer has @n classes beside one list of labels. */
static void
assert_tagged (GstBuffer *buffer, guint n)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstStructure *custom = gst_custom_meta_get_structure (
      gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta"));
  guint n_classes = 0, n_lists = 0;
  gpointer state = NULL;
  GstAnalyticsClsMtd cls;

  while (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_cls_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &cls))
    {
      g_autofree char *tag = get_tag ((GstAnalyticsMtd *) &cls);
      gpointer related = NULL;
      GstAnalyticsClsMtd list;

      if (g_strcmp0 (tag, "class_descriptor") == 0)
        {
          n_lists++;
          g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&cls), ==, N_CLASSES);
          for (gsize i = 0; i < N_CLASSES; i++)
            {
              g_autofree char *label = g_strdup_printf ("class %u", (guint) i);

              g_assert_cmpfloat (gst_analytics_cls_mtd_get_level (&cls, i), ==, 0.0f);
              g_assert_cmpstr (g_quark_to_string (gst_analytics_cls_mtd_get_quark (&cls, i)), ==,
                               label);
            }
          continue;
        }
      n_classes++;
      g_assert_cmpstr (tag, ==, gst_structure_get_string (custom, "model"));
      g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&cls), ==, 1);
      g_assert_true (gst_analytics_relation_meta_get_direct_related (
          meta, cls.id, GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (),
          &related, (GstAnalyticsMtd *) &list));
      g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&list), ==, N_CLASSES);
    }
  g_assert_cmpuint (n_classes, ==, n);
  g_assert_cmpuint (n_lists, ==, 1);
}

static void
test_tags (void)
{
  for (guint alternatives = 0; alternatives < 2; alternatives++)
    {
      GstHarness *harness
          = fixture_harness (alternatives ? "top-k=4 attach-alternatives=true" : "top-k=4");
      GstVideoInfo info;
      GstBuffer *out;

      fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
      out = fixture_push (harness, fixture_frame (&info, 5));
      assert_tagged (out, alternatives ? 4 : 1);
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

static void
test_objects (void)
{
  GstHarness *harness = fixture_harness ("inference-region=roi-list");
  GstVideoInfo info;
  GstBuffer *frame, *out;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  frame = fixture_frame (&info, 5);
  for (int i = 0; i < 3; i++)
    fixture_add_object (frame, FALSE, "car", 10 * i, 4, 20, 20, -1);
  out = fixture_push (harness, frame);
  assert_tagged (out, 3);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}
int
main (int argc, char **argv)
{
  int status;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/analytics/tags", test_tags);
  g_test_add_func ("/analytics/objects", test_objects);
  status = fixtures_run ();
#ifndef HAVE_SEMANTIC_TAGS
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    g_free (tags[i]);
#endif
  return status;
}
