/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include "classification-meta.h"

void
effvk_message_post (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                    EffvkResult *result, guint n)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstStructure *structure;
  GValue classes = G_VALUE_INIT;

  structure = gst_structure_new ("effvkclassify", "timestamp", G_TYPE_UINT64, pts, "stream-time",
                                 G_TYPE_UINT64,
                                 gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts),
                                 "running-time", G_TYPE_UINT64,
                                 gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts),
                                 "duration", G_TYPE_UINT64, GST_BUFFER_DURATION (buffer), NULL);
  if (n)
    gst_structure_set (structure, "label", G_TYPE_STRING, effvk_result_get_label (result, 0),
                       "index", G_TYPE_INT, (int) effvk_result_get_index (result, 0), "score",
                       G_TYPE_DOUBLE, (double) effvk_result_get_score (result, 0), NULL);
  effvk_classification_to_value (result, n, &classes);
  gst_structure_take_value (structure, "classes", &classes);
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}
