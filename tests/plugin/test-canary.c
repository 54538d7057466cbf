/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The canary: a device that answers a known frame differently is found out beside the stream, and
 * the network falls back. Above the layer of tests/layer/fault.h, which flips bits of what the
 * device has written. */

#include "fixtures.h"

#include "fault-matrix.h"

#include <string.h>

#define MAX_FRAMES 3000

typedef struct
{
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  guint n_frames;
  guint n_warnings, n_canaries, n_swaps;
  char *falls_back_to; /* of the last message */
} Stream;

static void
stream_init (Stream *stream, const char *properties)
{
  *stream = (Stream){ .harness = fixture_harness (properties), .bus = gst_bus_new () };
  stream->element = gst_harness_find_element (stream->harness, "effvkclassify");
  gst_element_set_bus (stream->element, stream->bus);
  fixture_set_caps (stream->harness, &stream->info, GST_VIDEO_FORMAT_I420, 64, 48);
}

static void
stream_clear (Stream *stream)
{
  g_free (stream->falls_back_to);
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->element);
  gst_object_unref (stream->bus);
  gst_harness_teardown (stream->harness);
}

/* A frame a second, of the stream's time: a canary is due with each. */
static void
push (Stream *stream)
{
  GstBuffer *frame = fixture_frame (&stream->info, 1);

  GST_BUFFER_PTS (frame) = stream->n_frames++ * GST_SECOND;
  gst_buffer_unref (fixture_push (stream->harness, frame));
  g_usleep (1000); /* canaries wait for nobody, and nobody for them */
}

static void
take_messages (Stream *stream)
{
  GstMessage *message;

  while ((message = gst_bus_pop (stream->bus)))
    {
      g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
      stream->n_warnings += GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
      if (gst_message_has_name (message, "effvkclassify-canary"))
        {
          const GstStructure *told = gst_message_get_structure (message);

          stream->n_canaries++;
          g_free (stream->falls_back_to);
          stream->falls_back_to = g_strdup (gst_structure_get_string (told, "falls-back-to"));
        }
      if (gst_message_has_name (message, "effvkclassify-model"))
        {
          gboolean swapped = FALSE;

          gst_structure_get_boolean (gst_message_get_structure (message), "swapped", &swapped);
          g_assert_true (swapped);
          stream->n_swaps++;
        }
      gst_message_unref (message);
    }
}

/* Until so many canaries came back, since the start. */
static void
push_until (Stream *stream, guint64 n_canaries)
{
  for (guint i = 0; fixture_get_stat (stream->harness, "canaries") < n_canaries; i++)
    {
      g_assert_cmpuint (i, <, MAX_FRAMES);
      push (stream);
    }
  take_messages (stream);
}

/* The next canary's answer is spoiled: the only one that comes, as no frame is classified. The
 * stream goes on until another network has taken over, if @swaps, and that has its first answer. */
static void
spoil (Stream *stream, gboolean swaps)
{
  guint n_canaries = stream->n_canaries, n_swaps = stream->n_swaps;
  guint64 n;

  n = fixture_get_stat (stream->harness, "canaries");
  push_until (stream, n + 2); /* the network in place has an answer to compare with */
  g_assert_cmpuint (stream->n_canaries, ==, n_canaries);
  n = fixture_get_stat (stream->harness, "canaries-different");
  fault_get_control ()->spoil_once (1);
  for (guint i = 0; fixture_get_stat (stream->harness, "canaries-different") == n
                    || stream->n_swaps < n_swaps + swaps;
       i++)
    {
      g_assert_cmpuint (i, <, MAX_FRAMES);
      push (stream);
      take_messages (stream);
      if (swaps) /* while the other one is made */
        g_usleep (20000);
    }
}

/* The kernels of the network, in one line, and its precision. */
static void
get_network (Stream *stream, char **precision, char **kernels)
{
  g_autoptr (GstStructure) stats = NULL;
  const GValue *value;

  g_object_get (stream->element, "stats", &stats, NULL);
  *precision = g_strdup (gst_structure_get_string (stats, "precision"));
  value = gst_structure_get_value (stats, "kernels");
  *kernels = g_strjoinv (" ", g_value_get_boxed (value));
}

static void
assert_network (Stream *stream, const char *precision, const char *has)
{
  g_autofree char *is = NULL;
  g_autofree char *kernels = NULL;

  get_network (stream, &is, &kernels);
  g_test_message ("%s: %s", is, kernels);
  g_assert_cmpstr (is, ==, precision);
  g_assert_nonnull (strstr (kernels, has));
}

