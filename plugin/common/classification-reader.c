/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/classification-reader.h"

#include "common/analytics-meta.h"
#include "common/classification-meta.h"

#include <gst/video/video.h>
#include <math.h>
#include <string.h>

/* The same label, as far as metadata in floats can tell. */
#define SCORE_WITHIN 1e-4

/* An array of @structure of that name, or NULL. */
static const GValue *
get_array (const GstStructure *structure, const char *name)
{
  const GValue *value = gst_structure_get_value (structure, name);

  return value && GST_VALUE_HOLDS_ARRAY (value) ? value : NULL;
}

static gboolean
read_area (const GValue *area, double *sides)
{
  for (guint i = 0; i < 4; i++)
    {
      const GValue *side = area && gst_value_array_get_size (area) == 4
                               ? gst_value_array_get_value (area, i)
                               : NULL;

      if (!side || !G_VALUE_HOLDS_DOUBLE (side) || !isfinite (g_value_get_double (side))
          || fabs (g_value_get_double (side)) > 100)
        return FALSE;
      sides[i] = g_value_get_double (side);
    }
  return sides[2] > 0 && sides[3] > 0;
}

static void
read_heatmap (const GstStructure *structure, GstEffvkClassification *seen)
{
  const GValue *cells = gst_structure_get_value (structure, "heatmap");
  GBytes *bytes = cells && G_VALUE_HOLDS (cells, G_TYPE_BYTES) ? g_value_get_boxed (cells) : NULL;
  guint width, height;

  if (!bytes || !gst_structure_get_uint (structure, "heatmap-width", &width)
      || !gst_structure_get_uint (structure, "heatmap-height", &height) || width == 0 || height == 0
      || width > 4096 || height > 4096
      || g_bytes_get_size (bytes) != (gsize) width * height * sizeof (float)
      || !read_area (get_array (structure, "heatmap-area"), seen->heatmap_area))
    return;
  g_clear_pointer (&seen->heatmap, g_bytes_unref);
  seen->heatmap = g_bytes_ref (bytes);
  seen->heatmap_width = width;
  seen->heatmap_height = height;
}

static void
read_arrays (const GstStructure *structure, GstEffvkClassification *seen)
{
  const GValue *labels = get_array (structure, "labels");
  const GValue *indices = get_array (structure, "indices");
  const GValue *scores = get_array (structure, "scores");
  guint n = labels && scores
                ? MIN (gst_value_array_get_size (labels), gst_value_array_get_size (scores))
                : 0;

  for (guint i = 0; i < n; i++)
    {
      const GValue *label = gst_value_array_get_value (labels, i);
      const GValue *score = gst_value_array_get_value (scores, i);
      const GValue *index = indices && i < gst_value_array_get_size (indices)
                                ? gst_value_array_get_value (indices, i)
                                : NULL;

      if (G_VALUE_HOLDS_STRING (label) && G_VALUE_HOLDS_DOUBLE (score))
        gst_effvk_classification_add (seen, g_value_get_string (label),
                                      index && G_VALUE_HOLDS_INT (index) ? g_value_get_int (index)
                                                                         : -1,
                                      g_value_get_double (score));
    }
  gst_structure_get_uint64 (structure, "age", &seen->age);
  read_heatmap (structure, seen);
}

static void
read_custom_object (const GstStructure *structure, const char *model, GPtrArray *all)
{
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();
  double x, y, width, height;

  if (!gst_structure_get_double (structure, "x", &x)
      || !gst_structure_get_double (structure, "y", &y)
      || !gst_structure_get_double (structure, "width", &width)
      || !gst_structure_get_double (structure, "height", &height)
      || !gst_effvk_classification_set_place (seen, x, y, width, height))
    return;
  seen->type = g_strdup (gst_structure_get_string (structure, "type"));
  seen->model = g_strdup (model);
  gst_structure_get_int64 (structure, "id", &seen->id);
  read_arrays (structure, seen);
  g_ptr_array_add (all, g_steal_pointer (&seen));
}

static void
read_custom (const GstStructure *structure, GPtrArray *all)
{
  const char *model = gst_structure_get_string (structure, "model");
  const GValue *objects = get_array (structure, "objects");

  if (gst_structure_has_field (structure, "labels"))
    {
      GstEffvkClassification *seen = gst_effvk_classification_new ();

      seen->model = g_strdup (model);
      read_arrays (structure, seen);
      g_ptr_array_add (all, seen);
    }
  for (guint i = 0; objects && i < gst_value_array_get_size (objects); i++)
    {
      const GValue *object = gst_value_array_get_value (objects, i);

      if (GST_VALUE_HOLDS_STRUCTURE (object) && gst_value_get_structure (object))
        read_custom_object (gst_value_get_structure (object), model, all);
    }
}

static gboolean
is_parameter_of_classes (const GstStructure *parameter)
{
  double confidence;

  return gst_structure_get_string (parameter, "label")
         && gst_structure_get_double (parameter, "confidence", &confidence)
         && !gst_structure_has_name (parameter, "detection");
}

/* Whether two parameters are classes of one model. */
static gboolean
is_of_one_model (const GstStructure *a, const GstStructure *b)
{
  return strcmp (gst_structure_get_name (a), gst_structure_get_name (b)) == 0
         && g_strcmp0 (gst_structure_get_string (a, "model_name"),
                       gst_structure_get_string (b, "model_name"))
                == 0;
}

