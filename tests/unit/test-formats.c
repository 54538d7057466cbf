/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ONNX and TFLite files, sound and hostile. The files are the seeds of tests/fuzz. */

#include "model-fixtures.h"

#include "model/model.h"

#include <unistd.h>

static char *
seed_path (const char *name)
{
  const char *root = g_getenv ("EFFVK_CORPUS");
  return g_build_filename (root ? root : "tests/fuzz/corpus", name, NULL);
}

static char *
seed (const char *name, gsize *size)
{
  g_autofree char *path = seed_path (name);
  g_autoptr (GError) error = NULL;
  char *data = NULL;

  g_file_get_contents (path, &data, size, &error);
  g_assert_no_error (error);
  return data;
}

static EffvkModel *
load (const char *data, gsize size, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  return effvk_model_new_from_bytes (bytes, error);
}

/* Replaces every occurrence, of the same length; returns how many there were. */
static guint
replace (char *data, gsize size, const char *from, const char *to)
{
  gsize n = strlen (from);
  guint count = 0;

  g_assert_cmpuint (n, ==, strlen (to));
  for (gsize i = 0; i + n <= size; i++)
    if (memcmp (data + i, from, n) == 0)
      {
        memcpy (data + i, to, n);
        count++;
      }
  return count;
}

static void
test_facts (void)
{
  const struct
  {
    const char *name;
    EffvkPadding padding;
    EffvkActivation activation;
    double bn_eps; /* negative: the file does not say */
    gboolean squeezed;
  } rows[] = {
    { "onnx/lite.onnx", EFFVK_PADDING_SAME, EFFVK_ACTIVATION_RELU6, -1, FALSE },
    { "onnx/b0.onnx", EFFVK_PADDING_SYMMETRIC, EFFVK_ACTIVATION_SILU, 1e-3, TRUE },
    { "onnx/lite-qdq.onnx", EFFVK_PADDING_SAME, EFFVK_ACTIVATION_RELU6, -1, FALSE },
    { "tflite/lite.tflite", EFFVK_PADDING_SAME, EFFVK_ACTIVATION_RELU6, -1, FALSE },
    { "tflite/lite-int8.tflite", EFFVK_PADDING_SAME, EFFVK_ACTIVATION_RELU6, -1, FALSE },
    { "tflite/b0-keras.tflite", EFFVK_PADDING_SAME, EFFVK_ACTIVATION_SILU, -1, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      g_autofree char *data = seed (rows[i].name, &size);
      g_autoptr (EffvkModel) model = load (data, size, &error);
      g_assert_no_error (error);
      const EffvkArch *arch = effvk_model_get_arch (model);
      g_assert_cmpint (arch->padding, ==, rows[i].padding);
      g_assert_cmpint (arch->activation, ==, rows[i].activation);
      if (rows[i].bn_eps >= 0)
        g_assert_cmpfloat (arch->bn_eps, ==, rows[i].bn_eps);
      g_assert_cmpuint (arch->width, ==, 32);
      g_assert_cmpuint (arch->height, ==, 32);
      g_assert_cmpuint (arch->classes, ==, 3);
      g_assert_cmpuint (arch->blocks->len, ==, 8);
      g_assert_cmpint (g_array_index (arch->blocks, EffvkBlock, 3).squeezed > 0, ==,
                       rows[i].squeezed);
      g_assert_true (g_array_index (arch->blocks, EffvkBlock, 2).residual);
    }
}

/* Keras' network normalises 0..255 itself: that is the recipe. */
static void
test_normalisation (void)
{
  const float mean[] = { 0.485f, 0.456f, 0.406f }, std[] = { 0.229f, 0.224f, 0.225f };
  const struct
  {
    const char *name;
    double epsilon;
  } rows[] = { { "tflite/b0-keras.tflite", 1e-6 },
               { "tflite/b0-keras-int8.tflite", 2e-3 } }; /* a step of eight bits */

  for (guint k = 0; k < G_N_ELEMENTS (rows); k++)
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      g_autofree char *data = seed (rows[k].name, &size);
      g_autoptr (EffvkModel) model = load (data, size, &error);

      g_assert_no_error (error);
      const EffvkRecipe *recipe = effvk_model_get_recipe (model);
      for (guint i = 0; i < 3; i++)
        {
          g_assert_cmpfloat_with_epsilon (recipe->mean[i], mean[i], rows[k].epsilon);
          g_assert_cmpfloat_with_epsilon (recipe->std[i], std[i], rows[k].epsilon);
        }
    }
}

