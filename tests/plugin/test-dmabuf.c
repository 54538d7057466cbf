/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify and frames in DMA buffers: imported where caps say so and the device can, refused
 * by the caps where it cannot, and mapped where caps say nothing of it. */
#define _GNU_SOURCE
#include "fixtures.h"

#include <dlfcn.h>
#include <effvk/effvk.h>
#include <gst/allocators/gstdmabuf.h>
#include <sys/mman.h>
#include <unistd.h>

/* The element finds this function before the library's: a device that cannot import. */
static gint imports_nothing;

gboolean
effvk_device_can_import_dmabuf (EffvkDevice *device)
{
  gboolean (*ask) (EffvkDevice *)
      = (gboolean (*) (EffvkDevice *)) dlsym (RTLD_NEXT, "effvk_device_can_import_dmabuf");

  return !g_atomic_int_get (&imports_nothing) && ask (device);
}

/* The CPU's memory, as a file: what lavapipe maps as it maps a DMA buffer, and the allocator
   too. */
static GstBuffer *
in_dmabuf (GstBuffer *plain)
{
  g_autoptr (GstAllocator) allocator = gst_dmabuf_allocator_new ();
  gsize size = gst_buffer_get_size (plain);
  int fd = memfd_create ("frame", MFD_CLOEXEC);
  GstBuffer *buffer = gst_buffer_new ();
  void *map;

  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (map != MAP_FAILED);
  g_assert_cmpuint (gst_buffer_extract (plain, 0, map, size), ==, size);
  munmap (map, size);
  gst_buffer_append_memory (buffer, gst_dmabuf_allocator_alloc (allocator, fd, size));
  gst_buffer_copy_into (buffer, plain, GST_BUFFER_COPY_TIMESTAMPS, 0, 0);
  return buffer;
}

/* What linear frames of a format are in caps. */
static GstCaps *
dmabuf_caps (const char *format)
{
  g_autofree char *text = g_strdup_printf (
      "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=%s,width=64,height=48,framerate=25/1",
      format);

  return gst_caps_from_string (text);
}

/* The harness's element takes the caps, by what both queries say. */
static gboolean
takes (GstHarness *harness, GstCaps *caps)
{
  g_autoptr (GstCaps) all = gst_pad_peer_query_caps (harness->srcpad, NULL);
  gboolean listed = gst_caps_is_subset (caps, all);

  g_assert_cmpint (gst_pad_peer_query_accept_caps (harness->srcpad, caps), ==, listed);
  return listed;
}

/* The caps' features are those of the device. */
static void
test_caps (void)
{
  GstHarness *harness = fixture_harness (NULL);
  G_GNUC_UNUSED g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", NULL);
  g_autoptr (GstCaps) linear = dmabuf_caps ("NV12");
  g_autoptr (GstCaps) tiled = dmabuf_caps ("NV12:0x0100000000000002");
  g_autoptr (GstCaps) untold = gst_caps_from_string (
      "video/x-raw(memory:DMABuf),format=NV12,width=64,height=48,framerate=25/1");
  gboolean can = FALSE;

#if GST_CHECK_VERSION(1, 24, 0)
  can = effvk_device_can_import_dmabuf (device);
#endif
  gst_harness_play (harness);
  g_assert_cmpint (takes (harness, linear), ==, can);
  g_assert_false (takes (harness, tiled));
  g_assert_false (takes (harness, untold));
  gst_harness_teardown (harness);
}

/* Where the device cannot, a source that prefers DMA buffers and has system memory too gives
   that. */
static void
test_negotiated_away (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstCaps) linear = dmabuf_caps ("NV12");
  g_autoptr (GstCaps) offered = gst_caps_copy (linear);
  g_autoptr (GstCaps) chosen = NULL;
  double scores[N_CLASSES];
  GstVideoInfo info;

  g_atomic_int_set (&imports_nothing, TRUE);
  gst_caps_append (offered, gst_caps_from_string (
                                "video/x-raw,format=NV12,width=64,height=48,framerate=25/1"));
  gst_harness_play (harness);
  g_assert_false (takes (harness, linear));
  chosen = gst_caps_fixate (gst_pad_peer_query_caps (harness->srcpad, offered));
  g_assert_true (gst_caps_features_is_equal (gst_caps_get_features (chosen, 0),
                                             GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY));
  g_assert_true (gst_video_info_from_caps (&info, chosen));
  gst_harness_set_src_caps (harness, g_steal_pointer (&chosen));
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), >, 0);
  gst_harness_teardown (harness);
  g_atomic_int_set (&imports_nothing, FALSE);
}

