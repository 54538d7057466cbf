/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "model/model.h"

#include <json-glib/json-glib.h>
#include <math.h>

#define INVALID EFFVK_MODEL_ERROR_INVALID
#define UNSUPPORTED EFFVK_MODEL_ERROR_UNSUPPORTED

/* The bytes of a small random model, saved: what the hostile tests damage. */
static GBytes *
saved_model (const char *variant)
{
  GError *error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random (variant, 5, 1, &error);
  char *path = fixture_path ("model.safetensors"), *contents;
  gsize size;

  g_assert_no_error (error);
  g_assert_true (effvk_model_save (model, path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  fixture_remove (path);
  return g_bytes_new_take (contents, size);
}

static GBytes *small; /* phi=-8, the smallest member */

/* The small model with one string of its header replaced by another. */
static GBytes *
edited (const char *from, const char *to)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (small, &size);
  guint64 length;
  memcpy (&length, data, 8);
  length = GUINT64_FROM_LE (length);
  GString *header = g_string_new_len ((const char *) data + 8, (gssize) length);
  g_assert_cmpuint (g_string_replace (header, from, to, 1), ==, 1);
  GByteArray *file = g_byte_array_new ();
  guint64 le = GUINT64_TO_LE ((guint64) header->len);
  g_byte_array_append (file, (guint8 *) &le, 8);
  g_byte_array_append (file, (guint8 *) header->str, (guint) header->len);
  g_byte_array_append (file, data + 8 + length, (guint) (size - 8 - length));
  g_string_free (header, TRUE);
  return g_byte_array_free_to_bytes (file);
}

static void
refuse (const char *from, const char *to, int code, const char *const *words)
{
  g_autoptr (GBytes) bytes = edited (from, to);
  GError *error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (bytes, &error);
  fixture_refused (model != NULL, &error, code, words, to);
}

static EffvkModel *
accept (const char *from, const char *to)
{
  g_autoptr (GBytes) bytes = edited (from, to);
  GError *error = NULL;
  EffvkModel *model = effvk_model_new_from_bytes (bytes, &error);
  g_assert_no_error (error);
  return model;
}

static void
test_random (void)
{
  static const char *const variants[] = { "b0", "lite0", "v2-b0", "v2-s", "phi=-3", "b2" };
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      GError *error = NULL;
      g_autoptr (EffvkModel) model = effvk_model_new_random (variants[i], 11, 3, &error);
      EffvkArch arch;

      g_assert_no_error (error);
      g_assert_true (effvk_arch_init_variant (&arch, variants[i], 11));
      const EffvkArch *found = effvk_model_get_arch (model);
      g_assert_cmpstr (effvk_model_get_variant (model), ==, arch.variant);
      g_assert_cmpuint (effvk_model_get_n_classes (model), ==, 11);
      g_assert_cmpint (found->padding, ==, arch.padding);
      g_assert_cmpint (found->activation, ==, arch.activation);
      g_assert_cmpfloat (found->bn_eps, ==, arch.bn_eps);
      g_assert_cmpuint (found->width, ==, arch.width);
      g_assert_cmpuint (effvk_model_get_recipe (model)->width, ==, arch.width);
      g_assert_cmpmem (found->blocks->data, found->blocks->len * sizeof (EffvkBlock),
                       arch.blocks->data, arch.blocks->len * sizeof (EffvkBlock));
      g_assert_cmpstr (effvk_model_get_label (model, 10), ==, "class 10");
      g_assert_null (effvk_model_get_label (model, 11));
      effvk_arch_clear (&arch);
    }
}

static void
test_random_refused (void)
{
  GError *error = NULL;
  fixture_refused (effvk_model_new_random ("b9", 10, 0, &error) != NULL, &error, UNSUPPORTED,
                   WORDS ("b0 to b8", "\"b9\""), "b9");
  fixture_refused (effvk_model_new_random ("b0", 0, 0, &error) != NULL, &error, UNSUPPORTED,
                   WORDS ("classes", "found 0"), "no classes");
}