/* A network for many labels ends in a sigmoid; logits alone are taken for one label's. One logit is
 * a probability of its own, unless the file says otherwise. */
static void
test_output (void)
{
  const struct
  {
    const char *name;
    EffvkOutputActivation output;
    const char *source;
  } rows[] = {
    { "onnx/lite.onnx", EFFVK_OUTPUT_ACTIVATION_SOFTMAX, "default" },
    { "onnx/lite-fp16-sigmoid.onnx", EFFVK_OUTPUT_ACTIVATION_SIGMOID, "tensors" },
    { "tflite/lite.tflite", EFFVK_OUTPUT_ACTIVATION_SOFTMAX, "tensors" },
    { "tflite/lite-uint8-sigmoid.tflite", EFFVK_OUTPUT_ACTIVATION_SIGMOID, "tensors" },
    { "safetensors/one.safetensors", EFFVK_OUTPUT_ACTIVATION_SIGMOID, "tensors" },
    { "onnx/one.onnx", EFFVK_OUTPUT_ACTIVATION_SIGMOID, "tensors" },
    { "onnx/one-softmax.onnx", EFFVK_OUTPUT_ACTIVATION_SOFTMAX, "tensors" },
    { "tflite/one.tflite", EFFVK_OUTPUT_ACTIVATION_SIGMOID, "tensors" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      g_autofree char *data = seed (rows[i].name, &size);
      g_autoptr (EffvkModel) model = load (data, size, &error);
      g_assert_no_error (error);
      g_autofree char *json = effvk_model_inspect (model);
      g_autofree char *source = g_strdup_printf ("\"output.activation\": \"%s\"", rows[i].source);

      g_assert_cmpint (effvk_model_get_output_activation (model), ==, rows[i].output);
      if (!strstr (json, source))
        g_error ("%s: expected %s in %s", rows[i].name, source, json);
    }
}

/* Saved and read again it is the same network. */
static void
test_save (void)
{
  const char *const names[] = { "onnx/b0.onnx", "onnx/lite.onnx", "tflite/lite-int8.tflite" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      g_autofree char *data = seed (names[i], &size);
      g_autoptr (EffvkModel) model = load (data, size, &error);
      g_assert_no_error (error);
      char *path = fixture_path ("saved.safetensors");
      effvk_model_save (model, path, &error);
      g_assert_no_error (error);
      g_autoptr (EffvkModel) again = effvk_model_new_from_file (path, &error);
      g_assert_no_error (error);
      guint last = effvk_model_get_arch (model)->blocks->len - 1;
      g_auto (EffvkWeights) a = { 0 }, b = { 0 };
      effvk_model_get_weights (model, EFFVK_LAYER_PROJECT, last, &a);
      effvk_model_get_weights (again, EFFVK_LAYER_PROJECT, last, &b);
      g_assert_cmpmem (a.weight, a.out * a.in * sizeof (float), b.weight,
                       b.out * b.in * sizeof (float));
      g_assert_cmpmem (a.bias, a.out * sizeof (float), b.bias, b.out * sizeof (float));
      fixture_remove (path);
    }
}

/* Labels in a zip archive behind a TFLite file, named by its metadata and not. */
static void
test_labels (void)
{
  static const char *const names[] = { "tflite/lite-labels.tflite", "tflite/lite-zip.tflite" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      g_autofree char *data = seed (names[i], &size);
      g_autoptr (EffvkModel) model = load (data, size, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (effvk_model_get_label (model, 0), ==, "cat");
      g_assert_cmpstr (effvk_model_get_label (model, 2), ==, "tree");
    }
}

static const char *const seeds[] = { "onnx/lite.onnx", "onnx/b0.onnx", "onnx/external.onnx",
                                     "tflite/lite.tflite", "tflite/lite-int8.tflite" };

static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      gsize size;
      g_autofree char *data = seed (seeds[i], &size);
      for (gsize cut = 0; cut < size; cut += cut < 512 || cut + 64 > size ? 1 : 41)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (EffvkModel) model = load (data, cut, &error);
          /* Only the end of an ONNX file may be missing: its version of operators comes last. */
          if (cut < size - 64 && model)
            g_error ("%s: %" G_GSIZE_FORMAT " bytes of it were accepted", seeds[i], cut);
          g_assert_true (!model == !!error);
        }
    }
}

/* Every byte of the small files, one at a time: read or refused, and nothing else. */
static void
test_flipped (void)
{
  guint step = g_test_thorough () ? 1 : 5;

  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
    {
      gsize size;
      g_autofree char *data = seed (seeds[i], &size);
      for (gsize at = 0; at < size; at += step)
        {
          g_autoptr (GError) error = NULL;
          char old = data[at];
          data[at] = (char) ~old;
          g_autoptr (EffvkModel) model = load (data, size, &error);
          g_assert_true (!model == !!error);
          data[at] = old;
        }
    }
}

