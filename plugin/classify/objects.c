/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/objects.h"

#include "common/analytics-meta.h"
#include "classify/regions.h"
#include "common/roi-meta.h"

GType
gst_effvk_inference_region_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_REGION_FULL_FRAME, "The whole frame is classified", "full-frame" },
    { GST_EFFVK_REGION_ROI_LIST,
      "Every object that a detector upstream has found: GstAnalytics' and regions of interest",
      "roi-list" },
    { GST_EFFVK_REGION_REGIONS, "The named regions alone", "regions" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstEffvkInferenceRegion", values));
  return type;
}

enum
{
  INFERENCE_REGION,
  OBJECT_CLASS,
  OBJECT_MIN_SIZE,
  OBJECT_MAX_SIZE,
  RECLASSIFY_INTERVAL,
  REGIONS,
};
G_STATIC_ASSERT (REGIONS == GST_EFFVK_OBJECTS_REGIONS);
G_STATIC_ASSERT (REGIONS + 1 == GST_EFFVK_OBJECTS_N_PROPERTIES);

void
gst_effvk_objects_install_properties (GObjectClass *object_class, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (object_class, first + INFERENCE_REGION,
                                   g_param_spec_enum ("inference-region", "Inference region",
                                                      "What is classified in a frame",
                                                      GST_EFFVK_TYPE_INFERENCE_REGION,
                                                      GST_EFFVK_REGION_FULL_FRAME, flags));
  g_object_class_install_property (
      object_class, first + OBJECT_CLASS,
      g_param_spec_string (
          "object-class", "Object class",
          "With inference-region=roi-list: classify only objects that the detector calls so. "
          "Several names are separated by commas. Unset: all objects",
          NULL, flags));
  g_object_class_install_property (
      object_class, first + OBJECT_MIN_SIZE,
      g_param_spec_uint ("object-min-size", "Object minimum size",
                         "Objects whose shorter side has fewer pixels than this are not classified",
                         0, G_MAXINT, 0, flags));
  g_object_class_install_property (
      object_class, first + OBJECT_MAX_SIZE,
      g_param_spec_uint (
          "object-max-size", "Object maximum size",
          "Objects whose longer side has more pixels than this are not classified. 0: no limit", 0,
          G_MAXINT, 0, flags));
  g_object_class_install_property (
      object_class, first + RECLASSIFY_INTERVAL,
      g_param_spec_uint ("reclassify-interval", "Reclassify interval",
                         "Classify an object that a tracker follows only in every n-th frame. In "
                         "between it keeps its classes. 0: classify it once",
                         0, G_MAXINT, 1, flags));
  g_object_class_install_property (
      object_class, first + REGIONS,
      g_param_spec_string (
          "regions", "Regions",
          "Named rectangles to classify in each frame, in addition to inference-region: "
          "NAME=X,Y,WIDTH,HEIGHT;... in shares of the picture, or in pixels with px",
          NULL, flags));
}

static void
set_regions (GstEffvkObjectOptions *options, const char *text)
{
  g_autoptr (GError) error = NULL;
  GArray *regions = gst_effvk_regions_parse (text, &error);

  g_clear_pointer (&options->regions_problem, g_free);
  if (!regions)
    {
      options->regions_problem = g_strdup (error->message);
      return;
    }
  g_clear_pointer (&options->regions, g_array_unref);
  options->regions = regions;
  g_free (options->regions_text);
  options->regions_text = g_strdup (text);
}

