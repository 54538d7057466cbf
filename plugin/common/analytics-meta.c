/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/analytics-meta.h"

#ifdef HAVE_GST_ANALYTICS
#include <dlfcn.h>
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

typedef void (*SetTag) (GstAnalyticsMtd *mtd, const char *tag);

/* GStreamer's from 1.30 on, whatever effvk was built with; or NULL. */
static SetTag
get_set_tag (void)
{
  static gsize looked_up;
  static SetTag set_tag;

  if (g_once_init_enter (&looked_up))
    {
      set_tag = (SetTag) dlsym (RTLD_DEFAULT, "gst_analytics_mtd_set_semantic_tag");
      g_once_init_leave (&looked_up, 1);
    }
  return set_tag;
}

/* As many quarks as the model has labels: they are never freed. */
static gboolean
add_descriptor (GstAnalyticsRelationMeta *meta, GstEffvkAnalytics *how, SetTag set_tag)
{
  guint n = effvk_model_get_n_classes (how->model);
  g_autofree gfloat *levels = g_new0 (gfloat, n);
  g_autofree GQuark *labels = g_new (GQuark, n);
  GstAnalyticsClsMtd cls;

  for (guint i = 0; i < n; i++)
    labels[i] = g_quark_from_string (effvk_model_get_label (how->model, i));
  if (!gst_analytics_relation_meta_add_cls_mtd (meta, n, levels, labels, &cls))
    return FALSE;
  set_tag ((GstAnalyticsMtd *) &cls, "class_descriptor");
  how->descriptor = cls.id;
  return TRUE;
}

static void
add_tag (GstAnalyticsRelationMeta *meta, GstEffvkAnalytics *how, GstAnalyticsClsMtd *cls)
{
  SetTag set_tag = get_set_tag ();

  if (!set_tag)
    return;
  set_tag ((GstAnalyticsMtd *) cls, effvk_model_get_name (how->model));
  if (how->descriptor != GST_EFFVK_OBJECT_NONE || add_descriptor (meta, how, set_tag))
    gst_analytics_relation_meta_set_relation (meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, cls->id,
                                              how->descriptor);
}

void
gst_effvk_analytics_attach (GstBuffer *buffer, GstEffvkAnalytics *how, EffvkResult *result, guint n,
                            const GstEffvkObject *object)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  guint od = GST_EFFVK_OBJECT_NONE;

  if (!meta)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  if (object)
    od = ensure_od (meta, object);
  for (guint i = 0; i < (how->alternatives ? n : MIN (n, 1)); i++)
    {
      gfloat level = effvk_result_get_score (result, i);
      GQuark label = g_quark_from_string (effvk_result_get_label (result, i));
      GstAnalyticsClsMtd cls;

      if (!gst_analytics_relation_meta_add_cls_mtd (meta, 1, &level, &label, &cls))
        return;
      add_tag (meta, how, &cls);
      if (od == GST_EFFVK_OBJECT_NONE)
        continue;
      /* GStreamer's overlay looks for the one relation, DL Streamer for the other; setting one
       * replaces what was set before. */
      gst_analytics_relation_meta_set_relation (
          meta, GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_CONTAIN, od, cls.id);
      gst_analytics_relation_meta_set_relation (
          meta, GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_IS_PART_OF, cls.id, od);
    }
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
gst_effvk_analytics_attach (GstBuffer *buffer, GstEffvkAnalytics *how, EffvkResult *result, guint n,
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

/* A buffer has one GstTensorMeta, which may have others' tensors already. */
void
gst_effvk_analytics_add_tensor (GstBuffer *buffer, GstTensor *tensor)
{
  GstTensorMeta *meta = gst_buffer_get_tensor_meta (buffer);
  gsize n = meta ? meta->num_tensors : 0;
  GstTensor **tensors = g_new (GstTensor *, n + 1);

  for (gsize i = 0; i < n; i++)
    tensors[i] = gst_tensor_copy (gst_tensor_meta_get (meta, i));
  tensors[n] = tensor;
  if (!meta)
    meta = gst_buffer_add_tensor_meta (buffer);
  gst_tensor_meta_set (meta, (guint) n + 1, tensors);
}

void
gst_effvk_analytics_attach_logits (GstBuffer *buffer, EffvkResult *const *results, guint n_results)
{
  GstBuffer *data;
  gsize dims[2] = { n_results, 0 };
  guint n;

  effvk_result_get_logits (results[0], &n);
  dims[1] = n;
  data = gst_buffer_new_allocate (NULL, dims[0] * dims[1] * sizeof (float), NULL);
  for (guint i = 0; i < n_results; i++)
    gst_buffer_fill (data, i * n * sizeof (float), effvk_result_get_logits (results[i], &n),
                     n * sizeof (float));
  gst_effvk_analytics_add_tensor (
      buffer, gst_tensor_new_simple (g_quark_from_static_string ("classification-generic-out"),
                                     GST_TENSOR_DATA_TYPE_FLOAT32, data,
                                     GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims));
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
