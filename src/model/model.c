/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model-private.h"

#include "model/default.h"
#include "model/file.h"
#include "model/fold.h"
#include "model/formats.h"
#include "model/labels.h"
#include "model/names/names.h"
#include "model/output.h"
#include "model/random.h"
#include "model/variants.h"

#include <string.h>

GQuark
effvk_model_error_quark (void)
{
  return g_quark_from_static_string ("effvk-model-error-quark");
}

G_DEFINE_FINAL_TYPE (EffvkModel, effvk_model, G_TYPE_OBJECT)

static void
effvk_model_finalize (GObject *object)
{
  EffvkModel *model = EFFVK_MODEL (object);

  g_clear_pointer (&model->layers, g_array_unref);
  effvk_arch_clear (&model->arch);
  effvk_safetensors_clear (&model->file);
  g_free (model->block_layers);
  g_free (model->taught.teaching);
  g_strfreev (model->labels);
  g_free (model->output);
  G_OBJECT_CLASS (effvk_model_parent_class)->finalize (object);
}

static void
effvk_model_class_init (EffvkModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_model_finalize;
}

static void
effvk_model_init (EffvkModel *model)
{
  model->file.fd = -1;
}

static void
index_layers (EffvkModel *model)
{
  guint block = 0;

  model->block_layers = g_new (guint, model->arch.blocks->len + 1);
  for (guint i = 1; i < model->layers->len; i++)
    {
      const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);
      if (layer->kind == EFFVK_LAYER_HEAD)
        model->block_layers[model->arch.blocks->len] = i;
      else if (layer->kind != EFFVK_LAYER_CLASSIFIER && layer->block == block)
        model->block_layers[block++] = i;
    }
}

#define MAX_CONFIG ((guint64) 16 << 20)

/* A folder that has its model in a form that is not read says so. */
static gboolean
check_folder (const char *path, const char *file, GError **error)
{
  static const char *const others[]
      = { "pytorch_model.bin", "model.pth", "model.pt", "model.h5", "model.keras" };

  if (g_file_test (file, G_FILE_TEST_EXISTS))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autofree char *other = g_build_filename (path, others[i], NULL);

      if (!g_file_test (other, G_FILE_TEST_EXISTS))
        continue;
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "%s: expected model.safetensors in the folder, found %s: effvk-convert %s %s",
                   path, others[i], other, file);
      return FALSE;
    }
  return TRUE;
}

/* Finds the model's file, also in a folder as timm's repositories have it. @config receives the
 * config.json beside it, or NULL when there is none or it is not about a model. */
static gboolean
locate (const char *path, char **file, GBytes **config, GError **error)
{
  gboolean folder = g_file_test (path, G_FILE_TEST_IS_DIR);
  g_autofree char *parent = folder ? g_strdup (path) : g_path_get_dirname (path);
  g_autofree char *beside = g_build_filename (parent, "config.json", NULL);
  gsize length;

  *file = folder ? g_build_filename (path, "model.safetensors", NULL) : g_strdup (path);
  *config = NULL;
  if (folder && !check_folder (path, *file, error))
    return FALSE;
  if (!g_file_test (beside, G_FILE_TEST_EXISTS))
    return TRUE;
  *config = effvk_file_read_all (beside, MAX_CONFIG, EFFVK_MODEL_ERROR_READ, error);
  if (!*config)
    {
      g_prefix_error (error, "%s: ", beside);
      return FALSE;
    }
  const char *text = g_bytes_get_data (*config, &length);
  if (!effvk_metadata_is_config (text ? text : "", length))
    g_clear_pointer (config, g_bytes_unref);
  return TRUE;
}

