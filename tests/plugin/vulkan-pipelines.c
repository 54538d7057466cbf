/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vulkan-pipelines.h"

gboolean
vulkan_has_elements (void)
{
  static const char *const names[] = { "vulkanupload", "vulkandownload" };
  GstElementFactory *classify = gst_element_factory_find ("effvkclassify");
  const GList *templates = gst_element_factory_get_static_pad_templates (classify);
  g_autoptr (GstCaps) caps = gst_static_pad_template_get_caps (templates->data);
  g_autoptr (GstCaps) image = gst_caps_from_string ("video/x-raw(memory:VulkanImage)");

  gst_object_unref (classify);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GstElementFactory) factory = gst_element_factory_find (names[i]);

      if (factory)
        continue;
      g_test_skip ("this GStreamer has no vulkanupload or no vulkandownload");
      return FALSE;
    }
  if (gst_caps_can_intersect (caps, image))
    return TRUE;
  g_test_skip ("effvk was built without gstreamer-vulkan-1.0");
  return FALSE;
}

guint64
vulkan_get_stat (GstElement *pipeline, const char *element, const char *name)
{
  g_autoptr (GstElement) classify = gst_bin_get_by_name (GST_BIN (pipeline), element);
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (classify, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

GstElement *
vulkan_launch (const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  GstElement *pipeline;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  return pipeline;
}

GPtrArray *
vulkan_pull (GstElement *pipeline, const char *name)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GPtrArray *samples = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_sample_unref);
  GstSample *sample;

  while (TRUE)
    {
      g_signal_emit_by_name (sink, "pull-sample", &sample);
      if (!sample)
        break;
      g_ptr_array_add (samples, sample);
    }
  return samples;
}

GstBuffer *
vulkan_buffer (GPtrArray *samples, guint i)
{
  return gst_sample_get_buffer (g_ptr_array_index (samples, i));
}

GPtrArray *
vulkan_run_plain (const char *format)
{
  g_autoptr (GstElement) pipeline
      = vulkan_launch (SOURCE "! " CLASSIFY "! " SINK, N_FRAMES, format, fixture_model ());
  GPtrArray *samples;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  samples = vulkan_pull (pipeline, "sink");
  g_assert_cmpuint (samples->len, ==, N_FRAMES);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return samples;
}

void
vulkan_assert_same_scores (GPtrArray *a, GPtrArray *b)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    {
      double x[N_CLASSES], y[N_CLASSES];

      g_assert_cmpuint (fixture_scores (vulkan_buffer (a, i), x), >, 0);
      g_assert_cmpuint (fixture_scores (vulkan_buffer (b, i), y), >, 0);
      fixture_assert_scores_equal (x, y, 1e-9);
    }
}

void
vulkan_assert_same_pixels (GPtrArray *a, GPtrArray *b)
{
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    {
      GstVideoFrame x, y;
      GstVideoInfo info;

      g_assert_true (
          gst_video_info_from_caps (&info, gst_sample_get_caps (g_ptr_array_index (a, i))));
      g_assert_true (gst_video_frame_map (&x, &info, vulkan_buffer (a, i), GST_MAP_READ));
      g_assert_true (gst_video_frame_map (&y, &info, vulkan_buffer (b, i), GST_MAP_READ));
      for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&x); p++)
        for (int row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT (&x, p); row++)
          {
            gsize size = (gsize) GST_VIDEO_FRAME_COMP_WIDTH (&x, p)
                         * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (&x, p);

            g_assert_cmpmem ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&x, p)
                                 + row * GST_VIDEO_FRAME_PLANE_STRIDE (&x, p),
                             size,
                             (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&y, p)
                                 + row * GST_VIDEO_FRAME_PLANE_STRIDE (&y, p),
                             size);
          }
      gst_video_frame_unmap (&y);
      gst_video_frame_unmap (&x);
    }
}

char *
vulkan_validate (void)
{
  g_autofree char *settings = fixture_path ("vk_layer_settings.txt");
  char *log = fixture_path ("validation.log");
  g_autofree char *text = g_strdup_printf (
      "khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG\n"
      "khronos_validation.report_flags = error,warn\n"
      "khronos_validation.log_filename = %s\n"
      "khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT\n"
      "khronos_validation.validate_sync = true\n",
      log);

  g_assert_true (g_file_set_contents (settings, text, -1, NULL));
  g_setenv ("VK_LAYER_SETTINGS_PATH", settings, TRUE);
  g_setenv ("VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation", TRUE);
  return log;
}

void
vulkan_assert_silent (const char *log)
{
  g_autofree char *said = NULL;

  if (g_file_get_contents (log, &said, NULL, NULL) && *said)
    g_error ("the validation layer says:\n%s", said);
}