static void
test_falls_back (void)
{
  Stream stream;

  g_setenv ("EFFVK_FAULT_INCOHERENT", "1", TRUE);
  stream_init (&stream, "precision=fp16 canary=1 inference-interval=1000000");
  push_until (&stream, 1);
  assert_network (&stream, "fp16", "lanes");
  g_assert_cmpuint (stream.n_canaries, ==, 0);

  spoil (&stream, TRUE);
  g_assert_cmpstr (stream.falls_back_to, ==, "fp32");
  assert_network (&stream, "fp32", "lanes");

  spoil (&stream, TRUE);
  g_assert_cmpstr (stream.falls_back_to, ==, "plain kernels");
  assert_network (&stream, "fp32", "tile");

  spoil (&stream, FALSE);
  g_assert_cmpstr (stream.falls_back_to, ==, "nothing");
  g_assert_cmpuint (stream.n_canaries, ==, 3);
  g_assert_cmpuint (stream.n_warnings, ==, 3);
  spoil (&stream, FALSE); /* it was told */
  g_assert_cmpuint (stream.n_canaries, ==, 3);
  stream_clear (&stream);
  g_unsetenv ("EFFVK_FAULT_INCOHERENT");
}

/* The next start has nothing of that. */
static void
test_begins_anew (void)
{
  Stream stream;

  g_setenv ("EFFVK_FAULT_INCOHERENT", "1", TRUE);
  stream_init (&stream, "precision=fp16 canary=1 inference-interval=1000000");
  push_until (&stream, 1);
  spoil (&stream, TRUE);
  assert_network (&stream, "fp32", "lanes");
  gst_element_set_state (stream.element, GST_STATE_NULL);
  gst_element_set_state (stream.element, GST_STATE_PLAYING);
  assert_network (&stream, "fp16", "lanes");
  stream_clear (&stream);
  g_unsetenv ("EFFVK_FAULT_INCOHERENT");
}

/* Beside a stream that is classified, and in batches with it, a device that is right is never
 * suspected, and the classes are the same. */
static void
test_right (void)
{
  static const char *const shared = "precision=fp16 model-instance-id=x batch-size=3 canary=1";
  double expected[N_CLASSES], scores[N_CLASSES];
  Stream streams[2];

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    stream_init (&streams[i], shared);
  fixture_push_for_scores (streams[0].harness, fixture_frame (&streams[0].info, 1), expected);
  while (fixture_get_stat (streams[1].harness, "canaries") < 30)
    for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
      push (&streams[i]);
  fixture_push_for_scores (streams[1].harness, fixture_frame (&streams[1].info, 1), scores);
  fixture_assert_scores_equal (scores, expected, 1e-6);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      g_assert_cmpuint (fixture_get_stat (streams[i].harness, "canaries"), >, 10);
      g_assert_cmpuint (fixture_get_stat (streams[i].harness, "canaries-different"), ==, 0);
      take_messages (&streams[i]);
      g_assert_cmpuint (streams[i].n_canaries, ==, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    stream_clear (&streams[i]);
}

/* Off, and on from the next frame on; of frames of another kind the first answer is another. */
static void
test_property (void)
{
  Stream stream;
  guint seconds = 1;

  stream_init (&stream, "inference-interval=1000000");
  g_object_get (stream.element, "canary", &seconds, NULL);
  g_assert_cmpuint (seconds, ==, 0);
  for (guint i = 0; i < 5; i++)
    push (&stream);
  g_assert_cmpuint (fixture_get_stat (stream.harness, "canaries"), ==, 0);
  g_object_set (stream.element, "canary", 2, NULL);
  push_until (&stream, 3);
  g_assert_cmpuint (stream.n_frames, >=, 5 + 2 * 2); /* not with every frame */
  fixture_set_caps (stream.harness, &stream.info, GST_VIDEO_FORMAT_RGB, 50, 30);
  push_until (&stream, 6);
  g_assert_cmpuint (fixture_get_stat (stream.harness, "canaries-different"), ==, 0);
  stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  fault_get_control (); /* stays loaded */
  g_test_add_func ("/canary/falls-back", test_falls_back);
  g_test_add_func ("/canary/begins-anew", test_begins_anew);
  g_test_add_func ("/canary/right", test_right);
  g_test_add_func ("/canary/property", test_property);
  return fixtures_run ();
}
