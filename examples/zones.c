/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cascade: a detector in front of the element, which classifies what it finds. This detector is a
 * probe that finds the same rectangles in every frame: a camera's parking lots, shelves, doors.
 * Each has an id, as a tracker would give it. So each has a steady label of its own. The
 * application is told when one changes.
 *
 *   zones MODEL VIDEO X,Y,WIDTH,HEIGHT…
 */
#include <gst/video/video.h>
#include <stdio.h>

#define MAX_ZONES 64

typedef struct
{
  guint x, y, width, height;
} Zone;

typedef struct
{
  Zone zones[MAX_ZONES];
  guint n;
} Zones;

/* In the layout of DL Streamer's detectors and trackers; from GStreamer 1.24 on a
 * GstAnalyticsODMtd, related to a GstAnalyticsTrackingMtd, does as well. */
static GstPadProbeReturn
detect (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const Zones *zones = user_data;
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));

  for (guint i = 0; i < zones->n; i++)
    {
      const Zone *zone = &zones->zones[i];
      GstVideoRegionOfInterestMeta *roi
          = gst_buffer_add_video_region_of_interest_meta (buffer, "zone", zone->x, zone->y,
                                                          zone->width, zone->height);

      gst_video_region_of_interest_meta_add_param (roi,
                                                   gst_structure_new ("object_id", "id", G_TYPE_INT,
                                                                      (gint) i + 1, NULL));
    }
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

static void
print_changes (const GstStructure *message)
{
  const GValue *objects = gst_structure_get_value (message, "objects");
  GstClockTime time = GST_CLOCK_TIME_NONE;

  gst_structure_get_uint64 (message, "stream-time", &time);
  for (guint i = 0; objects && i < gst_value_array_get_size (objects); i++)
    {
      const GstStructure *object = gst_value_get_structure (gst_value_array_get_value (objects, i));
      double score = 0.0;
      gint64 id = 0;

      gst_structure_get_int64 (object, "id", &id);
      gst_structure_get_double (object, "score", &score);
      g_print ("%" GST_TIME_FORMAT "  zone %d: %s (%.0f %%)\n", GST_TIME_ARGS (time), (int) id,
               gst_structure_get_string (object, "label"), 100.0 * score);
    }
}

/* Runs until the end or an error. Returns whether all went well. */
static gboolean
run (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gboolean ended = FALSE, ok = TRUE;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!ended)
    {
      g_autoptr (GstMessage) message
          = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
                                        GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
      g_autoptr (GError) error = NULL;

      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
        {
          if (gst_message_has_name (message, "effvkclassify"))
            print_changes (gst_message_get_structure (message));
          continue;
        }
      ended = TRUE;
      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
        {
          gst_message_parse_error (message, &error, NULL);
          g_printerr ("zones: %s\n", error->message);
          ok = FALSE;
        }
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return ok;
}

static gboolean
parse_zones (Zones *zones, char **arguments, guint n)
{
  if (n == 0 || n > MAX_ZONES)
    return FALSE;
  for (zones->n = 0; zones->n < n; zones->n++)
    {
      Zone *zone = &zones->zones[zones->n];

      if (sscanf (arguments[zones->n], "%u,%u,%u,%u", &zone->x, &zone->y, &zone->width,
                  &zone->height)
          != 4)
        return FALSE;
    }
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GError) error = NULL;
  Zones zones;

  gst_init (&argc, &argv);
  if (argc < 4 || !parse_zones (&zones, argv + 3, (guint) argc - 3))
    {
      g_printerr ("usage: zones MODEL VIDEO X,Y,WIDTH,HEIGHT...\n");
      return 2;
    }
  pipeline = gst_parse_launch ("filesrc name=source ! decodebin ! videoconvert ! "
                               "effvkclassify name=classify inference-region=roi-list "
                               "hold=500000000 messages-on-change=true ! fakesink",
                               &error);
  if (error)
    {
      g_printerr ("zones: %s\n", error->message);
      return 1;
    }
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  g_object_set (source, "location", argv[2], NULL);
  g_object_set (classify, "model-file", argv[1], NULL);
  pad = gst_element_get_static_pad (classify, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, detect, &zones, NULL);
  return run (pipeline) ? 0 : 1;
}
