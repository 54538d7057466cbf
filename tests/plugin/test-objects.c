/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inference-region=roi-list: objects from upstream, in every form that this GStreamer has. */
#include "objects.h"

#include <effvk/effvk.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#if GST_CHECK_VERSION(1, 26, 0)
#define HAVE_GST_TENSOR_META
#endif
#endif

#ifdef HAVE_GST_ANALYTICS
static void
assert_class (GstAnalyticsClsMtd *cls, const double *expected)
{
  const char *label = g_quark_to_string (gst_analytics_cls_mtd_get_quark (cls, 0));
  guint index = (guint) g_ascii_strtoull (label + strlen ("class "), NULL, 10);

  g_assert_cmpfloat_with_epsilon (gst_analytics_cls_mtd_get_level (cls, 0), expected[index], 1e-5);
}

/* As GStreamer's overlay, and as DL Streamer, would find them. */
static void
assert_related (GstBuffer *buffer, const ObjectsFound *found, guint n,
                double (*expected)[N_CLASSES])
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsODMtd od;
  gpointer state = NULL;
  guint i = 0;

  g_assert_nonnull (meta);
  for (; gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &od);
       i++)
    {
      const GstAnalyticsRelTypes relations[]
          = { GST_ANALYTICS_REL_TYPE_RELATE_TO, GST_ANALYTICS_REL_TYPE_CONTAIN };

      g_assert_cmpuint (i, <, n);
      for (guint r = 0; r < G_N_ELEMENTS (relations); r++)
        {
          gpointer related = NULL;
          GstAnalyticsClsMtd cls;
          GstAnalyticsODMtd back;

          g_assert_true (
              gst_analytics_relation_meta_get_direct_related (meta, od.id, relations[r],
                                                              gst_analytics_cls_mtd_get_mtd_type (),
                                                              &related, (GstAnalyticsMtd *) &cls));
          g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&cls), ==, 1);
          assert_class (&cls, expected[i]);
          for (guint c = 0; c < N_CLASSES; c++) /* it is the best */
            g_assert_cmpfloat (gst_analytics_cls_mtd_get_level (&cls, 0), >=,
                               expected[i][c] - 1e-5);
          related = NULL;
          g_assert_true (gst_analytics_relation_meta_get_direct_related (
              meta, cls.id, GST_ANALYTICS_REL_TYPE_IS_PART_OF, gst_analytics_od_mtd_get_mtd_type (),
              &related, (GstAnalyticsMtd *) &back));
          g_assert_cmpuint (back.id, ==, od.id);
        }
    }
  g_assert_cmpuint (i, ==, n);
}
#endif

