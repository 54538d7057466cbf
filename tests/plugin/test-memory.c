/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify and the memory that it offers upstream: who takes it copies no pixel. Memory from
 * elsewhere is imported. */
#include "fixtures.h"

#include <effvk/effvk.h>
#include <gst/video/video.h>

#define N_FRAMES 6

typedef struct
{
  guint64 in_place, imported, copied, bytes;
  GPtrArray *samples; /* GstSample */
  GPtrArray *frames;  /* GstBuffer that went in: their memory does not come again */
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_ptr_array_unref (outcome->samples);
  g_ptr_array_unref (outcome->frames);
}

static GstPadProbeReturn
keep_frame (GstPad *pad, GstPadProbeInfo *info, gpointer frames)
{
  g_ptr_array_add (frames, gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info)));
  return GST_PAD_PROBE_OK;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static guint64
get (const GstStructure *stats, const char *name)
{
  guint64 value;

  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

/* Runs "videotestsrc ! format @before ! effvkclassify ! @after sink" to its end, and keeps the
   frames. */
static void
run (const char *format, const char *before, const char *after, Outcome *outcome)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d pattern=ball ! video/x-raw,%s,framerate=25/1 %s ! "
      "effvkclassify name=classify device=cpu top-k=10 model-file=%s ! %s appsink name=sink "
      "sync=false max-buffers=0",
      N_FRAMES, format, before, fixture_model (), after);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstStructure) stats = NULL;
  g_autoptr (GstPad) pad = NULL;
  GstSample *sample;

  g_assert_no_error (error);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  *outcome
      = (Outcome){ .samples = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_sample_unref),
                   .frames = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref) };
  pad = gst_element_get_static_pad (classify, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, keep_frame, outcome->frames, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (TRUE)
    {
      g_signal_emit_by_name (sink, "pull-sample", &sample);
      if (!sample)
        break;
      g_ptr_array_add (outcome->samples, sample);
    }
  g_assert_cmpuint (outcome->samples->len, ==, N_FRAMES);
  g_object_get (classify, "stats", &stats, NULL);
  outcome->in_place = get (stats, "frames-in-place");
  outcome->imported = get (stats, "frames-imported");
  outcome->copied = get (stats, "frames-copied");
  outcome->bytes = get (stats, "copied-bytes");
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
assert_same_scores (const Outcome *a, const Outcome *b)
{
  for (guint i = 0; i < N_FRAMES; i++)
    {
      double x[N_CLASSES], y[N_CLASSES];

      fixture_scores (gst_sample_get_buffer (g_ptr_array_index (a->samples, i)), x);
      fixture_scores (gst_sample_get_buffer (g_ptr_array_index (b->samples, i)), y);
      fixture_assert_scores_equal (x, y, 1e-9);
    }
}

/* No pixel is copied where upstream takes the pool; the answers are those of copies. */
static void
test_pool (void)
{
  static const char *const formats[]
      = { "format=NV12,width=320,height=240", "format=I420,width=321,height=243",
          "format=RGB,width=97,height=55",    "format=YUY2,width=100,height=60",
          "format=GRAY8,width=33,height=17",  "format=I420_10LE,width=66,height=34" };
  const char *convert = "videoconvert ! video/x-raw,format=AYUV !";

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_auto (Outcome) in_place = { 0 };
      g_auto (Outcome) copied = { 0 };

      /* videoconvert knows GstVideoMeta, so that upstream may align rows */
      run (formats[i], "", convert, &in_place);
      g_assert_cmpuint (in_place.in_place, ==, N_FRAMES);
      g_assert_cmpuint (in_place.imported, ==, 0);
      g_assert_cmpuint (in_place.copied, ==, 0);
      g_assert_cmpuint (in_place.bytes, ==, 0);
      run (formats[i], "! identity drop-allocation=true", convert, &copied);
      g_assert_cmpuint (copied.in_place, ==, 0);
      g_assert_cmpuint (copied.copied, ==, N_FRAMES);
      g_assert_cmpuint (copied.bytes, >, 0);
      assert_same_scores (&in_place, &copied);
    }
}

