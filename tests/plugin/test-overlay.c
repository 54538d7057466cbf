/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How effvkoverlay draws: as a composition where downstream takes one, in any memory; anew only
 * where something changed; and the strip's history. */
#include "vulkan-pipelines.h"

#include "overlay/blend.h"
#include "overlay/history.h"

#include <gst/video/video.h>

#define WIDTH 640
#define HEIGHT 360

/* A frame in which somebody saw @label. */
static GstBuffer *
new_frame (guint number, const char *label, double score)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 4, NULL);
  GstVideoRegionOfInterestMeta *roi
      = gst_buffer_add_video_region_of_interest_meta (buffer, "frame", 0, 0, WIDTH, HEIGHT);

  gst_buffer_memset (buffer, 0, 0, WIDTH * HEIGHT * 4);
  gst_video_region_of_interest_meta_add_param (
      roi, gst_structure_new ("classification", "label", G_TYPE_STRING, label, "label_id",
                              G_TYPE_INT, 1, "confidence", G_TYPE_DOUBLE, score, NULL));
  GST_BUFFER_PTS (buffer) = number * 40 * GST_MSECOND;
  return buffer;
}

/* A harness whose downstream takes compositions; @features: of the caps on both sides, "" or
 * "(memory:VulkanImage)". */
static GstHarness *
new_harness (const char *features)
{
  GstHarness *harness = gst_harness_new_parse ("effvkoverlay show=label+bars+strip");
  const char *inner = *features ? features : "memory:SystemMemory";
  g_autofree char *in = g_strdup_printf ("video/x-raw(%s),format=BGRx,width=%d,height=%d,"
                                         "framerate=25/1",
                                         inner, WIDTH, HEIGHT);
  g_autofree char *out = g_strdup_printf (
      "video/x-raw(%s, meta:GstVideoOverlayComposition),format=BGRx,width=%d,height=%d", inner,
      WIDTH, HEIGHT);

  gst_harness_add_propose_allocation_meta (harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE,
                                           NULL);
  gst_harness_set_sink_caps_str (harness, out);
  gst_harness_set_src_caps_str (harness, in);
  return harness;
}

/* The composition that a frame leaves with, and that its pixels are those that came. */
static GstVideoOverlayComposition *
push (GstHarness *harness, GstBuffer *frame)
{
  GstVideoOverlayCompositionMeta *meta;
  GstVideoOverlayComposition *composition = NULL;
  GstBuffer *out;

  g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
  out = gst_harness_pull (harness);
  g_assert_nonnull (out);
  meta = gst_buffer_get_video_overlay_composition_meta (out);
  if (meta)
    composition = gst_video_overlay_composition_ref (meta->overlay);
  for (gsize i = 0; i < WIDTH * HEIGHT * 4; i += 4096)
    g_assert_cmpint (gst_buffer_memcmp (out, i, "\0\0\0\0", 4), ==, 0);
  gst_buffer_unref (out);
  return composition;
}

static void
test_composition (void)
{
  /* what decoders on GPUs hand over, in names of all vendors */
  static const char *const features[] = { "",
                                          "memory:DMABuf",
                                          "memory:VulkanImage",
                                          "memory:VAMemory",
                                          "memory:VASurface",
                                          "memory:GLMemory",
                                          "memory:CUDAMemory",
                                          "memory:NVMM",
                                          "memory:D3D11Memory",
                                          "memory:MFXSurface" };

  for (guint i = 0; i < G_N_ELEMENTS (features); i++)
    {
      GstHarness *harness = new_harness (features[i]);
      GstVideoOverlayComposition *composition = push (harness, new_frame (0, "cat", 0.9));

      g_assert_nonnull (composition);
      g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (composition), ==, 2);
      gst_video_overlay_composition_unref (composition);
      gst_harness_teardown (harness);
    }
}

/* The real elements: frames that are Vulkan images are classified, and leave with the drawing, as
 * the images that they are. */
