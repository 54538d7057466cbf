/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/analytics-meta.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

gboolean
gst_effvk_analytics_is_available (void)
{
  return TRUE;
}

gint64
gst_effvk_analytics_find_track (GstAnalyticsRelationMeta *meta, guint od)
{
  GstAnalyticsTrackingMtd tracking;
  GstClockTime first_seen, last_seen;
  gpointer state = NULL;
  gboolean lost;
  guint64 id;

  if (!gst_analytics_relation_meta_get_direct_related (meta, od, GST_ANALYTICS_REL_TYPE_ANY,
                                                       gst_analytics_tracking_mtd_get_mtd_type (),
                                                       &state, (GstAnalyticsMtd *) &tracking)
      || !gst_analytics_tracking_mtd_get_info (&tracking, &id, &first_seen, &last_seen, &lost))
    return -1;
  return (gint64) (id & G_MAXINT64);
}

guint
gst_effvk_analytics_find (GstBuffer *buffer, GArray *objects, guint width, guint height)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsODMtd od;
  guint outside = 0;

  while (meta
         && gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_od_mtd_get_mtd_type (),
                                                 (GstAnalyticsMtd *) &od))
    {
      gint x, y, w, h;
      GstEffvkObject *object;
      gfloat confidence;

      if (!gst_analytics_od_mtd_get_location (&od, &x, &y, &w, &h, &confidence))
        continue;
      object = gst_effvk_objects_add (objects, width, height, x, y, w, h);
      outside += !object;
      if (!object)
        continue;
      object->od = od.id;
      object->type = gst_analytics_od_mtd_get_obj_type (&od);
      object->confidence = confidence;
      object->track = gst_effvk_analytics_find_track (meta, od.id);
    }
  return outside;
}

/* The id of the object's ODMtd. */
static guint
ensure_od (GstAnalyticsRelationMeta *meta, const GstEffvkObject *object)
{
  GstAnalyticsODMtd od;

  /* Made anew where a copy of the buffer has lost it, as GStreamer 1.28.0 to 1.28.2 do. */
  if ((object->od != GST_EFFVK_OBJECT_NONE
       && gst_analytics_relation_meta_get_od_mtd (meta, object->od, &od))
      || gst_analytics_relation_meta_add_od_mtd (meta, object->type, (gint) object->x,
                                                 (gint) object->y, (gint) object->width,
                                                 (gint) object->height, object->confidence, &od))
    return od.id;
  return GST_EFFVK_OBJECT_NONE;
}

void
gst_effvk_analytics_attach (GstBuffer *buffer, EffvkResult *result, guint n,
                            const GstEffvkObject *object)
{
  g_autofree gfloat *levels = g_new (gfloat, n);
  g_autofree GQuark *labels = g_new (GQuark, n);
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsClsMtd cls;
  guint od;

  if (!meta)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  for (guint i = 0; i < n; i++)
    {
      levels[i] = effvk_result_get_score (result, i);
      /* as many as the model has labels: quarks are never freed */
      labels[i] = g_quark_from_string (effvk_result_get_label (result, i));
    }
  if (!gst_analytics_relation_meta_add_cls_mtd (meta, n, levels, labels, &cls) || !object)
    return;
  od = ensure_od (meta, object);
  if (od == GST_EFFVK_OBJECT_NONE)
    return;
  /* GStreamer's overlay looks for the one relation, DL Streamer for the other; setting one replaces
   * what was set before. */
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_CONTAIN, od, cls.id);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_IS_PART_OF, cls.id, od);
}

#else

gboolean
gst_effvk_analytics_is_available (void)
{
  return FALSE;
}

guint
gst_effvk_analytics_find (GstBuffer *buffer, GArray *objects, guint width, guint height)
{
  return 0;
}

void
gst_effvk_analytics_attach (GstBuffer *buffer, EffvkResult *result, guint n,
                            const GstEffvkObject *object)
{
}

#endif

#ifdef HAVE_GST_TENSOR_META

gboolean
gst_effvk_analytics_has_tensors (void)
{
  return TRUE;
}

void
gst_effvk_analytics_attach_logits (GstBuffer *buffer, EffvkResult *const *results, guint n_results)
{
  GstTensor **tensors = g_new (GstTensor *, 1);
  GstBuffer *data;
  gsize dims[2] = { n_results, 0 };
  guint n;

  effvk_result_get_logits (results[0], &n);
  dims[1] = n;
  data = gst_buffer_new_allocate (NULL, dims[0] * dims[1] * sizeof (float), NULL);
  for (guint i = 0; i < n_results; i++)
    gst_buffer_fill (data, i * n * sizeof (float), effvk_result_get_logits (results[i], &n),
                     n * sizeof (float));
  tensors[0] = gst_tensor_new_simple (g_quark_from_static_string ("classification-generic-out"),
                                      GST_TENSOR_DATA_TYPE_FLOAT32, data,
                                      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
}

#else

gboolean
gst_effvk_analytics_has_tensors (void)
{
  return FALSE;
}

void
gst_effvk_analytics_attach_logits (GstBuffer *buffer, EffvkResult *const *results, guint n_results)
{
}

#endif
