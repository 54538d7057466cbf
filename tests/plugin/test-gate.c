/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What effvkgate passes: by labels of the buffers themselves, of another branch or of the
 * application; hold, pre-roll from a keyframe, bounded; GAP events and others in their places. */
#include "fixtures.h"

#include <string.h>

#define FRAME (40 * GST_MSECOND)

/* A buffer in which somebody saw @label (NULL: nobody looked), of a type other than "frame" in a
 * part of it. */
static GstBuffer *
new_buffer (guint number, const char *type, const char *label, double score, gboolean key)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);
  GstVideoRegionOfInterestMeta *roi;

  GST_BUFFER_PTS (buffer) = number * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;
  if (!key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (!label)
    return buffer;
  roi = gst_buffer_add_video_region_of_interest_meta (buffer, type, 0, 0,
                                                      strcmp (type, "frame") == 0 ? 64 : 32, 48);
  gst_video_region_of_interest_meta_add_param (roi, gst_structure_new ("classification", "label",
                                                                       G_TYPE_STRING, label,
                                                                       "confidence", G_TYPE_DOUBLE,
                                                                       score, NULL));
  return buffer;
}

static GstHarness *
new_harness (const char *properties)
{
  g_autofree char *launch = g_strdup_printf ("effvkgate %s", properties);
  GstHarness *harness = gst_harness_new_parse (launch);

  gst_harness_set_src_caps_str (harness, "video/x-test,width=64,height=48,framerate=25/1");
  return harness;
}

/* The numbers of the buffers that came out since the last time, D where there is a discontinuity:
 * "3D 4 5". */
static char *
pull (GstHarness *harness)
{
  GString *text = g_string_new (NULL);
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (harness)))
    {
      g_string_append_printf (text, "%s%u%s", text->len ? " " : "",
                              (guint) (GST_BUFFER_PTS (buffer) / FRAME),
                              GST_BUFFER_IS_DISCONT (buffer) ? "D" : "");
      gst_buffer_unref (buffer);
    }
  return g_string_free (text, FALSE);
}

/* The numbers of the buffers in whose place there is a GAP event. */
static char *
pull_gaps (GstHarness *harness)
{
  GString *text = g_string_new (NULL);
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness)))
    {
      GstClockTime time;

      if (GST_EVENT_TYPE (event) == GST_EVENT_GAP)
        {
          gst_event_parse_gap (event, &time, NULL);
          g_string_append_printf (text, "%s%u", text->len ? " " : "", (guint) (time / FRAME));
        }
      gst_event_unref (event);
    }
  return g_string_free (text, FALSE);
}

/* Pushes a buffer for each letter of @stream: a label of the frame, '-' where nobody looked. Those
 * in upper case are keyframes; with @delta the others are none. */
static void
push (GstHarness *harness, guint first, const char *stream, gboolean delta)
{
  for (guint i = 0; stream[i]; i++)
    {
      const char label[2] = { g_ascii_tolower (stream[i]), 0 };

      g_assert_cmpint (
          gst_harness_push (harness, new_buffer (first + i, "frame", *label == '-' ? NULL : label,
                                                 0.9, !delta || g_ascii_isupper (stream[i]))),
          ==, GST_FLOW_OK);
    }
}

static const struct
{
  const char *properties, *stream, *out, *gaps;
  gboolean delta;
} cases[] = {
  { "", "abc-", "0 1 2 3", "" },
  { "pass=b", "abba", "1D 2", "0 3" },
  { "pass=b,c", "-ab-ca", "2D 3 4", "0 1 5" },
  { "pass=\" b , c \"", "abc", "1D 2", "0" },
  { "drop=a", "-bab", "0 1 3D", "2" },
  { "pass=b drop=a", "cab", "2D", "0 1" },
  { "pass=b threshold=0.95", "abb", "", "0 1 2" },
  { "pass=b hold=80000000", "abaaaa", "1D 2", "0 3 4 5" },
  { "pass=b hold=81000000", "abaaaa", "1D 2 3", "0 4 5" },
  { "drop=b hold=81000000", "abaaaa", "0 4D 5", "1 2 3" },
  { "pass=b hold=1000000000 drop=c", "bac", "0D 1", "2" },
  /* the pre-roll is two frames long, and of as many bytes as there may be */
  { "pass=b pre-roll=80000000", "aaaab", "2D 3 4", "0 1" },
  { "pass=b pre-roll=80000000 pre-roll-bytes=150", "aaaab", "3D 4", "0 1 2" },
  { "pass=b pre-roll=80000000 pre-roll-bytes=10", "aaaab", "4D", "0 1 2 3" },
  { "pass=b pre-roll=80000000", "aabaaab", "0D 1 2 4D 5 6", "3" },
  /* encoded: from a keyframe */
  { "pass=b", "AabBb", "3D 4", "0 1 2", TRUE },
  { "pass=b pre-roll=80000000", "AaaAaaab", "3D 4 5 6 7", "0 1 2", TRUE },
  { "pass=b pre-roll=80000000", "AaaAab", "3D 4 5", "0 1 2", TRUE },
  { "pass=b pre-roll=120000000", "AaaAab", "0D 1 2 3 4 5", "", TRUE },
  { "pass=b pre-roll=80000000 pre-roll-bytes=250", "AaaabB", "5D", "0 1 2 3 4", TRUE },
  { "pass=b pre-roll=80000000", "aaabB", "4D", "0 1 2 3", TRUE },
};

