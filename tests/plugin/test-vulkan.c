/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify and frames in Vulkan images: the answers are those of system memory, no pixel is
 * copied by the CPU, and the images go on as they came. GStreamer's Vulkan is validated: the layer
 * writes to a file, which must stay empty. */
#define _GNU_SOURCE
#include "vulkan-pipelines.h"

#include <dlfcn.h>
#include <effvk/effvk.h>

#ifdef HAVE_GST_VULKAN
#include <gst/vulkan/vulkan.h>
#endif

#define UPLOAD "! vulkanupload name=upload ! video/x-raw(memory:VulkanImage)"

/* The element finds this function before the library's. */
static gint n_waits;

gboolean
effvk_device_wait_idle (EffvkDevice *device, GError **error)
{
  gboolean (*wait) (EffvkDevice *, GError **)
      = (gboolean (*) (EffvkDevice *, GError **)) dlsym (RTLD_NEXT, "effvk_device_wait_idle");

  g_atomic_int_inc (&n_waits);
  return wait (device, error);
}

/* Of widths that no plane has padding with: vulkanupload takes rows for tight. Others are in
   tests/net/test-vulkan.c. */
static void
test_formats (void)
{
  static const struct
  {
    const char *format;
    gboolean everywhere;
  } cases[] = {
    { "format=NV12,width=320,height=240", TRUE }, { "format=RGBA,width=97,height=55", TRUE },
    { "format=BGRA,width=64,height=48", TRUE },   { "format=xBGR,width=50,height=31", TRUE },
    { "format=AYUV,width=31,height=40", TRUE },   { "format=I420,width=328,height=242", FALSE },
    { "format=GRAY8,width=36,height=17", FALSE }, { "format=Y444,width=68,height=34", FALSE },
  };

  if (!vulkan_has_elements ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) expected = NULL;
      g_autoptr (GPtrArray) got = NULL;
      g_autoptr (GstElement) pipeline = NULL;
      guint major, minor, micro, nano;

      gst_version (&major, &minor, &micro, &nano);
      if (!cases[i].everywhere && minor >= 24)
        {
          g_test_message (
              "left out: %s (vulkanupload hangs where its images cannot be attachments)",
              cases[i].format);
          continue;
        }
      g_test_message ("%s", cases[i].format);
      expected = vulkan_run_plain (cases[i].format);
      pipeline = vulkan_launch (SOURCE UPLOAD " ! " CLASSIFY "! " SINK, N_FRAMES, cases[i].format,
                                fixture_model ());
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      got = vulkan_pull (pipeline, "sink");
      g_assert_cmpuint (vulkan_get_stat (pipeline, "classify", "frames-by-device"), ==, N_FRAMES);
      g_assert_cmpuint (vulkan_get_stat (pipeline, "classify", "copied-bytes"), ==, 0);
      vulkan_assert_same_scores (got, expected);
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
}

#ifdef HAVE_GST_VULKAN
/* On vulkanupload's source pad: when the device has the frame. It reuses what it uploads from
 * before that, and destroys it and the images when it stops; nothing holds it back where there is a
 * queue behind it. */
static GstPadProbeReturn
finish_upload (GstPad *pad, GstPadProbeInfo *info G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  g_autoptr (GstQuery) query = gst_query_new_context (GST_VULKAN_QUEUE_CONTEXT_TYPE_STR);
  g_autoptr (GstVulkanQueue) queue = NULL;
  PFN_vkQueueSubmit submit;
  GstVulkanFence *fence;
  GstContext *context;

  g_assert_true (gst_pad_query (pad, query));
  gst_query_parse_context (query, &context);
  g_assert_true (gst_context_get_vulkan_queue (context, &queue));
  submit = (PFN_vkQueueSubmit) gst_vulkan_device_get_proc_address (queue->device, "vkQueueSubmit");
  fence = gst_vulkan_device_create_fence (queue->device, NULL);
  gst_vulkan_queue_submit_lock (queue);
  g_assert_cmpint (submit (queue->queue, 0, NULL, GST_VULKAN_FENCE_FENCE (fence)), ==, VK_SUCCESS);
  gst_vulkan_queue_submit_unlock (queue);
  while (!gst_vulkan_fence_is_signaled (fence))
    g_usleep (200);
  gst_vulkan_fence_unref (fence);
  return GST_PAD_PROBE_OK;
}

