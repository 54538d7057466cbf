/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "base/half.h"
#include "model/json.h"
#include "model/model-private.h"
#include "model/random.h"

#define UNSUPPORTED EFFVK_MODEL_ERROR_UNSUPPORTED

static void
append_element (GByteArray *data, const char *dtype, float value)
{
  guint32 bits;
  guint16 half;

  memcpy (&bits, &value, 4);
  if (g_str_equal (dtype, "F32"))
    {
      bits = GUINT32_TO_LE (bits);
      g_byte_array_append (data, (guint8 *) &bits, 4);
      return;
    }
  half = g_str_equal (dtype, "F16") ? effvk_float_to_half (value) : (guint16) (bits >> 16);
  half = GUINT16_TO_LE (half);
  g_byte_array_append (data, (guint8 *) &half, 2);
}

/* How a file differs from the model's own. */
typedef struct
{
  const EffvkNaming *naming;
  const char *dtype;      /* NULL: F32 */
  const char *without;    /* the tensor of this name is left out */
  const char *prefix;     /* before all names */
  const char *classifier; /* what the classifier is called instead, without the prefix */
  const char *more;       /* "name":{…}, for tensors without data */
} Renaming;

static char *
rename_tensor (EffvkModel *model, const Renaming *r, const EffvkLayerInfo *layer, EffvkPart part)
{
  g_autofree char *name = r->naming->name (&model->arch, layer, part);

  if (layer->kind == EFFVK_LAYER_CLASSIFIER && r->classifier)
    return g_strdup_printf ("%s.%s", r->classifier, effvk_naming_leaf (part));
  return g_strconcat (r->prefix ? r->prefix : "", name, NULL);
}

/* The model's file with another scheme's names and type, and no metadata. */
static GBytes *
rename_tensors (EffvkModel *model, const Renaming *r)
{
  const char *dtype = r->dtype ? r->dtype : "F32";
  GString *header = g_string_new (r->more ? r->more : "{");
  g_autoptr (GByteArray) data = g_byte_array_new ();

  for (guint i = 0; i < model->layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);
        const EffvkSafetensor *tensor = layer->parts[part];
        guint begin = data->len;

        if (!tensor)
          continue;
        g_autofree char *name = rename_tensor (model, r, layer, part);
        g_autofree char *shape = effvk_shape_describe (tensor->shape, tensor->rank);
        g_autofree float *values = g_new (float, tensor->n);
        if (g_strcmp0 (name, r->without) == 0)
          continue;
        effvk_safetensor_read (&model->file, tensor, 0, tensor->n, values);
        if (g_str_equal (dtype, "F32") && G_BYTE_ORDER == G_LITTLE_ENDIAN)
          g_byte_array_append (data, (guint8 *) values, (guint) (tensor->n * sizeof *values));
        else
          for (guint64 k = 0; k < tensor->n; k++)
            append_element (data, dtype, values[k]);
        g_string_append_printf (header,
                                "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,"
                                "\"data_offsets\":[%u,%u]}",
                                header->len > 1 ? "," : "", name, dtype, shape, begin, data->len);
      }
  g_string_append_c (header, '}');

  g_autoptr (GByteArray) file = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64) header->len);
  g_byte_array_append (file, (guint8 *) &length, 8);
  g_byte_array_append (file, (guint8 *) header->str, (guint) header->len);
  g_byte_array_append (file, data->data, data->len);
  g_string_free (header, TRUE);
  return g_byte_array_free_to_bytes (g_steal_pointer (&file));
}

static EffvkModel *
load_renamed (EffvkModel *model, const EffvkNaming *naming, const char *dtype)
{
  const Renaming renaming = { .naming = naming, .dtype = dtype };
  g_autoptr (GBytes) bytes = rename_tensors (model, &renaming);
  GError *error = NULL;
  EffvkModel *renamed = effvk_model_new_from_bytes (bytes, &error);

  g_assert_no_error (error);
  g_assert_true (renamed->naming == naming);
  return renamed;
}

