/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/nearest.h"

#include <effvk/effvk-class-filter.h>
#include <math.h>
#include <string.h>

struct _EffvkClassFilter
{
  GObject parent_instance;

  EffvkModel *model;
  guint n_classes;
  double *least; /* the score from which on each class counts; NAN: it never does */
};

G_DEFINE_FINAL_TYPE (EffvkClassFilter, effvk_class_filter, G_TYPE_OBJECT)

#define refuse(error, ...)                                                                         \
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS, __VA_ARGS__)

static void
effvk_class_filter_finalize (GObject *object)
{
  EffvkClassFilter *filter = EFFVK_CLASS_FILTER (object);

  g_clear_object (&filter->model);
  g_free (filter->least);
  G_OBJECT_CLASS (effvk_class_filter_parent_class)->finalize (object);
}

static void
effvk_class_filter_class_init (EffvkClassFilterClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_class_filter_finalize;
}

static void
effvk_class_filter_init (EffvkClassFilter *filter G_GNUC_UNUSED)
{
}

/* The items of a list, without the space around them. A comma behind a backslash is part of one. */
static GPtrArray *
split (const char *list)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) item = g_string_new (NULL);

  for (const char *at = list ? list : "";; at++)
    {
      if (*at == '\\' && at[1] == ',')
        g_string_append_c (item, *++at);
      else if (*at && *at != ',')
        g_string_append_c (item, *at);
      else
        {
          char *text = g_strstrip (g_strdup (item->str));

          if (*text)
            g_ptr_array_add (items, text);
          else
            g_free (text);
          g_string_truncate (item, 0);
          if (!*at)
            return items;
        }
    }
}

static gboolean
refuse_class (const EffvkClassFilter *filter, const char *list, const char *name, GError **error)
{
  g_autofree const char **labels = g_new (const char *, filter->n_classes);
  const char *nearest;

  for (guint i = 0; i < filter->n_classes; i++)
    labels[i] = effvk_model_get_label (filter->model, i);
  nearest = effvk_nearest (name, labels, filter->n_classes);
  if (nearest)
    refuse (error, "%s: the model has no class \"%s\"; did you mean \"%s\"?", list, name, nearest);
  else
    refuse (error, "%s: the model has no class \"%s\"; expected a label or an index from 0 to %u",
            list, name, filter->n_classes - 1);
  return FALSE;
}

/* Marks the classes that @name means. */
static gboolean
find (const EffvkClassFilter *filter, const char *list, const char *name, gboolean *marks,
      GError **error)
{
  gboolean found = FALSE;
  guint64 index;

  for (guint i = 0; i < filter->n_classes; i++)
    if (strcmp (effvk_model_get_label (filter->model, i), name) == 0)
      found = marks[i] = TRUE;
  if (!found && g_ascii_string_to_unsigned (name, 10, 0, filter->n_classes - 1, &index, NULL))
    found = marks[index] = TRUE;
  return found || refuse_class (filter, list, name, error);
}

static gboolean *
find_all (const EffvkClassFilter *filter, const char *list, const GPtrArray *names, GError **error)
{
  g_autofree gboolean *marks = g_new0 (gboolean, filter->n_classes);

  for (guint i = 0; i < names->len; i++)
    if (!find (filter, list, g_ptr_array_index (names, i), marks, error))
      return NULL;
  return g_steal_pointer (&marks);
}

/* The lists @allow and @deny. */
static gboolean
choose (EffvkClassFilter *filter, const char *allow, const char *deny, GError **error)
{
  g_autoptr (GPtrArray) only = split (allow), never = split (deny);
  g_autofree gboolean *allowed = find_all (filter, "allow", only, error), *denied = NULL;
  gboolean left = FALSE;

  denied = allowed ? find_all (filter, "deny", never, error) : NULL;
  if (!denied)
    return FALSE;
  for (guint i = 0; i < filter->n_classes; i++)
    {
      gboolean counts = (only->len == 0 || allowed[i]) && !denied[i];

      filter->least[i] = counts ? -INFINITY : (double) NAN;
      left |= counts;
    }
  if (!left)
    refuse (error, "deny: no class is left; expected one at least that is allowed and not denied");
  return left;
}

/* "cat=0.4" */
static gboolean
set_threshold (EffvkClassFilter *filter, const char *item, gboolean *seen, GError **error)
{
  g_autofree gboolean *marks = g_new0 (gboolean, filter->n_classes);
  const char *equals = strrchr (item, '=');
  g_autofree char *name = equals ? g_strndup (item, (gsize) (equals - item)) : NULL;
  char *end = NULL;
  double least = equals ? g_ascii_strtod (equals + 1, &end) : (double) NAN;

  if (!equals || end == equals + 1 || *end || !isfinite (least))
    {
      refuse (error, "class thresholds: \"%s\": expected CLASS=SCORE, such as cat=0.4", item);
      return FALSE;
    }
  if (!find (filter, "class thresholds", g_strstrip (name), marks, error))
    return FALSE;
  for (guint i = 0; i < filter->n_classes; i++)
    {
      if (marks[i] && seen[i])
        {
          refuse (error, "class thresholds: \"%s\": this class has two", item);
          return FALSE;
        }
      seen[i] |= marks[i];
      if (marks[i] && !isnan (filter->least[i]))
        filter->least[i] = least;
    }
  return TRUE;
}

static gboolean
set_thresholds (EffvkClassFilter *filter, const char *thresholds, GError **error)
{
  g_autoptr (GPtrArray) items = split (thresholds);
  g_autofree gboolean *seen = g_new0 (gboolean, filter->n_classes);

  for (guint i = 0; i < items->len; i++)
    if (!set_threshold (filter, g_ptr_array_index (items, i), seen, error))
      return FALSE;
  return TRUE;
}

EffvkClassFilter *
effvk_class_filter_new (EffvkModel *model, const char *allow, const char *deny,
                        const char *thresholds, GError **error)
{
  g_autoptr (EffvkClassFilter) filter = NULL;

  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  filter = g_object_new (EFFVK_TYPE_CLASS_FILTER, NULL);
  filter->model = g_object_ref (model);
  filter->n_classes = effvk_model_get_n_classes (model);
  filter->least = g_new (double, filter->n_classes);
  if (!choose (filter, allow, deny, error) || !set_thresholds (filter, thresholds, error))
    return NULL;
  return g_steal_pointer (&filter);
}

EffvkModel *
effvk_class_filter_get_model (EffvkClassFilter *filter)
{
  g_return_val_if_fail (EFFVK_IS_CLASS_FILTER (filter), NULL);

  return filter->model;
}

gboolean
effvk_class_filter_passes (EffvkClassFilter *filter, guint index, double score)
{
  g_return_val_if_fail (EFFVK_IS_CLASS_FILTER (filter), FALSE);

  return index < filter->n_classes && score >= filter->least[index]; /* nothing is >= NAN */
}