gboolean
gst_effvk_objects_set (GstEffvkObjectOptions *options, guint number, const GValue *value)
{
  switch (number)
    {
    case INFERENCE_REGION:
      options->region = (GstEffvkInferenceRegion) g_value_get_enum (value);
      return TRUE;
    case OBJECT_CLASS:
      g_free (options->classes);
      options->classes = g_value_dup_string (value);
      return TRUE;
    case OBJECT_MIN_SIZE:
      options->min_size = g_value_get_uint (value);
      return TRUE;
    case OBJECT_MAX_SIZE:
      options->max_size = g_value_get_uint (value);
      return TRUE;
    case RECLASSIFY_INTERVAL:
      options->interval = g_value_get_uint (value);
      return TRUE;
    case REGIONS:
      set_regions (options, g_value_get_string (value));
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
gst_effvk_objects_get (const GstEffvkObjectOptions *options, guint number, GValue *value)
{
  switch (number)
    {
    case INFERENCE_REGION:
      g_value_set_enum (value, options->region);
      return TRUE;
    case OBJECT_CLASS:
      g_value_set_string (value, options->classes);
      return TRUE;
    case OBJECT_MIN_SIZE:
      g_value_set_uint (value, options->min_size);
      return TRUE;
    case OBJECT_MAX_SIZE:
      g_value_set_uint (value, options->max_size);
      return TRUE;
    case RECLASSIFY_INTERVAL:
      g_value_set_uint (value, options->interval);
      return TRUE;
    case REGIONS:
      g_value_set_string (value, options->regions_text);
      return TRUE;
    default:
      return FALSE;
    }
}

void
gst_effvk_object_options_copy (const GstEffvkObjectOptions *options, GstEffvkObjectOptions *copy)
{
  *copy = *options;
  copy->classes = g_strdup (options->classes);
  copy->regions_text = copy->regions_problem = NULL; /* for the property only */
  if (copy->regions)
    g_array_ref (copy->regions);
}

void
gst_effvk_object_options_clear (GstEffvkObjectOptions *options)
{
  g_clear_pointer (&options->classes, g_free);
  g_clear_pointer (&options->regions_text, g_free);
  g_clear_pointer (&options->regions_problem, g_free);
  g_clear_pointer (&options->regions, g_array_unref);
}

static gboolean
is_same (const GstEffvkObject *a, const GstEffvkObject *b)
{
  return a->type == b->type && a->x == b->x && a->y == b->y && a->width == b->width
         && a->height == b->height;
}

/* DL Streamer's detector attaches both forms of an object. The first @n_detections objects are
 * those of GstAnalytics, the others regions of interest. */
static void
merge (GArray *objects, guint n_detections)
{
  for (guint i = 0; i < n_detections; i++)
    for (guint j = n_detections; j < objects->len; j++)
      {
        GstEffvkObject *detection = &g_array_index (objects, GstEffvkObject, i);
        GstEffvkObject *region = &g_array_index (objects, GstEffvkObject, j);

        if (!is_same (detection, region))
          continue;
        detection->roi = region->roi;
        if (detection->track < 0)
          detection->track = region->track;
        g_array_remove_index (objects, j);
        break;
      }
}

static gboolean
is_wanted (const GstEffvkObject *object, const GstEffvkObjectOptions *options, char **classes)
{
  const char *type = g_quark_to_string (object->type);

  return MIN (object->width, object->height) >= options->min_size
         && (options->max_size == 0 || MAX (object->width, object->height) <= options->max_size)
         && (!classes || (type && g_strv_contains ((const char *const *) classes, type)));
}

gboolean
gst_effvk_objects_are_wanted (const GstEffvkObjectOptions *options)
{
  return options->region != GST_EFFVK_REGION_FULL_FRAME
         || (options->regions && options->regions->len > 0);
}

gboolean
gst_effvk_objects_and_frame (const GstEffvkObjectOptions *options)
{
  return options->region == GST_EFFVK_REGION_FULL_FRAME;
}

/* What detectors have found. */
static void
find_detected (GArray *objects, GstBuffer *buffer, const GstEffvkObjectOptions *options,
               guint width, guint height, guint *ignored)
{
  guint n_detections;
  g_auto (GStrv) classes
      = options->classes && *options->classes ? g_strsplit (options->classes, ",", -1) : NULL;

  for (guint i = 0; classes && classes[i]; i++)
    g_strstrip (classes[i]);
  *ignored = gst_effvk_analytics_find (buffer, objects, width, height);
  n_detections = objects->len;
  *ignored += gst_effvk_roi_find (buffer, objects, width, height);
  merge (objects, n_detections);
  for (guint i = objects->len; i-- > 0;)
    if (!is_wanted (&g_array_index (objects, GstEffvkObject, i), options, classes))
      {
        g_array_remove_index (objects, i);
        (*ignored)++;
      }
}

GArray *
gst_effvk_objects_find (GstBuffer *buffer, const GstEffvkObjectOptions *options, guint width,
                        guint height, guint *ignored, guint *outside)
{
  GArray *objects = gst_effvk_objects_new ();

  *ignored = 0;
  if (options->region == GST_EFFVK_REGION_ROI_LIST)
    find_detected (objects, buffer, options, width, height, ignored);
  *outside = gst_effvk_regions_add (options->regions, objects, width, height);
  *ignored += *outside;
  return objects;
}

/* A region is there for good: it is classified again and again, also where a tracked object is
   once. */
static gboolean
is_due (GstEffvkTracks *tracks, const GstEffvkObject *object, guint interval)
{
  if (object->track == GST_EFFVK_NO_TRACK)
    return TRUE;
  return gst_effvk_tracks_is_due (tracks, object->track,
                                  object->track < 0 ? MAX (interval, 1) : interval);
}

EffvkRectangle *
gst_effvk_objects_plan (GArray *objects, GstEffvkTracks *tracks, EffvkModel *model, guint interval,
                        guint *n_due)
{
  EffvkRectangle *due = g_new (EffvkRectangle, objects->len);

  *n_due = 0;
  gst_effvk_tracks_lock (tracks);
  gst_effvk_tracks_next_frame (tracks, model);
  for (guint i = 0; i < objects->len; i++)
    {
      GstEffvkObject *object = &g_array_index (objects, GstEffvkObject, i);

      object->due = is_due (tracks, object, interval);
      if (object->due)
        due[(*n_due)++] = (EffvkRectangle){ object->x, object->y, object->width, object->height };
    }
  gst_effvk_tracks_unlock (tracks);
  return due;
}

guint
gst_effvk_objects_finish (GArray *objects, GPtrArray *results, GstEffvkTracks *tracks,
                          const GstEffvkSteady *steady, EffvkModel *model,
                          EffvkOutputActivation activation, GstClockTime time, guint top_k,
                          double threshold)
{
  guint n_due = 0, n_changed = 0;
  gboolean current;

  gst_effvk_tracks_lock (tracks);
  current = gst_effvk_tracks_is_of (tracks, model);
  for (guint i = 0; i < objects->len; i++)
    {
      GstEffvkObject *object = &g_array_index (objects, GstEffvkObject, i);
      g_autoptr (EffvkSmoother) own = NULL; /* of an object that is seen once */
      GstEffvkTrack *track = current && object->track != GST_EFFVK_NO_TRACK
                                 ? gst_effvk_tracks_get (tracks, object->track)
                                 : NULL;

      if (object->due)
        object->result = effvk_result_ref (g_ptr_array_index (results, n_due++));
      if (object->result && effvk_result_get_n_classes (object->result) > 0)
        {
          object->changed = gst_effvk_steady_apply (steady, track ? &track->smoother : &own, model,
                                                    activation, &object->result, time);
          if (track)
            {
              g_clear_pointer (&track->result, effvk_result_unref);
              track->result = effvk_result_ref (object->result);
              track->time = time;
            }
        }
      else if (object->due)
        {
          if (track && !track->result) /* the answer was none: it is asked about again */
            track->classified = 0;
        }
      else if (track && track->result)
        {
          object->result = effvk_result_ref (track->result);
          object->age = time - track->time;
        }
      object->n = object->result ? gst_effvk_steady_count (object->result, top_k, threshold) : 0;
      n_changed += object->changed;
    }
  gst_effvk_tracks_unlock (tracks);
  return n_changed;
}