static void
finish_uploads (GstElement *pipeline)
{
  g_autoptr (GstElement) upload = gst_bin_get_by_name (GST_BIN (pipeline), "upload");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (upload, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, finish_upload, NULL, NULL);
}
/* A device of an instance of this version of Vulkan, in a context. */
static GstContext *
make_context (guint minor)
{
  g_autoptr (GstVulkanInstance) instance = gst_vulkan_instance_new ();
  g_autoptr (GstVulkanDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  GstContext *context = gst_context_new (GST_VULKAN_DEVICE_CONTEXT_TYPE_STR, TRUE);

  g_object_set (instance, "requested-api-major", 1, "requested-api-minor", minor, NULL);
  g_assert_true (gst_vulkan_instance_open (instance, &error));
  g_assert_no_error (error);
  device = gst_vulkan_instance_create_device (instance, &error);
  g_assert_no_error (error);
  gst_context_set_vulkan_device (context, device);
  return context;
}

/* What the element says to take, with that device in the pipeline. */
static gboolean
takes_images (guint minor)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstContext) context = make_context (minor);
  g_autoptr (GstCaps) image = gst_caps_from_string (
      "video/x-raw(memory:VulkanImage),format=NV12,width=64,height=48,framerate=25/1");
  g_autoptr (GstCaps) all = NULL;
  gboolean listed;

  gst_element_set_context (harness->element, context);
  all = gst_pad_peer_query_caps (harness->srcpad, NULL);
  listed = gst_caps_is_subset (image, all);
  g_assert_cmpint (gst_pad_peer_query_accept_caps (harness->srcpad, image), ==, listed);
  gst_harness_teardown (harness);
  return listed;
}

typedef struct
{
  GstElement *element;
  GstContext *contexts[2];
  gint stop;
} Setter;

static gpointer
set_contexts (gpointer data)
{
  Setter *setter = data;

  for (guint i = 0; !g_atomic_int_get (&setter->stop); i++)
    gst_element_set_context (setter->element, setter->contexts[i % 2]);
  return NULL;
}

/* The application may give the element another device at any time, whatever others ask it
   meanwhile. */
static void
test_contexts (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstCaps) image = gst_caps_from_string (
      "video/x-raw(memory:VulkanImage),format=NV12,width=64,height=48,framerate=25/1");
  Setter setter = { .element = gst_harness_find_element (harness, "effvkclassify"),
                    .contexts = { make_context (0), make_context (1) } };
  GThread *thread = g_thread_new ("set-contexts", set_contexts, &setter);
  guint n_taken = 0, n_answered = 0;

  for (guint i = 0; i < 500 || n_answered < 100; i++)
    {
      g_autoptr (GstQuery) query = gst_query_new_context (GST_VULKAN_DEVICE_CONTEXT_TYPE_STR);

      n_taken += gst_pad_peer_query_accept_caps (harness->srcpad, image);
      n_answered += gst_pad_peer_query (harness->srcpad, query);
    }
  g_atomic_int_set (&setter.stop, TRUE);
  g_thread_join (thread);
  g_test_message ("taken %u times, answered %u", n_taken, n_answered);
  for (guint i = 0; i < 2; i++)
    gst_context_unref (setter.contexts[i]);
  gst_object_unref (setter.element);
  gst_harness_teardown (harness);
}
#else
static gboolean
takes_images (guint minor)
{
  return minor >= 1;
}

static void
test_contexts (void)
{
  g_test_skip ("effvk was built without gstreamer-vulkan-1.0");
}

static void
finish_uploads (GstElement *pipeline G_GNUC_UNUSED)
{
}
#endif

