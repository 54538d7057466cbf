/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/filter.h"

enum
{
  ALLOW,
  DENY,
  CLASS_THRESHOLDS,
};
G_STATIC_ASSERT (CLASS_THRESHOLDS + 1 == GST_EFFVK_FILTER_N_PROPERTIES);

struct _GstEffvkFilter
{
  GMutex lock;
  char *lists[GST_EFFVK_FILTER_N_PROPERTIES];
  EffvkModel *asked;         /* the last model that came to be told of, since a list was set */
  EffvkModel *model;         /* that classes are of */
  EffvkClassFilter *classes; /* NULL: all of them count */
};

GstEffvkFilter *
gst_effvk_filter_new (void)
{
  GstEffvkFilter *filter = g_new0 (GstEffvkFilter, 1);

  g_mutex_init (&filter->lock);
  return filter;
}

void
gst_effvk_filter_free (GstEffvkFilter *filter)
{
  for (guint i = 0; i < G_N_ELEMENTS (filter->lists); i++)
    g_free (filter->lists[i]);
  g_clear_object (&filter->asked);
  g_clear_object (&filter->model);
  g_clear_object (&filter->classes);
  g_mutex_clear (&filter->lock);
  g_free (filter);
}

void
gst_effvk_filter_install_properties (GObjectClass *object_class, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (
      object_class, first + ALLOW,
      g_param_spec_string ("allow", "Allow",
                           "Only these classes count: labels or indices, separated by commas. A "
                           "comma in a label is written \\,. Unset: all classes",
                           NULL, flags));
  g_object_class_install_property (
      object_class, first + DENY,
      g_param_spec_string ("deny", "Deny",
                           "These classes do not count, even if allow names them: labels or "
                           "indices, separated by commas",
                           NULL, flags));
  g_object_class_install_property (
      object_class, first + CLASS_THRESHOLDS,
      g_param_spec_string ("class-thresholds", "Class thresholds",
                           "The score from which on a class counts, for instance "
                           "cat=0.4,dog=0.7. Where no class counts, the label is \"unknown\"",
                           NULL, flags));
}

gboolean
gst_effvk_filter_set (GstEffvkFilter *filter, guint number, const GValue *value)
{
  if (number >= GST_EFFVK_FILTER_N_PROPERTIES)
    return FALSE;
  g_mutex_lock (&filter->lock);
  g_free (filter->lists[number]);
  filter->lists[number] = g_value_dup_string (value);
  g_clear_object (&filter->asked);
  g_mutex_unlock (&filter->lock);
  return TRUE;
}

gboolean
gst_effvk_filter_get (GstEffvkFilter *filter, guint number, GValue *value)
{
  if (number >= GST_EFFVK_FILTER_N_PROPERTIES)
    return FALSE;
  g_mutex_lock (&filter->lock);
  g_value_set_string (value, filter->lists[number]);
  g_mutex_unlock (&filter->lock);
  return TRUE;
}

/* Under the lock. NULL without an error: all classes count. */
static EffvkClassFilter *
make (GstEffvkFilter *filter, EffvkModel *model, GError **error)
{
  char **lists = filter->lists;
  gboolean any = FALSE;

  for (guint i = 0; i < GST_EFFVK_FILTER_N_PROPERTIES; i++)
    any |= lists[i] && *lists[i];
  return any ? effvk_class_filter_new (model, lists[ALLOW], lists[DENY], lists[CLASS_THRESHOLDS],
                                       error)
             : NULL;
}

gboolean
gst_effvk_filter_check (GstEffvkFilter *filter, EffvkModel *model, GError **error)
{
  g_autoptr (EffvkClassFilter) classes = NULL;
  GError *problem = NULL;

  g_mutex_lock (&filter->lock);
  classes = make (filter, model, &problem);
  g_mutex_unlock (&filter->lock);
  if (problem)
    g_propagate_error (error, problem);
  return !problem;
}

/* Under the lock. */
static void
take_lists (GstEffvkFilter *filter, EffvkModel *model, gboolean *changed, GError **error)
{
  GError *problem = NULL;
  g_autoptr (EffvkClassFilter) made = make (filter, model, &problem);

  if (problem)
    {
      g_propagate_error (error, problem);
      return;
    }
  *changed = made || filter->classes;
  g_set_object (&filter->classes, made);
  g_set_object (&filter->model, model);
}

gboolean
gst_effvk_filter_update (GstEffvkFilter *filter, EffvkModel *model, gboolean *changed,
                         GError **error)
{
  gboolean suits;

  *changed = FALSE;
  g_mutex_lock (&filter->lock);
  if (g_set_object (&filter->asked, model))
    take_lists (filter, model, changed, error);
  suits = filter->model == model;
  g_mutex_unlock (&filter->lock);
  return suits;
}

EffvkClassFilter *
gst_effvk_filter_get_classes (GstEffvkFilter *filter)
{
  return filter->classes; /* one thread writes it */
}
