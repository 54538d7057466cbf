/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify with bad input: one clear element error, nothing lost, no crash. */
#include "fixtures.h"

#include <dlfcn.h>
#include <effvk/effvk.h>
#include <stdio.h>
#include <sys/stat.h>

/* No driver loses its device on request. The element finds this function before the library's, and
 * so sees what the library reports of a device that is gone. */
static gint device_is_gone;

EffvkResult *
effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait, gpointer *user_data,
                          GError **error)
{
  EffvkResult *(*collect) (EffvkClassifier *, gboolean, gpointer *, GError **)
      = (EffvkResult * (*) (EffvkClassifier *, gboolean, gpointer *, GError **) )
          dlsym (RTLD_NEXT, "effvk_classifier_collect");
  EffvkResult *result = collect (classifier, wait, user_data, error);

  if (!g_atomic_int_get (&device_is_gone) || !result)
    return result;
  effvk_result_unref (result);
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST, "the device was lost");
  return NULL;
}

/* Starts the element and returns the one error that it posts. */
static GError *
start_error (const char *properties)
{
  g_autofree char *launch = g_strdup_printf ("effvkclassify %s", properties);
  g_autoptr (GError) problem = NULL;
  g_autoptr (GstElement) element = gst_parse_launch (launch, &problem);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstMessage) second = NULL;
  GError *error = NULL;

  g_assert_no_error (problem);
  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  second = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_null (second);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  return error;
}

static void
assert_start_error (const char *properties, GQuark domain, int code, const char *says)
{
  g_autoptr (GError) error = start_error (properties);

  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, says));
}

static void
test_model (void)
{
  g_autofree char *truncated = fixture_path ("truncated.safetensors");
  g_autofree char *fifo = fixture_path ("fifo");
  g_autofree char *bytes = NULL;
  g_autofree char *truncated_property = g_strdup_printf ("device=cpu model-file=%s", truncated);
  g_autofree char *fifo_property = g_strdup_printf ("device=cpu model-file=%s", fifo);
  gsize size;

  g_assert_true (g_file_get_contents (fixture_model (), &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (truncated, bytes, (gssize) size / 2, NULL));
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);

  assert_start_error ("device=cpu model-file=/no/such.safetensors", GST_RESOURCE_ERROR,
                      GST_RESOURCE_ERROR_NOT_FOUND, "/no/such.safetensors");
  assert_start_error ("device=cpu model-file=/", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                      "directory");
  assert_start_error (fifo_property, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, fifo);
  assert_start_error (truncated_property, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, truncated);
}

static void
test_labels (void)
{
  g_autofree char *short_labels = fixture_path ("short.txt");
  g_autofree char *missing
      = g_strdup_printf ("device=cpu model-file=%s labels-file=/no/such.txt", fixture_model ());
  g_autofree char *mismatch
      = g_strdup_printf ("device=cpu model-file=%s labels-file=%s", fixture_model (), short_labels);

  g_assert_true (g_file_set_contents (short_labels, "one\ntwo\nthree\n", -1, NULL));
  assert_start_error (missing, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/no/such.txt");
  assert_start_error (mismatch, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "3");
  assert_start_error (mismatch, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "10");
}

static void
test_device (void)
{
  g_autofree char *properties
      = g_strdup_printf ("model-file=%s device=no-such-gpu", fixture_model ());

  assert_start_error (properties, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "no-such-gpu");
}

/* The element exists and can be inspected where there is no Vulkan driver; only its start fails. */
static void
test_no_driver (void)
{
  g_autofree char *properties = NULL;

  if (!g_test_subprocess ())
    {
      g_setenv ("VK_ICD_FILENAMES", "/nonexistent.json", TRUE);
      g_setenv ("VK_DRIVER_FILES", "/nonexistent.json", TRUE);
      g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
      g_unsetenv ("VK_ICD_FILENAMES");
      g_unsetenv ("VK_DRIVER_FILES");
      g_test_trap_assert_passed ();
      return;
    }
  properties = g_strdup_printf ("model-file=%s", fixture_model ());
  assert_start_error (properties, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "driver");
}

/* Pushes @buffer and expects a flow error with one element error that says @says. */
static void
assert_flow_error (GstHarness *harness, GstBuffer *buffer, const char *says)
{
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstMessage) second = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  second = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_null (second);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, says));
  gst_element_set_bus (element, NULL);
}

/* The device fails while its frame is in flight: that is posted, and the next frame is refused.
 * Nothing more is said about the same device, and the next start has a new one. */
