/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/analytics-meta.h"
#include "common/classification.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

/* Appends the classes of @cls to @seen. The list of all of a model's labels, which DL Streamer
 * keeps beside its answers, has the level 0 throughout; it is left out. */
static void
add_classes (GstAnalyticsClsMtd *cls, GstEffvkClassification *seen)
{
  gsize n = gst_analytics_cls_mtd_get_length (cls);
  gboolean any = n == 1;

  for (gsize i = 0; i < n && !any; i++)
    any = gst_analytics_cls_mtd_get_level (cls, i) != 0.0f;
  for (gsize i = 0; i < n && any; i++)
    gst_effvk_classification_add (seen,
                                  g_quark_to_string (gst_analytics_cls_mtd_get_quark (cls, i)), -1,
                                  (double) gst_analytics_cls_mtd_get_level (cls, i));
}

/* Of the detection, without classes; NULL: it lies outside of the picture. */
static GstEffvkClassification *
new_of_object (GstAnalyticsRelationMeta *meta, const GstAnalyticsODMtd *od, guint width,
               guint height)
{
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();
  gint x, y, w, h;
  gfloat confidence;

  if (!gst_analytics_od_mtd_get_location (od, &x, &y, &w, &h, &confidence)
      || !gst_effvk_classification_set_place (seen, (double) x / width, (double) y / height,
                                              (double) w / width, (double) h / height))
    return NULL;
  seen->type
      = g_strdup (g_quark_to_string (gst_analytics_od_mtd_get_obj_type ((GstAnalyticsODMtd *) od)));
  seen->confidence = (double) confidence;
  seen->id = gst_effvk_analytics_find_track (meta, od->id);
  return g_steal_pointer (&seen);
}

/* GStreamer's relation goes from the detection to its classes; others have only the way back. */
static gboolean
is_of (GstAnalyticsRelationMeta *meta, guint od, guint cls)
{
  return gst_analytics_relation_meta_get_relation (meta, od, cls) != GST_ANALYTICS_REL_TYPE_NONE
         || gst_analytics_relation_meta_get_relation (meta, cls, od) != GST_ANALYTICS_REL_TYPE_NONE;
}

static void
read_object (GstAnalyticsRelationMeta *meta, const GstAnalyticsODMtd *od, GPtrArray *all,
             GHashTable *of_objects, guint width, guint height)
{
  GstEffvkClassification *seen = new_of_object (meta, od, width, height);
  gboolean any = FALSE;
  gpointer state = NULL;
  GstAnalyticsClsMtd cls;

  while (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_cls_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &cls))
    {
      if (!is_of (meta, od->id, cls.id))
        continue;
      g_hash_table_add (of_objects, GUINT_TO_POINTER (cls.id));
      if (!seen)
        continue;
      if (any) /* of another model */
        seen = new_of_object (meta, od, width, height);
      add_classes (&cls, seen);
      g_ptr_array_add (all, seen);
      any = TRUE;
    }
  if (seen && !any)
    g_ptr_array_add (all, seen);
}

void
gst_effvk_analytics_read (GstBuffer *buffer, GPtrArray *all, guint width, guint height)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  g_autoptr (GHashTable) of_objects = NULL;
  gpointer state = NULL;
  GstAnalyticsClsMtd cls;
  GstAnalyticsODMtd od;

  if (!meta)
    return;
  of_objects = g_hash_table_new (NULL, NULL); /* ids of ClsMtds */
  while (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &od))
    read_object (meta, &od, all, of_objects, width, height);
  state = NULL;
  while (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_cls_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &cls))
    {
      GstEffvkClassification *seen;

      if (g_hash_table_contains (of_objects, GUINT_TO_POINTER (cls.id)))
        continue;
      seen = gst_effvk_classification_new ();
      add_classes (&cls, seen);
      g_ptr_array_add (all, seen);
    }
}

#else

void
gst_effvk_analytics_read (GstBuffer *buffer, GPtrArray *all, guint width, guint height)
{
}

#endif