static void
refuse_folder (const char *data, gsize size, int code, const char *const *words, const char *what)
{
  char *path = fixture_path ("model.onnx");
  GError *error = NULL;

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, &error);
  fixture_refused (model != NULL, &error, code, words, what);
  fixture_remove (path);
}

static void
test_external (void)
{
  const char *const hostile[]
      = { "../ghts.bin", "/tc/pass.bi", "a/../../bin", "..\\ghts.bin", ".eights.bin" };
  g_autoptr (GError) error = NULL;
  gsize size, data_size;
  g_autofree char *data = seed ("onnx/external.onnx", &size);
  g_autofree char *weights = seed ("weights.bin", &data_size);
  char *path = fixture_path ("model.onnx");
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *beside = g_build_filename (folder, "weights.bin", NULL);

  /* From memory there is no folder to look in. */
  GError *refused = NULL;
  g_autoptr (EffvkModel) none = load (data, size, &refused);
  fixture_refused (none != NULL, &refused, EFFVK_MODEL_ERROR_INVALID, WORDS ("from memory"),
                   "memory");

  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  g_assert_true (g_file_set_contents (beside, weights, (gssize) data_size, NULL));
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  g_autofree char *whole = seed ("onnx/lite.onnx", &size);
  g_autoptr (EffvkModel) same = load (whole, size, &error);
  g_assert_no_error (error);
  g_auto (EffvkWeights) a = { 0 }, b = { 0 };
  effvk_model_get_weights (model, EFFVK_LAYER_HEAD, 0, &a);
  effvk_model_get_weights (same, EFFVK_LAYER_HEAD, 0, &b);
  g_assert_cmpmem (a.weight, a.out * a.in * sizeof (float), b.weight,
                   b.out * b.in * sizeof (float));

  g_assert_true (g_file_set_contents (beside, weights, (gssize) data_size - 1, NULL));
  g_autoptr (EffvkModel) shorter = effvk_model_new_from_file (path, &refused);
  fixture_refused (shorter != NULL, &refused, EFFVK_MODEL_ERROR_INVALID, WORDS ("inside the file"),
                   "a short data file");
  /* A link could lead to any file that the user may read. */
  g_autofree char *real = g_build_filename (folder, "real.bin", NULL);
  g_assert_cmpint (g_rename (beside, real), ==, 0);
  g_assert_true (g_file_set_contents (real, weights, (gssize) data_size, NULL));
  g_assert_cmpint (symlink ("real.bin", beside), ==, 0);
  g_autoptr (EffvkModel) linked = effvk_model_new_from_file (path, &refused);
  fixture_refused (linked != NULL, &refused, EFFVK_MODEL_ERROR_READ,
                   WORDS ("weights.bin", "a symbolic link"), "a symbolic link");
  g_remove (real);
  g_remove (beside);
  g_autoptr (EffvkModel) missing = effvk_model_new_from_file (path, &refused);
  fixture_refused (missing != NULL, &refused, EFFVK_MODEL_ERROR_READ, WORDS ("weights.bin"),
                   "a missing data file");
  fixture_remove (path);

  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autofree char *name = g_strndup (hostile[i], strlen ("weights.bin"));
      g_autofree char *changed = seed ("onnx/external.onnx", &size);
      g_assert_cmpuint (replace (changed, size, "weights.bin", name), >, 10);
      refuse_folder (changed, size, EFFVK_MODEL_ERROR_INVALID, WORDS ("plain name"), name);
    }
}

static void
test_hostile (void)
{
  gsize size;
  g_autofree char *cycle = seed ("onnx/cycle.onnx", &size);
  char *path = fixture_path ("model.onnx");
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *beside = g_build_filename (folder, "weights.bin", NULL);
  gsize data_size;
  g_autofree char *weights = seed ("weights.bin", &data_size);
  GError *error = NULL;

  g_assert_true (g_file_set_contents (path, cycle, (gssize) size, NULL));
  g_assert_true (g_file_set_contents (beside, weights, (gssize) data_size, NULL));
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, &error);
  fixture_refused (model != NULL, &error, EFFVK_MODEL_ERROR_INVALID, WORDS ("no cycles"),
                   "a cycle");
  g_remove (beside);
  fixture_remove (path);

  g_autofree char *huge = seed ("onnx/huge.onnx", &size);
  refuse_folder (huge, size, EFFVK_MODEL_ERROR_INVALID, WORDS ("at most 4 GiB"), "huge dimensions");
}