static void
test_seed (void)
{
  g_autoptr (EffvkModel) a = effvk_model_new_random ("phi=-8", 5, 1, NULL);
  g_autoptr (EffvkModel) b = effvk_model_new_random ("phi=-8", 5, 1, NULL);
  g_autoptr (EffvkModel) c = effvk_model_new_random ("phi=-8", 5, 2, NULL);
  g_auto (EffvkWeights) wa = { 0 }, wb = { 0 }, wc = { 0 };

  effvk_model_get_weights (a, EFFVK_LAYER_HEAD, 0, &wa);
  effvk_model_get_weights (b, EFFVK_LAYER_HEAD, 0, &wb);
  effvk_model_get_weights (c, EFFVK_LAYER_HEAD, 0, &wc);
  gsize bytes = (gsize) wa.out * wa.in * sizeof (float);
  g_assert_cmpmem (wa.weight, bytes, wb.weight, bytes);
  g_assert_true (memcmp (wa.weight, wc.weight, bytes) != 0);
}

/* Every layer has the widths of its block and finite weights, and is the fold of the raw tensors.
 */
static void
test_weights (void)
{
  g_autoptr (EffvkModel) model = effvk_model_new_random ("v2-b0", 9, 1, NULL);
  const EffvkArch *arch = effvk_model_get_arch (model);
  guint64 n = 0;

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *b = &g_array_index (arch->blocks, EffvkBlock, i);
      gboolean widened = b->expanded != b->in, fused = b->kind == EFFVK_BLOCK_FUSED;
      const struct
      {
        EffvkLayer layer;
        gboolean present;
        guint out, in, kernel;
      } rows[] = {
        { EFFVK_LAYER_EXPAND, !fused && widened, b->expanded, b->in, 1 },
        { EFFVK_LAYER_FUSED, fused, widened ? b->expanded : b->out, b->in, b->kernel },
        { EFFVK_LAYER_DEPTHWISE, !fused, b->expanded, 1, b->kernel },
        { EFFVK_LAYER_SQUEEZE, b->squeezed > 0, b->squeezed, b->expanded, 1 },
        { EFFVK_LAYER_EXCITE, b->squeezed > 0, b->expanded, b->squeezed, 1 },
        { EFFVK_LAYER_PROJECT, !fused || widened, b->out, b->expanded, 1 },
      };
      for (guint j = 0; j < G_N_ELEMENTS (rows); j++)
        {
          g_auto (EffvkWeights) w = { 0 };
          if (!rows[j].present)
            continue;
          effvk_model_get_weights (model, rows[j].layer, i, &w);
          g_assert_cmpuint (w.out, ==, rows[j].out);
          g_assert_cmpuint (w.in, ==, rows[j].in);
          g_assert_cmpuint (w.kernel, ==, rows[j].kernel);
          for (gsize k = 0; k < (gsize) w.out * w.in * w.kernel * w.kernel; k++, n++)
            g_assert_true (isfinite (w.weight[k]));
          for (guint k = 0; k < w.out; k++)
            g_assert_true (isfinite (w.bias[k]));
        }
    }
  g_assert_cmpuint (n, >, 5000000);
}

/* Folding by hand: gamma 3, beta 5, mean 7, variance 4 - eps gives w * 1.5 and 5 - 7 * 1.5. */
static void
test_fold (void)
{
  gsize size;
  guint8 *data = g_bytes_unref_to_data (saved_model ("phi=-8"), &size);
  guint64 header;
  memcpy (&header, data, 8);
  header = GUINT64_FROM_LE (header);
  /* The stem is first: weight [out, 3, 3, 3], then gamma, beta, mean and variance. */
  float *w = (float *) (void *) (data + 8 + header);
  g_autoptr (EffvkModel) before = effvk_model_new_random ("phi=-8", 5, 1, NULL);
  const EffvkArch *arch = effvk_model_get_arch (before);
  guint out = arch->stem_out, n = out * 27;
  g_auto (EffvkWeights) folded = { 0 };

  for (guint i = 0; i < out; i++)
    {
      w[n + i] = 3;
      w[n + out + i] = 5;
      w[n + 2 * out + i] = 7;
      w[n + 3 * out + i] = (float) (4 - arch->bn_eps);
    }
  g_autofree float *raw = g_memdup2 (w, n * sizeof *w);
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, size);
  g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (bytes, NULL);
  g_assert_nonnull (model);
  effvk_model_get_weights (model, EFFVK_LAYER_STEM, 0, &folded);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat (fabsf (folded.weight[i] - 1.5f * raw[i]), <=, 1e-6f * fabsf (raw[i]));
  for (guint i = 0; i < out; i++)
    g_assert_cmpfloat (fabsf (folded.bias[i] - (5 - 10.5f)), <, 1e-5f);
}

