/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify and frames in DMA buffers that are tiled or compressed, on a device that a layer
 * (tests/layer) gives the DRM modifiers: those that it can import are in the caps, and their frames
 * are classified as others are. */
#define _GNU_SOURCE
#include "fixtures.h"
#include "tiles.h"

#include <effvk/effvk.h>
#include <gst/allocators/gstdmabuf.h>
#include <sys/mman.h>
#include <unistd.h>

#define WIDTH 64
#define HEIGHT 48

#if GST_CHECK_VERSION(1, 24, 0)

/* The driver below the layer must import DMA buffers itself. */
static gboolean
can_import (void)
{
  g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", NULL);

  if (effvk_device_can_import_dmabuf (device))
    return TRUE;
  g_test_skip ("the device has no VK_EXT_external_memory_dma_buf");
  return FALSE;
}

static GstCaps *
make_caps (GstVideoFormat format, guint64 modifier)
{
  g_autofree char *name
      = gst_video_dma_drm_fourcc_to_string (gst_video_dma_drm_fourcc_from_format (format),
                                            modifier);
  g_autofree char *text = g_strdup_printf (
      "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=%s,width=%d,height=%d,framerate=25/1",
      name, WIDTH, HEIGHT);

  return gst_caps_from_string (text);
}

/* The frame's planes in memory: where they are in it, and its size. */
typedef struct
{
  guint n_planes;
  gsize offsets[GST_VIDEO_MAX_PLANES];
  int strides[GST_VIDEO_MAX_PLANES];
  gsize size;
} Layout;

static gsize
row_bytes_of (const GstVideoInfo *info, guint plane)
{
  return (gsize) GST_VIDEO_INFO_COMP_WIDTH (info, plane)
         * (gsize) GST_VIDEO_INFO_COMP_PSTRIDE (info, plane);
}

static void
add_plane (Layout *layout, gsize stride, gsize size)
{
  layout->offsets[layout->n_planes] = layout->size;
  layout->strides[layout->n_planes++] = (int) stride;
  layout->size += (size + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
}

static Layout
lay_out (const GstVideoInfo *info, guint64 modifier)
{
  Layout layout = { 0 };

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
    {
      gsize stride = tiles_get_stride (row_bytes_of (info, i));

      add_plane (&layout, stride,
                 tiles_get_size (stride, (gsize) GST_VIDEO_INFO_COMP_HEIGHT (info, i)));
    }
  for (guint i = 0; modifier == MODIFIER_COMPRESSED && i < GST_VIDEO_INFO_N_PLANES (info); i++)
    {
      gsize stride = tiles_get_keys_stride (row_bytes_of (info, i));

      add_plane (&layout, stride,
                 tiles_get_keys_size (stride, (gsize) GST_VIDEO_INFO_COMP_HEIGHT (info, i)));
    }
  return layout;
}

static void
write_planes (guint8 *bytes, const Layout *layout, const GstVideoInfo *info, GstBuffer *plain)
{
  guint n = GST_VIDEO_INFO_N_PLANES (info);
  GstMapInfo map;

  for (gsize i = 0; i < layout->size; i++)
    bytes[i] = (guint8) (i * 37);
  gst_buffer_map (plain, &map, GST_MAP_READ);
  for (guint i = 0; i < n; i++)
    {
      gboolean keys = layout->n_planes > n;
      const Tiles tiles = {
        bytes + layout->offsets[i],
        (gsize) layout->strides[i],
        keys ? bytes + layout->offsets[n + i] : NULL,
        keys ? (gsize) layout->strides[n + i] : 0,
      };

      tiles_write (&tiles, map.data + GST_VIDEO_INFO_PLANE_OFFSET (info, i),
                   (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, i), row_bytes_of (info, i),
                   (gsize) GST_VIDEO_INFO_COMP_HEIGHT (info, i));
    }
  gst_buffer_unmap (plain, &map);
}

/* The CPU's memory, as a file: what lavapipe maps as it maps a DMA buffer, and the allocator
   too. */
static GstBuffer *
in_dmabuf (const GstVideoInfo *info, guint64 modifier, GstBuffer *plain, gboolean with_meta)
{
  g_autoptr (GstAllocator) allocator = gst_dmabuf_allocator_new ();
  Layout layout = lay_out (info, modifier);
  int fd = memfd_create ("frame", MFD_CLOEXEC);
  GstBuffer *buffer = gst_buffer_new ();
  void *map;

  g_assert_cmpint (ftruncate (fd, (off_t) layout.size), ==, 0);
  map = mmap (NULL, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (map != MAP_FAILED);
  write_planes (map, &layout, info, plain);
  munmap (map, layout.size);
  gst_buffer_append_memory (buffer, gst_dmabuf_allocator_alloc (allocator, fd, layout.size));
  gst_buffer_copy_into (buffer, plain, GST_BUFFER_COPY_TIMESTAMPS, 0, 0);
  if (with_meta)
    gst_buffer_add_video_meta_full (buffer, 0, GST_VIDEO_FORMAT_DMA_DRM, WIDTH, HEIGHT,
                                    layout.n_planes, layout.offsets, layout.strides);
  return buffer;
}

/* What the device can import is in the caps, by what both queries say, and nothing else. */
static void
test_caps (void)
{
  static const struct
  {
    GstVideoFormat format;
    guint64 modifier;
    gboolean taken;
  } cases[] = {
    { GST_VIDEO_FORMAT_NV12, 0, TRUE },
    { GST_VIDEO_FORMAT_NV12, MODIFIER_TILED, TRUE },
    { GST_VIDEO_FORMAT_NV12, MODIFIER_COMPRESSED, TRUE },
    { GST_VIDEO_FORMAT_NV12, MODIFIER_NOT_COPIED, FALSE },
    { GST_VIDEO_FORMAT_NV12, MODIFIER_NOT_IMPORTED, FALSE },
    { GST_VIDEO_FORMAT_NV12, MODIFIER (9), FALSE },
    { GST_VIDEO_FORMAT_BGRx, MODIFIER_COMPRESSED, TRUE },
    { GST_VIDEO_FORMAT_I420, MODIFIER_TILED, TRUE },
    { GST_VIDEO_FORMAT_I420, MODIFIER_COMPRESSED, FALSE }, /* has no room for keys */
    { GST_VIDEO_FORMAT_YUY2, 0, TRUE },
    { GST_VIDEO_FORMAT_YUY2, MODIFIER_TILED, FALSE },
  };
  GstHarness *harness;

  if (!can_import ())
    return;
  harness = fixture_harness (NULL);
  gst_harness_play (harness);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GstCaps) caps = make_caps (cases[i].format, cases[i].modifier);
      g_autoptr (GstCaps) all = gst_pad_peer_query_caps (harness->srcpad, NULL);

      g_test_message ("%s",
                      gst_structure_get_string (gst_caps_get_structure (caps, 0), "drm-format"));
      g_assert_cmpint (gst_caps_is_subset (caps, all), ==, cases[i].taken);
      g_assert_cmpint (gst_pad_peer_query_accept_caps (harness->srcpad, caps), ==, cases[i].taken);
    }
  gst_harness_teardown (harness);
}

