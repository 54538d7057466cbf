/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collections of embeddings: what goes in comes out, from files too, and bad files are refused. */
#include "teach/embeddings.h"

#include <glib/gstdio.h>
#include <string.h>

static EffvkModel *model; /* of 256 features or so; weights do not matter */
static char *folder;

static char *
in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static float *
make_values (guint seed, guint n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  float *values = g_new (float, n);

  for (guint i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1);
  return values;
}

static EffvkEmbeddings *
make (void)
{
  static const char *const labels[] = { "a, \"b\"", "ü", NULL };
  EffvkEmbeddings *embeddings = effvk_embeddings_new (model);
  guint n = effvk_embeddings_get_size (embeddings);

  for (guint i = 0; i < 4; i++)
    {
      g_autofree float *values = make_values (i, n), *view = make_values (i + 100, n);
      g_autofree char *source = g_strdup_printf ("folder/%u \"x\".png", i);

      g_assert_true (effvk_embeddings_add (embeddings, values, n, source, i == 2 ? 5000000000 : -1,
                                           i == 1 ? NULL : labels));
      if (i % 2)
        g_assert_true (effvk_embeddings_add_view (embeddings, view, n));
    }
  return embeddings;
}

static void
assert_equal (EffvkEmbeddings *a, EffvkEmbeddings *b)
{
  g_assert_cmpuint (effvk_embeddings_get_n_items (a), ==, effvk_embeddings_get_n_items (b));
  g_assert_cmpmem (a->rows->data, a->rows->len * sizeof (float), b->rows->data,
                   b->rows->len * sizeof (float));
  for (guint i = 0; i < effvk_embeddings_get_n_items (a); i++)
    {
      g_assert_cmpstr (effvk_embeddings_get_source (a, i), ==, effvk_embeddings_get_source (b, i));
      g_assert_cmpint (effvk_embeddings_get_time (a, i), ==, effvk_embeddings_get_time (b, i));
      g_assert_cmpuint (effvk_embeddings_get_n_views (a, i), ==,
                        effvk_embeddings_get_n_views (b, i));
      g_assert_true (
          g_strv_equal (effvk_embeddings_get_labels (a, i), effvk_embeddings_get_labels (b, i)));
    }
}

static void
test_items (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  guint size = effvk_embeddings_get_size (embeddings);
  g_autofree float *second = make_values (1, size), *view = make_values (101, size);
  const float *values;
  gsize n;

  g_assert_cmpuint (size, ==, effvk_model_get_embedding_size (model));
  g_assert_cmpuint (effvk_embeddings_get_n_items (embeddings), ==, 4);
  values = effvk_embeddings_get_values (embeddings, 1, &n);
  g_assert_cmpmem (values, n * sizeof (float), second, size * sizeof (float));
  g_assert_cmpmem (values + n, n * sizeof (float), view, size * sizeof (float));
  g_assert_cmpint (effvk_embeddings_get_time (embeddings, 2), ==, 5000000000);
  g_assert_null (effvk_embeddings_get_labels (embeddings, 1)[0]);
  g_assert_null (effvk_embeddings_get_values (embeddings, 4, &n));
  g_assert_cmpuint (n, ==, 0);
  g_assert_null (effvk_embeddings_get_source (embeddings, 4));
  g_assert_false (effvk_embeddings_add (embeddings, second, size - 1, "x", -1, NULL));
  g_assert_false (effvk_embeddings_add_view (embeddings, second, size + 1));
  g_assert_cmpuint (effvk_embeddings_get_n_items (embeddings), ==, 4);
}

static void
test_file (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  g_autofree char *path = in_folder ("e.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkEmbeddings) read = NULL;
  g_autoptr (EffvkEmbeddings) both = make ();

  g_assert_true (effvk_embeddings_save (embeddings, path, &error));
  g_assert_no_error (error);
  read = effvk_embeddings_new_from_file (path, &error);
  g_assert_no_error (error);
  assert_equal (embeddings, read);
  g_assert_true (effvk_embeddings_is_of (read, model));
  g_assert_true (effvk_embeddings_append (both, read));
  g_assert_cmpuint (effvk_embeddings_get_n_items (both), ==, 8);
  g_assert_cmpuint (effvk_embeddings_get_n_views (both, 7), ==, 2);
}

static void
test_npy (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  g_autofree char *path = in_folder ("e.npy"), *beside = in_folder ("e.npy.json");
  g_autofree char *array = NULL, *list = NULL, *shape = NULL;
  g_autoptr (GError) error = NULL;
  gsize length, n;

  g_assert_true (effvk_embeddings_save (embeddings, path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &array, &length, NULL));
  g_assert_true (g_file_get_contents (beside, &list, NULL, NULL));
  g_assert_cmpmem (array, 6, "\x93NUMPY", 6);
  shape = g_strdup_printf ("'shape': (4, %u)", effvk_embeddings_get_size (embeddings));
  g_assert_nonnull (g_strstr_len (array + 10, 100, shape));
  n = 4 * effvk_embeddings_get_size (embeddings) * sizeof (float);
  g_assert_cmpuint ((length - n) % 64, ==, 0);
  g_assert_cmpmem (array + length - n / 4, n / 4,
                   effvk_embeddings_get_values (embeddings, 3, &length), n / 4);
  g_assert_nonnull (strstr (list, "folder/3 \\\"x\\\".png"));
}

/* Another network's embeddings are not to be compared; other classes do not matter. */
static void
test_other_network (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) other = effvk_model_new_random ("phi=-4", 3, 2, &error);
  g_autoptr (EffvkModel) more = effvk_model_new_random ("phi=-4", 5, 1, &error);
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  g_autoptr (EffvkEmbeddings) others = effvk_embeddings_new (other);

  g_assert_false (effvk_embeddings_is_of (embeddings, other));
  g_assert_true (effvk_embeddings_is_of (embeddings, more));
  g_assert_false (effvk_embeddings_append (embeddings, others));
}

