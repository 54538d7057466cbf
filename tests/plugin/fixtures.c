/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixtures.h"

#include <effvk/effvk.h>
#include <glib/gstdio.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

static char *folder;

char *
fixture_path (const char *name)
{
  if (!folder)
    folder = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  g_assert_nonnull (folder);
  return g_build_filename (folder, name, NULL);
}

const char *
fixture_model (void)
{
  static char *path;
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GError) error = NULL;

  if (path)
    return path;
  path = fixture_path ("model.safetensors");
  model = effvk_model_new_random ("phi=-4", N_CLASSES, 3, &error);
  g_assert_no_error (error);
  effvk_model_save (model, path, &error);
  g_assert_no_error (error);
  return path;
}

static void
remove_folder (void)
{
  g_autoptr (GDir) dir = folder ? g_dir_open (folder, 0, NULL) : NULL;
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  if (folder)
    g_rmdir (folder);
}

int
fixtures_run (void)
{
  int status = g_test_run ();

  remove_folder ();
  gst_deinit ();
  return status;
}

GstHarness *
fixture_harness (const char *properties)
{
  const char *device = g_getenv ("EFFVK_TEST_DEVICE");
  /* a harness is a live pipeline */
  g_autofree char *launch
      = g_strdup_printf ("effvkclassify device=%s skipped=none model-file=%s %s",
                         device ? device : "cpu", fixture_model (), properties ? properties : "");

  return gst_harness_new_parse (launch);
}

GstBuffer *
fixture_frame (const GstVideoInfo *info, guint seed)
{
  /* As decoders align theirs, so that it can be imported. */
  GstAllocationParams aligned = { .align = 15 };
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), &aligned);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int_range (rand, 0, 256);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = seed * 40 * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
  return buffer;
}

void
fixture_set_caps (GstHarness *harness, GstVideoInfo *info, GstVideoFormat format, int width,
                  int height)
{
  gst_video_info_set_format (info, format, (guint) width, (guint) height);
  info->fps_n = 25;
  info->fps_d = 1;
  gst_harness_set_src_caps (harness, gst_video_info_to_caps (info));
}

guint
fixture_scores (GstBuffer *buffer, double *scores)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;
  const GValue *indices, *values;
  guint n;

  memset (scores, 0, N_CLASSES * sizeof *scores);
  if (!structure)
    return 0;
  indices = gst_structure_get_value (structure, "indices");
  values = gst_structure_get_value (structure, "scores");
  n = gst_value_array_get_size (values);
  for (guint i = 0; i < n; i++)
    {
      int index = g_value_get_int (gst_value_array_get_value (indices, i));

      g_assert_cmpint (index, >=, 0);
      g_assert_cmpint (index, <, N_CLASSES);
      scores[index] = g_value_get_double (gst_value_array_get_value (values, i));
    }
  return n;
}

void
fixture_assert_scores_equal (const double *a, const double *b, double within)
{
  for (guint i = 0; i < N_CLASSES; i++)
    g_assert_cmpfloat_with_epsilon (a[i], b[i], within);
}

GstBuffer *
fixture_push (GstHarness *harness, GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer), duration = GST_BUFFER_DURATION (buffer);
  gsize size = gst_buffer_get_size (buffer);
  g_autofree guint8 *before = g_malloc (size + 1); /* an empty buffer is a buffer too */
  GstBuffer *out;

  gst_buffer_extract (buffer, 0, before, size);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==,
                   GST_FLOW_OK); /* or the pull waits a minute for nothing */
  out = gst_harness_pull (harness);
  g_assert_nonnull (out);
  g_assert_cmpuint (gst_buffer_get_size (out), ==, size);
  g_assert_cmpint (gst_buffer_memcmp (out, 0, before, size), ==, 0);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, pts);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, duration);
  return out;
}

guint
fixture_push_for_scores (GstHarness *harness, GstBuffer *buffer, double *scores)
{
  GstBuffer *out = fixture_push (harness, buffer);
  guint n = fixture_scores (out, scores);

  gst_buffer_unref (out);
  return n;
}

void
fixture_flush_stop (GstHarness *harness)
{
  GstSegment segment;

  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
}

void
fixture_flush (GstHarness *harness)
{
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  fixture_flush_stop (harness);
}

static gboolean
add_od (GstBuffer *buffer, const char *type, int x, int y, int width, int height, int track)
{
#ifdef HAVE_GST_ANALYTICS
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsTrackingMtd tracking;
  GstAnalyticsODMtd od;

  if (!meta)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  g_assert_true (gst_analytics_relation_meta_add_od_mtd (meta, g_quark_from_string (type), x, y,
                                                         width, height, 0.75f, &od));
  if (track >= 0)
    {
      g_assert_true (
          gst_analytics_relation_meta_add_tracking_mtd (meta, (guint64) track, 0, &tracking));
      g_assert_true (gst_analytics_relation_meta_set_relation (meta,
                                                               GST_ANALYTICS_REL_TYPE_RELATE_TO,
                                                               od.id, tracking.id));
    }
  return TRUE;
#else
  return FALSE;
#endif
}

gboolean
fixture_add_object (GstBuffer *buffer, gboolean as_roi, const char *type, int x, int y, int width,
                    int height, int track)
{
  GstVideoRegionOfInterestMeta *roi;

  if (!as_roi)
    return add_od (buffer, type, x, y, width, height, track);
  roi = gst_buffer_add_video_region_of_interest_meta (buffer, type, (guint) x, (guint) y,
                                                      (guint) width, (guint) height);
  if (track >= 0)
    gst_video_region_of_interest_meta_add_param (roi, gst_structure_new ("object_id", "id",
                                                                         G_TYPE_INT, track, NULL));
  return TRUE;
}

static const GValue *
find_objects (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");

  return meta ? gst_structure_get_value (gst_custom_meta_get_structure (meta), "objects") : NULL;
}

guint
fixture_n_objects (GstBuffer *buffer)
{
  const GValue *objects = find_objects (buffer);

  return objects ? gst_value_array_get_size (objects) : 0;
}

const GstStructure *
fixture_object (GstBuffer *buffer, guint i)
{
  return i < fixture_n_objects (buffer)
             ? gst_value_get_structure (gst_value_array_get_value (find_objects (buffer), i))
             : NULL;
}

int
fixture_best (const GstStructure *classes, double *score)
{
  *score = g_value_get_double (
      gst_value_array_get_value (gst_structure_get_value (classes, "scores"), 0));
  return g_value_get_int (
      gst_value_array_get_value (gst_structure_get_value (classes, "indices"), 0));
}

guint64
fixture_get_stat (GstHarness *harness, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}