/* A region without classes; NULL: there is nothing of it inside the picture. */
static GstEffvkClassification *
new_of_region (const GstVideoRegionOfInterestMeta *roi, guint width, guint height)
{
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();
  const char *type = g_quark_to_string (roi->roi_type);

  if (roi->x == 0 && roi->y == 0 && roi->w == width && roi->h == height
      && g_strcmp0 (type, "frame") == 0)
    return g_steal_pointer (&seen);
  if (!gst_effvk_classification_set_place (seen, (double) roi->x / width, (double) roi->y / height,
                                           (double) roi->w / width, (double) roi->h / height))
    return NULL;
  seen->type = g_strdup (type);
  for (GList *item = roi->params; item; item = item->next)
    {
      gint id;

      if (gst_structure_has_name (item->data, "detection"))
        gst_structure_get_double (item->data, "confidence", &seen->confidence);
      else if (gst_structure_has_name (item->data, "object_id")
               && gst_structure_get_int (item->data, "id", &id) && id > 0)
        seen->id = id;
    }
  return g_steal_pointer (&seen);
}

/* The classes of a region: one classification for each model that has some, or one without
 * classes. */
static void
read_region (const GstVideoRegionOfInterestMeta *roi, guint width, guint height, GPtrArray *all)
{
  const GstStructure *last = NULL;
  GstEffvkClassification *seen = NULL;

  for (GList *item = roi->params; item; item = item->next)
    {
      gint index = -1;
      double score;

      if (!is_parameter_of_classes (item->data))
        continue;
      if (!last || !is_of_one_model (last, item->data))
        {
          seen = new_of_region (roi, width, height);
          if (!seen)
            return;
          seen->model = g_strdup (gst_structure_get_string (item->data, "model_name"));
          g_ptr_array_add (all, seen);
        }
      last = item->data;
      gst_structure_get_int (last, "label_id", &index);
      gst_structure_get_double (last, "confidence", &score);
      gst_effvk_classification_add (seen, gst_structure_get_string (last, "label"), index, score);
    }
  if (!last && (seen = new_of_region (roi, width, height)))
    g_ptr_array_add (all, seen);
}

/* Whether two are about the same thing, whose rectangle one of them may have in whole pixels. */
static gboolean
is_of_same_thing (const GstEffvkClassification *a, const GstEffvkClassification *b, double dx,
                  double dy)
{
  if (a->whole || b->whole)
    return a->whole && b->whole;
  return g_strcmp0 (a->type, b->type) == 0 && fabs (a->x - b->x) <= dx && fabs (a->y - b->y) <= dy
         && fabs (a->width - b->width) <= dx && fabs (a->height - b->height) <= dy;
}

/* Whether the label of @b is among what @a says: elements attach their further classes by
 * themselves. */
static gboolean
says_same (const GstEffvkClassification *a, const GstEffvkClassification *b)
{
  const GstEffvkClass *label = gst_effvk_classification_get_label (b);

  if (!label || a->classes->len == 0) /* nothing is the same as anything */
    return TRUE;
  for (guint i = 0; i < a->classes->len; i++)
    {
      const GstEffvkClass *class = &g_array_index (a->classes, GstEffvkClass, i);

      if (strcmp (class->label, label->label) == 0
          && fabs (class->score - label->score) <= SCORE_WITHIN)
        return TRUE;
    }
  return FALSE;
}

/* Moves to the one that is kept what only the other knows. */
static void
enrich (GstEffvkClassification *kept, GstEffvkClassification *other)
{
  if (kept->classes->len == 0)
    {
      GArray *classes = kept->classes;

      kept->classes = other->classes;
      other->classes = classes;
    }
  if (kept->id < 0)
    kept->id = other->id;
  if (!isfinite (kept->confidence))
    kept->confidence = other->confidence;
  if (!kept->model)
    kept->model = g_steal_pointer (&other->model);
}

/* Whether the frame is said something of, or which object comes first, does not depend on the
 * order in which elements attached their metadata. */
static gint
compare_place (gconstpointer a, gconstpointer b)
{
  const GstEffvkClassification *one = *(GstEffvkClassification *const *) a,
                               *other = *(GstEffvkClassification *const *) b;

  return other->whole - one->whole;
}

static void
merge (GPtrArray *all, guint width, guint height)
{
  for (guint i = 0; i < all->len; i++)
    for (guint j = all->len - 1; j > i; j--)
      {
        GstEffvkClassification *kept = g_ptr_array_index (all, i),
                               *other = g_ptr_array_index (all, j);

        if (!is_of_same_thing (kept, other, 1.0 / width, 1.0 / height) || !says_same (kept, other))
          continue;
        enrich (kept, other);
        g_ptr_array_remove_index (all, j);
      }
}

GPtrArray *
gst_effvk_classifications_read (GstBuffer *buffer, guint width, guint height)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_classification_free);
  const GstMetaInfo *custom = gst_meta_get_info (GST_EFFVK_CLASSIFICATION_META);
  gpointer state = NULL;
  GstMeta *meta;

  if (width == 0 || height == 0)
    return all;
  while ((meta = gst_buffer_iterate_meta (buffer, &state)))
    if (meta->info == custom)
      read_custom (gst_custom_meta_get_structure ((GstCustomMeta *) meta), all);
  gst_effvk_analytics_read (buffer, all, width, height);
  state = NULL;
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    read_region ((GstVideoRegionOfInterestMeta *) meta, width, height, all);
  merge (all, width, height);
  g_ptr_array_sort (all, compare_place);
  return all;
}

const GstEffvkClassification *
gst_effvk_classifications_get_frame (const GPtrArray *seen)
{
  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);

      if (one->whole && one->classes->len > 0)
        return one;
    }
  return NULL;
}