static void
test_find (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  guint n = effvk_embeddings_get_size (embeddings), item;
  g_autofree float *like = make_values (2, n);
  g_autoptr (GVariant) found = NULL;
  g_autoptr (GVariant) none = NULL;
  double cosine, last = 1.1;

  for (guint i = 0; i < n; i++)
    like[i] *= 3; /* the length does not matter */
  found = effvk_embeddings_find (embeddings, like, n, 3);
  g_assert_cmpuint (g_variant_n_children (found), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_variant_get_child (found, i, "(ud)", &item, &cosine);
      g_assert_cmpfloat (cosine, <=, last);
      if (i == 0)
        {
          g_assert_cmpuint (item, ==, 2);
          g_assert_cmpfloat_with_epsilon (cosine, 1, 1e-6);
        }
      last = cosine;
    }
  none = effvk_embeddings_find (embeddings, like, n - 1, 3);
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
}

/* Writes @text in the place of the items, as a file of one row. */
static void
write_file (const char *path, const char *header, const char *items)
{
  guint64 length = GUINT64_TO_LE ((guint64) strlen (header));
  const float row[2] = { 1, 2 };
  g_autoptr (GByteArray) file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) &length, 8);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  g_byte_array_append (file, (const guint8 *) row, sizeof row);
  g_byte_array_append (file, (const guint8 *) items, (guint) strlen (items));
  g_assert_true (g_file_set_contents (path, (char *) file->data, file->len, NULL));
}

#define BACKBONE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
test_bad_files (void)
{
  static const struct
  {
    const char *backbone, *items, *word; /* word NULL: it is read */
  } cases[] = {
    { BACKBONE, "[{\"source\":\"a\"}]", NULL },
    { BACKBONE, "[]", "rows" },
    { BACKBONE, "[{\"source\":\"a\"},{\"source\":\"b\"}]", "more views" },
    { BACKBONE, "[{\"source\":\"a\",\"views\":0}]", "no view" },
    { BACKBONE, "[{\"source\":\"a\",\"views\":4294967297}]", "whole number" },
    { BACKBONE, "[{\"source\":\"a\",\"time\":-5}]", "whole number" },
    { BACKBONE, "[{\"source\":7}]", "source" },
    { BACKBONE, "[{\"labels\":[\"a\"]}]", "source" },
    { BACKBONE, "[{\"source\":\"a\",\"source\":\"b\"}]", "expected" },
    { BACKBONE, "[{\"source\":\"a\",\"labels\":\"b\"}]", "labels" },
    { BACKBONE, "[{\"source\":\"a\",\"x\":1}]", "expected" },
    { BACKBONE, "[{\"source\":\"a\"}] x", "items" },
    { BACKBONE, "{", "array" },
    { BACKBONE, "", "items" },
    { "abc", "[{\"source\":\"a\"}]", "network" },
  };
  g_autofree char *path = in_folder ("bad.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *header = g_strdup_printf (
          "{\"__metadata__\":{\"effvk\":\"{\\\"backbone\\\":\\\"%s\\\"}\"},"
          "\"embeddings\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
          "\"items\":{\"dtype\":\"U8\",\"shape\":[%zu],\"data_offsets\":[8,%zu]}}",
          cases[i].backbone, strlen (cases[i].items), 8 + strlen (cases[i].items));
      g_autoptr (GError) error = NULL;
      g_autoptr (EffvkEmbeddings) read = NULL;

      write_file (path, header, cases[i].items);
      read = effvk_embeddings_new_from_file (path, &error);
      g_test_message ("%s: %s", cases[i].items, error ? error->message : "read");
      g_assert_true ((read != NULL) == (cases[i].word == NULL));
      if (!cases[i].word)
        continue;
      g_assert_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, cases[i].word));
      g_assert_nonnull (strstr (error->message, path));
    }
}

static void
test_no_such_file (void)
{
  g_autoptr (EffvkEmbeddings) embeddings = make ();
  g_autofree char *nowhere = in_folder ("no/such/folder.safetensors");
  g_autofree char *model_path = in_folder ("model.safetensors");
  g_autoptr (GError) error = NULL;

  g_assert_false (effvk_embeddings_save (embeddings, nowhere, &error));
  g_assert_nonnull (strstr (error->message, nowhere));
  g_clear_error (&error);
  g_assert_null (effvk_embeddings_new_from_file (nowhere, &error));
  g_assert_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ);
  g_clear_error (&error);
  g_assert_true (effvk_model_save (model, model_path, &error));
  g_assert_null (effvk_embeddings_new_from_file (model_path, &error)); /* a model is none */
  g_assert_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID);
}

static void
remove_folder (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = in_folder (name);

      g_remove (path);
    }
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  model = effvk_model_new_random ("phi=-4", 3, 1, &error);
  g_assert_no_error (error);
  folder = g_dir_make_tmp ("effvk-embeddings-XXXXXX", NULL);
  g_test_add_func ("/embeddings/items", test_items);
  g_test_add_func ("/embeddings/file", test_file);
  g_test_add_func ("/embeddings/npy", test_npy);
  g_test_add_func ("/embeddings/other-network", test_other_network);
  g_test_add_func ("/embeddings/find", test_find);
  g_test_add_func ("/embeddings/bad-files", test_bad_files);
  g_test_add_func ("/embeddings/no-such-file", test_no_such_file);
  status = g_test_run ();
  remove_folder ();
  g_free (folder);
  g_object_unref (model);
  return status;
}
