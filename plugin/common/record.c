/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/record.h"

#include <math.h>

static void
add_class (GstEffvkJson *json, const GstEffvkClass *class)
{
  if (class->index >= 0)
    gst_effvk_json_int (json, "index", class->index);
  else
    gst_effvk_json_null (json, "index");
  gst_effvk_json_string (json, "label", class->label);
  gst_effvk_json_double (json, "score", "%.6f", class->score);
}

void
gst_effvk_record_add_classes (GstEffvkJson *json, const GstEffvkClassification *seen)
{
  if (seen->classes->len > 0)
    add_class (json, gst_effvk_classification_get_label (seen));
  else
    {
      gst_effvk_json_null (json, "index");
      gst_effvk_json_null (json, "label");
      gst_effvk_json_null (json, "score");
    }
  gst_effvk_json_begin (json, "classes", '[');
  for (guint i = 0; i < seen->classes->len; i++)
    {
      gst_effvk_json_begin (json, NULL, '{');
      add_class (json, &g_array_index (seen->classes, GstEffvkClass, i));
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

static void
add_object (GstEffvkJson *json, const GstEffvkClassification *seen)
{
  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_double (json, "x", "%.6f", seen->x);
  gst_effvk_json_double (json, "y", "%.6f", seen->y);
  gst_effvk_json_double (json, "width", "%.6f", seen->width);
  gst_effvk_json_double (json, "height", "%.6f", seen->height);
  if (seen->type)
    gst_effvk_json_string (json, "type", seen->type);
  if (seen->id >= 0)
    gst_effvk_json_int (json, "id", seen->id);
  if (isfinite (seen->confidence))
    gst_effvk_json_double (json, "confidence", "%.6f", seen->confidence);
  if (seen->model)
    gst_effvk_json_string (json, "model", seen->model);
  gst_effvk_record_add_classes (json, seen);
  if (seen->age != GST_EFFVK_AGE_UNKNOWN)
    gst_effvk_json_int (json, "age", (gint64) seen->age);
  gst_effvk_json_end (json, '}');
}

void
gst_effvk_record_add_objects (GstEffvkJson *json, const GPtrArray *seen)
{
  gst_effvk_json_begin (json, "objects", '[');
  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);

      if (!one->whole)
        add_object (json, one);
    }
  gst_effvk_json_end (json, ']');
}

void
gst_effvk_record_add_pts (GstEffvkJson *json, gint64 pts)
{
  if (pts >= 0)
    gst_effvk_json_int (json, "pts", pts);
  else
    gst_effvk_json_null (json, "pts");
}

void
gst_effvk_record_add_clock (GstEffvkJson *json, gint64 time)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) date = seconds ? g_date_time_add (seconds, time % G_USEC_PER_SEC) : NULL;
  g_autofree char *text = date ? g_date_time_format_iso8601 (date) : NULL;

  gst_effvk_json_string (json, "clock", text);
}

void
gst_effvk_record_add_change (GstEffvkJson *json, const GstEffvkChange *change)
{
  gst_effvk_json_string (json, "state", change->state);
  if (change->state)
    gst_effvk_json_double (json, "score", "%.4f", change->score);
  else
    gst_effvk_json_null (json, "score");
  gst_effvk_json_string (json, "previous", change->previous);
  if (change->previous && change->previous_duration >= 0)
    gst_effvk_json_int (json, "previous_duration", change->previous_duration);
  else
    gst_effvk_json_null (json, "previous_duration");
}