static void
test_passes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GstHarness *harness = new_harness (cases[i].properties);
      g_autofree char *out = NULL, *gaps = NULL;

      g_test_message ("%s: %s", cases[i].properties, cases[i].stream);
      push (harness, 0, cases[i].stream, cases[i].delta);
      out = pull (harness);
      g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
      gaps = pull_gaps (harness);
      if (strcmp (out, cases[i].out) != 0)
        g_test_message ("%s", out);
      g_assert_cmpstr (out, ==, cases[i].out);
      g_assert_cmpstr (gaps, ==, cases[i].gaps);
      gst_harness_teardown (harness);
    }
}

typedef GstClockTime (*Stamp) (guint number);

static GstClockTime
that_falls_back (guint number)
{
  return (number < 3 ? 1000 + number : number - 3) * FRAME;
}

static GstClockTime
that_is_missing (guint number)
{
  return GST_CLOCK_TIME_NONE;
}

static GstClockTime
that_stands_still (guint number)
{
  return 10 * FRAME;
}

/* How many of the buffers after the one in which b was seen pass. */
static guint
count_held (const char *properties, Stamp stamp)
{
  GstHarness *harness = new_harness (properties);
  guint n = 0;

  for (guint i = 0; i < 40; i++)
    {
      GstBuffer *buffer = new_buffer (i, "frame", i == 1 ? "b" : "a", 0.9, TRUE);

      GST_BUFFER_PTS (buffer) = stamp (i);
      g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
      buffer = gst_harness_try_pull (harness);
      n += i > 1 && buffer;
      gst_clear_buffer (&buffer);
    }
  gst_harness_teardown (harness);
  return n;
}

/* The hold lasts as long as it should, whatever time stamps do: of six frames. */
static void
test_times (void)
{
  g_assert_cmpuint (count_held ("pass=b hold=240000000", that_falls_back), ==, 5);
  g_assert_cmpuint (count_held ("pass=b hold=240000000", that_is_missing), ==, 5);
  /* a few are believed to be of one time */
  g_assert_cmpuint (count_held ("pass=b hold=240000000", that_stands_still), >=, 4);
  g_assert_cmpuint (count_held ("pass=b hold=240000000", that_stands_still), <=, 10);
}

/* So does the pre-roll. */
static void
test_pre_roll_times (void)
{
  GstHarness *harness = new_harness ("pass=b pre-roll=80000000");
  guint n = 0;
  GstBuffer *buffer;

  for (guint i = 0; i < 12; i++)
    {
      buffer = new_buffer (i, "frame", i == 11 ? "b" : "a", 0.9, TRUE);
      GST_BUFFER_PTS (buffer) = that_falls_back (i);
      g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
    }
  while ((buffer = gst_harness_try_pull (harness)))
    {
      n++;
      gst_buffer_unref (buffer);
    }
  g_assert_cmpuint (n, ==, 3);
  gst_harness_teardown (harness);
}

/* Labels of objects, by their type and of any. */
static void
test_objects (void)
{
  static const struct
  {
    const char *pass;
    gboolean open;
  } lists[] = { { "gate:shut", TRUE },  { ":shut", TRUE },     { "shut", FALSE },
                { "door:shut", FALSE }, { "gat:shut", FALSE }, { "gate:open", FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_autofree char *properties = g_strdup_printf ("pass=%s", lists[i].pass);
      GstHarness *harness = new_harness (properties);
      g_autofree char *out = NULL;

      gst_harness_push (harness, new_buffer (0, "gate", "shut", 0.9, TRUE));
      out = pull (harness);
      g_assert_cmpstr (out, ==, lists[i].open ? "0D" : "");
      gst_harness_teardown (harness);
    }
}

/* Events keep their places among the buffers that wait in the pre-roll. */
static void
test_events (void)
{
  GstHarness *harness = new_harness ("pass=b pre-roll=1000000000");
  GstTagList *tags = gst_tag_list_new (GST_TAG_TITLE, "here", NULL);
  gboolean seen = FALSE;
  g_autofree char *out = NULL;
  GstEvent *event;

  push (harness, 0, "aa", FALSE);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_tag (tags)));
  while ((event = gst_harness_try_pull_event (harness)))
    {
      g_assert_cmpint (GST_EVENT_TYPE (event), !=, GST_EVENT_TAG);
      gst_event_unref (event);
    }
  push (harness, 2, "b", FALSE);
  while ((event = gst_harness_try_pull_event (harness)))
    {
      seen |= GST_EVENT_TYPE (event) == GST_EVENT_TAG;
      gst_event_unref (event);
    }
  g_assert_true (seen);
  out = pull (harness);
  g_assert_cmpstr (out, ==, "0D 1 2");
  gst_harness_teardown (harness);
}

