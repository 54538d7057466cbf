/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inference-region=roi-list: objects from upstream, in every form that this GStreamer has. */
#include "fixtures.h"

#include <effvk/effvk.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#if GST_CHECK_VERSION(1, 26, 0)
#define HAVE_GST_TENSOR_META
#endif
#endif

#define WIDTH 160
#define HEIGHT 120

typedef struct
{
  const char *type;
  int x, y, width, height, track;
} Found;

/* Both forms of metadata, or the one that there is. */
static const gboolean forms[] = { TRUE, FALSE };

static gboolean
has_form (gboolean as_roi)
{
#ifdef HAVE_GST_ANALYTICS
  return TRUE;
#else
  return as_roi;
#endif
}

static GstHarness *
start (const char *properties, GstVideoInfo *info)
{
  g_autofree char *all
      = g_strdup_printf ("inference-region=roi-list top-k=%d %s", N_CLASSES, properties);
  GstHarness *harness = fixture_harness (all);

  fixture_set_caps (harness, info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return harness;
}

static void
add_all (GstBuffer *buffer, gboolean as_roi, const Found *found, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (fixture_add_object (buffer, as_roi, found[i].type, found[i].x, found[i].y,
                                       found[i].width, found[i].height, found[i].track));
}

/* A frame of noise with objects. */
static GstBuffer *
new_frame (const GstVideoInfo *info, guint seed, gboolean as_roi, const Found *found, guint n)
{
  GstBuffer *buffer = fixture_frame (info, seed);

  add_all (buffer, as_roi, found, n);
  return buffer;
}

static void
get_scores (const GstStructure *classes, double *scores)
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
cut (GstBuffer *frame, const GstVideoInfo *info, const Found *found)
{
  GstBuffer *cut = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo from, to;

  gst_buffer_map (frame, &from, GST_MAP_READ);
  gst_buffer_map (cut, &to, GST_MAP_WRITE);
  for (int y = 0; y < found->height; y++)
    memcpy (to.data + y * GST_VIDEO_INFO_PLANE_STRIDE (info, 0),
            from.data + ((found->y + y) * WIDTH + found->x) * 3, (gsize) found->width * 3);
  gst_buffer_unmap (cut, &to);
  gst_buffer_unmap (frame, &from);
  return cut;
}

/* What the network says of a rectangle's pixels alone. */
static void
get_expected (GstBuffer *frame, const Found *found, double *scores)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, found->width, found->height);
  g_assert_cmpuint (fixture_push_for_scores (harness, cut (frame, &info, found), scores), ==,
                    N_CLASSES);
  gst_harness_teardown (harness);
}

static void
assert_placed (const GstStructure *object, const Found *found)
{
  double x, y, width, height;
  gint64 id;

  g_assert_true (gst_structure_get (object, "x", G_TYPE_DOUBLE, &x, "y", G_TYPE_DOUBLE, &y, "width",
                                    G_TYPE_DOUBLE, &width, "height", G_TYPE_DOUBLE, &height, NULL));
  g_assert_cmpfloat_with_epsilon (x * WIDTH, found->x, 1e-9);
  g_assert_cmpfloat_with_epsilon (y * HEIGHT, found->y, 1e-9);
  g_assert_cmpfloat_with_epsilon (width * WIDTH, found->width, 1e-9);
  g_assert_cmpfloat_with_epsilon (height * HEIGHT, found->height, 1e-9);
  g_assert_cmpstr (gst_structure_get_string (object, "type"), ==, found->type);
  if (found->track < 0)
    g_assert_false (gst_structure_has_field (object, "id"));
  else
    {
      g_assert_true (gst_structure_get_int64 (object, "id", &id));
      g_assert_cmpint (id, ==, found->track);
    }
}

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
assert_related (GstBuffer *buffer, const Found *found, guint n, double (*expected)[N_CLASSES])
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
assert_params (GstBuffer *buffer, const Found *found, guint n, double (*expected)[N_CLASSES])
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
  const Found found[] = { { "car", 10, 20, 64, 48, -1 },
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

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
      {
        g_autofree char *properties = g_strdup_printf ("meta-mode=%s", modes[m]);
        GstVideoInfo info;
        GstHarness *harness;
        GstBuffer *in, *out;

        if (!has_form (forms[f]))
          continue;
        harness = start (properties, &info);
        in = new_frame (&info, 1, forms[f], found, N);
        for (guint i = 0; i < N; i++)
          get_expected (in, &found[i], expected[i]);
        out = fixture_push (harness, in);
        g_assert_cmpuint (fixture_n_objects (out), ==, m == 0 ? N : 0);
        for (guint i = 0; m == 0 && i < N; i++)
          {
            assert_placed (fixture_object (out, i), &found[i]);
            get_scores (fixture_object (out, i), scores);
            fixture_assert_scores_equal (scores, expected[i], 1e-5);
          }
        if (m == 1 || (m == 0 && forms[f]))
          assert_params (out, found, N, expected);
#ifdef HAVE_GST_ANALYTICS
        if (m == 2 || (m == 0 && !forms[f]))
          assert_related (out, found, N, expected);
        else
          g_assert_null (forms[f] ? gst_buffer_get_analytics_relation_meta (out) : NULL);
#endif
        gst_buffer_unref (out);
        gst_harness_teardown (harness);
      }
}

