/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written as ONNX is read back as the same network: to the last bit of every weight. */
#include "model/model-private.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

static void
assert_same_layer (EffvkModel *a, EffvkModel *b, EffvkLayer layer, guint block)
{
  g_auto (EffvkWeights) x = { 0 }, y = { 0 };
  gsize n;

  effvk_model_get_weights (a, layer, block, &x);
  effvk_model_get_weights (b, layer, block, &y);
  n = (gsize) x.out * x.in * x.kernel * x.kernel;
  g_assert_cmpmem (x.weight, n * sizeof (float), y.weight,
                   (gsize) y.out * y.in * y.kernel * y.kernel * sizeof (float));
  g_assert_cmpmem (x.bias, x.out * sizeof (float), y.bias, y.out * sizeof (float));
}

static void
assert_same (EffvkModel *a, EffvkModel *b)
{
  const EffvkArch *x = effvk_model_get_arch (a), *y = effvk_model_get_arch (b);
  const EffvkRecipe *r = effvk_model_get_recipe (a), *s = effvk_model_get_recipe (b);

  g_assert_cmpstr (x->variant, ==, y->variant);
  g_assert_cmpuint (x->width, ==, y->width);
  g_assert_cmpuint (x->height, ==, y->height);
  g_assert_cmpint (x->padding, ==, y->padding);
  g_assert_cmpint (x->activation, ==, y->activation);
  g_assert_cmpint (x->output, ==, y->output);
  g_assert_cmpmem (x->blocks->data, x->blocks->len * sizeof (EffvkBlock), y->blocks->data,
                   y->blocks->len * sizeof (EffvkBlock));
  g_assert_cmpint (r->interpolation, ==, s->interpolation);
  g_assert_cmpuint (r->resize_size, ==, s->resize_size);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpfloat (r->mean[i], ==, s->mean[i]);
      g_assert_cmpfloat (r->std[i], ==, s->std[i]);
    }
  g_assert_cmpuint (a->layers->len, ==, b->layers->len);
  for (guint i = 0; i < a->layers->len; i++)
    {
      const EffvkLayerInfo *layer = &g_array_index (a->layers, EffvkLayerInfo, i);

      assert_same_layer (a, b, layer->kind, layer->block);
    }
}

static void
test_round_trip (gconstpointer variant)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random (variant, 11, 3, &error);
  g_autoptr (EffvkModel) back = NULL;
  g_autofree char *labels = NULL, *path = NULL;
  GString *names = g_string_new (NULL);

  g_assert_no_error (error);
  close (g_file_open_tmp ("effvk-XXXXXX.onnx", &path, &error));
  g_assert_no_error (error);
  labels = g_strconcat (path, ".txt", NULL);
  for (guint i = 0; i < 11; i++)
    g_string_append_printf (names, "thing \"%u\"\n", i);
  g_assert_true (g_file_set_contents (labels, names->str, -1, NULL));
  g_assert_true (effvk_model_load_labels (model, labels, NULL));

  g_assert_true (effvk_model_save_onnx (model, path, &error));
  g_assert_no_error (error);
  back = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  assert_same (model, back);
  g_assert_cmpstr (effvk_model_get_label (back, 10), ==, "thing \"10\"");
  g_unlink (path);
  g_unlink (labels);
  g_string_free (names, TRUE);
}

static void
test_nowhere (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("lite0", 2, 0, &error);

  g_assert_no_error (error);
  g_assert_false (effvk_model_save_onnx (model, "/nonexistent/x.onnx", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  static const char *const variants[] = { "phi=-8", "b0", "lite0", "v2-b0", "v2-s", "es", "em" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      g_autofree char *path = g_strconcat ("/onnx-writer/", variants[i], NULL);

      g_test_add_data_func (path, variants[i], test_round_trip);
    }
  g_test_add_func ("/onnx-writer/nowhere", test_nowhere);
  return g_test_run ();
}
