/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How effvkoverlay draws: as a composition where downstream takes one, in any memory; anew only
 * where something changed; and the strip's history. */
#include "vulkan-pipelines.h"

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
  g_test_add_func ("/overlay/history", test_history);
  return fixtures_run ();
}