/* A source with several modifiers gives its first that the device can import. */
static void
test_negotiated (void)
{
  g_autoptr (GstCaps) offered = make_caps (GST_VIDEO_FORMAT_NV12, MODIFIER_NOT_IMPORTED);
  g_autoptr (GstCaps) expected = make_caps (GST_VIDEO_FORMAT_NV12, MODIFIER_COMPRESSED);
  g_autoptr (GstCaps) chosen = NULL;
  GstHarness *harness;

  if (!can_import ())
    return;
  harness = fixture_harness (NULL);
  gst_harness_play (harness);
  gst_caps_append (offered, gst_caps_copy (expected));
  gst_caps_append (offered, make_caps (GST_VIDEO_FORMAT_NV12, MODIFIER_TILED));
  gst_caps_append (offered, make_caps (GST_VIDEO_FORMAT_NV12, 0));
  chosen = gst_caps_fixate (gst_pad_peer_query_caps (harness->srcpad, offered));
  g_assert_true (gst_caps_is_equal (chosen, expected));
  gst_harness_teardown (harness);
}

/* Scores of a frame that cannot be mapped: fixture_push() would look at its pixels. */
static void
push_imported (GstHarness *harness, GstBuffer *buffer, double *scores)
{
  g_autoptr (GstBuffer) out = NULL;

  g_assert_cmpint (gst_harness_push (harness, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  out = gst_harness_pull (harness);
  g_assert_true (gst_buffer_peek_memory (out, 0) == gst_buffer_peek_memory (buffer, 0));
  g_assert_cmpuint (fixture_scores (out, scores), >, 0);
}

static void
check_imported (GstVideoFormat format, guint64 modifier)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  GstHarness *mapped = fixture_harness ("top-k=10");
  GstVideoInfo info;

  fixture_set_caps (mapped, &info, format, WIDTH, HEIGHT);
  gst_harness_set_src_caps (harness, make_caps (format, modifier));
  for (guint seed = 0; seed < 3; seed++)
    {
      GstBuffer *plain = fixture_frame (&info, seed);
      g_autoptr (GstBuffer) buffer = in_dmabuf (&info, modifier, plain, TRUE);
      double expected[N_CLASSES], got[N_CLASSES];

      g_assert_cmpuint (fixture_push_for_scores (mapped, plain, expected), >, 0);
      for (guint again = 0; again < 2; again++) /* imported once */
        {
          push_imported (harness, buffer, got);
          fixture_assert_scores_equal (got, expected, 1e-9);
        }
    }
  g_assert_cmpuint (fixture_get_stat (harness, "frames-by-device"), ==, 6);
  g_assert_cmpuint (fixture_get_stat (harness, "frames-imported"), ==, 6);
  g_assert_cmpuint (fixture_get_stat (harness, "copied-bytes"), ==, 0);
  gst_harness_teardown (mapped);
  gst_harness_teardown (harness);
}

static void
test_imported (void)
{
  static const struct
  {
    GstVideoFormat format;
    guint64 modifier;
  } cases[] = {
    { GST_VIDEO_FORMAT_NV12, MODIFIER_TILED },      { GST_VIDEO_FORMAT_NV12, MODIFIER_COMPRESSED },
    { GST_VIDEO_FORMAT_P010_10LE, MODIFIER_TILED }, { GST_VIDEO_FORMAT_I420, MODIFIER_TILED },
    { GST_VIDEO_FORMAT_BGRx, MODIFIER_COMPRESSED },
  };

  if (!can_import ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s, modifier %u", gst_video_format_to_string (cases[i].format),
                      (guint) (cases[i].modifier & 0xff));
      check_imported (cases[i].format, cases[i].modifier);
    }
}