/* What tensors cannot say, from the least to the most important source. */
static gboolean
apply_metadata (EffvkModel *model, const char *member, GBytes *config, const char *overrides,
                GError **error)
{
  const EffvkMetadataTarget target = { .arch = &model->arch,
                                       .recipe = &model->recipe,
                                       .sources = &model->sources,
                                       .taught = &model->taught,
                                       .labels = &model->labels,
                                       .training = model->naming->training,
                                       .member = member };
  const char *metadata = model->file.recipe, *text = NULL;
  gsize length = 0;

  if (config)
    text = g_bytes_get_data (config, &length);
  return (!config
          || effvk_metadata_apply (&target, EFFVK_SOURCE_CONFIG, text ? text : "", length, error))
         && (!metadata
             || effvk_metadata_apply (&target, EFFVK_SOURCE_METADATA, metadata, strlen (metadata),
                                      error))
         && (!overrides
             || effvk_metadata_apply (&target, EFFVK_SOURCE_OVERRIDE, overrides, strlen (overrides),
                                      error));
}

/* What is known of how such weights are trained. A member of one source gets all of it. Another
 * structure gets what most of them have, and so does a member that timm trained several times. */
static void
set_sources (EffvkModel *model, const char *recognised)
{
  EffvkSources *s = &model->sources;
  gboolean known
      = recognised
        && (model->naming->training != EFFVK_TRAINING_TIMM || !effvk_variant_has_own (recognised));

  s->variant = recognised ? EFFVK_SOURCE_TENSORS : EFFVK_SOURCE_DEFAULT;
  if (model->arch.classes == 1) /* is a probability */
    s->output = EFFVK_SOURCE_TENSORS;
  if (!known)
    s->size = s->resize = s->crop = s->interpolation = s->antialias = s->mean = s->std = s->padding
        = s->bn_eps = EFFVK_SOURCE_ASSUMED;
}

/* From a read file to a checked model. */
static gboolean
build (EffvkModel *model, EffvkFormatFacts *facts, GBytes *config, const char *overrides,
       GError **error)
{
  const char *recognised;

  if (!effvk_arch_init_from_tensors (&model->arch, &model->layers, &recognised, &model->naming,
                                     &model->recipe, &model->file, error))
    return FALSE;
  set_sources (model, recognised);
  if (!effvk_format_facts_apply (facts, &model->arch, &model->recipe, &model->sources, error)
      || !apply_metadata (model, recognised, config, overrides, error)
      || !effvk_format_facts_check (facts, &model->arch, error)
      || (!facts->is_graph && model->sources.activation == EFFVK_SOURCE_DEFAULT
          && !effvk_arch_check_blocks (&model->arch, error))
      || !effvk_safetensors_read_data (&model->file, error))
    return FALSE;
  for (guint i = 0; i < model->layers->len; i++)
    if (!effvk_layer_check (&model->file, &g_array_index (model->layers, EffvkLayerInfo, i),
                            model->arch.bn_eps, error))
      return FALSE;
  model->output = g_steal_pointer (&facts->output);
  model->quantised = facts->quantised;
  effvk_format_facts_take_labels (facts, &model->labels, &model->sources);
  if (!model->labels)
    model->labels = effvk_labels_numbered (model->arch.classes);
  index_layers (model);
  return TRUE;
}

EffvkModel *
effvk_model_new_from_file (const char *path, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return effvk_model_new_with_overrides (path, NULL, error);
}

EffvkModel *
effvk_model_new_with_overrides (const char *path, const char *overrides, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkModel) model = g_object_new (EFFVK_TYPE_MODEL, NULL);
  g_auto (EffvkFormatFacts) facts = { 0 };
  g_autoptr (GBytes) config = NULL;
  g_autofree char *own = path ? NULL : effvk_default_model_path (&model->name);
  g_autofree char *file = NULL;
  g_autofree char *output = overrides ? effvk_metadata_find_output (overrides) : NULL;

  if (!locate (path ? path : own, &file, &config, error))
    return NULL;
  if (!effvk_formats_read_file (&model->file, &facts, file, output, error)
      || !build (model, &facts, config, overrides, error))
    {
      g_prefix_error (error, "%s: ", file);
      return NULL;
    }
  return g_steal_pointer (&model);
}