static void
test_structure_refused (void)
{
  refuse ("\"features.0.0.weight\"", "\"conv1.weight\"", UNSUPPORTED,
          WORDS ("not an EfficientNet", "features.0.0.weight", "found none", "conv1.weight"));
  refuse ("\"features.0.1.running_var\"", "\"features.0.1.running_war\"", UNSUPPORTED,
          WORDS ("features.0.1.running_var", "[16]", "found none"));
  refuse ("\"features.3.0.block.2.fc2.bias\"", "\"features.3.0.block.2.fc9.bias\"", UNSUPPORTED,
          WORDS ("features.3.0.block.2.fc2.bias", "found none"));
  refuse ("\"features.2.0.block.0.1.weight\":{\"dtype\":\"F32\",\"shape\":[",
          "\"features.2.0.block.0.1.weight\":{\"dtype\":\"F32\",\"shape\":[1,", UNSUPPORTED,
          WORDS ("features.2.0.block.0.1.weight", "expected F32", "found F32 [1, "));
  refuse ("\"classifier.1.bias\":{\"dtype\":\"F32\",\"shape\":[5]",
          "\"classifier.1.bias\":{\"dtype\":\"I32\",\"shape\":[5]", UNSUPPORTED,
          WORDS ("classifier.1.bias", "expected F32", "I32 [5]", "quantised", "from before"));
  refuse ("\"classifier.1.weight\"", "\"classifier.2.weight\"", UNSUPPORTED,
          WORDS ("classifier.2.bias", "beside \"classifier.2.weight\"", "found none"));
  refuse ("\"features.7.0.block.0.0.weight\"", "\"features.9.0.block.0.0.weight\"", UNSUPPORTED,
          WORDS ("features.7.0.weight", "found none"));
  refuse ("\"features.4.0.block.0.1.weight\"", "\"features.4.0.block.0.0.weight\"", INVALID,
          WORDS ("duplicate tensor", "features.4.0.block.0.0.weight"));
  refuse ("\"data_offsets\":[0,1728]}",
          "\"data_offsets\":[0,1728]},\"extra\":{\"dtype\":\"F32\","
          "\"shape\":[0],\"data_offsets\":[0,0]}",
          UNSUPPORTED, WORDS ("unexpected", "extra", "[0]"));

  /* What a training run leaves behind is not in the way. */
  EffvkModel *model = accept (
      "\"data_offsets\":[0,1728]}",
      "\"data_offsets\":[0,1728]},\"features.0.1.num_batches_tracked\":{\"dtype\":\"I64\","
      "\"shape\":[0],\"data_offsets\":[0,0]}");
  g_object_unref (model);
}