/* A flush forgets the pre-roll and the label. */
static void
test_flush (void)
{
  GstHarness *harness = new_harness ("pass=b pre-roll=1000000000");
  g_autofree char *before = NULL, *after = NULL;

  push (harness, 0, "ab", FALSE);
  before = pull (harness);
  g_assert_cmpstr (before, ==, "0D 1");
  fixture_flush (harness);
  push (harness, 10, "-ab", FALSE);
  after = pull (harness);
  g_assert_cmpstr (after, ==, "10D 11 12");
  gst_harness_teardown (harness);
}

/* Upstream is asked for a keyframe where the gate waits for one, and messages tell of each
 * change. */
static void
test_tells (void)
{
  GstHarness *harness = new_harness ("pass=b");
  g_autoptr (GstElement) gate = gst_harness_find_element (harness, "effvkgate");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstStructure) stats = NULL;
  static const char *const labels[] = { "b", "a" };
  gboolean asked = FALSE;
  guint64 passed, dropped;
  GstEvent *event;

  gst_element_set_bus (gate, bus);
  push (harness, 0, "AabbBa", TRUE);
  while ((event = gst_harness_try_pull_upstream_event (harness)))
    {
      asked |= gst_video_event_is_force_key_unit (event);
      gst_event_unref (event);
    }
  g_assert_true (asked);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
      const GstStructure *structure;
      gboolean open;

      g_assert_nonnull (message);
      structure = gst_message_get_structure (message);
      g_assert_true (gst_structure_get_boolean (structure, "open", &open));
      g_assert_true (open == (i == 0));
      g_assert_cmpstr (gst_structure_get_string (structure, "label"), ==, labels[i]);
    }
  g_object_get (gate, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "passed", &passed));
  g_assert_true (gst_structure_get_uint64 (stats, "dropped", &dropped));
  g_assert_cmpuint (passed, ==, 1);
  g_assert_cmpuint (dropped, ==, 5);
  gst_element_set_bus (gate, NULL);
  gst_harness_teardown (harness);
}

/* An application that knows better. */
static void
test_label (void)
{
  GstHarness *harness = new_harness ("pass=b");
  g_autofree char *shut = NULL, *open = NULL;

  push (harness, 0, "-", FALSE);
  shut = pull (harness);
  g_assert_cmpstr (shut, ==, "");
  gst_harness_set (harness, "effvkgate", "label", "b", NULL);
  push (harness, 1, "-", FALSE);
  open = pull (harness);
  g_assert_cmpstr (open, ==, "1D");
  gst_harness_teardown (harness);
}

static GMutex lock;
static GCond cond;
static guint n_classified; /* frames that have left the classifier */

static GstPadProbeReturn
count_classified (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_mutex_lock (&lock);
  n_classified++;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  return GST_PAD_PROBE_OK;
}

/* Holds the encoded branch back until the classifier has told the gate something. */
static GstPadProbeReturn
wait_for_classified (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_mutex_lock (&lock);
  while (GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)) > 0 && n_classified < 2)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);
  return GST_PAD_PROBE_OK;
}

static void
add_probe (GstElement *pipeline, const char *name, const char *pad_name, GstPadProbeCallback probe)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, pad_name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, NULL, NULL);
}

/* A classifier in another branch opens the gate of an encoded stream, which nothing of is lost: it
 * waits in the pre-roll until the answer is there. */
static void
test_classifier (void)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=30 pattern=smpte ! video/x-raw,width=64,height=48 ! tee name=t "
      "t. ! queue ! effvkclassify name=seen device=cpu model-file=%s post-messages=false "
      "unknown-threshold=2 ! fakesink sync=false async=false "
      "t. ! queue ! jpegenc ! effvkgate name=gate classifier=seen pass=unknown "
      "pre-roll=10000000000 ! fakesink sync=false async=false",
      fixture_model ());
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 passed, dropped;

  add_probe (pipeline, "seen", "src", count_classified);
  add_probe (pipeline, "gate", "sink", wait_for_classified);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message
      = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_child_proxy_get (GST_CHILD_PROXY (pipeline), "gate::stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "passed", &passed));
  g_assert_true (gst_structure_get_uint64 (stats, "dropped", &dropped));
  g_assert_cmpuint (passed, ==, 30);
  g_assert_cmpuint (dropped, ==, 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
test_no_classifier (void)
{
  g_autoptr (GstElement) pipeline
      = gst_parse_launch ("fakesrc ! effvkgate classifier=nobody ! fakesink", NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PAUSED), ==,
                   GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "classifier=nobody"));
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gate/passes", test_passes);
  g_test_add_func ("/gate/times", test_times);
  g_test_add_func ("/gate/pre-roll-times", test_pre_roll_times);
  g_test_add_func ("/gate/objects", test_objects);
  g_test_add_func ("/gate/events", test_events);
  g_test_add_func ("/gate/flush", test_flush);
  g_test_add_func ("/gate/tells", test_tells);
  g_test_add_func ("/gate/label", test_label);
  g_test_add_func ("/gate/classifier", test_classifier);
  g_test_add_func ("/gate/no-classifier", test_no_classifier);
  return fixtures_run ();
}