/* A crop moves the picture in the frame, and with it its objects. */
static void
test_crop (void)
{
  const Found in_picture = { "car", 10, 8, 30, 20, -1 }, in_frame = { "car", 26, 20, 30, 20, -1 };
  double expected[N_CLASSES], scores[N_CLASSES];
  GstVideoInfo info;
  GstHarness *harness = start ("", &info);
  GstBuffer *in = new_frame (&info, 3, TRUE, &in_picture, 1), *out;
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (in);

  crop->x = 16;
  crop->y = 12;
  crop->width = 100;
  crop->height = 80;
  get_expected (in, &in_frame, expected);
  out = fixture_push (harness, in);
  g_assert_cmpuint (fixture_n_objects (out), ==, 1);
  get_scores (fixture_object (out, 0), scores);
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
  const Found found[] = { { "car", 0, 0, 30, 20, -1 },
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

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
      {
        const char *left = cases[c].left;
        GstVideoInfo info;
        GstHarness *harness;
        GstBuffer *in, *out;
        guint before;

        if (!has_form (forms[f]))
          continue;
        harness = start (cases[c].properties, &info);
        in = new_frame (&info, 1, forms[f], found, G_N_ELEMENTS (found));
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
  const Found found[] = { { "a", 160, 0, 10, 10, -1 }, /* outside */
                          { "b", 0, 120, 10, 10, -1 },
                          { "c", 20, 20, 0, 10, -1 },
                          { "d", G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT, -1 },
                          { "e", 0, 0, G_MAXINT, G_MAXINT, -1 },
                          { "f", 159, 119, G_MAXINT, G_MAXINT, -1 },
                          { "g", -20, -30, 40, 50, -1 } };
  const Found whole = { "e", 0, 0, WIDTH, HEIGHT, -1 }, pixel = { "f", 159, 119, 1, 1, -1 },
              corner = { "g", 0, 0, 20, 20, -1 };

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    {
      guint n = forms[f] ? 6 : 7; /* regions of interest are unsigned */
      GstVideoInfo info;
      GstHarness *harness;
      GstBuffer *out;

      if (!has_form (forms[f]))
        continue;
      harness = start ("", &info);
      out = fixture_push (harness, new_frame (&info, 1, forms[f], found, n));
      g_assert_cmpuint (fixture_n_objects (out), ==, n - 4);
      assert_placed (fixture_object (out, 0), &whole);
      assert_placed (fixture_object (out, 1), &pixel);
      if (!forms[f])
        assert_placed (fixture_object (out, 2), &corner);
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

/* A tracked object is classified in every third frame, and has its classes in all. */
static void
test_tracked (void)
{
  const Found tracked = { "car", 10, 20, 64, 48, 5 }, other = { "car", 80, 20, 64, 48, -1 };

  for (guint f = 0; f < G_N_ELEMENTS (forms); f++)
    {
      double expected[N_CLASSES], scores[N_CLASSES];
      GstVideoInfo info;
      GstHarness *harness;
      GstSegment segment;

      if (!has_form (forms[f]))
        continue;
      harness = start ("reclassify-interval=3", &info);
      for (guint i = 0; i < 7; i++)
        {
          const Found both[] = { tracked, other };
          GstBuffer *in = new_frame (&info, i, forms[f], both, 2), *out;

          if (i % 3 == 0)
            get_expected (in, &tracked, expected);
          out = fixture_push (harness, in);
          g_assert_cmpuint (fixture_n_objects (out), ==, 2);
          assert_placed (fixture_object (out, 0), &tracked);
          get_scores (fixture_object (out, 0), scores);
          fixture_assert_scores_equal (scores, expected, 1e-5);
          gst_buffer_unref (out);
        }
      g_assert_cmpuint (fixture_get_stat (harness, "objects"), ==, 14);
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 3 + 7);

      gst_harness_set (harness, "effvkclassify", "reclassify-interval", 0, NULL);
      for (guint i = 0; i < 5; i++)
        gst_buffer_unref (fixture_push (harness, new_frame (&info, i, forms[f], &tracked, 1)));
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 10);

      g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
      g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
      gst_segment_init (&segment, GST_FORMAT_TIME);
      g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
      for (guint i = 0; i < 2; i++)
        gst_buffer_unref (fixture_push (harness, new_frame (&info, i, forms[f], &tracked, 1)));
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 11);
      gst_harness_teardown (harness);
    }
}

/* A row of logits an object, remembered ones as well. */
static void
test_logits (void)
{
#ifdef HAVE_GST_TENSOR_META
  const Found found[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  GstVideoInfo info;
  GstHarness *harness = start ("attach-logits=true reclassify-interval=0", &info);

  for (guint i = 0; i < 2; i++)
    {
      GstBuffer *out = fixture_push (harness, new_frame (&info, i, FALSE, found, 2));
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

static guint64
get_age (GstBuffer *buffer, guint i)
{
  guint64 age;

  g_assert_true (gst_structure_get_uint64 (fixture_object (buffer, i), "age", &age));
  return age;
}

/* In frames that are skipped a tracked object keeps its classes, where that is asked for; others
 * have none, and nothing is submitted. */
static void
test_skipped (void)
{
  const Found both[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  double first[N_CLASSES], scores[N_CLASSES];

  for (guint last = 0; last < 2; last++)
    {
      g_autofree char *properties
          = g_strdup_printf ("inference-interval=3 skipped=%s", last ? "last" : "none");
      GstVideoInfo info;
      GstHarness *harness = start (properties, &info);

      for (guint i = 0; i < 6; i++)
        {
          GstBuffer *out = fixture_push (harness, new_frame (&info, i, TRUE, both, 2));

          g_assert_cmpuint (fixture_n_objects (out), ==, i % 3 == 0 ? 2 : last);
          if (fixture_n_objects (out) > 0)
            {
              get_scores (fixture_object (out, 0), i % 3 == 0 ? first : scores);
              assert_placed (fixture_object (out, 0), &both[0]);
              g_assert_cmpuint (get_age (out, 0), ==, i % 3 * 40 * GST_MSECOND);
            }
          if (last && i % 3 != 0)
            fixture_assert_scores_equal (scores, first, 1e-9);
          gst_buffer_unref (out);
        }
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 4);
      gst_harness_teardown (harness);
    }
}

/* An object that has both forms is classified once. */
static void
test_both_forms (void)
{
#ifdef HAVE_GST_ANALYTICS
  const Found found[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  double expected[2][N_CLASSES];
  GstVideoInfo info;
  GstHarness *harness = start ("", &info);
  GstBuffer *in = new_frame (&info, 1, TRUE, found, 2), *out;

  add_all (in, FALSE, found, 2);
  for (guint i = 0; i < 2; i++)
    get_expected (in, &found[i], expected[i]);
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

/* Each track has a label of its own that is held, and one message tells of the objects that
   changed. */
static void
test_steady (void)
{
  GstVideoInfo info;
  GstHarness *harness = start ("hold=10000000000 messages-on-change=true", &info);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  int first[2] = { -1, -1 };
  guint n_messages = 0;
  GstMessage *message;

  gst_element_set_bus (element, bus);
  for (guint i = 0; i < 12; i++)
    {
      /* they grow and shrink, so that the network sees something else in every frame */
      const Found found[] = { { "car", 0, 0, 16 + 12 * (int) (i % 5), 16 + 3 * (int) i, 1 },
                              { "car", 90, 0, 60 - 4 * (int) i, 100, 2 },
                              { "car", 0, 0, 100, 8 + (int) i, -1 } };
      GstBuffer *out = fixture_push (harness, new_frame (&info, i, TRUE, found, 3));

      for (guint k = 0; k < 2; k++)
        {
          double score;
          int index = fixture_best (fixture_object (out, k), &score);

          if (i == 0)
            first[k] = index;
          g_assert_cmpint (index, ==, first[k]);
        }
      gst_buffer_unref (out);
      while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT)))
        {
          const GValue *objects
              = gst_structure_get_value (gst_message_get_structure (message), "objects");
          const GstStructure *object;

          n_messages++;
          g_assert_nonnull (objects);
          /* the one that no tracker knows is new in every frame */
          g_assert_cmpuint (gst_value_array_get_size (objects), ==, i == 0 ? 3 : 1);
          object = gst_value_get_structure (gst_value_array_get_value (objects, 0));
          g_assert_true (gst_structure_has_field_typed (object, "label", G_TYPE_STRING));
          g_assert_true (gst_structure_has_field_typed (object, "score", G_TYPE_DOUBLE));
          g_assert_cmpstr (gst_structure_get_string (object, "type"), ==, "car");
          g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (object, "classes")),
                            ==, N_CLASSES);
          gst_message_unref (message);
        }
    }
  g_assert_cmpuint (n_messages, ==, 12);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
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
  GstHarness *harness = start (properties, &info);
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
      const Found found = { "car", (i % 8) * 16, (i / 8) * 20, 32, 32, -1 };

      get_expected (in, &found, expected);
      get_scores (fixture_object (out, (guint) i), scores);
      fixture_assert_scores_equal (scores, expected, 1e-5);
    }
  /* however many there are, the frame is copied once, or not at all where it can be imported */
  g_assert_cmpuint (fixture_get_stat (harness, "submissions"), ==, submissions);
  g_assert_cmpuint (fixture_get_stat (harness, "copied-bytes"), ==,
                    copied || submissions == 1 ? WIDTH * HEIGHT * 3 : 0);
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

static char *
new_model (void)
{
  char *path = fixture_path ("other.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-3", N_CLASSES, 5, &error);

  g_assert_no_error (error);
  g_assert_true (effvk_model_save (model, path, &error));
  return path;
}

/* A tracked object that would never be classified again is, when the model changes: no classes of
 * one model are ever given as another's. */
static void
test_swap (void)
{
  const Found found = { "car", 10, 20, 64, 48, 5 };
  g_autofree char *path = new_model ();
  g_autofree char *before = NULL;
  double first[N_CLASSES], scores[N_CLASSES], difference = 0.0;
  GstVideoInfo info;
  GstHarness *harness = start ("reclassify-interval=0", &info);
  gboolean swapped = FALSE;
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;

  for (guint i = 0; !swapped; i++)
    {
      GstBuffer *out = fixture_push (harness, new_frame (&info, 1, TRUE, &found, 1));
      GstCustomMeta *meta = gst_buffer_get_custom_meta (out, "EffvkClassificationMeta");
      const char *name;

      g_assert_nonnull (meta);
      name = gst_structure_get_string (gst_custom_meta_get_structure (meta), "model");
      if (i == 0)
        {
          before = g_strdup (name);
          get_scores (fixture_object (out, 0), first);
          gst_harness_set (harness, "effvkclassify", "model-file", path, NULL);
        }
      swapped = !g_str_equal (name, before);
      get_scores (fixture_object (out, 0), scores);
      if (!swapped)
        fixture_assert_scores_equal (scores, first, 1e-9);
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, swapped ? 2 : 1);
      gst_buffer_unref (out);
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
  for (guint i = 0; i < N_CLASSES; i++)
    difference += ABS (scores[i] - first[i]);
  g_assert_cmpfloat (difference, >, 0.01);
  gst_harness_teardown (harness);
}

typedef struct
{
  guint n;
  Found found[6];
} Scene;

/* What came out of a frame. */
typedef struct
{
  guint n;
  char *places[6];
  double scores[6][N_CLASSES];
} Answer;

static void
describe (GstBuffer *buffer, Answer *answer)
{
  answer->n = fixture_n_objects (buffer);
  g_assert_cmpuint (answer->n, <=, G_N_ELEMENTS (answer->places));
  for (guint i = 0; i < answer->n; i++)
    {
      const GstStructure *object = fixture_object (buffer, i);
      g_autoptr (GstStructure) place = gst_structure_copy (object);

      get_scores (object, answer->scores[i]);
      gst_structure_remove_fields (place, "labels", "indices", "scores", NULL);
      answer->places[i] = gst_structure_to_string (place);
    }
}

static void
clear_answers (Answer *answers, guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < answers[i].n; k++)
      g_free (answers[i].places[k]);
}