static void
assert_params (GstBuffer *buffer, const ObjectsFound *found, guint n, double (*expected)[N_CLASSES])
{
  gpointer state = NULL;
  GstMeta *meta;
  guint i = 0;

  for (; (meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
       i++)
    {
      GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
      GstStructure *best = gst_video_region_of_interest_meta_get_param (roi, "classification");
      double confidence;
      int id;

      g_assert_cmpuint (i, <, n);
      g_assert_cmpuint (roi->x, ==, (guint) found[i].x);
      g_assert_cmpuint (roi->w, ==, (guint) found[i].width);
      g_assert_cmpstr (g_quark_to_string (roi->roi_type), ==, found[i].type);
      g_assert_nonnull (best);
      g_assert_true (gst_structure_get (best, "label_id", G_TYPE_INT, &id, "confidence",
                                        G_TYPE_DOUBLE, &confidence, NULL));
      g_assert_cmpfloat_with_epsilon (confidence, expected[i][id], 1e-5);
      for (guint c = 0; c < N_CLASSES; c++)
        g_assert_cmpfloat (expected[i][c], <=, confidence + 1e-5);
    }
  g_assert_cmpuint (i, ==, n);
}

/* Each object has the classes that its pixels have alone, in the form it came in and in the custom
 * meta; and in the others when they are asked for. */
static void
test_classes (void)
{
  const ObjectsFound found[] = { { "car", 10, 20, 64, 48, -1 },
                                 { "person", 100, 0, 40, 120, -1 },
                                 { "car", 0, 70, 33, 35, 12 } };
  const char *const modes[] = { "auto", "roi",
#ifdef HAVE_GST_ANALYTICS
                                "analytics"
#endif
  };
  enum
  {
    N = G_N_ELEMENTS (found)
  };
  double expected[N][N_CLASSES], scores[N_CLASSES];

  for (guint f = 0; f < G_N_ELEMENTS (objects_forms); f++)
    for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
      {
        g_autofree char *properties = g_strdup_printf ("meta-mode=%s", modes[m]);
        GstVideoInfo info;
        GstHarness *harness;
        GstBuffer *in, *out;

        if (!objects_have_form (objects_forms[f]))
          continue;
        harness = objects_start (properties, &info);
        in = objects_frame (&info, 1, objects_forms[f], found, N);
        for (guint i = 0; i < N; i++)
          objects_expect (in, &found[i], expected[i]);
        out = fixture_push (harness, in);
        g_assert_cmpuint (fixture_n_objects (out), ==, m == 0 ? N : 0);
        for (guint i = 0; m == 0 && i < N; i++)
          {
            objects_assert_placed (fixture_object (out, i), &found[i]);
            objects_scores (fixture_object (out, i), scores);
            fixture_assert_scores_equal (scores, expected[i], 1e-5);
          }
        if (m == 1 || (m == 0 && objects_forms[f]))
          assert_params (out, found, N, expected);
#ifdef HAVE_GST_ANALYTICS
        if (m == 2 || (m == 0 && !objects_forms[f]))
          assert_related (out, found, N, expected);
        else
          g_assert_null (objects_forms[f] ? gst_buffer_get_analytics_relation_meta (out) : NULL);
#endif
        gst_buffer_unref (out);
        gst_harness_teardown (harness);
      }
}

/* A crop moves the picture in the frame, and with it its objects. */
static void
test_crop (void)
{
  const ObjectsFound in_picture = { "car", 10, 8, 30, 20, -1 },
                     in_frame = { "car", 26, 20, 30, 20, -1 };
  double expected[N_CLASSES], scores[N_CLASSES];
  GstVideoInfo info;
  GstHarness *harness = objects_start ("", &info);
  GstBuffer *in = objects_frame (&info, 3, TRUE, &in_picture, 1), *out;
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (in);

  crop->x = 16;
  crop->y = 12;
  crop->width = 100;
  crop->height = 80;
  objects_expect (in, &in_frame, expected);
  out = fixture_push (harness, in);
  g_assert_cmpuint (fixture_n_objects (out), ==, 1);
  objects_scores (fixture_object (out, 0), scores);
  fixture_assert_scores_equal (scores, expected, 1e-5);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static guint
count_metas (GstBuffer *buffer)
{
  gpointer state = NULL;
  guint n = 0;

  while (gst_buffer_iterate_meta (buffer, &state))
    n++;
  return n;
}

/* Frames without objects, or with none that is wanted, pass untouched. */
static void
test_filter (void)
{
  const ObjectsFound found[] = { { "car", 0, 0, 30, 20, -1 },
                                 { "person", 50, 50, 20, 60, -1 },
                                 { "dog", 100, 40, 60, 50, -1 },
                                 { "car", 150, 110, 100, 100, -1 } /* 10x10 of it inside */ };
  const struct
  {
    const char *properties, *left;
  } cases[] = {
    { "", "0123" },
    { "object-class=car", "03" },
    { "object-class=\"dog, person\"", "12" },
    { "object-class=cat", "" },
    { "object-min-size=20", "012" },
    { "object-min-size=21", "2" },
    { "object-max-size=60", "0123" },
    { "object-max-size=59", "03" },
    { "object-class=car object-min-size=11 object-max-size=30", "0" },
  };

  for (guint f = 0; f < G_N_ELEMENTS (objects_forms); f++)
    for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
      {
        const char *left = cases[c].left;
        GstVideoInfo info;
        GstHarness *harness;
        GstBuffer *in, *out;
        guint before;

        if (!objects_have_form (objects_forms[f]))
          continue;
        harness = objects_start (cases[c].properties, &info);
        in = objects_frame (&info, 1, objects_forms[f], found, G_N_ELEMENTS (found));
        before = count_metas (in);
        out = fixture_push (harness, in);
        g_assert_cmpuint (fixture_n_objects (out), ==, strlen (left));
        for (guint i = 0; left[i]; i++)
          g_assert_cmpstr (gst_structure_get_string (fixture_object (out, i), "type"), ==,
                           found[left[i] - '0'].type);
        g_assert_cmpuint (fixture_get_stat (harness, "objects"), ==, strlen (left));
        g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, strlen (left));
        g_assert_cmpuint (fixture_get_stat (harness, "objects-ignored"), ==,
                          G_N_ELEMENTS (found) - strlen (left));
        if (!*left)
          g_assert_cmpuint (count_metas (out), ==, before);
        gst_buffer_unref (out);

        in = fixture_frame (&info, 2);
        out = fixture_push (harness, in);
        g_assert_true (out == in);
        g_assert_cmpuint (count_metas (out), ==, 0);
        gst_buffer_unref (out);
        gst_harness_teardown (harness);
      }
}

/* Rectangles of any kind: outside, empty, larger than the frame. */
static void
test_rectangles (void)
{
  const ObjectsFound found[] = { { "a", 160, 0, 10, 10, -1 }, /* outside */
                                 { "b", 0, 120, 10, 10, -1 },
                                 { "c", 20, 20, 0, 10, -1 },
                                 { "d", G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT, -1 },
                                 { "e", 0, 0, G_MAXINT, G_MAXINT, -1 },
                                 { "f", 159, 119, G_MAXINT, G_MAXINT, -1 },
                                 { "g", -20, -30, 40, 50, -1 } };
  const ObjectsFound whole = { "e", 0, 0, OBJECTS_WIDTH, OBJECTS_HEIGHT, -1 },
                     pixel = { "f", 159, 119, 1, 1, -1 }, corner = { "g", 0, 0, 20, 20, -1 };

  for (guint f = 0; f < G_N_ELEMENTS (objects_forms); f++)
    {
      guint n = objects_forms[f] ? 6 : 7; /* regions of interest are unsigned */
      GstVideoInfo info;
      GstHarness *harness;
      GstBuffer *out;

      if (!objects_have_form (objects_forms[f]))
        continue;
      harness = objects_start ("", &info);
      out = fixture_push (harness, objects_frame (&info, 1, objects_forms[f], found, n));
      g_assert_cmpuint (fixture_n_objects (out), ==, n - 4);
      objects_assert_placed (fixture_object (out, 0), &whole);
      objects_assert_placed (fixture_object (out, 1), &pixel);
      if (!objects_forms[f])
        objects_assert_placed (fixture_object (out, 2), &corner);
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

/* A row of logits an object, remembered ones as well. */
static void
test_logits (void)
{
#ifdef HAVE_GST_TENSOR_META
  const ObjectsFound found[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  GstVideoInfo info;
  GstHarness *harness = objects_start ("attach-logits=true reclassify-interval=0", &info);

  for (guint i = 0; i < 2; i++)
    {
      GstBuffer *out = fixture_push (harness, objects_frame (&info, i, FALSE, found, 2));
      GstTensorMeta *meta = gst_buffer_get_tensor_meta (out);
      const GstTensor *tensor;
      GstMapInfo map;

      g_assert_nonnull (meta);
      tensor = gst_tensor_meta_get (meta, 0);
      g_assert_cmpuint (tensor->num_dims, ==, 2);
      g_assert_cmpuint (tensor->dims[0], ==, 2);
      g_assert_cmpuint (tensor->dims[1], ==, N_CLASSES);
      g_assert_true (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
      g_assert_cmpuint (map.size, ==, 2 * N_CLASSES * sizeof (float));
      for (guint k = 0; k < 2; k++)
        {
          const float *row = (const float *) map.data + k * N_CLASSES;
          double score;
          int best = fixture_best (fixture_object (out, k), &score);

          for (int c = 0; c < N_CLASSES; c++)
            g_assert_cmpfloat (row[c], <=, row[best]);
        }
      gst_buffer_unmap (tensor->data, &map);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
#else
  g_test_skip ("this GStreamer has no GstTensorMeta");
#endif
}

/* An object that has both forms is classified once. */
static void
test_both_forms (void)
{
#ifdef HAVE_GST_ANALYTICS
  const ObjectsFound found[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  double expected[2][N_CLASSES];
  GstVideoInfo info;
  GstHarness *harness = objects_start ("", &info);
  GstBuffer *in = objects_frame (&info, 1, TRUE, found, 2), *out;

  objects_add (in, FALSE, found, 2);
  for (guint i = 0; i < 2; i++)
    objects_expect (in, &found[i], expected[i]);
  out = fixture_push (harness, in);
  g_assert_cmpuint (fixture_n_objects (out), ==, 2);
  assert_params (out, found, 2, expected);
  assert_related (out, found, 2, expected);
  g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 2);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
#else
  g_test_skip ("this GStreamer has no GstAnalytics");
#endif
}

/* More objects than a submission holds, and a buffer that somebody else holds too. @apart: the
 * frame is in two memories and cannot be imported. */
static void
check_many (guint batch_size, gboolean apart)
{
  enum
  {
    N = 40
  };
  g_autofree char *properties = g_strdup_printf ("batch-size=%u", batch_size);
  GstVideoInfo info;
  GstHarness *harness = objects_start (properties, &info);
  GstBuffer *in = fixture_frame (&info, 4), *out;
  g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", NULL);
  gboolean copied = apart || !effvk_device_can_import_data (device);
  double expected[N_CLASSES], scores[N_CLASSES];
  guint64 submissions = (N + MAX (batch_size, 1) - 1) / MAX (batch_size, 1);

  for (int i = 0; i < N; i++)
    fixture_add_object (in, TRUE, "car", (i % 8) * 16, (i / 8) * 20, 32, 32, -1);
  if (apart)
    gst_buffer_append_memory (in, gst_allocator_alloc (NULL, 16, NULL));
  out = fixture_push (harness, gst_buffer_ref (in));
  g_assert_true (in != out);
  g_assert_cmpuint (fixture_n_objects (in), ==, 0);
  g_assert_cmpuint (fixture_n_objects (out), ==, N);
  for (int i = 0; i < N; i += 13)
    {
      const ObjectsFound found = { "car", (i % 8) * 16, (i / 8) * 20, 32, 32, -1 };

      objects_expect (in, &found, expected);
      objects_scores (fixture_object (out, (guint) i), scores);
      fixture_assert_scores_equal (scores, expected, 1e-5);
    }
  /* however many there are, the frame is copied once, or not at all where it can be imported */
  g_assert_cmpuint (fixture_get_stat (harness, "submissions"), ==, submissions);
  g_assert_cmpuint (fixture_get_stat (harness, "copied-bytes"), ==,
                    copied || submissions == 1 ? OBJECTS_WIDTH * OBJECTS_HEIGHT * 3 : 0);
  g_assert_cmpuint (fixture_get_stat (harness, "frames-copied"), ==, copied || submissions == 1);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
test_many (void)
{
  for (gboolean apart = FALSE; apart <= TRUE; apart++)
    {
      check_many (0, apart); /* on a CPU, 1 */
      check_many (1, apart);
      check_many (16, apart);
      check_many (64, apart);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/objects/classes", test_classes);
  g_test_add_func ("/objects/crop", test_crop);
  g_test_add_func ("/objects/filter", test_filter);
  g_test_add_func ("/objects/rectangles", test_rectangles);
  g_test_add_func ("/objects/logits", test_logits);
  g_test_add_func ("/objects/both-forms", test_both_forms);
  g_test_add_func ("/objects/many", test_many);
  return fixtures_run ();
}
