/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

#include <string.h>

/* Training code wraps a network, so that its tensors' names begin with "module." or "model.", or it
 * gives the classifier another name. Here all of them get the names of the scheme. */

#define MAX_NETWORKS 8

static const EffvkNaming *const schemes[] = { &effvk_naming_torchvision, &effvk_naming_timm,
                                              &effvk_naming_lukemelas, &effvk_naming_transformers };

typedef struct
{
  const EffvkNaming *naming;
  const char *name; /* of the landmark's tensor */
  gsize prefix;     /* bytes before the landmark in it */
} Network;

/* Whether @name is @landmark behind a prefix that ends in a dot, or behind none. */
static gboolean
has_landmark (const char *name, const char *landmark, gsize *prefix)
{
  if (!g_str_has_suffix (name, landmark))
    return FALSE;
  *prefix = strlen (name) - strlen (landmark);
  return *prefix == 0 || name[*prefix - 1] == '.';
}

static guint
find_networks (const EffvkSafetensors *file, Network found[MAX_NETWORKS])
{
  guint n = 0;

  for (guint i = 0; i < file->n_tensors; i++)
    for (guint k = 0; k < G_N_ELEMENTS (schemes) && n < MAX_NETWORKS; k++)
      if (has_landmark (file->tensors[i].name, schemes[k]->landmark, &found[n].prefix))
        {
          found[n].naming = schemes[k];
          found[n++].name = file->tensors[i].name;
        }
  return n;
}

static gboolean
refuse_unknown (const EffvkSafetensors *file, GError **error)
{
  g_autoptr (GString) landmarks = g_string_new (NULL);

  if (!file->first)
    return effvk_unsupported (error, "expected the tensors of an EfficientNet, found none");
  g_autofree char *text = effvk_safetensor_describe (file->first);
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    g_string_append_printf (landmarks, "%s\"%s\" (%s)", i ? " or " : "", schemes[i]->landmark,
                            schemes[i]->id);
  return effvk_unsupported (error,
                            "not an EfficientNet with known tensor names: expected %s among the "
                            "%u tensors, found none; the first is \"%s\", %s",
                            landmarks->str, file->n_tensors, file->first->name, text);
}

static gboolean
refuse_several (const Network *found, guint n, GError **error)
{
  g_autoptr (GString) prefixes = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (prefixes, "%s\"%.*s\"", i ? ", " : "", (int) found[i].prefix,
                            found[i].name);
  return effvk_unsupported (error,
                            "expected one network, found %u, whose tensors' names begin with %s: "
                            "effvk-convert --prefix PREFIX FILE OUT.safetensors takes one",
                            n, prefixes->str);
}

static void
rename_tensor (EffvkSafetensor *tensor, char *name)
{
  g_free (tensor->name);
  tensor->name = name;
}

/* Ends changes of names. */
static gboolean
sort (EffvkSafetensors *file, GError **error)
{
  const char *duplicate = effvk_safetensors_sort (file);

  return !duplicate
         || effvk_unsupported (error,
                               "expected one tensor \"%s\", found it with and without a "
                               "prefix",
                               duplicate);
}

static gboolean
strip_prefix (EffvkSafetensors *file, const Network *network, GError **error)
{
  g_autofree char *prefix = g_strndup (network->name, network->prefix);

  if (!*prefix)
    return TRUE;
  for (guint i = 0; i < file->n_tensors; i++)
    {
      EffvkSafetensor *tensor = &file->tensors[i];
      if (g_str_has_prefix (tensor->name, prefix))
        rename_tensor (tensor, g_strdup (tensor->name + strlen (prefix)));
    }
  file->prefix = g_steal_pointer (&prefix);
  return sort (file, error);
}

static gboolean
is_linear (const EffvkSafetensor *tensor, const EffvkNaming *naming)
{
  return tensor->rank == 2 && g_str_has_suffix (tensor->name, ".weight")
         && !g_str_has_prefix (tensor->name, naming->body);
}

static gboolean
refuse_head (const EffvkSafetensors *file, const EffvkNaming *naming, guint n, GError **error)
{
  g_autoptr (GString) layers = g_string_new (NULL);

  for (guint i = 0; i < file->n_tensors && layers->len < 300; i++)
    if (is_linear (&file->tensors[i], naming))
      {
        g_autofree char *text = effvk_safetensor_describe (&file->tensors[i]);
        g_string_append_printf (layers, "%s\"%s\" %s", layers->len ? ", " : "",
                                file->tensors[i].name, text);
      }
  return effvk_unsupported (error,
                            "expected one linear layer, the classifier, found a head of %u: %s; "
                            "effvk runs networks whose head is one",
                            n, layers->str);
}

/* No other layer of an EfficientNet is linear: the only one is the classifier. */
static gboolean
rename_classifier (EffvkSafetensors *file, const EffvkNaming *naming, GError **error)
{
  const EffvkArch none = { 0 };
  const EffvkLayerInfo layer = { .kind = EFFVK_LAYER_CLASSIFIER };
  g_autofree char *weight = naming->name (&none, &layer, EFFVK_PART_WEIGHT);
  g_autofree char *bias = naming->name (&none, &layer, EFFVK_PART_BIAS), *old_bias = NULL;
  EffvkSafetensor *linear = NULL;
  guint n = 0;

  for (guint i = 0; i < file->n_tensors; i++)
    if (is_linear (&file->tensors[i], naming))
      {
        linear = &file->tensors[i];
        n++;
      }
  if (n > 1)
    return refuse_head (file, naming, n, error);
  if (!linear || strcmp (linear->name, weight) == 0)
    return TRUE;
  old_bias = g_strdup_printf ("%.*sbias", (int) (strlen (linear->name) - strlen ("weight")),
                              linear->name);
  for (guint i = 0; i < file->n_tensors; i++)
    if (strcmp (file->tensors[i].name, old_bias) == 0)
      {
        rename_tensor (&file->tensors[i], g_steal_pointer (&bias));
        rename_tensor (linear, g_steal_pointer (&weight));
        return sort (file, error);
      }
  return effvk_unsupported (error,
                            "expected a tensor \"%s\" beside \"%s\", the classifier, found none",
                            old_bias, linear->name);
}

const EffvkNaming *
effvk_naming_settle (EffvkSafetensors *file, GError **error)
{
  Network found[MAX_NETWORKS];
  guint n = find_networks (file, found);

  if (n == 0 ? !refuse_unknown (file, error) : n > 1 && !refuse_several (found, n, error))
    return NULL;
  if (!strip_prefix (file, &found[0], error) || !rename_classifier (file, found[0].naming, error))
    return NULL;
  return found[0].naming;
}
