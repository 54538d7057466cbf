/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "base/half.h"
#include "model/json.h"
#include "model/model-private.h"

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

/* The model's file with another scheme's names and type, and no metadata. The tensor named @without
 * is left out. */
static GBytes *
rename_tensors (EffvkModel *model, const EffvkNaming *naming, const char *dtype,
                const char *without)
{
  GString *header = g_string_new ("{");
  g_autoptr (GByteArray) data = g_byte_array_new ();

  for (guint i = 0; i < model->layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (model->layers, EffvkLayerInfo, i);
        const EffvkSafetensor *tensor = layer->parts[part];
        guint begin = data->len;

        if (!tensor)
          continue;
        g_autofree char *name = naming->name (&model->arch, layer, part);
        g_autofree char *shape = effvk_shape_describe (tensor->shape, tensor->rank);
        g_autofree float *values = g_new (float, tensor->n);
        if (g_strcmp0 (name, without) == 0)
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
  g_autoptr (GBytes) bytes = rename_tensors (model, naming, dtype, NULL);
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
  g_autoptr (GBytes) bytes = rename_tensors (model, naming, "F32", without);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/schemes", test_schemes);
  g_test_add_func ("/names/types", test_types);
  g_test_add_func ("/names/defaults", test_defaults);
  g_test_add_func ("/names/refused", test_refused);
  return g_test_run ();
}
