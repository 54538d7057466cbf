/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/object.h"

static void
clear_object (gpointer data)
{
  GstEffvkObject *object = data;

  g_clear_pointer (&object->result, effvk_result_unref);
}

GArray *
gst_effvk_objects_new (void)
{
  GArray *objects = g_array_new (FALSE, FALSE, sizeof (GstEffvkObject));

  g_array_set_clear_func (objects, clear_object);
  return objects;
}

GstEffvkObject *
gst_effvk_objects_add (GArray *objects, guint width, guint height, gint64 x, gint64 y, gint64 w,
                       gint64 h)
{
  gint64 right = MIN (x + w, width), bottom = MIN (y + h, height);
  GstEffvkObject object
      = { .track = GST_EFFVK_NO_TRACK, .od = GST_EFFVK_OBJECT_NONE, .roi = GST_EFFVK_OBJECT_NONE };

  x = MAX (x, 0);
  y = MAX (y, 0);
  if (right <= x || bottom <= y)
    return NULL;
  object.x = (guint) x;
  object.y = (guint) y;
  object.width = (guint) (right - x);
  object.height = (guint) (bottom - y);
  g_array_append_val (objects, object);
  return &g_array_index (objects, GstEffvkObject, objects->len - 1);
}

GstStructure *
gst_effvk_object_describe (const GstEffvkObject *object, guint width, guint height)
{
  GstStructure *structure
      = gst_structure_new ("object", "x", G_TYPE_DOUBLE, (double) object->x / width, "y",
                           G_TYPE_DOUBLE, (double) object->y / height, "width", G_TYPE_DOUBLE,
                           (double) object->width / width, "height", G_TYPE_DOUBLE,
                           (double) object->height / height, NULL);

  if (object->type)
    gst_structure_set (structure, "type", G_TYPE_STRING, g_quark_to_string (object->type), NULL);
  if (object->track >= 0)
    gst_structure_set (structure, "id", G_TYPE_INT64, object->track, NULL);
  return structure;
}