EffvkModel *
effvk_model_new_from_bytes (GBytes *bytes, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);
  g_return_val_if_fail (bytes != NULL, NULL);

  g_autoptr (EffvkModel) model = g_object_new (EFFVK_TYPE_MODEL, NULL);
  g_auto (EffvkFormatFacts) facts = { 0 };
  if (!effvk_formats_read_bytes (&model->file, &facts, bytes, error)
      || !build (model, &facts, NULL, NULL, error))
    return NULL;
  return g_steal_pointer (&model);
}

EffvkModel *
effvk_model_new_random (const char *variant, guint n_classes, guint32 seed, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);
  g_return_val_if_fail (variant != NULL, NULL);

  EffvkArch arch;
  EffvkRecipe recipe;
  g_autoptr (GBytes) bytes = NULL;

  if (n_classes < 1 || n_classes > 1000000)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_UNSUPPORTED,
                   "expected 1 to 1000000 classes, found %u", n_classes);
      return NULL;
    }
  if (!effvk_arch_init_variant (&arch, variant, n_classes)
      || !effvk_variant_training (variant, EFFVK_TRAINING_TORCHVISION, &recipe, &arch.padding,
                                  &arch.bn_eps))
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_UNSUPPORTED,
                   "expected a variant b0 to b8, l2, lite0 to lite4, v2-b0 to v2-b3, v2-s, v2-m, "
                   "v2-l, v2-xl, es, em, el or phi=NUMBER, found \"%s\"",
                   variant);
      return NULL;
    }
  bytes = effvk_random_file (&arch, &recipe, seed);
  effvk_arch_clear (&arch);
  if (!bytes)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "no memory for the weights of \"%s\"", variant);
      return NULL;
    }
  return effvk_model_new_from_bytes (bytes, error);
}

static gboolean
write_tensor (EffvkModel *model, const EffvkSafetensor *tensor, EffvkOutput *output, GError **error)
{
  float values[4096];

  for (guint64 first = 0; first < tensor->n; first += G_N_ELEMENTS (values))
    {
      gsize n = (gsize) MIN (tensor->n - first, G_N_ELEMENTS (values));
      effvk_safetensor_read (&model->file, tensor, first, n, values);
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
      for (gsize i = 0; i < n; i++)
        {
          guint32 bits;
          memcpy (&bits, &values[i], 4);
          bits = GUINT32_TO_LE (bits);
          memcpy (&values[i], &bits, 4);
        }
#endif
      if (!effvk_output_write (output, values, n * sizeof *values, error))
        return FALSE;
    }
  return TRUE;
}

/* The length and the header of the file, with torchvision's names. */
static GBytes *
make_header (EffvkModel *model)
{
  gboolean labelled = model->sources.labels != EFFVK_SOURCE_DEFAULT;
  g_autofree char *json = effvk_metadata_to_json (&model->arch, &model->recipe,
                                                  labelled ? model->labels : NULL, &model->taught);
  EffvkSafetensorsWriter writer;
  guint64 data_size, shape[4];

  effvk_safetensors_writer_init (&writer, json);
  for (guint i = 0; i < model->layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);
        if (!layer->parts[part])
          continue;
        g_autofree char *name = effvk_naming_torchvision.name (&model->arch, layer, part);
        guint rank = effvk_layer_part_shape (layer, part, shape);
        effvk_safetensors_writer_add (&writer, name, shape, rank);
      }
  return effvk_safetensors_writer_finish (&writer, &data_size);
}

static gboolean
write_layers (EffvkModel *model, EffvkOutput *output, GError **error)
{
  for (guint i = 0; i < model->layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);
        if (layer->parts[part] && !write_tensor (model, layer->parts[part], output, error))
          return FALSE;
      }
  return TRUE;
}