/* What is behind the element sees the pixels that were before it. */
static void
test_pixels (void)
{
  static const char *const formats[]
      = { "format=NV12,width=320,height=240", "format=RGBA,width=97,height=55" };

  if (!vulkan_has_elements ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_autoptr (GPtrArray) expected = vulkan_run_plain (formats[i]);
      g_autoptr (GPtrArray) got = NULL;
      g_autoptr (GstElement) pipeline
          = vulkan_launch (SOURCE UPLOAD " ! " CLASSIFY "! vulkandownload ! " SINK, N_FRAMES,
                           formats[i], fixture_model ());

      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      got = vulkan_pull (pipeline, "sink");
      vulkan_assert_same_pixels (got, expected);
      vulkan_assert_same_scores (got, expected); /* vulkandownload keeps the custom meta */
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
}

/* Several elements have the same images at once: two classify, with a network each or one for both.
 * (An element that changes the images' layout would race with them: GStreamer tells a layout before
 * it is submitted.) */
static void
test_tee (void)
{
  static const char *const options[] = { "", "model-instance-id=both batch-size=2" };
  const char *format = "format=NV12,width=320,height=240";
  g_autoptr (GPtrArray) expected = NULL;

  if (!vulkan_has_elements ())
    return;
  expected = vulkan_run_plain (format);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GstElement) pipeline
          = vulkan_launch (SOURCE UPLOAD
                           " ! tee name=tee tee. ! queue ! " CLASSIFY " %s ! " SINK
                           " tee. ! queue ! effvkclassify name=other device=cpu top-k=10 "
                           "post-messages=false model-file=%s %s ! appsink name=second "
                           "sync=false max-buffers=0 tee. ! queue ! fakesink",
                           N_FRAMES, format, fixture_model (), options[i], fixture_model (),
                           options[i]);
      g_autoptr (GPtrArray) first = NULL;
      g_autoptr (GPtrArray) second = NULL;

      finish_uploads (pipeline);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      first = vulkan_pull (pipeline, "sink");
      second = vulkan_pull (pipeline, "second");
      g_assert_cmpuint (vulkan_get_stat (pipeline, "classify", "copied-bytes"), ==, 0);
      g_assert_cmpuint (vulkan_get_stat (pipeline, "other", "copied-bytes"), ==, 0);
      vulkan_assert_same_scores (first, expected);
      vulkan_assert_same_scores (second, expected);
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
}

static GstPadProbeReturn
hold (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info G_GNUC_UNUSED, gpointer held)
{
  g_atomic_int_set ((gint *) held, TRUE);
  return GST_PAD_PROBE_OK;
}

/* Lets no frame into vulkanupload and waits until none is there: it destroys what a frame was
 * uploaded from without waiting for that, when it is stopped or flushed. Those that it has given on
 * are in flight. Returns the probe on
 * @pad. */
static gulong
hold_uploads (GstPad *pad)
{
  gint *held = g_new0 (gint, 1);
  gulong probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, hold,
                                    held, g_free);

  for (guint i = 0; i < 60000 && !g_atomic_int_get (held); i++)
    g_usleep (1000);
  g_assert_true (g_atomic_int_get (held));
  return probe;
}

static GstPad *
pad_before_uploads (GstElement *pipeline)
{
  g_autoptr (GstElement) upload = gst_bin_get_by_name (GST_BIN (pipeline), "upload");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (upload, "sink");

  return gst_pad_get_peer (pad);
}
#ifdef HAVE_GST_VULKAN
/* Plays samples again, as a decoder that makes them would. */
static GPtrArray *
run_again (GPtrArray *samples)
{
  g_autoptr (GstElement) pipeline
      = vulkan_launch ("appsrc name=source format=time ! queue ! " CLASSIFY "! " SINK,
                       fixture_model ());
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  GstVulkanImageMemory *memory
      = (GstVulkanImageMemory *) gst_buffer_peek_memory (vulkan_buffer (samples, 0), 0);
  GstContext *context = gst_context_new (GST_VULKAN_DEVICE_CONTEXT_TYPE_STR, TRUE);
  GstFlowReturn flow;
  GPtrArray *again;

  gst_context_set_vulkan_device (context, memory->device);
  gst_element_set_context (pipeline, context);
  gst_context_unref (context);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < samples->len; i++)
    g_signal_emit_by_name (source, "push-sample", g_ptr_array_index (samples, i), &flow);
  g_signal_emit_by_name (source, "end-of-stream", &flow);
  again = vulkan_pull (pipeline, "sink");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return again;
}