/* Plain caps: the frame is mapped. */
static void
test_mapped (void)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, 64, 48);
  for (guint seed = 0; seed < 3; seed++)
    {
      GstBuffer *plain = fixture_frame (&info, seed);
      double expected[N_CLASSES], got[N_CLASSES];

      g_assert_cmpuint (fixture_push_for_scores (harness, in_dmabuf (plain), got), >, 0);
      g_assert_cmpuint (fixture_push_for_scores (harness, plain, expected), >, 0);
      fixture_assert_scores_equal (got, expected, 1e-9);
    }
  gst_harness_teardown (harness);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* Scores of a frame that cannot be mapped: fixture_push() would look at its pixels. */
static void
push_imported (GstHarness *harness, GstBuffer *buffer, double *scores)
{
  g_assert_cmpint (gst_harness_push (harness, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  {
    g_autoptr (GstBuffer) out = gst_harness_pull (harness);

    g_assert_true (gst_buffer_peek_memory (out, 0) == gst_buffer_peek_memory (buffer, 0));
    g_assert_cmpuint (fixture_scores (out, scores), >, 0);
  }
}

static void
test_imported (void)
{
  static const struct
  {
    const char *drm;
    GstVideoFormat format;
  } cases[] = { { "NV12", GST_VIDEO_FORMAT_NV12 },
                { "YU12", GST_VIDEO_FORMAT_I420 },
                { "XR24", GST_VIDEO_FORMAT_BGRx },
                { "YUYV", GST_VIDEO_FORMAT_YUY2 } };
  g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", NULL);

  if (!effvk_device_can_import_dmabuf (device))
    {
      g_test_skip ("the device has no VK_EXT_external_memory_dma_buf");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GstHarness *harness = fixture_harness ("top-k=10");
      GstHarness *mapped = fixture_harness ("top-k=10");
      GstVideoInfo info;

      g_test_message ("%s", cases[i].drm);
      fixture_set_caps (mapped, &info, cases[i].format, 64, 48);
      gst_harness_set_src_caps (harness, dmabuf_caps (cases[i].drm));
      for (guint seed = 0; seed < 3; seed++)
        {
          GstBuffer *plain = fixture_frame (&info, seed);
          g_autoptr (GstBuffer) buffer = in_dmabuf (plain);
          double expected[N_CLASSES], got[N_CLASSES];

          /* with a meta, as decoders have it, and again: imported once */
          if (seed == 1)
            gst_buffer_add_video_meta_full (buffer, 0, GST_VIDEO_FORMAT_DMA_DRM, 64, 48,
                                            GST_VIDEO_INFO_N_PLANES (&info), info.offset,
                                            info.stride);
          push_imported (harness, buffer, got);
          g_assert_cmpuint (fixture_push_for_scores (mapped, plain, expected), >, 0);
          fixture_assert_scores_equal (got, expected, 1e-9);
          push_imported (harness, buffer, got);
          fixture_assert_scores_equal (got, expected, 1e-9);
        }
      g_assert_cmpuint (fixture_get_stat (harness, "frames-by-device"), ==, 6);
      g_assert_cmpuint (fixture_get_stat (harness, "frames-imported"), ==, 6);
      g_assert_cmpuint (fixture_get_stat (harness, "copied-bytes"), ==, 0);
      gst_harness_teardown (mapped);
      gst_harness_teardown (harness);
    }
}
#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dmabuf/caps", test_caps);
  g_test_add_func ("/dmabuf/negotiated-away", test_negotiated_away);
  g_test_add_func ("/dmabuf/mapped", test_mapped);
#if GST_CHECK_VERSION(1, 24, 0)
  g_test_add_func ("/dmabuf/imported", test_imported);
#endif
  return fixtures_run ();
}
