/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model-private.h"

#include <string.h>

#define CHUNK 4096

/* Floats as files have them, on any machine. */
static void
append_floats (GByteArray *out, const float *values, gsize n)
{
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  g_byte_array_append (out, (const guint8 *) values, (guint) (n * sizeof *values));
#else
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits;

      memcpy (&bits, &values[i], sizeof bits);
      bits = GUINT32_TO_LE (bits);
      g_byte_array_append (out, (const guint8 *) &bits, sizeof bits);
    }
#endif
}

static void
append_tensor (GByteArray *out, const EffvkSafetensors *file, const EffvkSafetensor *tensor)
{
  float values[CHUNK];

  for (guint64 first = 0; first < tensor->n; first += CHUNK)
    {
      gsize n = (gsize) MIN (tensor->n - first, CHUNK);

      effvk_safetensor_read (file, tensor, first, n, values);
      append_floats (out, values, n);
    }
}

static void
append_layer (GByteArray *out, EffvkModel *model, const EffvkLayerInfo *layer,
              const EffvkNewClassifier *classifier)
{
  if (layer->kind == EFFVK_LAYER_CLASSIFIER)
    {
      append_floats (out, classifier->weight, (gsize) layer->in * classifier->n_classes);
      append_floats (out, classifier->bias, classifier->n_classes);
      return;
    }
  for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
    if (layer->parts[part])
      append_tensor (out, &model->file, layer->parts[part]);
}

static void
add_layer (EffvkSafetensorsWriter *writer, const EffvkArch *arch, const EffvkLayerInfo *layer)
{
  guint64 shape[4];

  for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
    if (layer->parts[part])
      {
        g_autofree char *name = effvk_naming_torchvision.name (arch, layer, part);
        guint rank = effvk_layer_part_shape (layer, part, shape);

        effvk_safetensors_writer_add (writer, name, shape, rank);
      }
}

EffvkModel *
effvk_model_new_with_classifier (EffvkModel *backbone, const EffvkNewClassifier *classifier,
                                 GError **error)
{
  EffvkArch arch = backbone->arch; /* shares what it points to */
  const EffvkTaught taught = { classifier->unknown_threshold, (char *) classifier->teaching };
  g_autofree char *json = NULL;
  g_autoptr (GBytes) header = NULL, bytes = NULL;
  EffvkSafetensorsWriter writer;
  GByteArray *file;
  guint64 size;

  arch.classes = classifier->n_classes;
  arch.output = classifier->output;
  json = effvk_metadata_to_json (&arch, &backbone->recipe, (char **) classifier->labels, &taught);
  effvk_safetensors_writer_init (&writer, json);
  for (guint i = 0; i < backbone->layers->len; i++)
    {
      EffvkLayerInfo layer = g_array_index (backbone->layers, EffvkLayerInfo, i);

      if (layer.kind == EFFVK_LAYER_CLASSIFIER)
        layer.out = classifier->n_classes;
      add_layer (&writer, &arch, &layer);
    }
  header = effvk_safetensors_writer_finish (&writer, &size);
  if (size + g_bytes_get_size (header) > G_MAXUINT)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_UNSUPPORTED,
                   "a model of %" G_GUINT64_FORMAT " bytes is too large", size);
      return NULL;
    }
  file = g_byte_array_sized_new ((guint) (size + g_bytes_get_size (header)));
  g_byte_array_append (file, g_bytes_get_data (header, NULL), (guint) g_bytes_get_size (header));
  for (guint i = 0; i < backbone->layers->len; i++)
    append_layer (file, backbone, &g_array_index (backbone->layers, EffvkLayerInfo, i), classifier);
  bytes = g_byte_array_free_to_bytes (file);
  return effvk_model_new_from_bytes (bytes, error);
}

char *
effvk_model_describe_backbone (EffvkModel *model)
{
  const EffvkRecipe *recipe = &model->recipe;
  g_autoptr (GChecksum) digest = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GByteArray) tensor = g_byte_array_new ();
  g_autofree char *prepared
      = g_strdup_printf ("%u %u %u %d %d %d %d %d %d %.9g", recipe->width, recipe->height,
                         recipe->resize_size, recipe->interpolation, recipe->antialias,
                         recipe->crop_mode, recipe->eight_bits, model->arch.padding,
                         model->arch.activation, model->arch.bn_eps);

  g_checksum_update (digest, (const guchar *) prepared, -1);
  append_floats (tensor, recipe->mean, 3);
  append_floats (tensor, recipe->std, 3);
  for (guint i = 0; i < model->layers->len; i++)
    {
      const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);

      if (layer->kind != EFFVK_LAYER_CLASSIFIER)
        append_layer (tensor, model, layer, NULL);
      g_checksum_update (digest, tensor->data, tensor->len);
      g_byte_array_set_size (tensor, 0);
    }
  return g_strdup (g_checksum_get_string (digest));
}