/* Elements behind that offer system memory do not stand in the way; a tee does not matter. */
static void
test_downstream (void)
{
  static const char *const after[]
      = { "videoconvert ! video/x-raw,format=RGBA !", "queue ! videoscale ! video/x-raw,width=64 !",
          "tee name=tee ! queue ! fakesink tee. ! queue !" };

  for (guint i = 0; i < G_N_ELEMENTS (after); i++)
    {
      g_auto (Outcome) outcome = { 0 };

      run ("format=NV12,width=320,height=240", "", after[i], &outcome);
      g_assert_cmpuint (outcome.in_place, ==, N_FRAMES);
      g_assert_cmpuint (outcome.bytes, ==, 0);
    }
}

/* Frames outlive the element: their pixels stay readable, and are those that were written. */
static void
test_outlive (void)
{
  g_auto (Outcome) outcome = { 0 };
  g_auto (Outcome) plain = { 0 };

  run ("format=RGB,width=64,height=48", "", "", &outcome);
  run ("format=RGB,width=64,height=48", "! identity drop-allocation=true", "", &plain);
  for (guint i = 0; i < N_FRAMES; i++)
    {
      GstBuffer *a = gst_sample_get_buffer (g_ptr_array_index (outcome.samples, i));
      GstBuffer *b = gst_sample_get_buffer (g_ptr_array_index (plain.samples, i));
      GstMapInfo x, y;

      g_assert_true (gst_buffer_map (a, &x, GST_MAP_READ));
      g_assert_true (gst_buffer_map (b, &y, GST_MAP_READ));
      g_assert_cmpmem (x.data, x.size, y.data, y.size);
      gst_buffer_unmap (a, &x);
      gst_buffer_unmap (b, &y);
    }
}

static GstBufferPool *
new_system_pool (const GstVideoInfo *info, guint n)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstCaps *caps = gst_video_info_to_caps (info);
  const GstAllocationParams params = { .align = 15 };

  gst_buffer_pool_config_set_params (config, caps, (guint) GST_VIDEO_INFO_SIZE (info), n, n);
  gst_buffer_pool_config_set_allocator (config, NULL, &params);
  g_assert_true (gst_buffer_pool_set_config (pool, config));
  g_assert_true (gst_buffer_pool_set_active (pool, TRUE));
  gst_caps_unref (caps);
  return pool;
}

/* System memory that comes again and again is read where it is, on a device that can; a pool may be
 * gone before the element, and the other way round. */
static void
test_import (void)
{
  g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", NULL);
  GstHarness *harness = fixture_harness ("top-k=10");
  double expected[3][N_CLASSES], scores[N_CLASSES];
  GstBufferPool *pool;
  GstBuffer *buffer;
  GstVideoInfo info;

  g_assert_true (effvk_device_can_import_data (device)); /* all of Mesa since 22.2 can, on a CPU */
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, 64, 48);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    fixture_push_for_scores (harness, fixture_frame (&info, i), expected[i]);
  for (guint pools = 0; pools < 3; pools++)
    {
      guint64 copied = fixture_get_stat (harness, "frames-copied");
      guint64 in_place = fixture_get_stat (harness, "frames-in-place");

      pool = new_system_pool (&info, 2);
      for (guint i = 0; i < 12; i++)
        {
          GstBuffer *frame = fixture_frame (&info, i % 3);
          GstMapInfo map;

          g_assert_cmpint (gst_buffer_pool_acquire_buffer (pool, &buffer, NULL), ==, GST_FLOW_OK);
          g_assert_true (gst_buffer_map (frame, &map, GST_MAP_READ));
          gst_buffer_fill (buffer, 0, map.data, map.size);
          gst_buffer_unmap (frame, &map);
          gst_buffer_copy_into (buffer, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
          gst_buffer_unref (frame);
          fixture_push_for_scores (harness, buffer, scores);
          fixture_assert_scores_equal (scores, expected[i % 3], 1e-9);
        }
      copied = fixture_get_stat (harness, "frames-copied") - copied;
      in_place = fixture_get_stat (harness, "frames-in-place") - in_place;
      g_assert_cmpuint (copied + in_place, ==, 12);
      g_assert_cmpuint (fixture_get_stat (harness, "frames-imported"), ==,
                        fixture_get_stat (harness, "frames-in-place"));
      g_assert_cmpuint (copied, <=, 2); /* each once, when it is new */
      if (pools == 2)
        gst_harness_teardown (harness);
      gst_buffer_pool_set_active (pool, FALSE);
      gst_object_unref (pool);
    }
}