gboolean
effvk_model_save (EffvkModel *model, const char *path, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_MODEL (model) && path != NULL, FALSE);

  g_autoptr (GBytes) header = make_header (model);
  EffvkOutput output;

  if (!effvk_output_open (&output, path, error))
    return FALSE;
  if (!effvk_output_write (&output, g_bytes_get_data (header, NULL), g_bytes_get_size (header),
                           error)
      || !write_layers (model, &output, error))
    {
      effvk_output_abandon (&output);
      return FALSE;
    }
  return effvk_output_finish (&output, error);
}

gboolean
effvk_model_load_labels (EffvkModel *model, const char *path, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_MODEL (model) && path != NULL, FALSE);

  char **labels = effvk_labels_read (path, model->arch.classes, error);
  if (!labels)
    return FALSE;
  g_strfreev (model->labels);
  model->labels = labels;
  model->sources.labels = EFFVK_SOURCE_LABELS_FILE;
  return TRUE;
}

const char *
effvk_model_get_variant (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  return model->arch.variant;
}

const char *
effvk_model_get_name (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  return model->name ? model->name : model->arch.variant;
}

guint
effvk_model_get_n_classes (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), 0);
  return model->arch.classes;
}

const char *
effvk_model_get_label (EffvkModel *model, guint index)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  return index < model->arch.classes ? model->labels[index] : NULL;
}

double
effvk_model_get_unknown_threshold (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), 0);
  return model->taught.unknown_threshold;
}

const char *
effvk_model_get_teaching (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  return model->taught.teaching;
}

void
effvk_model_get_input_size (EffvkModel *model, guint *width, guint *height)
{
  g_return_if_fail (EFFVK_IS_MODEL (model));
  if (width)
    *width = model->arch.width;
  if (height)
    *height = model->arch.height;
}

guint
effvk_model_get_embedding_size (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), 0);
  return model->arch.head_out;
}

guint64
effvk_model_get_n_parameters (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), 0);
  return effvk_arch_n_parameters (&model->arch);
}

guint64
effvk_model_get_macs (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), 0);
  return effvk_arch_macs (&model->arch);
}

EffvkOutputActivation
effvk_model_get_output_activation (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), EFFVK_OUTPUT_ACTIVATION_AUTO);
  return model->arch.output;
}

const EffvkArch *
effvk_model_get_arch (EffvkModel *model)
{
  return &model->arch;
}

const EffvkRecipe *
effvk_model_get_recipe (EffvkModel *model)
{
  return &model->recipe;
}

void
effvk_weights_clear (EffvkWeights *weights)
{
  g_free (weights->weight);
  g_free (weights->bias);
  memset (weights, 0, sizeof *weights);
}

static const EffvkLayerInfo *
find_layer (EffvkModel *model, EffvkLayer layer, guint block)
{
  guint first, end, n_blocks = model->arch.blocks->len;

  if (layer == EFFVK_LAYER_STEM)
    return &g_array_index (model->layers, EffvkLayerInfo, 0);
  if (layer == EFFVK_LAYER_HEAD || layer == EFFVK_LAYER_CLASSIFIER)
    return &g_array_index (model->layers, EffvkLayerInfo,
                           model->block_layers[n_blocks] + (layer == EFFVK_LAYER_CLASSIFIER));
  g_return_val_if_fail (block < n_blocks, NULL);
  first = model->block_layers[block];
  end = model->block_layers[block + 1];
  for (guint i = first; i < end; i++)
    if (g_array_index (model->layers, EffvkLayerInfo, i).kind == layer)
      return &g_array_index (model->layers, EffvkLayerInfo, i);
  g_return_val_if_reached (NULL);
}

void
effvk_model_get_weights (EffvkModel *model, EffvkLayer layer, guint block, EffvkWeights *weights)
{
  const EffvkLayerInfo *info = find_layer (model, layer, block);

  memset (weights, 0, sizeof *weights);
  g_return_if_fail (info != NULL);
  effvk_layer_fold (&model->file, info, model->arch.bn_eps, weights);
}