/* The same architecture and the same tensor for every part of every layer. */
static void
assert_same_network (EffvkModel *a, EffvkModel *b, double tolerance)
{
  g_assert_cmpmem (a->arch.blocks->data, a->arch.blocks->len * sizeof (EffvkBlock),
                   b->arch.blocks->data, b->arch.blocks->len * sizeof (EffvkBlock));
  g_assert_cmpuint (a->arch.head_out, ==, b->arch.head_out);
  g_assert_cmpuint (a->arch.classes, ==, b->arch.classes);
  g_assert_cmpint (a->arch.activation, ==, b->arch.activation);
  g_assert_cmpuint (a->layers->len, ==, b->layers->len);
  for (guint i = 0; i < a->layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkSafetensor *x = g_array_index (a->layers, EffvkLayerInfo, i).parts[part];
        const EffvkSafetensor *y = g_array_index (b->layers, EffvkLayerInfo, i).parts[part];
        if (!x)
          continue;
        g_autofree float *from = g_new (float, x->n), *to = g_new (float, x->n);
        effvk_safetensor_read (&a->file, x, 0, x->n, from);
        effvk_safetensor_read (&b->file, y, 0, x->n, to);
        if (tolerance == 0)
          g_assert_cmpmem (from, x->n * sizeof *from, to, x->n * sizeof *to);
        for (guint64 k = 0; k < x->n && tolerance > 0; k++)
          g_assert_cmpfloat_with_epsilon (from[k], to[k],
                                          tolerance * MAX (1e-3, ABS (from[k])) + 1e-30);
      }
}

