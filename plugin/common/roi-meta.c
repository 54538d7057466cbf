/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/roi-meta.h"

#include <gst/video/video.h>

static GstVideoRegionOfInterestMeta *
find_roi (GstBuffer *buffer, guint number)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    if (number-- == 0)
      return (GstVideoRegionOfInterestMeta *) meta;
  return NULL;
}

guint
gst_effvk_roi_find (GstBuffer *buffer, GArray *objects, guint width, guint height)
{
  guint number = 0, outside = 0;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    {
      GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
      GstEffvkObject *object
          = gst_effvk_objects_add (objects, width, height, roi->x, roi->y, roi->w, roi->h);
      GstStructure *parameter;
      double confidence;
      gint id;

      number++;
      outside += !object;
      if (!object)
        continue;
      object->roi = number - 1;
      object->type = roi->roi_type;
      parameter = gst_video_region_of_interest_meta_get_param (roi, "detection");
      if (parameter && gst_structure_get_double (parameter, "confidence", &confidence))
        object->confidence = (float) confidence;
      parameter = gst_video_region_of_interest_meta_get_param (roi, "object_id");
      if (parameter && gst_structure_get_int (parameter, "id", &id) && id > 0)
        object->track = id;
    }
  return outside;
}

static GstVideoRegionOfInterestMeta *
ensure_roi (GstBuffer *buffer, const GstEffvkObject *object)
{
  GstVideoRegionOfInterestMeta *roi
      = object->roi == GST_EFFVK_OBJECT_NONE ? NULL : find_roi (buffer, object->roi);

  if (roi)
    return roi;
  return gst_buffer_add_video_region_of_interest_meta_id (
      buffer, object->type ? object->type : g_quark_from_static_string ("object"), object->x,
      object->y, object->width, object->height);
}

void
gst_effvk_roi_attach (GstBuffer *buffer, EffvkModel *model, EffvkResult *result, guint n,
                      const GstEffvkObject *object, guint width, guint height)
{
  GstVideoRegionOfInterestMeta *roi
      = object
            ? ensure_roi (buffer, object)
            : gst_buffer_add_video_region_of_interest_meta (buffer, "frame", 0, 0, width, height);

  for (guint i = 0; i < n; i++)
    gst_video_region_of_interest_meta_add_param (
        roi, gst_structure_new ("classification", "label", G_TYPE_STRING,
                                effvk_result_get_label (result, i), "label_id", G_TYPE_INT,
                                (int) effvk_result_get_index (result, i), "confidence",
                                G_TYPE_DOUBLE, (double) effvk_result_get_score (result, i),
                                "model_name", G_TYPE_STRING, effvk_model_get_name (model), NULL));
}