/* The stream changes from one modifier to another, to system memory and back. */
static void
test_changes (void)
{
  static const guint64 modifiers[] = { MODIFIER_TILED, 0, MODIFIER_COMPRESSED, 0, MODIFIER_TILED };
  GstHarness *harness, *mapped;
  GstVideoInfo info;

  if (!can_import ())
    return;
  harness = fixture_harness ("top-k=10");
  mapped = fixture_harness ("top-k=10");
  fixture_set_caps (mapped, &info, GST_VIDEO_FORMAT_NV12, WIDTH, HEIGHT);
  for (guint i = 0; i < G_N_ELEMENTS (modifiers); i++)
    {
      GstBuffer *plain = fixture_frame (&info, i);
      double expected[N_CLASSES], got[N_CLASSES];

      if (modifiers[i])
        {
          g_autoptr (GstBuffer) buffer = in_dmabuf (&info, modifiers[i], plain, TRUE);

          gst_harness_set_src_caps (harness, make_caps (GST_VIDEO_FORMAT_NV12, modifiers[i]));
          push_imported (harness, buffer, got);
        }
      else
        {
          gst_harness_set_src_caps (harness, gst_video_info_to_caps (&info));
          g_assert_cmpuint (fixture_push_for_scores (harness, gst_buffer_copy_deep (plain), got), >,
                            0);
        }
      g_assert_cmpuint (fixture_push_for_scores (mapped, plain, expected), >, 0);
      fixture_assert_scores_equal (got, expected, 1e-9);
    }
  gst_harness_teardown (mapped);
  gst_harness_teardown (harness);
}

static char *
push_refused (GstHarness *harness, GstBuffer *buffer)
{
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (harness->element, bus);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  gst_element_set_bus (harness->element, NULL);
  return g_strdup (error->message);
}

/* Frames that do not tell where their planes are, or lack some. */
static void
test_refused (void)
{
  if (!can_import ())
    return;
  for (guint with_meta = 0; with_meta < 2; with_meta++)
    {
      GstHarness *harness = fixture_harness (NULL);
      g_autoptr (GstBuffer) plain = NULL;
      g_autofree char *reason = NULL;
      GstVideoInfo info;

      gst_video_info_set_format (&info, GST_VIDEO_FORMAT_NV12, WIDTH, HEIGHT);
      plain = fixture_frame (&info, 1);
      gst_harness_set_src_caps (harness, make_caps (GST_VIDEO_FORMAT_NV12, MODIFIER_COMPRESSED));
      reason = push_refused (harness, in_dmabuf (&info, MODIFIER_TILED, plain, with_meta));
      g_assert_nonnull (
          strstr (reason, with_meta ? "has 4 planes in memory, found 2" : "has no video meta"));
      gst_harness_teardown (harness);
    }
}

#else

static void
test_too_old (void)
{
  g_test_skip ("GStreamer has no caps with DRM modifiers before 1.24");
}

#endif

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#if GST_CHECK_VERSION(1, 24, 0)
  g_test_add_func ("/modifiers/caps", test_caps);
  g_test_add_func ("/modifiers/negotiated", test_negotiated);
  g_test_add_func ("/modifiers/imported", test_imported);
  g_test_add_func ("/modifiers/changes", test_changes);
  g_test_add_func ("/modifiers/refused", test_refused);
#else
  g_test_add_func ("/modifiers/too-old", test_too_old);
#endif
  return fixtures_run ();
}