/* The streaming thread waits for the device only behind vulkanupload, wherever that is. */
static void
test_waits (void)
{
  static const char *const ways[] = { UPLOAD, UPLOAD " ! queue ! tee ! identity",
                                      "! bin.( vulkanupload name=upload ! identity )"
                                      " ! video/x-raw(memory:VulkanImage)" };
  const char *format = "format=NV12,width=320,height=240";
  g_autoptr (GPtrArray) images = NULL;
  g_autoptr (GPtrArray) again = NULL;

  if (!vulkan_has_elements ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (GstElement) pipeline = vulkan_launch (SOURCE "%s ! " CLASSIFY "! " SINK, N_FRAMES,
                                                       format, ways[i], fixture_model ());

      g_atomic_int_set (&n_waits, 0);
      finish_uploads (pipeline);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      g_clear_pointer (&images, g_ptr_array_unref);
      images = vulkan_pull (pipeline, "sink");
      g_assert_cmpuint (images->len, ==, N_FRAMES);
      g_assert_cmpint (g_atomic_int_get (&n_waits), ==, N_FRAMES);
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
  g_atomic_int_set (&n_waits, 0);
  again = run_again (images);
  g_assert_cmpint (g_atomic_int_get (&n_waits), ==, 0);
  vulkan_assert_same_scores (again, images);
}
#endif

/* Stops and flushes while frames are in flight: nothing is let go of that the device still
   reads. */
static void
test_stop (void)
{
  if (!vulkan_has_elements ())
    return;
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (GstElement) pipeline
          = vulkan_launch (SOURCE UPLOAD " ! " CLASSIFY "! fakesink name=sink sync=false", 1000,
                           "format=NV12,width=320,height=240", fixture_model ());

      g_autoptr (GstPad) pad = pad_before_uploads (pipeline);
      gulong probe;

      finish_uploads (pipeline);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
                       GST_STATE_CHANGE_SUCCESS);
      g_usleep (i * 7000);
      probe = hold_uploads (pad);
      if (i % 2)
        {
          g_assert_true (
              gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
          gst_pad_remove_probe (pad, probe);
          g_usleep (i * 7000);
          hold_uploads (pad);
        }
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
}

/* Another model while frames come: it is loaded on the images' device as well. */
static void
test_swap (void)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstPad) pad = NULL;
  gboolean swapped = FALSE;

  if (!vulkan_has_elements ())
    return;
  pipeline = vulkan_launch (SOURCE UPLOAD " ! " CLASSIFY "! fakesink", 100000,
                            "format=NV12,width=320,height=240", fixture_model ());
  bus = gst_element_get_bus (pipeline);
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  pad = pad_before_uploads (pipeline);
  finish_uploads (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
                   GST_STATE_CHANGE_SUCCESS);
  gst_util_set_object_arg (G_OBJECT (classify), "activation", "sigmoid");
  while (!swapped)
    {
      g_clear_pointer (&message, gst_message_unref);
      message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
                                            GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
      g_assert_nonnull (message);
      g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ELEMENT);
      if (gst_message_has_name (message, "effvkclassify-model"))
        g_assert_true (
            gst_structure_get_boolean (gst_message_get_structure (message), "swapped", &swapped));
    }
  hold_uploads (pad);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Where the device is known not to do, other caps are left to negotiate. */
static void
test_caps (void)
{
  if (!vulkan_has_elements ())
    return;
  g_assert_true (takes_images (1));
  g_assert_false (takes_images (0));
}

/* The element's own device, where nobody has one, is one that effvk cannot work on: an error says
   why. */