/* Other networks are refused by the first node that does not fit. */
static void
test_others (void)
{
  const struct
  {
    const char *name, *from, *to;
    const char *words[3];
  } rows[] = {
    { "onnx/lite.onnx", "Clip", "Elus", { "(Elus)", "expected SiLU, ReLU6 or ReLU" } },
    { "onnx/lite.onnx", "GlobalAveragePool", "GlobalMaximumPool", { "GlobalMaximumPool" } },
    { "onnx/b0.onnx", "ReduceMean", "ReduceProd", { "ReduceProd" } },
    { "onnx/b0.onnx", "Add", "Max", { "(Max)" } },
    { "onnx/b0.onnx", "Gemm", "Gram", { "(Gram)", "the classifier" } },
    { "onnx/b0.onnx", "Sigmoid", "Softsig", { "(Softsig)" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GError *error = NULL;
      gsize size;
      g_autofree char *data = seed (rows[i].name, &size);
      g_assert_cmpuint (replace (data, size, rows[i].from, rows[i].to), >, 0);
      g_autoptr (EffvkModel) model = load (data, size, &error);
      fixture_refused (model != NULL, &error, EFFVK_MODEL_ERROR_UNSUPPORTED, rows[i].words,
                       rows[i].to);
    }
}

/* What people give instead of a model is named, and so is what to do with it. */
static void
test_foreign (void)
{
  const struct
  {
    const char *data;
    gsize size;
    const char *words[3];
  } rows[] = {
    { "\x89HDF\r\n\x1a\n\0\0\0\0", 12, { "Keras (HDF5)", "effvk-convert FILE" } },
    { "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M",
      18,
      { "a PyTorch checkpoint", "effvk-convert FILE" } },
    { "\x80\x04\x95\x10\0\0\0\0\0\0\0", 11, { "a Python pickle", "effvk-convert FILE" } },
    { "\x08\x01\x12\x90\x01\x0a", 6, { "SavedModel", "TFLite or ONNX" } },
    { "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, { "a PNG picture", "effvk classify FILE" } },
    { "\xff\xd8\xff\xe0\0\x10JFIF", 10, { "a JPEG picture", "effvk classify FILE" } },
    { "RIFF\1\2\3\4WEBPVP8 ", 16, { "a WebP picture", "effvk classify FILE" } },
    { "\0\0\0\x20"
      "ftypisom",
      12,
      { "MP4", "effvk classify FILE" } },
    { "\x1a\x45\xdf\xa3\1\0\0\0", 8, { "Matroska", "effvk classify FILE" } },
    { "\x1f\x8b\x08\0\0\0\0\0", 8, { "a gzip archive", "unpack it" } },
    { "PK\3\4garbage", 11, { "a zip archive", "effvk-convert FILE" } },
    { "version https://git-lfs.github.com/spec/v1\n", 43, { "Git LFS pointer", "git lfs pull" } },
    { "\n<!doctype html><html>", 22, { "a web page", "fetch it again" } },
    { " {\"architecture\": \"b0\"}", 24, { "this is JSON", "--labels" } },
    { "GGUF\3\0\0\0", 8, { "GGUF", "an EfficientNet is expected" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GError *error = NULL;
      char *path = fixture_path ("file");
      g_autoptr (EffvkModel) model = load (rows[i].data, rows[i].size, &error);

      fixture_refused (model != NULL, &error, EFFVK_MODEL_ERROR_INVALID, rows[i].words,
                       rows[i].words[0]);
      g_assert_true (g_file_set_contents (path, rows[i].data, (gssize) rows[i].size, NULL));
      g_autoptr (EffvkModel) file = effvk_model_new_from_file (path, &error);
      fixture_refused (file != NULL, &error, EFFVK_MODEL_ERROR_INVALID, rows[i].words, path);
      fixture_remove (path);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/facts", test_facts);
  g_test_add_func ("/formats/normalisation", test_normalisation);
  g_test_add_func ("/formats/output", test_output);
  g_test_add_func ("/formats/labels", test_labels);
  g_test_add_func ("/formats/save", test_save);
  g_test_add_func ("/formats/truncated", test_truncated);
  g_test_add_func ("/formats/flipped", test_flipped);
  g_test_add_func ("/formats/external", test_external);
  g_test_add_func ("/formats/hostile", test_hostile);
  g_test_add_func ("/formats/others", test_others);
  g_test_add_func ("/formats/foreign", test_foreign);
  return g_test_run ();
}