/* Copies of a buffer share its memory until one of them writes, and hold it. Takes the memory. */
static void
check_shared (GstMemory *memory, guint8 value)
{
  GstBuffer *buffer = gst_buffer_new (), *copy, *part;
  GstMapInfo map, written;

  gst_buffer_append_memory (buffer, memory);
  copy = gst_buffer_copy (buffer);
  g_assert_true (gst_buffer_peek_memory (copy, 0) == memory);
  part = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 10, 20);
  g_assert_true (gst_memory_is_type (gst_buffer_peek_memory (part, 0), "EffvkFrameMemory"));

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_true (gst_buffer_map (copy, &written, GST_MAP_READWRITE));
  g_assert_true (written.data != map.data);
  memset (written.data, 255, written.size);
  gst_buffer_unmap (copy, &written);
  g_assert_cmpuint (map.data[10], ==, value);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (copy);
  gst_buffer_unref (buffer);

  g_assert_true (gst_buffer_map (part, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, 20);
  g_assert_cmpuint (map.data[0], ==, value);
  gst_buffer_unmap (part, &map);
  gst_buffer_unref (part);
}

/* The memory as such: alignment, prefix, padding, copies. */
static void
test_allocator (void)
{
  static const GstAllocationParams cases[]
      = { { 0, 0, 0, 0 },
          { GST_MEMORY_FLAG_ZERO_PREFIXED | GST_MEMORY_FLAG_ZERO_PADDED, 4095, 24, 40 },
          { 0, 127, 1, 0 } };
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstQuery) query = NULL;
  g_autoptr (GstAllocator) allocator = NULL;
  GstVideoInfo info;
  GstCaps *caps;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, 64, 48);
  caps = gst_video_info_to_caps (&info);
  query = gst_query_new_allocation (caps, TRUE);
  gst_caps_unref (caps);
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));
  gst_query_parse_nth_allocation_param (query, 0, &allocator, NULL);
  g_assert_nonnull (allocator);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GstAllocationParams params = cases[i];
      GstMemory *memory = gst_allocator_alloc (allocator, 1000, &params), *copy;
      GstMapInfo map;
      gsize offset, max;

      g_assert_true (gst_memory_is_type (memory, "EffvkFrameMemory"));
      g_assert_cmpuint (gst_memory_get_sizes (memory, &offset, &max), ==, 1000);
      g_assert_cmpuint (offset, ==, params.prefix);
      g_assert_cmpuint (max, >=, params.prefix + 1000 + params.padding);
      g_assert_true (gst_memory_map (memory, &map, GST_MAP_READWRITE));
      g_assert_cmpuint (((guintptr) map.data - params.prefix) & params.align, ==, 0);
      for (gsize k = 1; params.flags && k <= params.prefix; k++)
        g_assert_cmpuint (map.data[-(gssize) k], ==, 0);
      for (gsize k = 0; params.flags && k < params.padding; k++)
        g_assert_cmpuint (map.data[1000 + k], ==, 0);
      memset (map.data, (int) i + 1, map.size);
      gst_memory_unmap (memory, &map);
      copy = gst_memory_copy (memory, 10, 20);
      g_assert_true (gst_memory_map (copy, &map, GST_MAP_READ));
      g_assert_cmpuint (map.size, ==, 20);
      g_assert_cmpuint (map.data[0], ==, i + 1);
      gst_memory_unmap (copy, &map);
      gst_memory_unref (copy);
      check_shared (memory, (guint8) (i + 1));
    }
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/allocator", test_allocator);
  g_test_add_func ("/memory/pool", test_pool);
  g_test_add_func ("/memory/downstream", test_downstream);
  g_test_add_func ("/memory/outlive", test_outlive);
  g_test_add_func ("/memory/import", test_import);
  return fixtures_run ();
}