static void
test_values_refused (void)
{
  static const struct
  {
    guint32 bits;
    const char *word;
  } rows[] = { { 0x7fc00000, "nan" },
               { 0xffffffff, "nan" },
               { 0x7f800001, "nan" },
               { 0x7f800000, "inf" },
               { 0xff800000, "-inf" } };
  gsize size;
  const guint8 *data = g_bytes_get_data (small, &size);
  guint64 header;

  memcpy (&header, data, 8);
  gsize start = 8 + GUINT64_FROM_LE (header), count = (size - start) / 4;
  const gsize places[] = { 0, 1, 431, count / 3, count / 2, count - 5, count - 1 };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint j = 0; j < G_N_ELEMENTS (places); j++)
      {
        guint8 *copy = g_memdup2 (data, size);
        guint32 bits = GUINT32_TO_LE (rows[i].bits);
        GError *error = NULL;
        memcpy (copy + start + 4 * places[j], &bits, 4);
        g_autoptr (GBytes) bytes = g_bytes_new_take (copy, size);
        g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (bytes, &error);
        fixture_refused (model != NULL, &error, INVALID,
                         WORDS ("tensor", "finite", rows[i].word, "element"), "value");
      }

  /* The stem's first variance, at or below minus epsilon; its first gamma, so large that it
   * overflows. */
  const struct
  {
    gsize place;
    float value;
    const char *words[2];
  } extremes[] = { { 432 + 3 * 16, -1, { "features.0.1.running_var", "-1" } },
                   { 432 + 3 * 16, -1.5e-5f, { "features.0.1.running_var", "-1.5e-05" } },
                   { 432, 3e38f, { "features.0.1.weight", "32-bit" } } };
  for (guint i = 0; i < G_N_ELEMENTS (extremes); i++)
    {
      guint8 *copy = g_memdup2 (data, size);
      float variance = i == 2 ? 1e-30f : 1;
      GError *error = NULL;
      memcpy (copy + start + 4 * (432 + 3 * 16), &variance, 4);
      memcpy (copy + start + 4 * extremes[i].place, &extremes[i].value, 4);
      g_autoptr (GBytes) bytes = g_bytes_new_take (copy, size);
      g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (bytes, &error);
      fixture_refused (model != NULL, &error, INVALID,
                       WORDS (extremes[i].words[0], extremes[i].words[1]), "extreme");
    }
}

/* The header holds the recipe as an escaped string; Q is its quote. */
#define Q "\\\""

static void
test_recipe_refused (void)
{
  const char *size = Q "input_size" Q ":[3,72,72]", *anti = Q "antialias" Q ":true";

  refuse (size, Q "input_size" Q ":[3,0,72]", INVALID,
          WORDS ("input_size", "1 to 4096", "found 0"));
  refuse (size, Q "input_size" Q ":[3,72,4097]", INVALID, WORDS ("input_size", "4096", "4097"));
  refuse (size, Q "input_size" Q ":[1,72,72]", INVALID,
          WORDS ("input_size", "3 channels", "found 1"));
  refuse (size, Q "input_size" Q ":[3,72]", INVALID, WORDS ("input_size", "found the array's end"));
  refuse (size, Q "input_size" Q ":72", INVALID, WORDS ("input_size", "a number"));
  refuse (size, Q "input_size" Q ":[3,400,400]", INVALID, WORDS ("resize_size", "400", "found 82"));
  refuse (Q "std" Q ":[0.229,", Q "std" Q ":[0,", INVALID, WORDS ("std", "found 0"));
  refuse (Q "std" Q ":[0.229,", Q "std" Q ":[-0.2,", INVALID, WORDS ("std", "found -0.2"));
  refuse (Q "mean" Q ":[0.485,", Q "mean" Q ":[1e999,", INVALID, WORDS ("mean", "1e999"));
  refuse (Q "mean" Q ":[0.485,", Q "mean" Q ":[1,1,", INVALID, WORDS ("mean", "3 numbers", "more"));
  refuse (Q "mean" Q ":[0.485,", Q "mean" Q ":[", INVALID, WORDS ("mean", "found 2"));
  refuse (Q "bicubic" Q, Q "lanczos" Q, UNSUPPORTED,
          WORDS ("interpolation", "bilinear or bicubic", "lanczos"));
  refuse (Q "center" Q, Q "corner" Q, UNSUPPORTED,
          WORDS ("crop_mode", "center or squash or border", "corner"));
  refuse (Q "symmetric" Q, Q "valid" Q, UNSUPPORTED,
          WORDS ("padding", "symmetric or same", "valid"));
  refuse (Q "silu" Q, Q "gelu" Q, UNSUPPORTED,
          WORDS ("activation", "silu or relu6 or relu", "gelu"));
  refuse (Q "bn_eps" Q ":1e-05", Q "bn_eps" Q ":-1", INVALID, WORDS ("bn_eps", "found -1"));
  refuse (anti, Q "antialias" Q ":1", INVALID, WORDS ("antialias", "true or false", "a number"));
}