static void
test_vulkan (void)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GPtrArray) samples = NULL;

  if (!vulkan_has_elements ())
    return;
  pipeline = vulkan_launch (SOURCE "! vulkanupload ! video/x-raw(memory:VulkanImage) ! " CLASSIFY
                                   "! effvkoverlay ! " SINK,
                            N_FRAMES, "format=BGRA,width=64,height=48", fixture_model ());
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  samples = vulkan_pull (pipeline, "sink");
  g_assert_cmpuint (samples->len, ==, N_FRAMES);
  for (guint i = 0; i < N_FRAMES; i++)
    {
      GstCaps *caps = gst_sample_get_caps (g_ptr_array_index (samples, i));
      GstCapsFeatures *features = gst_caps_get_features (caps, 0);
      GstBuffer *buffer = vulkan_buffer (samples, i);
      GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (buffer);

      g_assert_true (gst_caps_features_contains (features, "memory:VulkanImage"));
      g_assert_true (gst_caps_features_contains (features, "meta:GstVideoOverlayComposition"));
      g_assert_cmpstr (gst_buffer_peek_memory (buffer, 0)->allocator->mem_type, ==, "VulkanImage");
      g_assert_nonnull (meta);
      g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (meta->overlay), ==, 1);
      g_assert_nonnull (gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta"));
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Whoever takes no drawing gets it in the pixels, once the frames are downloaded. */
static void
test_downloaded (void)
{
  g_autoptr (GPtrArray) plain = NULL;
  guint n_other = 0;

  if (!vulkan_has_elements ())
    return;
  for (guint drawn = 0; drawn < 2; drawn++)
    {
      g_autoptr (GstElement) pipeline
          = vulkan_launch (SOURCE "! vulkanupload ! video/x-raw(memory:VulkanImage) ! " CLASSIFY
                                  "! vulkandownload ! %s video/x-raw(memory:SystemMemory) ! " SINK,
                           1, "format=BGRA,width=64,height=48", fixture_model (),
                           drawn ? "effvkoverlay !" : "");
      g_autoptr (GPtrArray) samples = NULL;
      GstMapInfo a, b;

      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      samples = vulkan_pull (pipeline, "sink");
      gst_element_set_state (pipeline, GST_STATE_NULL);
      g_assert_cmpuint (samples->len, ==, 1);
      if (!plain)
        {
          plain = g_steal_pointer (&samples);
          continue;
        }
      g_assert_true (gst_buffer_map (vulkan_buffer (plain, 0), &a, GST_MAP_READ));
      g_assert_true (gst_buffer_map (vulkan_buffer (samples, 0), &b, GST_MAP_READ));
      for (gsize i = 0; i < MIN (a.size, b.size); i++)
        n_other += a.data[i] != b.data[i];
      gst_buffer_unmap (vulkan_buffer (plain, 0), &a);
      gst_buffer_unmap (vulkan_buffer (samples, 0), &b);
    }
  g_assert_cmpuint (n_other, >, 100);
}

/* The same composition is used as long as nothing changes; numbers wait a little, a label does
 * not. */
static void
test_redraw (void)
{
  GstHarness *harness = new_harness ("");
  static const struct
  {
    guint frame;
    const char *label;
    double score;
    gboolean drawn;
  } frames[] = { { 0, "cat", 0.90, TRUE }, { 1, "cat", 0.90, FALSE }, { 2, "cat", 0.70, FALSE },
                 { 3, "dog", 0.70, TRUE }, { 4, "dog", 0.71, FALSE }, { 6, "dog", 0.71, FALSE },
                 { 9, "dog", 0.71, TRUE }, { 10, "dog", 0.71, FALSE } };
  GstVideoOverlayComposition *last = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      GstVideoOverlayComposition *composition
          = push (harness, new_frame (frames[i].frame, frames[i].label, frames[i].score));

      g_assert_nonnull (composition);
      g_test_message ("frame %u", i);
      g_assert_true ((composition != last) == frames[i].drawn);
      g_clear_pointer (&last, gst_video_overlay_composition_unref);
      last = composition;
    }
  g_clear_pointer (&last, gst_video_overlay_composition_unref);
  gst_harness_teardown (harness);
}

