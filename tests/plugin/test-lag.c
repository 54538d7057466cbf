/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A live stream stays within a bounded latency when inference is too slow for it; a file has every
 * frame classified. Played in real time. What else makes a stream late is in test-times.c. */
#include "fixtures-device.h"
#include "fixtures.h"

#include <dlfcn.h>
#include <effvk/effvk.h>

static gint device_type; /* what the device says that it is; 0: what it is */

EffvkDeviceType
effvk_device_get_device_type (EffvkDevice *device)
{
  EffvkDeviceType (*get) (EffvkDevice *)
      = (EffvkDeviceType (*) (EffvkDevice *)) dlsym (RTLD_NEXT, "effvk_device_get_device_type");
  gint type = g_atomic_int_get (&device_type);

  return type ? (EffvkDeviceType) type : get (device);
}

typedef struct
{
  GstElement *pipeline, *classify;
  gint n_out, n_with_classes, n_old;
  GstClockTimeDiff latest; /* ns, of those that the sink got */
} Live;

static GstPadProbeReturn
see_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Live *live = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  GstClockTime now = gst_element_get_current_running_time (live->pipeline);
  guint64 age = 0;

  if (GST_CLOCK_TIME_IS_VALID (now))
    live->latest = MAX (live->latest, GST_CLOCK_DIFF (GST_BUFFER_PTS (buffer), now));
  live->n_out++;
  live->n_with_classes += meta != NULL;
  if (meta)
    gst_structure_get_uint64 (gst_custom_meta_get_structure (meta), "age", &age);
  live->n_old += age > 0;
  return GST_PAD_PROBE_OK;
}

static void
add_probe (GstElement *element, const char *name, GstPadProbeCallback callback, Live *live)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, live, NULL);
}

static guint64
get_stat (Live *live, const char *name)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (live->classify, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

/* Plays @n_frames at 30 a second. Returns how many warnings were posted. */
static guint
play (Live *live, gboolean is_live, guint n_frames, const char *properties)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc is-live=%s num-buffers=%u ! "
      "video/x-raw,width=64,height=48,framerate=30/1 ! "
      "queue max-size-buffers=0 max-size-time=0 max-size-bytes=0 ! "
      "effvkclassify name=classify device=cpu post-messages=false model-file=%s %s ! "
      "fakesink name=sink sync=false",
      is_live ? "true" : "false", n_frames, fixture_model (), properties);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstBus) bus = NULL;
  gboolean ended = FALSE;
  guint n_warnings = 0;

  live->pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  live->classify = gst_bin_get_by_name (GST_BIN (live->pipeline), "classify");
  add_probe (live->classify, "src", see_frame, live);
  bus = gst_element_get_bus (live->pipeline);
  gst_element_set_state (live->pipeline, GST_STATE_PLAYING);
  while (!ended)
    {
      g_autoptr (GstMessage) message
          = gst_bus_timed_pop_filtered (bus, 120 * GST_SECOND,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
      g_autoptr (GError) warning = NULL;

      g_assert_nonnull (message);
      g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
      ended = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
      if (ended)
        break;
      gst_message_parse_warning (message, &warning, NULL);
      g_test_message ("%s", warning->message);
      n_warnings++;
      g_assert_nonnull (strstr (warning->message, "inference-interval"));
    }
  g_test_message ("%s: %d frames, %" G_GUINT64_FORMAT " classified, %" G_GUINT64_FORMAT
                  " too old, at most %.2f s late",
                  properties, live->n_out, get_stat (live, "inferences"),
                  get_stat (live, "skipped-deadline"), (double) live->latest / 1e9);
  return n_warnings;
}

static void
live_stop (Live *live)
{
  gst_element_set_state (live->pipeline, GST_STATE_NULL);
  gst_object_unref (live->classify);
  gst_object_unref (live->pipeline);
}

/* Of 30 frames/s ten can be classified: without skipping the last would be 5 s late. */
static void
test_slow (gconstpointer type)
{
  Live live = { 0 };

  g_atomic_int_set (&fixture_collect_delay, 100000);
  g_atomic_int_set (&device_type, GPOINTER_TO_INT (type));
  g_assert_cmpuint (play (&live, TRUE, 240, ""), ==, 1);
  g_assert_cmpint (live.n_out, ==, 240);
  g_assert_cmpint (live.latest, <, 2 * GST_SECOND);
  g_assert_cmpuint (get_stat (&live, "inferences"), >=, 20);
  g_assert_cmpuint (get_stat (&live, "skipped-deadline"), ==, 240 - get_stat (&live, "inferences"));
  g_assert_cmpint (live.n_with_classes, ==, 240); /* the last ones, with their age */
  g_assert_cmpint (live.n_old, ==, get_stat (&live, "skipped-deadline"));
  live_stop (&live);
  g_atomic_int_set (&fixture_collect_delay, 0);
  g_atomic_int_set (&device_type, 0);
}

/* What asks for every frame gets it. */
static void
test_off (void)
{
  Live live = { 0 };

  g_atomic_int_set (&fixture_collect_delay, 100000);
  g_assert_cmpuint (play (&live, TRUE, 60, "deadline=0"), ==, 0);
  g_assert_cmpuint (get_stat (&live, "inferences"), ==, 60);
  g_assert_cmpint (live.latest, >, 2 * GST_SECOND);
  live_stop (&live);
  g_atomic_int_set (&fixture_collect_delay, 0);
}

static void
test_file (void)
{
  Live live = { 0 };

  g_atomic_int_set (&fixture_collect_delay, 50000);
  g_assert_cmpuint (play (&live, FALSE, 60, ""), ==, 0);
  g_assert_cmpuint (get_stat (&live, "inferences"), ==, 60);
  live_stop (&live);
  g_atomic_int_set (&fixture_collect_delay, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/lag/slow-cpu", GINT_TO_POINTER (EFFVK_DEVICE_TYPE_CPU), test_slow);
  g_test_add_data_func ("/lag/slow-gpu", GINT_TO_POINTER (EFFVK_DEVICE_TYPE_DISCRETE_GPU),
                        test_slow);
  g_test_add_func ("/lag/off", test_off);
  g_test_add_func ("/lag/file", test_file);
  return fixtures_run ();
}