static void
test_refused (void)
{
  GstHarness *harness;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-raw(memory:VulkanImage),format=NV12,width=64,height=48,framerate=25/1");

  if (!vulkan_has_elements ())
    return;
  g_setenv ("GST_VULKAN_INSTANCE_API_VERSION", "1.0", TRUE);
  harness = fixture_harness (NULL);
  bus = gst_bus_new ();
  gst_element_set_bus (harness->element, bus);
  gst_harness_play (harness);
  g_assert_true (gst_pad_push_event (harness->srcpad, gst_event_new_stream_start ("refused")));
  gst_pad_push_event (harness->srcpad, gst_event_new_caps (caps)); /* TRUE: kept for later */
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT);
  g_assert_nonnull (strstr (error->message, "it has Vulkan 1.0, expected 1.1"));
  gst_element_set_bus (harness->element, NULL);
  gst_harness_teardown (harness);
  g_unsetenv ("GST_VULKAN_INSTANCE_API_VERSION");
}

#ifdef HAVE_GST_VULKAN
static gboolean
has_layer (void)
{
  VkLayerProperties layers[64];
  guint32 n = G_N_ELEMENTS (layers);

  vkEnumerateInstanceLayerProperties (&n, layers);
  for (guint i = 0; i < n; i++)
    if (g_str_equal (layers[i].layerName, "VK_LAYER_KHRONOS_validation"))
      return TRUE;
  return FALSE;
}
#endif

/* And last: the log that was silent would have had a wrong call in it. */
static void
test_validated (gconstpointer log)
{
#ifdef HAVE_GST_VULKAN
  const float priority = 1.0f;
  const VkInstanceCreateInfo instance_info = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO };
  const VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueCount = 1,
                                          .pQueuePriorities = &priority };
  const VkDeviceCreateInfo device_info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                           .queueCreateInfoCount = 1,
                                           .pQueueCreateInfos = &queue };
  const VkFenceCreateInfo wrong = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .flags = 0x80 };
  VkPhysicalDevice physical;
  VkInstance instance;
  VkDevice device;
  VkFence fence;
  g_autofree char *said = NULL;
  guint32 n = 1;

  if (!has_layer ())
    {
      g_test_skip ("the validation layer is not here: the tests above say nothing of it");
      return;
    }
  g_assert_cmpint (vkCreateInstance (&instance_info, NULL, &instance), ==, VK_SUCCESS);
  g_assert_cmpint (vkEnumeratePhysicalDevices (instance, &n, &physical), >=, VK_SUCCESS);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpint (vkCreateDevice (physical, &device_info, NULL, &device), ==, VK_SUCCESS);
  if (vkCreateFence (device, &wrong, NULL, &fence) == VK_SUCCESS)
    vkDestroyFence (device, fence, NULL);
  vkDestroyDevice (device, NULL);
  vkDestroyInstance (instance, NULL);
  g_assert_true (g_file_get_contents (log, &said, NULL, NULL));
  g_assert_nonnull (strstr (said, "VkFenceCreateInfo"));
#else
  g_test_skip ("effvk was built without gstreamer-vulkan-1.0");
#endif
}

#define TEST(name)                                                                                 \
  static void check_##name (gconstpointer log)                                                     \
  {                                                                                                \
    test_##name ();                                                                                \
    vulkan_assert_silent (log);                                                                    \
  }
TEST (formats)
TEST (pixels)
TEST (tee)
#ifdef HAVE_GST_VULKAN
TEST (waits)
#endif
TEST (stop)
TEST (swap)

int
main (int argc, char **argv)
{
  g_autofree char *log = vulkan_validate ();
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/vulkan/formats", log, check_formats);
  g_test_add_data_func ("/vulkan/pixels", log, check_pixels);
  g_test_add_data_func ("/vulkan/tee", log, check_tee);
#ifdef HAVE_GST_VULKAN
  g_test_add_data_func ("/vulkan/waits", log, check_waits);
#endif
  g_test_add_data_func ("/vulkan/stop", log, check_stop);
  g_test_add_data_func ("/vulkan/swap", log, check_swap);
  /* GStreamer 1.26 asks a device of Vulkan 1.0 for more than it may: these are not silent */
  g_test_add_func ("/vulkan/caps", test_caps);
  g_test_add_func ("/vulkan/refused", test_refused);
  g_test_add_data_func ("/vulkan/validated", log, test_validated);
  g_test_add_func ("/vulkan/contexts", test_contexts);
  return fixtures_run ();
}
