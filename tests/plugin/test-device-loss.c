/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device that is lost in the middle of a stream: frames pass, a new device and network take over,
 * and how often is bounded. Above the layer of tests/layer/fault.h. */

#include "fixtures.h"

#include "fault-matrix.h"

#include <string.h>

#define DEVICE_LOST (-4)
#define MAX_FRAMES 3000

typedef struct
{
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  double scores[N_CLASSES]; /* of the one frame that is pushed again and again */
  guint n_warnings, n_devices, n_errors;
  GError *error; /* the last */
} Stream;

static guint
get_call (const char *name)
{
  const FaultControl *control = fault_get_control ();
  guint call = 0;

  while (strcmp (control->calls[call], name) != 0)
    call++;
  return call;
}

static void
lose_device (void)
{
  fault_get_control ()->arm (get_call ("vkQueueSubmit"), 1, DEVICE_LOST);
}

/* Pushes the frame, which comes out, and returns whether it has classes; they are the right
   ones. */
static gboolean
push (Stream *stream)
{
  double scores[N_CLASSES];

  if (fixture_push_for_scores (stream->harness, fixture_frame (&stream->info, 1), scores) == 0)
    return FALSE;
  fixture_assert_scores_equal (scores, stream->scores, 1e-6);
  return TRUE;
}

static void
stream_init (Stream *stream, const char *properties)
{
  *stream = (Stream){ .harness = fixture_harness (properties), .bus = gst_bus_new () };
  stream->element = gst_harness_find_element (stream->harness, "effvkclassify");
  gst_element_set_bus (stream->element, stream->bus);
  fixture_set_caps (stream->harness, &stream->info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_cmpuint (fixture_push_for_scores (stream->harness, fixture_frame (&stream->info, 1),
                                             stream->scores),
                    >, 0);
}

static void
stream_clear (Stream *stream)
{
  g_clear_error (&stream->error);
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->element);
  gst_object_unref (stream->bus);
  gst_harness_teardown (stream->harness);
}

/* Until frames have classes again. Returns how many had none. */
static guint
push_until_restored (Stream *stream)
{
  guint without = 0;

  while (!push (stream))
    {
      g_assert_cmpuint (++without, <, MAX_FRAMES);
      g_usleep (10000);
    }
  return without;
}

/* All messages so far; and until a device was opened anew @n_devices times in all. */
static void
take_messages (Stream *stream, guint n_devices)
{
  GstMessage *message;

  do
    {
      message
          = gst_bus_timed_pop (stream->bus, stream->n_devices < n_devices ? 60 * GST_SECOND : 0);
      g_assert_true (message || stream->n_devices >= n_devices);
      if (!message)
        return;
      stream->n_warnings += GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;
      stream->n_devices += gst_message_has_name (message, "effvkclassify-device");
      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
        {
          g_clear_error (&stream->error);
          gst_message_parse_error (message, &stream->error, NULL);
          stream->n_errors++;
        }
      gst_message_unref (message);
    }
  while (TRUE);
}

static void
test_restored (void)
{
  Stream stream;
  guint without;

  stream_init (&stream, "skipped=none");
  for (guint i = 0; i < 2; i++)
    {
      lose_device ();
      without = push_until_restored (&stream);
      g_assert_cmpuint (without, >=, 1);
      g_assert_cmpuint (fixture_get_stat (stream.harness, "skipped-device"), >=, without);
      take_messages (&stream, i + 1);
      g_assert_cmpuint (stream.n_warnings, ==, i + 1);
      g_assert_cmpuint (stream.n_devices, ==, i + 1);
    }
  g_assert_cmpuint (stream.n_errors, ==, 0);
  stream_clear (&stream);
  g_assert_cmpuint (fault_get_control ()->count_objects (), ==, 0);
}

/* The frame that is too much is refused, with one error. */
static void
push_to_the_end (Stream *stream)
{
  GstFlowReturn flow = GST_FLOW_OK;

  for (guint i = 0; i < MAX_FRAMES && flow == GST_FLOW_OK; i++)
    {
      flow = gst_harness_push (stream->harness, fixture_frame (&stream->info, 1));
      g_usleep (1000);
    }
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  take_messages (stream, 0);
  g_assert_cmpuint (stream->n_errors, ==, 1);
  g_assert_nonnull (strstr (stream->error->message, "lost"));
}

static void
test_too_often (void)
{
  Stream stream;

  stream_init (&stream, "skipped=none device-restarts=1");
  lose_device ();
  push_until_restored (&stream);
  lose_device ();
  push_to_the_end (&stream);
  stream_clear (&stream);
}

static void
test_never (void)
{
  Stream stream;

  stream_init (&stream, "device-restarts=0");
  lose_device ();
  push_to_the_end (&stream);
  stream_clear (&stream);
}

/* Both streams get the same new network. */
static void
test_shared (void)
{
  Stream streams[2];

  for (guint i = 0; i < 2; i++)
    stream_init (&streams[i], "skipped=none model-instance-id=x batch-timeout=0");
  lose_device ();
  for (guint i = 0; i < 2; i++)
    push_until_restored (&streams[i]);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstStructure) stats = NULL;
      guint n = 0;

      g_object_get (streams[i].element, "stats", &stats, NULL);
      g_assert_true (gst_structure_get_uint (stats, "streams", &n));
      g_assert_cmpuint (n, ==, 2);
      take_messages (&streams[i], 1);
      g_assert_cmpuint (streams[i].n_errors, ==, 0);
    }
  for (guint i = 0; i < 2; i++)
    stream_clear (&streams[i]);
  g_assert_cmpuint (fault_get_control ()->count_objects (), ==, 0);
}

/* A device that cannot be opened at once is tried again. */
static void
test_tried_again (void)
{
  Stream stream;

  stream_init (&stream, "skipped=none");
  lose_device ();
  g_assert_false (push (&stream));
  fault_get_control ()->arm (get_call ("vkCreateComputePipelines"), 1, -1);
  push_until_restored (&stream);
  take_messages (&stream, 1);
  g_assert_cmpuint (stream.n_errors, ==, 0);
  stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  fault_get_control (); /* stays loaded */
  g_test_add_func ("/device-loss/restored", test_restored);
  g_test_add_func ("/device-loss/too-often", test_too_often);
  g_test_add_func ("/device-loss/never", test_never);
  g_test_add_func ("/device-loss/shared", test_shared);
  g_test_add_func ("/device-loss/tried-again", test_tried_again);
  return fixtures_run ();
}