/* Labels that are new in each frame leave nothing behind but a bounded number of drawn things. */
static void
test_many_labels (void)
{
  GstHarness *harness = new_harness ("");

  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *label = g_strdup_printf ("label %u", i);
      GstVideoOverlayComposition *composition = push (harness, new_frame (i, label, 0.5));

      g_assert_nonnull (composition);
      gst_video_overlay_composition_unref (composition);
    }
  gst_harness_teardown (harness);
}

/* A drawing of all colors and alphas, premultiplied. */
static GstVideoOverlayRectangle *
new_drawing (gint x, gint y, guint width, guint height)
{
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  GstVideoOverlayRectangle *rectangle;
  GstMapInfo map;

  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
                             GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  gst_buffer_map (pixels, &map, GST_MAP_WRITE);
  for (guint i = 0; i < width * height; i++)
    {
      guint alpha = i % width * 255 / (width - 1), level = i / width * alpha / (height - 1);

      ((guint32 *) (gpointer) map.data)[i]
          = alpha << 24 | level << 16 | (alpha - level) << 8 | level / 2;
    }
  gst_buffer_unmap (pixels, &map);
  rectangle
      = gst_video_overlay_rectangle_new_raw (pixels, x, y, width, height,
                                             GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (pixels);
  return rectangle;
}

static GstBuffer *
new_stripes (const GstVideoInfo *info)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) (i / 64 % 2 ? 60 : 180);
  if (GST_VIDEO_INFO_IS_RGB (info) && GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) == 4)
    for (gsize i = 0; i < map.size; i += 4) /* the byte that means nothing; GStreamer reads it */
      map.data[i + 6 - GST_VIDEO_INFO_COMP_POFFSET (info, 0) - GST_VIDEO_INFO_COMP_POFFSET (info, 1)
               - GST_VIDEO_INFO_COMP_POFFSET (info, 2)]
          = 255;
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/* How far GStreamer's own blending is from ours: the mean and the most over luma or RGB, and the
 * mean over chroma, of which GStreamer takes one sample in four. */
static void
compare_blended (GstVideoFrame *a, GstVideoFrame *b, double *mean, guint *most, double *chroma)
{
  double sums[3] = { 0 };
  guint counts[3] = { 0 };

  *most = 0;
  for (guint c = 0; c < 3; c++)
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (a, c); y++)
      for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (a, c); x++)
        {
          gsize at = (gsize) y * (gsize) GST_VIDEO_FRAME_COMP_STRIDE (a, c)
                     + (gsize) x * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (a, c);
          guint8 one = ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (a, c))[at],
                 other = ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (b, c))[at];
          guint difference = (guint) ABS (one - other);
          gboolean is_chroma = c > 0 && GST_VIDEO_INFO_IS_YUV (&a->info);

          sums[is_chroma] += difference;
          counts[is_chroma]++;
          if (!is_chroma)
            *most = MAX (*most, difference);
        }
  *mean = sums[0] / counts[0];
  *chroma = sums[1] / MAX (counts[1], 1);
}

