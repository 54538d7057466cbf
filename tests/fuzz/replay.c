/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzz target on files and on variations of them, as an ordinary test: every file as it is,
 * cut at 200 places, and with each of 2000 single bytes changed. Always the same ones.
 *
 *   fuzz-TARGET-replay FILE-OR-FOLDER...      prints TAP
 */

#include "fuzz.h"

#include <glib.h>
#include <stdio.h>

#define CUTS 200
#define CHANGES 2000

/* An exact copy, so that a sanitizer sees a byte read beyond. */
static void
run (const uint8_t *data, size_t size)
{
  g_autofree uint8_t *copy = g_memdup2 (data, size);
  LLVMFuzzerTestOneInput (copy ? copy : (const uint8_t *) "", size);
}

static gboolean
replay (const char *path)
{
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error))
    {
      printf ("# %s\n", error->message);
      return FALSE;
    }
  uint8_t *bytes = (uint8_t *) data;
  run (bytes, size);
  for (guint i = 0; i < CUTS; i++)
    run (bytes, size * i / CUTS);
  for (guint i = 0; i < CHANGES && size; i++)
    {
      gsize at = (gsize) ((guint64) size * i / CHANGES);
      uint8_t old = bytes[at], mask = (uint8_t) (i % 3 ? 1u << i % 8 : 0xff);
      bytes[at] ^= mask;
      run (bytes, size);
      bytes[at] = old;
    }
  return TRUE;
}

static void
add (GPtrArray *paths, const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  if (!folder)
    g_ptr_array_add (paths, g_strdup (path));
  else
    while ((name = g_dir_read_name (folder)))
      g_ptr_array_add (paths, g_build_filename (path, name, NULL));
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  int status = 0;

  for (int i = 1; i < argc; i++)
    add (paths, argv[i]);
  printf ("1..%u\n", paths->len);
  for (guint i = 0; i < paths->len; i++)
    {
      gboolean ok = replay (paths->pdata[i]);
      g_autofree char *name = g_path_get_basename (paths->pdata[i]);
      printf ("%s %u - %s\n", ok ? "ok" : "not ok", i + 1, name);
      fflush (stdout);
      status |= !ok;
    }
  return status || !paths->len;
}
