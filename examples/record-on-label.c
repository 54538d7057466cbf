/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records only while a label is seen, with the seconds before: a file for each time.
 *
 *   record-on-label LABEL SOURCE FILES [MODEL]
 *
 * SOURCE is the beginning of a pipeline (v4l2src), FILES names the files (cat%03d.webm), and MODEL
 * is the network (effvk's own). For instance:
 *
 *   record-on-label black "rtspsrc location=rtsp://camera ! decodebin" black%03d.webm
 */
#include <gst/gst.h>

#define HOLD (2 * GST_SECOND)     /* the recording goes on so long after the label was seen last */
#define PRE_ROLL (3 * GST_SECOND) /* and begins so long before */

/* Encoders pass the metadata on, so the gate reads from each encoded picture what it shows. */
#define PIPELINE                                                                                   \
  "%s ! videoconvert ! effvkclassify name=classify post-messages=false ! queue ! "                 \
  "vp8enc deadline=1 keyframe-max-dist=25 ! effvkgate name=gate ! "                                \
  "splitmuxsink name=files muxer-factory=webmmux async-finalize=true"

typedef struct
{
  GstElement *pipeline, *gate, *files;
  guint n_opened;
} Recorder;

/* Before the first picture passes: the file ends with the pictures that it has, and the next one
 * begins with the keyframe that comes. */
static void
on_open (GObject *gate, GParamSpec *spec, gpointer data)
{
  Recorder *recorder = data;
  gboolean open;

  g_object_get (gate, "open", &open, NULL);
  if (open && recorder->n_opened++ > 0)
    g_signal_emit_by_name (recorder->files, "split-after");
  g_print ("%s\n", open ? "records" : "waits");
}

/* splitmuxsink does not end where it was given nothing. */
static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Recorder *recorder = data;

  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS && recorder->n_opened == 0)
    gst_element_post_message (recorder->gate,
                              gst_message_new_application (GST_OBJECT (recorder->gate),
                                                           gst_structure_new_empty ("never-seen")));
  return GST_PAD_PROBE_OK;
}

/* Runs until the end or an error. Returns whether all went well. */
static gboolean
run (Recorder *recorder)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (recorder->pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_state (recorder->pipeline, GST_STATE_PLAYING);
  message
      = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
                                    GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
  gst_element_set_state (recorder->pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return TRUE;
  gst_message_parse_error (message, &error, NULL);
  g_printerr ("record-on-label: %s\n", error->message);
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autofree char *description = NULL;
  g_autoptr (GstElement) pipeline = NULL, gate = NULL, files = NULL, classify = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GError) error = NULL;
  Recorder recorder;

  gst_init (&argc, &argv);
  if (argc != 4 && argc != 5)
    {
      g_printerr ("usage: record-on-label LABEL SOURCE FILES [MODEL]\n");
      return 2;
    }
  description = g_strdup_printf (PIPELINE, argv[2]);
  pipeline = gst_parse_launch (description, &error);
  if (error)
    {
      g_printerr ("record-on-label: %s\n", error->message);
      return 1;
    }
  gate = gst_bin_get_by_name (GST_BIN (pipeline), "gate");
  files = gst_bin_get_by_name (GST_BIN (pipeline), "files");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  g_object_set (classify, "model-file", argv[4], NULL); /* NULL: effvk's own */
  g_object_set (gate, "pass", argv[1], "hold", HOLD, "pre-roll", PRE_ROLL, NULL);
  g_object_set (files, "location", argv[3], NULL);
  recorder = (Recorder){ pipeline, gate, files, 0 };
  g_signal_connect (gate, "notify::open", G_CALLBACK (on_open), &recorder);
  pad = gst_element_get_static_pad (gate, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, &recorder, NULL);
  return run (&recorder) ? 0 : 1;
}