/* The blending is GStreamer's, within what rounding is. GStreamer takes BT.709 for all YUV. */
static void
test_blend (void)
{
  static const char *const formats[]
      = { "I420", "YV12", "NV12", "NV21", "Y42B", "NV16", "Y444", "NV24", "YUY2",
          "UYVY", "YVYU", "RGB",  "BGR",  "BGRx", "xRGB", "RGBx", "xBGR" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("video/x-raw,format=%s,width=97,height=61,framerate=25/1", formats[i]);
      g_autoptr (GstCaps) caps = gst_caps_from_string (text);
      GstVideoOverlayRectangle *first = new_drawing (3, 5, 40, 31),
                               *second = new_drawing (80, -4, 30, 20); /* partly outside */
      GstVideoOverlayComposition *composition = gst_video_overlay_composition_new (first);
      GstBuffer *theirs, *ours;
      GstVideoFrame a, b;
      GstEffvkBlend blend;
      double mean, chroma;
      GstVideoInfo info;
      guint most;

      g_assert_true (gst_video_info_from_caps (&info, caps));
      if (GST_VIDEO_INFO_IS_YUV (&info))
        gst_video_colorimetry_from_string (&info.colorimetry, GST_VIDEO_COLORIMETRY_BT709);
      gst_video_overlay_composition_add_rectangle (composition, second);
      theirs = new_stripes (&info);
      ours = new_stripes (&info);
      g_assert_true (gst_video_frame_map (&a, &info, theirs, GST_MAP_READWRITE));
      g_assert_true (gst_video_frame_map (&b, &info, ours, GST_MAP_READWRITE));
      gst_video_overlay_composition_blend (composition, &a);
      gst_effvk_blend_init (&blend);
      g_assert_true (gst_effvk_blend_takes (composition, &info));
      gst_effvk_blend_draw (&blend, composition, &b);
      compare_blended (&a, &b, &mean, &most, &chroma);
      g_test_message ("%s: mean %.3f, at most %u, chroma %.3f", formats[i], mean, most, chroma);
      g_assert_cmpfloat (mean, <, 0.5);
      g_assert_cmpuint (most, <=, 4);
      g_assert_cmpfloat (chroma, <, GST_VIDEO_INFO_COMP_WIDTH (&info, 1) < 97 ? 2.0 : 0.5);
      gst_effvk_blend_clear (&blend);
      gst_video_frame_unmap (&a);
      gst_video_frame_unmap (&b);
      gst_buffer_unref (theirs);
      gst_buffer_unref (ours);
      gst_video_overlay_rectangle_unref (first);
      gst_video_overlay_rectangle_unref (second);
      gst_video_overlay_composition_unref (composition);
    }
}

/* Red in the frame's own matrix and range, and half of it over gray. */
static void
test_blend_colors (void)
{
  static const struct
  {
    const char *colorimetry;
    guint8 red[3], half[3]; /* over 128, 128, 128 */
  } cases[] = { { "bt601", { 81, 90, 240 }, { 105, 109, 184 } },
                { "bt709", { 63, 102, 240 }, { 95, 115, 184 } },
                { "1:4:0:0", { 76, 85, 255 }, { 102, 107, 192 } } };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      gboolean half = i % 2;
      const guint8 *expected = half ? cases[i / 2].half : cases[i / 2].red;
      GstBuffer *pixels = gst_buffer_new_allocate (NULL, 8 * 8 * 4, NULL), *buffer;
      GstVideoOverlayComposition *composition;
      GstVideoOverlayRectangle *rectangle;
      GstEffvkBlend blend;
      GstVideoFrame frame;
      GstVideoInfo info;

      gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 8, 8);
      g_assert_true (
          gst_video_colorimetry_from_string (&info.colorimetry, cases[i / 2].colorimetry));
      gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE,
                                 GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, 8, 8);
      for (guint p = 0; p < 64; p++)
        gst_buffer_fill (pixels, p * 4, half ? "\0\0\200\200" : "\0\0\377\377", 4);
      rectangle
          = gst_video_overlay_rectangle_new_raw (pixels, 0, 0, 8, 8,
                                                 GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
      composition = gst_video_overlay_composition_new (rectangle);
      buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
      gst_buffer_memset (buffer, 0, 128, GST_VIDEO_INFO_SIZE (&info));
      g_assert_true (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READWRITE));
      gst_effvk_blend_init (&blend);
      gst_effvk_blend_draw (&blend, composition, &frame);
      for (guint c = 0; c < 3; c++)
        g_assert_cmpint (ABS (*(guint8 *) GST_VIDEO_FRAME_COMP_DATA (&frame, c) - expected[c]), <=,
                         1);
      gst_effvk_blend_clear (&blend);
      gst_video_frame_unmap (&frame);
      gst_buffer_unref (buffer);
      gst_buffer_unref (pixels);
      gst_video_overlay_rectangle_unref (rectangle);
      gst_video_overlay_composition_unref (composition);
    }
}

