/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GStreamer's latency tracer sees how long each frame is in effvkclassify. */
#include "fixtures.h"

#define N_FRAMES 24

static gint n_entries, n_pushed;

/* What the tracer says of an element, for each frame. */
static void
count_entry (GstDebugCategory *category, GstDebugLevel level, const char *file,
             const char *function, gint line, GObject *object, GstDebugMessage *message,
             gpointer user_data)
{
  const char *text = gst_debug_message_get (message);

  if (g_str_has_prefix (text, "element-latency, ") && strstr (text, "element=(string)classify,"))
    g_atomic_int_inc (&n_entries);
}

static GstPadProbeReturn
count_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  g_atomic_int_inc (&n_pushed);
  return GST_PAD_PROBE_OK;
}

/* From the beginning to the end, where @flush says so with a flush on the way, which takes what is
   in flight. */
static void
run (const char *properties, gboolean flush)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d ! video/x-raw,format=I420,width=64,height=48 ! effvkclassify "
      "name=classify device=cpu post-messages=false model-file=%s %s ! fakesink sync=false",
      N_FRAMES, fixture_model (), properties);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  g_assert_no_error (error);
  n_entries = n_pushed = 0;
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  pad = gst_element_get_static_pad (classify, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_frame, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (flush && g_atomic_int_get (&n_pushed) < N_FRAMES / 2)
    g_usleep (1000);
  if (flush)
    g_assert_true (gst_element_seek_simple (pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  bus = gst_element_get_bus (pipeline);
  message = gst_bus_timed_pop_filtered (bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_test_message ("%s: %d frames, %d entries", properties, n_pushed, n_entries);
  if (!flush)
    g_assert_cmpint (n_pushed, ==, N_FRAMES);
  g_assert_cmpint (n_entries, >=, n_pushed);
  g_assert_cmpint (n_entries, <=, n_pushed + flush); /* one that the flush met on its way */
}

/* Without the element: GStreamer 1.26's tracer waits for itself. */
static void
test_alone (void)
{
  g_autoptr (GstElement) pipeline
      = gst_parse_launch ("videotestsrc num-buffers=10 ! identity ! fakesink sync=false", NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
test_tracer (void)
{
  g_test_trap_subprocess ("/tracer/latency/subprocess/alone", 30 * G_USEC_PER_SEC, 0);
  if (g_test_trap_reached_timeout ())
    {
      g_test_skip ("this GStreamer's latency tracer hangs, without effvkclassify as well");
      return;
    }
  g_test_trap_assert_passed ();
  run ("", FALSE);
  run ("inference-interval=3", FALSE);
  run ("inference-interval=2 skipped=last max-in-flight=8", FALSE);
  run ("", TRUE);
  run ("inference-interval=3", TRUE);
}

int
main (int argc, char **argv)
{
  g_setenv ("GST_TRACERS", "latency(flags=pipeline+element)", TRUE);
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (count_entry, NULL, NULL);
  gst_debug_set_threshold_for_name ("GST_TRACER", GST_LEVEL_TRACE);
  g_test_add_func ("/tracer/latency", test_tracer);
  g_test_add_func ("/tracer/latency/subprocess/alone", test_alone);
  return fixtures_run ();
}