static void
test_recipe_json_refused (void)
{
  const char *anti = Q "antialias" Q ":true";

  refuse (anti, Q "mean" Q ":[0]", INVALID, WORDS ("duplicate key", "mean"));
  refuse (anti, Q "x" Q ":[[[[[[[[[[1]]]]]]]]]]", INVALID, WORDS ("effvk", "nested too deeply"));
  refuse (anti, Q "x" Q ":", INVALID, WORDS ("effvk", "not valid JSON"));
  refuse (anti, Q "label_names" Q ":[" Q "a" Q "]", INVALID,
          WORDS ("label_names", "5 labels", "found 1"));
  refuse (anti, Q "label_names" Q ":[" Q Q "," Q Q "," Q Q "," Q Q "," Q Q "," Q Q "]", INVALID,
          WORDS ("label_names", "5 labels", "found 6"));
  refuse (anti, Q "label_names" Q ":[1,2,3,4,5]", INVALID, WORDS ("label_names", "a string"));
  refuse (anti, Q "label_names" Q ":[" Q "a\\\\u0007" Q "]", INVALID, WORDS ("label 0", "control"));
  refuse (Q "bicubic" Q, Q "\xc3\xa9\\\\n" Q, UNSUPPORTED, WORDS ("interpolation", "\xc3\xa9"));
  refuse (anti, Q "crop_pct" Q ":0", INVALID, WORDS ("crop_pct", "found 0"));
  refuse (anti, Q "test_input_size" Q ":[3,-1,7]", INVALID, WORDS ("test_input_size", "found -1"));
}

static void
test_recipe (void)
{
  const char *resize = Q "resize_size" Q ":82";
  guint width, height;

  g_autoptr (EffvkModel) pct = accept (resize, Q "crop_pct" Q ":0.875");
  g_assert_cmpuint (effvk_model_get_recipe (pct)->resize_size, ==, 82);
  g_autoptr (EffvkModel) test = accept (resize, Q "crop_pct" Q ":0.1," Q "test_crop_pct" Q
                                                  ":0.95," Q "test_input_size" Q ":[3,190,285]");
  g_assert_cmpuint (effvk_model_get_recipe (test)->resize_size, ==, 200);
  effvk_model_get_input_size (test, &width, &height);
  g_assert_cmpuint (width, ==, 285);
  g_assert_cmpuint (height, ==, 190);
  g_assert_cmpuint (effvk_model_get_arch (test)->width, ==, 285);

  g_autoptr (EffvkModel) squash
      = accept (Q "crop_mode" Q ":" Q "center" Q "," Q "resize_size" Q ":82",
                Q "crop_mode" Q ":" Q "squash" Q "," Q "future" Q ":{" Q "a" Q ":[null]}");
  g_assert_cmpint (effvk_model_get_recipe (squash)->crop_mode, ==, EFFVK_CROP_SQUASH);

  g_autoptr (EffvkModel) labels = accept (resize, Q "label_names" Q ":[" Q "a" Q "," Q "b" Q "," Q
                                                    "c\\\\u00e9" Q "," Q "d" Q "," Q "e" Q "]");
  g_assert_cmpstr (effvk_model_get_label (labels, 2), ==, "c\xc3\xa9");
}