static void
test_schemes (void)
{
  static const struct
  {
    const char *variant;
    const EffvkNaming *naming;
    const char *names[4]; /* that files of this source have */
  } rows[] = {
    { "b0", &effvk_naming_torchvision, { "features.1.0.block.1.fc1.weight", "classifier.1.bias" } },
    { "b0",
      &effvk_naming_timm,
      { "blocks.0.0.conv_pw.weight", "blocks.0.0.bn2.running_var", "blocks.5.3.se.conv_expand.bias",
        "blocks.6.0.bn3.weight" } },
    { "b0",
      &effvk_naming_lukemelas,
      { "_blocks.0._depthwise_conv.weight", "_blocks.15._se_reduce.bias",
        "_blocks.15._bn2.running_mean", "_fc.weight" } },
    { "b4", &effvk_naming_lukemelas, { "_blocks.31._project_conv.weight", "_bn1.running_var" } },
    { "lite0",
      &effvk_naming_timm,
      { "blocks.6.0.conv_pwl.weight", "bn2.running_mean", "conv_head.weight" } },
    { "lite0", &effvk_naming_lukemelas, { "_blocks.15._expand_conv.weight", "_conv_head.weight" } },
    { "v2-b0",
      &effvk_naming_timm,
      { "blocks.0.0.conv.weight", "blocks.0.0.bn1.bias", "blocks.1.0.conv_exp.weight",
        "blocks.3.0.se.conv_reduce.weight" } },
    { "v2-s", &effvk_naming_timm, { "blocks.0.1.conv.weight", "blocks.5.14.bn3.running_mean" } },
    { "es",
      &effvk_naming_timm,
      { "blocks.0.0.conv_exp.weight", "blocks.0.0.bn2.bias", "blocks.5.1.conv_dw.weight" } },
    { "em", &effvk_naming_torchvision, { "features.1.1.block.1.0.weight" } },
    { "b0",
      &effvk_naming_transformers,
      { "efficientnet.embeddings.batchnorm.running_mean",
        "efficientnet.encoder.blocks.1.expansion.expand_bn.weight",
        "efficientnet.encoder.blocks.0.depthwise_conv.depthwise_conv.weight",
        "efficientnet.encoder.blocks.15.squeeze_excite.reduce.bias" } },
    { "b3",
      &effvk_naming_transformers,
      { "efficientnet.encoder.blocks.25.projection.project_bn.bias",
        "efficientnet.encoder.top_conv.weight", "efficientnet.encoder.top_bn.weight",
        "classifier.weight" } },
    { "phi=-8", &effvk_naming_lukemelas, { "_blocks.6._bn0.weight" } },
    { "phi=0.5", &effvk_naming_lukemelas, { "_conv_stem.weight" } },
    { "phi=1.7", &effvk_naming_timm, { "conv_stem.weight" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s with the names of %s", rows[i].variant, rows[i].naming->id);
      g_autoptr (EffvkModel) model = effvk_model_new_random (rows[i].variant, 7, 1, NULL);
      g_autoptr (EffvkModel) renamed = load_renamed (model, rows[i].naming, "F32");

      assert_same_network (model, renamed, 0);
      for (guint k = 0; k < G_N_ELEMENTS (rows[i].names) && rows[i].names[k]; k++)
        if (!effvk_safetensors_lookup (&renamed->file, rows[i].names[k]))
          g_error ("no tensor \"%s\"", rows[i].names[k]);
      if (!g_str_has_prefix (rows[i].variant, "phi="))
        g_assert_cmpstr (effvk_model_get_variant (renamed), ==, effvk_model_get_variant (model));
    }
}

static void
test_types (void)
{
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-8", 7, 1, NULL);
  const EffvkNaming *const namings[]
      = { &effvk_naming_torchvision, &effvk_naming_timm, &effvk_naming_lukemelas };

  for (guint i = 0; i < G_N_ELEMENTS (namings); i++)
    {
      g_autoptr (EffvkModel) half = load_renamed (model, namings[i], "F16");
      g_autoptr (EffvkModel) brain = load_renamed (model, namings[i], "BF16");

      assert_same_network (model, half, 1.0 / 1024);
      assert_same_network (model, brain, 1.0 / 128);
    }
}

/* What the sources of the names are known to train with. */
static void
test_defaults (void)
{
  static const struct
  {
    const char *variant;
    const EffvkNaming *naming;
    EffvkPadding padding;
    double bn_eps;
    guint size, resize;
    float mean;
  } rows[] = {
    { "b2", &effvk_naming_torchvision, EFFVK_PADDING_SYMMETRIC, 1e-5, 288, 288, 0.485f },
    { "b2", &effvk_naming_timm, EFFVK_PADDING_SYMMETRIC, 1e-5, 260, 292, 0.485f },
    { "b2", &effvk_naming_lukemelas, EFFVK_PADDING_SAME, 1e-3, 260, 260, 0.485f },
    { "v2-b0", &effvk_naming_timm, EFFVK_PADDING_SAME, 1e-3, 224, 256, 0.485f },
    { "v2-s", &effvk_naming_torchvision, EFFVK_PADDING_SYMMETRIC, 1e-3, 384, 384, 0.485f },
    { "v2-s", &effvk_naming_timm, EFFVK_PADDING_SAME, 1e-3, 384, 384, 0.5f },
    { "lite0", &effvk_naming_timm, EFFVK_PADDING_SYMMETRIC, 1e-5, 224, 256, 0.485f },
    { "lite0", &effvk_naming_lukemelas, EFFVK_PADDING_SAME, 1e-3, 224, 224, 127.0f / 255 },
    { "b2", &effvk_naming_transformers, EFFVK_PADDING_SAME, 1e-3, 260, 260, 0.485f },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s of %s", rows[i].variant, rows[i].naming->id);
      g_autoptr (EffvkModel) model = effvk_model_new_random (rows[i].variant, 7, 1, NULL);
      g_autoptr (EffvkModel) renamed = load_renamed (model, rows[i].naming, "F16");

      g_assert_cmpint (renamed->arch.padding, ==, rows[i].padding);
      g_assert_cmpfloat (renamed->arch.bn_eps, ==, rows[i].bn_eps);
      g_assert_cmpuint (renamed->recipe.width, ==, rows[i].size);
      g_assert_cmpuint (renamed->recipe.resize_size, ==, rows[i].resize);
      g_assert_cmpfloat (renamed->recipe.mean[0], ==, rows[i].mean);
    }
}

static void
refuse_without (EffvkModel *model, const EffvkNaming *naming, const char *without,
                const char *const *words)
{
  const Renaming renaming = { .naming = naming, .without = without };
  g_autoptr (GBytes) bytes = rename_tensors (model, &renaming);
  GError *error = NULL;
  g_autoptr (EffvkModel) refused = effvk_model_new_from_bytes (bytes, &error);

  fixture_refused (refused != NULL, &error, UNSUPPORTED, words, without);
}

static void
test_refused (void)
{
  g_autoptr (EffvkModel) b = effvk_model_new_random ("phi=-8", 5, 1, NULL);
  g_autoptr (EffvkModel) edge = effvk_model_new_random ("es", 5, 1, NULL);

  refuse_without (b, &effvk_naming_timm, "conv_stem.weight",
                  WORDS ("features.0.0.weight", "conv_stem.weight", "_conv_stem.weight", "timm"));
  refuse_without (b, &effvk_naming_timm, "blocks.1.0.conv_dw.weight",
                  WORDS ("block 0 of stage 2", "depthwise", "found neither"));
  refuse_without (b, &effvk_naming_timm, "blocks.1.0.conv_pwl.weight",
                  WORDS ("blocks.1.0.conv_dw.weight", "expected"));
  refuse_without (b, &effvk_naming_timm, "blocks.2.0.se.conv_expand.weight",
                  WORDS ("blocks.2.0.se.conv_expand.weight", "found none"));
  refuse_without (b, &effvk_naming_timm, "bn2.running_mean", WORDS ("bn2.running_mean"));
  refuse_without (b, &effvk_naming_timm, "classifier.weight",
                  WORDS ("classifier.weight", "found none"));
  refuse_without (b, &effvk_naming_lukemelas, "_blocks.3._project_conv.weight",
                  WORDS ("block 3", "projection", "_blocks.3._depthwise_conv.weight"));
  refuse_without (b, &effvk_naming_lukemelas, "_fc.bias", WORDS ("_fc.bias", "[5]", "found none"));
  refuse_without (edge, &effvk_naming_timm, "blocks.0.0.conv_exp.weight",
                  WORDS ("block 0 of stage 1", "found neither"));
}

/* What training code puts before the names, and what it calls a classifier of its own. */
static void
test_wrapped (void)
{
  static const EffvkNaming *const namings[]
      = { &effvk_naming_torchvision, &effvk_naming_timm, &effvk_naming_lukemelas,
          &effvk_naming_transformers };
  static const char *const prefixes[]
      = { "module.", "model.", "timm_model.", "_orig_mod.", "backbone.", "net.model.module." };
  static const char *const classifiers[]
      = { "classifier", "classifier.0", "classifier.1.0", "fc", "head.fc" };
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-8", 7, 1, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (namings); i++)
    for (guint k = 0; k < G_N_ELEMENTS (prefixes) + G_N_ELEMENTS (classifiers); k++)
      {
        gboolean prefixed = k < G_N_ELEMENTS (prefixes);
        const Renaming renaming
            = { .naming = namings[i],
                .prefix = prefixes[prefixed ? k : 1],
                .classifier = prefixed ? NULL : classifiers[k - G_N_ELEMENTS (prefixes)] };
        g_autoptr (GBytes) bytes = rename_tensors (model, &renaming);
        g_autoptr (GError) error = NULL;
        g_autoptr (EffvkModel) wrapped = effvk_model_new_from_bytes (bytes, &error);

        g_assert_no_error (error);
        g_assert_true (wrapped->naming == namings[i]);
        assert_same_network (model, wrapped, 0);
        g_autofree char *json = effvk_model_inspect (wrapped);
        g_autofree char *said = g_strdup_printf ("\"prefix\": \"%s\"", renaming.prefix);
        g_assert_nonnull (strstr (json, said));
      }
}

static void
refuse_renamed (EffvkModel *model, const Renaming *renaming, const char *const *words)
{
  g_autoptr (GBytes) bytes = rename_tensors (model, renaming);
  GError *error = NULL;
  g_autoptr (EffvkModel) refused = effvk_model_new_from_bytes (bytes, &error);

  fixture_refused (refused != NULL, &error, UNSUPPORTED, words, words[0]);
}

#define EMPTY(name) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]}"

static void
test_wrapped_refused (void)
{
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-8", 7, 1, NULL);

  refuse_renamed (model,
                  &(Renaming){ .naming = &effvk_naming_timm,
                               .prefix = "model.",
                               .more = "{" EMPTY ("ema.conv_stem.weight") },
                  WORDS ("found 2", "\"model.\"", "\"ema.\"", "effvk-convert --prefix"));
  refuse_renamed (model,
                  &(Renaming){ .naming = &effvk_naming_torchvision,
                               .more = "{" EMPTY ("classifier.4.weight") },
                  WORDS ("a head of 2", "classifier.1.weight", "classifier.4.weight", "[0, 3]"));
  refuse_renamed (model,
                  &(Renaming){ .naming = &effvk_naming_timm,
                               .prefix = "model.",
                               .more = "{" EMPTY ("bn1.bias") },
                  WORDS ("bn1.bias", "with and without a prefix"));
}

/* Another network with tensors of the same names: without a name nothing tells its activation. */
static void
test_other_network (void)
{
  g_autoptr (EffvkModel) b0 = effvk_model_new_random ("phi=-8", 5, 1, NULL);
  EffvkArch arch;
  EffvkRecipe recipe = *effvk_model_get_recipe (b0);
  GError *error = NULL;

  effvk_arch_init_variant (&arch, "phi=-8", 5);
  for (guint i = 0; i < arch.blocks->len; i++) /* as mnasnet_100: 3, 3, 5, 5, 3, 5, 3 */
    {
      EffvkBlock *block = &g_array_index (arch.blocks, EffvkBlock, i);
      static const guint kernels[] = { 3, 3, 5, 5, 3, 5, 3 };
      block->kernel = kernels[block->stage - 1];
      block->squeezed = 0;
    }
  g_autoptr (GBytes) with = effvk_random_file (&arch, &recipe, 1);
  effvk_arch_clear (&arch);
  g_autoptr (EffvkModel) described = effvk_model_new_from_bytes (with, &error);
  g_assert_no_error (error);
  refuse_renamed (described, &(Renaming){ .naming = &effvk_naming_timm },
                  WORDS ("of stage 4", "expected a depthwise block of kernel 3",
                         "found a depthwise block of kernel 5", "another network", "--overrides"));

  char *path = fixture_path ("model.safetensors");
  g_autoptr (GBytes) bytes
      = rename_tensors (described, &(Renaming){ .naming = &effvk_naming_timm });
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
                                      (gssize) g_bytes_get_size (bytes), NULL));
  g_autoptr (EffvkModel) told
      = effvk_model_new_with_overrides (path, "{\"activation\": \"relu\"}", &error);
  g_assert_no_error (error);
  g_assert_cmpint (told->arch.activation, ==, EFFVK_ACTIVATION_RELU);
  fixture_remove (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/schemes", test_schemes);
  g_test_add_func ("/names/types", test_types);
  g_test_add_func ("/names/defaults", test_defaults);
  g_test_add_func ("/names/refused", test_refused);
  g_test_add_func ("/names/wrapped", test_wrapped);
  g_test_add_func ("/names/wrapped-refused", test_wrapped_refused);
  g_test_add_func ("/names/other-network", test_other_network);
  return g_test_run ();
}