static void
test_device_lost (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstMessage) again = NULL;
  g_autoptr (GError) error = NULL;
  GstVideoInfo info;
  double scores[N_CLASSES];

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  fixture_push_for_scores (harness, fixture_frame (&info, 1), scores);
  gst_element_set_bus (element, bus);
  g_atomic_int_set (&device_is_gone, TRUE);
  g_assert_cmpint (gst_harness_push (harness, fixture_frame (&info, 2)), ==, GST_FLOW_OK);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "the device was lost"));
  g_atomic_int_set (&device_is_gone, FALSE);
  g_assert_cmpint (gst_harness_push (harness, fixture_frame (&info, 3)), ==, GST_FLOW_ERROR);
  again = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_null (again);
  gst_element_set_bus (element, NULL);

  g_assert_cmpint (gst_element_set_state (harness->element, GST_STATE_NULL), ==,
                   GST_STATE_CHANGE_SUCCESS);
  gst_harness_play (harness);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 4), scores), ==, 5);
  gst_harness_teardown (harness);
}

/* A copy of the model with weights so large, though finite, that its logits are not. Free with
 * g_free(). */
static char *
overflowing_model (void)
{
  char *path = fixture_path ("overflow.safetensors");
  g_autofree char *bytes = NULL;
  guint64 header, from, to;
  const char *tensor;
  gsize size;

  g_assert_true (g_file_get_contents (fixture_model (), &bytes, &size, NULL));
  memcpy (&header, bytes, sizeof header);
  header = GUINT64_FROM_LE (header);
  tensor = g_strstr_len (bytes + 8, (gssize) header, "\"classifier.1.weight\"");
  g_assert_nonnull (tensor);
  tensor = strstr (tensor, "\"data_offsets\"");
  g_assert_cmpint (sscanf (tensor, "\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
                           &from, &to),
                   ==, 2);
  g_assert_cmpuint (8 + header + to, <=, size);
  for (guint64 at = from; at < to; at += sizeof (float))
    {
      const float huge = 3e38f;

      memcpy (bytes + 8 + header + at, &huge, sizeof huge);
    }
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
  return path;
}

/* The frames pass without classes, and that is said once. */
static void
test_not_finite (void)
{
  g_autofree char *path = overflowing_model ();
  g_autofree char *launch = g_strdup_printf ("effvkclassify device=cpu model-file=%s", path);
  GstHarness *harness = gst_harness_new_parse (launch);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) warning = NULL;
  g_autoptr (GstMessage) second = NULL;
  g_autoptr (GstStructure) stats = NULL;
  double scores[N_CLASSES];
  GstVideoInfo info;
  guint64 not_finite;

  gst_element_set_bus (element, bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 3; i++)
    {
      GstBuffer *out = fixture_push (harness, fixture_frame (&info, i));

      g_assert_cmpuint (fixture_scores (out, scores), ==, 0);
      g_assert_null (gst_buffer_get_custom_meta (out, "EffvkClassificationMeta"));
      gst_buffer_unref (out);
    }
  warning = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (warning);
  second
      = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
  g_assert_null (second);
  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "not-finite", &not_finite));
  g_assert_cmpuint (not_finite, ==, 3);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

/* An object that is to be classified once is asked about until there is an answer. */
static void
test_not_finite_object (void)
{
  g_autofree char *path = overflowing_model ();
  g_autofree char *launch
      = g_strdup_printf ("effvkclassify device=cpu inference-region=roi-list "
                         "reclassify-interval=0 post-messages=false model-file=%s",
                         path);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 6; i++)
    {
      GstBuffer *frame = fixture_frame (&info, i), *out;

      fixture_add_object (frame, TRUE, "car", 4, 4, 40, 30, 7);
      out = fixture_push (harness, frame);
      g_assert_cmpuint (fixture_n_objects (out), ==, 0);
      gst_buffer_unref (out);
    }
  g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 6);
  g_assert_cmpuint (fixture_get_stat (harness, "not-finite"), ==, 6);
  gst_harness_teardown (harness);
}

/* A start posts as many warnings as @n, which name both ways out. */
static void
assert_start_warnings (const char *device, guint n)
{
  g_autofree char *launch
      = g_strdup_printf ("effvkclassify device=%s model-file=%s", device, fixture_model ());
  g_autoptr (GstElement) element = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstMessage *message;
  guint found = 0;

  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING)))
    {
      g_autoptr (GError) warning = NULL;

      gst_message_parse_warning (message, &warning, NULL);
      g_assert_nonnull (strstr (warning->message, "device=cpu"));
      g_assert_nonnull (strstr (warning->message, "device=gpu"));
      gst_message_unref (message);
      found++;
    }
  g_assert_cmpuint (found, ==, n);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
}

static void
test_cpu_warning (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = effvk_device_new ("auto", &error);

  g_assert_no_error (error);
  assert_start_warnings ("auto",
                         effvk_device_get_device_type (device) == EFFVK_DEVICE_TYPE_CPU ? 1 : 0);
  assert_start_warnings ("cpu", 0);
}