/* Formats that are left to GStreamer. */
static void
test_not_blended (void)
{
  static const GstVideoFormat formats[]
      = { GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_RGBA,       GST_VIDEO_FORMAT_P010_10LE,
          GST_VIDEO_FORMAT_RGB16, GST_VIDEO_FORMAT_NV12_64Z32, GST_VIDEO_FORMAT_Y41B,
          GST_VIDEO_FORMAT_RGB8P, GST_VIDEO_FORMAT_I420_10LE,  GST_VIDEO_FORMAT_v210 };
  GstVideoOverlayRectangle *drawing = new_drawing (0, 0, 8, 8);
  GstVideoOverlayComposition *composition = gst_video_overlay_composition_new (drawing);
  GstVideoInfo info;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      gst_video_info_set_format (&info, formats[i], 64, 48);
      g_assert_false (gst_effvk_blend_takes (composition, &info));
    }
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_true (gst_effvk_blend_takes (composition, &info));
  gst_video_overlay_composition_unref (composition);
  gst_video_overlay_rectangle_set_render_rectangle (drawing, 0, 0, 16, 8); /* stretched */
  composition = gst_video_overlay_composition_new (drawing);
  g_assert_false (gst_effvk_blend_takes (composition, &info));
  gst_video_overlay_rectangle_unref (drawing);
  gst_video_overlay_composition_unref (composition);
}

static void
test_history (void)
{
  const GstClockTime duration = GST_EFFVK_HISTORY_CELLS * GST_SECOND;
  const guint last = GST_EFFVK_HISTORY_CELLS - 1;
  GstEffvkHistory history = { 0 };

  g_assert_true (gst_effvk_history_add (&history, duration, 5 * GST_SECOND, 1));
  g_assert_false (gst_effvk_history_add (&history, duration, 5 * GST_SECOND + 1, 1));
  g_assert_true (gst_effvk_history_add (&history, duration, 8 * GST_SECOND, 2));
  g_assert_cmpuint (history.colors[last], ==, 2);
  for (guint i = 1; i <= 3; i++) /* the frames between were the older label's */
    g_assert_cmpuint (history.colors[last - i], ==, 1);
  g_assert_cmpuint (history.colors[last - 4], ==, 0);
  g_assert_false (gst_effvk_history_add (&history, duration, GST_CLOCK_TIME_NONE, 3));
  /* back in time it goes on, and far ahead it begins anew */
  g_assert_true (gst_effvk_history_add (&history, duration, 0, 3));
  g_assert_cmpuint (history.colors[last], ==, 3);
  g_assert_cmpuint (history.colors[last - 1], ==, 1); /* what was before stays */
  g_assert_true (gst_effvk_history_add (&history, duration, G_MAXINT64, 4));
  g_assert_cmpuint (history.colors[last], ==, 4);
  g_assert_cmpuint (history.colors[last - 1], ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/overlay/composition", test_composition);
  g_test_add_func ("/overlay/vulkan", test_vulkan);
  g_test_add_func ("/overlay/downloaded", test_downloaded);
  g_test_add_func ("/overlay/redraw", test_redraw);
  g_test_add_func ("/overlay/many-labels", test_many_labels);
  g_test_add_func ("/overlay/blend", test_blend);
  g_test_add_func ("/overlay/blend-colors", test_blend_colors);
  g_test_add_func ("/overlay/not-blended", test_not_blended);
  g_test_add_func ("/overlay/history", test_history);
  return fixtures_run ();
}