/* Without metadata the tensors are recognised and the recipe is the member's. */
static void
test_defaults (void)
{
  g_bytes_unref (small);
  small = saved_model ("b1");
  g_autoptr (EffvkModel) b1 = accept ("\"effvk\":", "\"other\":");
  g_assert_cmpstr (effvk_model_get_variant (b1), ==, "efficientnet_b1");
  g_assert_cmpuint (effvk_model_get_recipe (b1)->width, ==, 240);
  g_assert_cmpuint (effvk_model_get_recipe (b1)->resize_size, ==, 256);
  g_assert_cmpfloat (effvk_model_get_arch (b1)->bn_eps, ==, 1e-5);
  g_bytes_unref (small);

  small = saved_model ("lite0");
  g_autoptr (EffvkModel) lite = accept ("\"effvk\":", "\"other\":");
  g_assert_cmpstr (effvk_model_get_variant (lite), ==, "efficientnet_lite0");
  g_assert_cmpint (effvk_model_get_arch (lite)->activation, ==, EFFVK_ACTIVATION_RELU6);
  g_assert_cmpint (effvk_model_get_arch (lite)->padding, ==, EFFVK_PADDING_SAME);
  g_bytes_unref (small);

  small = saved_model ("phi=-8");
  g_autoptr (EffvkModel) custom = accept ("\"effvk\":", "\"other\":");
  g_assert_cmpstr (effvk_model_get_variant (custom), ==, "efficientnet (custom)");
  g_assert_cmpuint (effvk_model_get_recipe (custom)->width, ==, 224);
}

static JsonObject *
inspect (EffvkModel *model, JsonParser *parser)
{
  g_autofree char *text = effvk_model_inspect (model);
  GError *error = NULL;
  json_parser_load_from_data (parser, text, -1, &error);
  g_assert_no_error (error);
  return json_node_get_object (json_parser_get_root (parser));
}

static void
test_inspect (void)
{
  g_autoptr (EffvkModel) model = effvk_model_new_random ("b0", 1000, 1, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *root = inspect (model, parser);
  JsonObject *input = json_object_get_object_member (root, "input");
  JsonObject *architecture = json_object_get_object_member (root, "architecture");
  JsonObject *sources = json_object_get_object_member (root, "sources");

  g_assert_cmpstr (json_object_get_string_member (root, "variant"), ==, "efficientnet_b0");
  g_assert_cmpint (json_object_get_int_member (root, "parameters"), ==, 5288548);
  g_assert_cmpint (json_object_get_int_member (root, "classes"), ==, 1000);
  g_assert_cmpint (json_object_get_int_member (input, "width"), ==, 224);
  g_assert_cmpint (json_object_get_int_member (input, "resize"), ==, 256);
  g_assert_cmpstr (json_object_get_string_member (input, "crop"), ==, "center");
  g_assert_cmpstr (json_object_get_string_member (architecture, "padding"), ==, "symmetric");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (architecture, "stages")),
                    ==, 7);
  g_assert_cmpstr (json_object_get_string_member (sources, "classes"), ==, "tensors");
  g_assert_cmpstr (json_object_get_string_member (sources, "input.mean"), ==, "metadata");
  g_assert_cmpstr (json_object_get_string_member (sources, "labels"), ==, "default");
}

