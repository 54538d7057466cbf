/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/tensor-caps.h"

#include "common/analytics-meta.h"

#if GST_CHECK_VERSION(1, 28, 0)

#define FIELD "tensors"
#define GROUP "classification-generic-out"

gboolean
gst_effvk_tensor_caps_exist (void)
{
  return gst_effvk_analytics_has_tensors ();
}

static void
append_int (GValue *array, guint number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, (int) number);
  gst_value_array_append_and_take_value (array, &value);
}

static GstCaps *
describe_tensor (const GstEffvkLogitsShape *shape)
{
  GstCaps *tensor
      = gst_caps_new_simple ("tensor/strided", "tensor-id", G_TYPE_STRING, GROUP, "dims-order",
                             G_TYPE_STRING, "row-major", "type", G_TYPE_STRING, "float32", NULL);
  GValue dims = G_VALUE_INIT;

  gst_value_array_init (&dims, 2);
  append_int (&dims, shape->rows);
  append_int (&dims, shape->classes);
  gst_caps_set_value (tensor, "dims", &dims);
  g_value_unset (&dims);
  return tensor;
}

/* A list of one tensor. */
static void
describe_group (const GstEffvkLogitsShape *shape, GValue *group)
{
  GValue tensor = G_VALUE_INIT;

  g_value_init (&tensor, GST_TYPE_CAPS);
  g_value_take_boxed (&tensor, describe_tensor (shape));
  g_value_init (group, GST_TYPE_UNIQUE_LIST);
  gst_value_unique_list_append_and_take_value (group, &tensor);
}

/* A copy of the groups that others have told of; or NULL. */
static GstStructure *
get_groups (const GstStructure *structure)
{
  GstStructure *groups = NULL;

  gst_structure_get (structure, FIELD, GST_TYPE_STRUCTURE, &groups, NULL);
  return groups;
}

static void
set_groups (GstStructure *structure, GstStructure *groups)
{
  gst_structure_set (structure, FIELD, GST_TYPE_STRUCTURE, groups, NULL);
  gst_structure_free (groups);
}

GstCaps *
gst_effvk_tensor_caps_add (GstCaps *caps, const GstEffvkLogitsShape *shape)
{
  if (shape->classes == 0 || gst_caps_is_any (caps))
    return caps;
  caps = gst_caps_make_writable (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    {
      GstStructure *structure = gst_caps_get_structure (caps, i);
      GstStructure *groups = get_groups (structure);
      GValue group = G_VALUE_INIT;

      if (!groups)
        groups = gst_structure_new_empty ("tensorgroups");
      describe_group (shape, &group);
      gst_structure_take_value (groups, GROUP, &group);
      set_groups (structure, groups);
    }
  return caps;
}

/* Takes the logits out of @structure. Returns whether there are others' tensors still. */
static gboolean
remove_group (GstStructure *structure)
{
  GstStructure *groups = get_groups (structure);
  gboolean left;

  if (!groups)
    return FALSE;
  gst_structure_remove_field (groups, GROUP);
  gst_structure_remove_field (structure, FIELD);
  left = gst_structure_n_fields (groups) > 0;
  if (left)
    set_groups (structure, groups);
  else
    gst_structure_free (groups);
  return left;
}

/* What needs no tensors comes first: a source takes the first that it can give, and a structure
 * with a field more counts as such. */
GstCaps *
gst_effvk_tensor_caps_remove (GstCaps *caps)
{
  GstCaps *first, *last;

  if (gst_caps_is_any (caps))
    return caps;
  first = gst_caps_new_empty ();
  last = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    {
      GstStructure *structure = gst_structure_copy (gst_caps_get_structure (caps, i));
      GstCapsFeatures *features = gst_caps_features_copy (gst_caps_get_features (caps, i));

      gst_caps_append_structure_full (remove_group (structure) ? last : first, structure, features);
    }
  gst_caps_unref (caps);
  gst_caps_append (first, last);
  return first;
}

#else

gboolean
gst_effvk_tensor_caps_exist (void)
{
  return FALSE;
}

GstCaps *
gst_effvk_tensor_caps_add (GstCaps *caps, const GstEffvkLogitsShape *shape)
{
  return caps;
}

GstCaps *
gst_effvk_tensor_caps_remove (GstCaps *caps)
{
  return caps;
}

#endif
