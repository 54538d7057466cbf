/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/message.h"

#include "common/classification-meta.h"
#include "common/times.h"

static GstStructure *
new_structure (const char *name, const GstSegment *segment, GstBuffer *buffer, EffvkModel *model)
{
  return gst_structure_new (name, "timestamp", G_TYPE_UINT64, GST_BUFFER_PTS (buffer),
                            "stream-time", G_TYPE_UINT64, gst_effvk_stream_time (segment, buffer),
                            "running-time", G_TYPE_UINT64, gst_effvk_running_time (segment, buffer),
                            "duration", G_TYPE_UINT64, GST_BUFFER_DURATION (buffer), "model",
                            G_TYPE_STRING, effvk_model_get_name (model), NULL);
}

static void
set_classes (GstStructure *structure, EffvkResult *result, guint n)
{
  GValue classes = G_VALUE_INIT;

  if (n)
    gst_structure_set (structure, "label", G_TYPE_STRING, effvk_result_get_label (result, 0),
                       "index", G_TYPE_INT, (int) effvk_result_get_index (result, 0), "score",
                       G_TYPE_DOUBLE, (double) effvk_result_get_score (result, 0), NULL);
  gst_effvk_classification_to_value (result, n, &classes);
  gst_structure_take_value (structure, "classes", &classes);
}

void
gst_effvk_message_post (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                        EffvkModel *model, EffvkResult *result, guint n)
{
  GstStructure *structure = new_structure ("effvkclassify", segment, buffer, model);

  set_classes (structure, result, n);
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_effvk_message_post_signal (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                               EffvkModel *model, const EffvkSignalEvent *event)
{
  GstStructure *structure = new_structure ("effvkclassify-signal", segment, buffer, model);
  guint64 ago = event->time > event->since ? event->time - event->since : 0;

  gst_structure_set (structure, "state", G_TYPE_STRING, effvk_signal_state_get_name (event->state),
                     "raised", G_TYPE_BOOLEAN, event->raised, "alarm", G_TYPE_BOOLEAN,
                     effvk_signal_state_is_alarm (event->state), "confidence", G_TYPE_DOUBLE,
                     event->confidence, "ago", G_TYPE_UINT64, ago, "lasted", G_TYPE_UINT64,
                     event->duration, NULL);
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_effvk_message_post_objects (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                                EffvkModel *model, const GArray *objects, guint width, guint height)
{
  GstStructure *structure = new_structure ("effvkclassify", segment, buffer, model);
  GValue list = G_VALUE_INIT;

  gst_value_array_init (&list, objects->len);
  for (guint i = 0; i < objects->len; i++)
    {
      const GstEffvkObject *object = &g_array_index (objects, GstEffvkObject, i);
      GValue item = G_VALUE_INIT;

      if (!object->changed)
        continue;
      g_value_init (&item, GST_TYPE_STRUCTURE);
      g_value_take_boxed (&item, gst_effvk_object_describe (object, width, height));
      set_classes (g_value_get_boxed (&item), object->result, object->n);
      gst_value_array_append_and_take_value (&list, &item);
    }
  gst_structure_take_value (structure, "objects", &list);
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}