/* A video meta that lies about the buffer or contradicts the caps. */
static void
test_video_meta (void)
{
  static const gsize beyond[] = { 0, 64 * 48, 1 << 20 },
                     end[] = { 0, 64 * 48, 64 * 48 * 3 / 2 - 1 };
  static const gint strides[] = { 64, 32, 32 }, negative[] = { -64, 32, 32 },
                    narrow[] = { 10, 32, 32 }, huge[] = { G_MAXINT, 32, 32 };
  const struct
  {
    GstVideoFormat format;
    guint width, height, n_planes;
    const gsize *offsets;
    const gint *strides;
    const char *says;
  } cases[] = {
    { GST_VIDEO_FORMAT_I420, 64, 48, 3, beyond, strides, "1000" },
    { GST_VIDEO_FORMAT_I420, 64, 48, 3, end, strides, "Plane 2" },
    { GST_VIDEO_FORMAT_I420, 64, 48, 3, NULL, negative, "-64" },
    { GST_VIDEO_FORMAT_I420, 64, 48, 3, NULL, narrow, "stride of 10" },
    { GST_VIDEO_FORMAT_I420, 64, 48, 3, NULL, huge, "Plane 0" },
    { GST_VIDEO_FORMAT_GRAY8, 64, 48, 1, NULL, strides, "GRAY8" },
    { GST_VIDEO_FORMAT_I420, 32, 24, 3, NULL, strides, "32x24" },
    { GST_VIDEO_FORMAT_I420, 640, 480, 3, NULL, strides, "640x480" },
  };
  GstHarness *harness = fixture_harness (NULL);
  GstVideoInfo info;
  double scores[N_CLASSES];

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GstBuffer *buffer = i ? fixture_frame (&info, i) : gst_buffer_new_allocate (NULL, 1000, NULL);
      gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
      gint lines[GST_VIDEO_MAX_PLANES] = { 0 };

      memcpy (offsets, cases[i].offsets ? cases[i].offsets : info.offset,
              cases[i].n_planes * sizeof *offsets);
      memcpy (lines, cases[i].strides, cases[i].n_planes * sizeof *lines);
      gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, cases[i].format,
                                      cases[i].width, cases[i].height, cases[i].n_planes, offsets,
                                      lines);
      assert_flow_error (harness, buffer, cases[i].says);
    }
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 5);
  gst_harness_teardown (harness);
}

static void
test_short_buffer (void)
{
  GstHarness *harness = fixture_harness (NULL);
  double scores[N_CLASSES];
  GstVideoInfo info;
  GstBuffer *out;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_flow_error (harness, gst_buffer_new_allocate (NULL, 1000, NULL), "1000");
  assert_flow_error (harness, gst_buffer_new (), "0 bytes");
  out = gst_harness_push_and_pull (harness, fixture_frame (&info, 1)); /* and goes on */
  g_assert_cmpuint (fixture_scores (out, scores), ==, 5);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* What would be classified wrongly is refused. */
static void
test_caps (void)
{
  static const char *const refused[] = {
    "video/x-raw,format=NV12,width=64,height=48,framerate=25/1,colorimetry=bt2100-pq",
    "video/x-raw,format=NV12,width=64,height=48,framerate=25/1,colorimetry=bt2100-hlg",
    "video/x-raw,format=NV12,width=20000,height=48,framerate=25/1",
    ("video/x-raw(format:Interlaced),format=NV12,width=64,height=48,framerate=25/1,"
     "interlace-mode=alternate"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      GstHarness *harness = fixture_harness (NULL);
      GstFlowReturn flow;

      gst_harness_set_src_caps_str (harness, refused[i]);
      flow = gst_harness_push (harness, gst_buffer_new_allocate (NULL, 64 * 48 * 2, NULL));
      g_assert_true (flow == GST_FLOW_NOT_NEGOTIATED || flow == GST_FLOW_ERROR);
      gst_harness_teardown (harness);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/model", test_model);
  g_test_add_func ("/faults/labels", test_labels);
  g_test_add_func ("/faults/device", test_device);
  g_test_add_func ("/faults/no-driver", test_no_driver);
  g_test_add_func ("/faults/device-lost", test_device_lost);
  g_test_add_func ("/faults/cpu-warning", test_cpu_warning);
  g_test_add_func ("/faults/not-finite", test_not_finite);
  g_test_add_func ("/faults/not-finite-object", test_not_finite_object);
  g_test_add_func ("/faults/short-buffer", test_short_buffer);
  g_test_add_func ("/faults/video-meta", test_video_meta);
  g_test_add_func ("/faults/caps", test_caps);
  return fixtures_run ();
}
