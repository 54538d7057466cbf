/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-model.h>

#include <glib/gstdio.h>
#include <string.h>

/* Helpers of the model layer's tests: files built in memory, and refusals that must say why. */

/* A safetensors file of any header and any amount of data, right or wrong. */
static inline GBytes *
fixture_file (const char *header, gsize header_length, gsize data_size)
{
  guint64 length = GUINT64_TO_LE ((guint64) header_length);
  guint8 *bytes = g_malloc0 (8 + header_length + data_size);
  memcpy (bytes, &length, 8);
  memcpy (bytes + 8, header, header_length);
  return g_bytes_new_take (bytes, 8 + header_length + data_size);
}

/* The call failed, its error is of the right kind and holds every word; then it is cleared. */
static inline void
fixture_refused (gboolean ok, GError **error, int code, const char *const *words, const char *what)
{
  if (ok)
    g_error ("%s: accepted", what);
  g_assert_error (*error, EFFVK_MODEL_ERROR, code);
  for (; *words; words++)
    if (!strstr ((*error)->message, *words))
      g_error ("%s: \"%s\" does not say \"%s\"", what, (*error)->message, *words);
  g_test_message ("%s: %s", what, (*error)->message);
  g_clear_error (error);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A path in a new directory; fixture_remove() removes both. */
static inline char *
fixture_path (const char *name)
{
  g_autofree char *directory = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  g_assert_nonnull (directory);
  return g_build_filename (directory, name, NULL);
}

static inline void
fixture_remove (char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_remove (path);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  g_free (path);
}

/* A file of the shared data, or NULL when it is not there (the test is then skipped, saying so). */
static inline char *
fixture_shared (const char *name)
{
  const char *root = g_getenv ("EFFVK_SHARED");
  g_autofree char *path = g_build_filename (root ? root : "../shared", "data", name, NULL);
  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_autofree char *why = g_strdup_printf ("%s is not there (EFFVK_SHARED)", path);
  g_test_skip (why);
  return NULL;
}
