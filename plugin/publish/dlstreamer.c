/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/dlstreamer.h"

#include <math.h>

static void
add_detection (GstEffvkJson *json, const GstEffvkClassification *seen)
{
  gst_effvk_json_begin (json, "detection", '{');
  gst_effvk_json_begin (json, "bounding_box", '{');
  gst_effvk_json_double (json, "x_max", "%.6f", seen->x + seen->width);
  gst_effvk_json_double (json, "x_min", "%.6f", seen->x);
  gst_effvk_json_double (json, "y_max", "%.6f", seen->y + seen->height);
  gst_effvk_json_double (json, "y_min", "%.6f", seen->y);
  gst_effvk_json_end (json, '}');
  if (isfinite (seen->confidence))
    gst_effvk_json_double (json, "confidence", "%.6f", seen->confidence);
  if (seen->type)
    gst_effvk_json_string (json, "label", seen->type);
  gst_effvk_json_end (json, '}');
}

static void
add_classification (GstEffvkJson *json, const GstEffvkClassification *seen)
{
  const GstEffvkClass *label = gst_effvk_classification_get_label (seen);
  g_autofree char *name
      = g_strdup_printf ("classification/%s", seen->model ? seen->model : "effvk");

  if (!label)
    return;
  gst_effvk_json_begin (json, name, '{');
  gst_effvk_json_double (json, "confidence", "%.6f", label->score);
  gst_effvk_json_string (json, "label", label->label);
  if (label->index >= 0)
    gst_effvk_json_int (json, "label_id", label->index);
  gst_effvk_json_begin (json, "model", '{');
  gst_effvk_json_string (json, "name", seen->model ? seen->model : "effvk");
  gst_effvk_json_end (json, '}');
  gst_effvk_json_end (json, '}');
}

static void
add_object (GstEffvkJson *json, const GstEffvkClassification *seen, guint width, guint height)
{
  gst_effvk_json_begin (json, NULL, '{');
  add_classification (json, seen);
  add_detection (json, seen);
  gst_effvk_json_int (json, "h", (gint64) round (seen->height * height));
  if (seen->id >= 0)
    gst_effvk_json_int (json, "id", seen->id);
  if (seen->type)
    gst_effvk_json_string (json, "roi_type", seen->type);
  gst_effvk_json_int (json, "w", (gint64) round (seen->width * width));
  gst_effvk_json_int (json, "x", (gint64) round (seen->x * width));
  gst_effvk_json_int (json, "y", (gint64) round (seen->y * height));
  gst_effvk_json_end (json, '}');
}

void
gst_effvk_dlstreamer_add (GstEffvkJson *json, const GstEffvkRecordOptions *options,
                          const GstEffvkRecordFrame *frame)
{
  gst_effvk_json_begin (json, "objects", '[');
  for (guint i = 0; i < frame->seen->len; i++)
    {
      const GstEffvkClassification *seen = g_ptr_array_index (frame->seen, i);

      if (options->what & (seen->whole ? GST_EFFVK_WHAT_FRAMES : GST_EFFVK_WHAT_OBJECTS)
          && (!seen->whole || seen->classes->len > 0))
        add_object (json, seen, frame->width, frame->height);
    }
  gst_effvk_json_end (json, ']');
  gst_effvk_json_begin (json, "resolution", '{');
  gst_effvk_json_int (json, "height", frame->height);
  gst_effvk_json_int (json, "width", frame->width);
  gst_effvk_json_end (json, '}');
  gst_effvk_json_string (json, "source", options->source);
  if (GST_BUFFER_PTS_IS_VALID (frame->buffer))
    gst_effvk_json_int (json, "timestamp", (gint64) GST_BUFFER_PTS (frame->buffer));
}