static void
draw_scenes (GRand *rand, Scene *scenes, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      scenes[i].n = (guint) g_rand_int_range (rand, 0, 7);
      for (guint k = 0; k < scenes[i].n; k++)
        scenes[i].found[k] = (Found){ .type = g_rand_boolean (rand) ? "car" : "person",
                                      .x = g_rand_int_range (rand, 0, WIDTH),
                                      .y = g_rand_int_range (rand, 0, HEIGHT),
                                      .width = g_rand_int_range (rand, 1, WIDTH),
                                      .height = g_rand_int_range (rand, 1, HEIGHT),
                                      .track = g_rand_boolean (rand) ? (int) k + 1 : -1 };
    }
}

/* All frames in one after the other, as the pipeline takes them, and then all out: in order, as
 * many, with their times. */
static void
run_scenes (const char *properties, const Scene *scenes, guint n, Answer *answers)
{
  GstVideoInfo info;
  GstHarness *harness = start (properties, &info);

  for (guint i = 0; i < n; i++)
    g_assert_cmpint (gst_harness_push (harness,
                                       new_frame (&info, i, TRUE, scenes[i].found, scenes[i].n)),
                     ==, GST_FLOW_OK);
  for (guint i = 0; i < n; i++)
    {
      GstBuffer *out = gst_harness_pull (harness);

      g_assert_nonnull (out);
      g_assert_cmpuint (GST_BUFFER_PTS (out), ==, i * 40 * GST_MSECOND);
      describe (out, &answers[i]);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
}

/* However many frames are in flight, and however objects are batched, the answers are the serial
 * ones: those that are remembered, and steady ones, too. */
static void
test_drawn (void)
{
  enum
  {
    N = 30
  };
  const char *const ways[] = { "max-in-flight=1", "max-in-flight=4", "max-in-flight=3 batch-size=4",
                               "max-in-flight=16 batch-size=8" };
  const char *const settings[]
      = { "", "reclassify-interval=4 object-class=car",
          "reclassify-interval=2 smoothing=0.7 hysteresis=0.1 hold=80000000" };

  for (guint s = 0; s < G_N_ELEMENTS (settings); s++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (s);
      Answer serial[N], answers[N];
      Scene scenes[N];

      draw_scenes (rand, scenes, N);
      for (guint w = 0; w < G_N_ELEMENTS (ways); w++)
        {
          g_autofree char *properties = g_strdup_printf ("%s %s", ways[w], settings[s]);

          run_scenes (properties, scenes, N, w == 0 ? serial : answers);
          if (w == 0)
            continue;
          for (guint i = 0; i < N; i++)
            {
              g_test_message ("%s, frame %u", properties, i);
              g_assert_cmpuint (answers[i].n, ==, serial[i].n);
              for (guint k = 0; k < serial[i].n; k++)
                {
                  g_assert_cmpstr (answers[i].places[k], ==, serial[i].places[k]);
                  fixture_assert_scores_equal (answers[i].scores[k], serial[i].scores[k], 1e-5);
                }
            }
          clear_answers (answers, N);
        }
      clear_answers (serial, N);
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
  g_test_add_func ("/objects/tracked", test_tracked);
  g_test_add_func ("/objects/logits", test_logits);
  g_test_add_func ("/objects/skipped", test_skipped);
  g_test_add_func ("/objects/both-forms", test_both_forms);
  g_test_add_func ("/objects/steady", test_steady);
  g_test_add_func ("/objects/many", test_many);
  g_test_add_func ("/objects/swap", test_swap);
  g_test_add_func ("/objects/drawn", test_drawn);
  return fixtures_run ();
}
