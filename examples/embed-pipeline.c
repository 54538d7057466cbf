/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An application with the element in its pipeline: plays a video into nothing and prints the
 * classes that every buffer carries, read from its metadata.
 *
 *   embed-pipeline MODEL VIDEO [LABELS]
 */
#include <gst/gst.h>

/* The custom meta is there on every GStreamer, and lists all classes, the label first. */
static void
print_classes (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;
  const GValue *labels = structure ? gst_structure_get_value (structure, "labels") : NULL;
  const GValue *scores = structure ? gst_structure_get_value (structure, "scores") : NULL;

  for (guint i = 0; labels && scores && i < gst_value_array_get_size (labels); i++)
    g_print ("  %6.2f %%  %s\n", 100.0 * g_value_get_double (gst_value_array_get_value (scores, i)),
             g_value_get_string (gst_value_array_get_value (labels, i)));
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  g_print ("%" GST_TIME_FORMAT "\n", GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
  print_classes (buffer);
  return GST_PAD_PROBE_OK;
}

/* Runs until the end or an error. Returns whether all went well. */
static gboolean
run (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message
      = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return TRUE;
  gst_message_parse_error (message, &error, NULL);
  g_printerr ("embed-pipeline: %s\n", error->message);
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  if (argc != 3 && argc != 4)
    {
      g_printerr ("usage: embed-pipeline MODEL VIDEO [LABELS]\n");
      return 2;
    }
  pipeline = gst_parse_launch ("filesrc name=source ! decodebin ! videoconvert ! "
                               "effvkclassify name=classify post-messages=false ! fakesink",
                               &error);
  if (error)
    {
      g_printerr ("embed-pipeline: %s\n", error->message);
      return 1;
    }
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  g_object_set (source, "location", argv[2], NULL);
  g_object_set (classify, "model-file", argv[1], "labels-file", argv[3],
                NULL); /* NULL: the model's own */
  pad = gst_element_get_static_pad (classify, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, NULL, NULL);
  return run (pipeline) ? 0 : 1;
}