static void
test_load_labels (void)
{
  g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (small, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  char *path = fixture_path ("labels.txt");
  GError *error = NULL;

  g_assert_true (g_file_set_contents (path, "a\nb\nc\nd\ne\n", -1, NULL));
  g_assert_true (effvk_model_load_labels (model, path, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (effvk_model_get_label (model, 4), ==, "e");
  g_assert_true (g_file_set_contents (path, "a\nb\n", -1, NULL));
  fixture_refused (effvk_model_load_labels (model, path, &error), &error, EFFVK_MODEL_ERROR_LABELS,
                   WORDS (path, "5 labels", "found 2"), "labels");
  g_assert_cmpstr (effvk_model_get_label (model, 4), ==, "e");
  JsonObject *sources = json_object_get_object_member (inspect (model, parser), "sources");
  g_assert_cmpstr (json_object_get_string_member (sources, "labels"), ==, "labels file");

  /* What is saved with labels is read back with them. */
  g_assert_true (effvk_model_save (model, path, NULL));
  g_autoptr (EffvkModel) again = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (effvk_model_get_label (again, 3), ==, "d");
  fixture_remove (path);
}

static void
test_file_refused (void)
{
  char *path = fixture_path ("model.safetensors");
  GError *error = NULL;
  gsize size;
  const char *data = g_bytes_get_data (small, &size);

  fixture_refused (effvk_model_new_from_file (path, &error) != NULL, &error, EFFVK_MODEL_ERROR_READ,
                   WORDS (path), "missing");
  g_assert_true (g_file_set_contents (path, data, (gssize) size - 1, NULL));
  fixture_refused (effvk_model_new_from_file (path, &error) != NULL, &error, INVALID, WORDS (path),
                   "cut");
  g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (small, NULL);
  g_autofree char *nowhere = g_build_filename (path, "x", NULL);
  g_assert_false (effvk_model_save (model, nowhere, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, nowhere));
  g_clear_error (&error);
  fixture_remove (path);
}

static void
test_shared (gconstpointer data)
{
  const char *name = data;
  g_autofree char *file = g_strdup_printf ("weights/%s.safetensors", name);
  g_autofree char *path = fixture_shared (file);
  GError *error = NULL;

  if (!path)
    return;
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  const EffvkArch *arch = effvk_model_get_arch (model);
  const EffvkRecipe *recipe = effvk_model_get_recipe (model);
  gboolean trash = strstr (name, "trash") != NULL, lite = strstr (name, "lite") != NULL;

  g_assert_true (g_str_has_prefix (name, effvk_model_get_variant (model)));
  g_assert_cmpuint (arch->classes, ==, trash ? 7 : 1000);
  g_assert_cmpint (arch->padding, ==, trash ? EFFVK_PADDING_SYMMETRIC : EFFVK_PADDING_SAME);
  g_assert_cmpfloat (arch->bn_eps, ==, trash ? 1e-5 : 1e-3);
  g_assert_cmpint (arch->activation, ==, lite ? EFFVK_ACTIVATION_RELU6 : EFFVK_ACTIVATION_SILU);
  g_assert_cmpint (recipe->crop_mode, ==, trash ? EFFVK_CROP_SQUASH : EFFVK_CROP_CENTER);
  g_assert_cmpuint (recipe->width, ==, 224);
  g_assert_cmpuint (recipe->resize_size, ==, trash ? 224 : 256);
  g_assert_cmpstr (effvk_model_get_label (model, 0), ==, trash ? "cardboard" : "tench");
  g_auto (EffvkWeights) w = { 0 };
  effvk_model_get_weights (model, EFFVK_LAYER_CLASSIFIER, 0, &w);
  g_assert_cmpuint (w.out, ==, arch->classes);
  g_assert_cmpuint (w.in, ==, 1280);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  small = saved_model ("phi=-8");
  g_test_add_func ("/model/random", test_random);
  g_test_add_func ("/model/random-refused", test_random_refused);
  g_test_add_func ("/model/seed", test_seed);
  g_test_add_func ("/model/weights", test_weights);
  g_test_add_func ("/model/fold", test_fold);
  g_test_add_func ("/model/structure-refused", test_structure_refused);
  g_test_add_func ("/model/values-refused", test_values_refused);
  g_test_add_func ("/model/recipe", test_recipe);
  g_test_add_func ("/model/recipe-refused", test_recipe_refused);
  g_test_add_func ("/model/recipe-json-refused", test_recipe_json_refused);
  g_test_add_func ("/model/inspect", test_inspect);
  g_test_add_func ("/model/load-labels", test_load_labels);
  g_test_add_func ("/model/file-refused", test_file_refused);
  g_test_add_data_func ("/model/shared/b0", "efficientnet_b0_trashbox7", test_shared);
  g_test_add_data_func ("/model/shared/lite0", "efficientnet_lite0_imagenet1k", test_shared);
  g_test_add_data_func ("/model/shared/v2-b0", "efficientnet_v2_b0_imagenet1k_keras", test_shared);
  g_test_add_func ("/model/defaults", test_defaults);
  int status = g_test_run ();
  g_bytes_unref (small);
  return status;
}
