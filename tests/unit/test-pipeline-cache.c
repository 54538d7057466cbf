/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipeline cache on disk: it is loaded again, and no file in its place does harm. */

#include "devices.h"

#include "vk/cache.h"

#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

typedef struct
{
  char *directory;
  char *path; /* of the device's file */
  GPtrArray *list;
  char *good; /* what the device wrote there */
  gsize size;
} Cache;

static void
cache_set_up (Cache *cache, gconstpointer data)
{
  g_autoptr (EffvkDevice) device = NULL;

  (void) data;
  cache->directory = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  g_assert_nonnull (cache->directory);
  g_setenv ("EFFVK_CACHE_DIR", cache->directory, TRUE);

  cache->list = devices_or_skip ();
  if (cache->list == NULL)
    return;
  device = open_usable (cache->list);
  cache->path
      = g_strdup_printf ("%s/pipelines-%s.bin", cache->directory, effvk_device_get_uuid (device));
  g_assert_false (g_file_test (cache->path, G_FILE_TEST_EXISTS));
  effvk_cache_save (device);
  g_assert_true (g_file_get_contents (cache->path, &cache->good, &cache->size, NULL));
  g_assert_cmpuint (cache->size, >, 80);
}

static void
cache_tear_down (Cache *cache, gconstpointer data)
{
  (void) data;
  if (cache->path != NULL)
    g_remove (cache->path);
  g_assert_cmpint (g_rmdir (cache->directory), ==, 0); /* no temporary file was left */
  g_setenv ("EFFVK_CACHE_DIR", "", TRUE);
  g_clear_pointer (&cache->list, g_ptr_array_unref);
  g_free (cache->directory);
  g_free (cache->path);
  g_free (cache->good);
}

/* Opens the device with what is in the file's place and returns how much of it was loaded. */
static gsize
cache_open (Cache *cache)
{
  g_autoptr (EffvkDevice) device = open_usable (cache->list);

  g_assert_true (device->pipeline_cache != VK_NULL_HANDLE);
  return device->cache_size;
}

/* The file is now as the device wrote it: what was in its place was replaced. */
static void
assert_rebuilt (Cache *cache)
{
  g_autofree char *file = NULL;
  gsize size = 0;

  g_assert_true (g_file_get_contents (cache->path, &file, &size, NULL));
  g_assert_cmpmem (file, size, cache->good, cache->size);
}

static void
test_cache_loaded (Cache *cache, gconstpointer data)
{
  GStatBuf before, after;

  (void) data;
  if (cache->list == NULL)
    return;
  g_assert_cmpint (g_stat (cache->path, &before), ==, 0);
  g_assert_cmpint (before.st_mode & 0777, ==, 0600);
  g_assert_cmpuint (cache_open (cache), ==, cache->size - 80);

  /* nothing was built, so nothing was written: a new file would be another inode */
  g_assert_cmpint (g_stat (cache->path, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
}

static void
test_cache_truncated (Cache *cache, gconstpointer data)
{
  const gsize sizes[] = { 0, 1, 8, 79, 80, 81, cache->size - 1 };

  (void) data;
  for (guint i = 0; cache->list != NULL && i < G_N_ELEMENTS (sizes); i++)
    {
      g_assert_true (g_file_set_contents (cache->path, cache->good, (gssize) sizes[i], NULL));
      g_assert_cmpuint (cache_open (cache), ==, 0);
      assert_rebuilt (cache);
    }
}

/* A changed byte anywhere: in the magic, in each field that says whose it is, in the size, in the
 * checksum, in the data. */
static void
test_cache_damaged (Cache *cache, gconstpointer data)
{
  (void) data;
  for (gsize at = 0; cache->list != NULL && at < MIN (cache->size, 96); at += 4)
    {
      g_autofree char *file = g_memdup2 (cache->good, cache->size);

      file[at] ^= 0x10;
      g_assert_true (g_file_set_contents (cache->path, file, (gssize) cache->size, NULL));
      g_assert_cmpuint (cache_open (cache), ==, 0);
      assert_rebuilt (cache);
    }
}

static void
test_cache_trailing (Cache *cache, gconstpointer data)
{
  g_autofree char *file = NULL;

  (void) data;
  if (cache->list == NULL)
    return;
  file = g_malloc0 (cache->size + 16);
  memcpy (file, cache->good, cache->size);
  g_assert_true (g_file_set_contents (cache->path, file, (gssize) cache->size + 16, NULL));
  g_assert_cmpuint (cache_open (cache), ==, 0);
  assert_rebuilt (cache);
}

static void
test_cache_huge (Cache *cache, gconstpointer data)
{
  (void) data;
  if (cache->list == NULL)
    return;
  g_assert_cmpint (truncate (cache->path, (off_t) 1 << 40), ==, 0); /* sparse */
  g_assert_cmpuint (cache_open (cache), ==, 0);
  assert_rebuilt (cache);
}

/* Neither of these blocks the opening of a device or breaks it. */
static void
test_cache_no_file (Cache *cache, gconstpointer data)
{
  (void) data;
  if (cache->list == NULL)
    return;
  g_assert_cmpint (g_remove (cache->path), ==, 0);
  g_assert_cmpint (mkfifo (cache->path, 0600), ==, 0);
  g_assert_cmpuint (cache_open (cache), ==, 0);
  assert_rebuilt (cache);

  g_assert_cmpint (g_remove (cache->path), ==, 0);
  g_assert_cmpint (g_mkdir (cache->path, 0700), ==, 0);
  g_assert_cmpuint (cache_open (cache), ==, 0);
  g_assert_true (g_file_test (cache->path, G_FILE_TEST_IS_DIR));
}

static void
test_cache_nowhere (Cache *cache, gconstpointer data)
{
  g_autofree char *beneath = NULL;

  (void) data;
  if (cache->list == NULL)
    return;

  /* a directory that cannot be made, as its parent is a file */
  beneath = g_build_filename (cache->path, "effvk", NULL);
  g_setenv ("EFFVK_CACHE_DIR", beneath, TRUE);
  g_assert_cmpuint (cache_open (cache), ==, 0);

  /* none is wanted */
  g_setenv ("EFFVK_CACHE_DIR", "", TRUE);
  g_assert_cmpuint (cache_open (cache), ==, 0);
  assert_rebuilt (cache);
}

/* Readers of text find an end behind what they were given, whatever lay in that memory before. */
static void
test_cache_ends (void)
{
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "effvk-test-cache-XXXXXX", NULL);
  int fd = g_mkstemp (path);

  g_assert_cmpint (fd, >=, 0);
  close (fd);
#ifdef M_PERTURB
  mallopt (M_PERTURB, 0x55); /* nothing that is allocated is zero */
#endif
  for (gsize n = 1; n < 100; n++)
    {
      g_autofree char *text = g_strnfill (n, 'x');
      g_autofree guint8 *data = NULL;
      gsize size;

      g_assert_true (g_file_set_contents (path, text, (gssize) n, NULL));
      data = effvk_cache_read (path, 100, &size);
      g_assert_cmpuint (size, ==, n);
      g_assert_cmpmem (data, size + 1, text, n + 1);
    }
#ifdef M_PERTURB
  mallopt (M_PERTURB, 0);
#endif
  g_remove (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define CACHE_TEST(name, function)                                                                 \
  g_test_add ("/pipeline-cache/" name, Cache, NULL, cache_set_up, function, cache_tear_down)
  g_test_add_func ("/pipeline-cache/ends", test_cache_ends);
  CACHE_TEST ("loaded", test_cache_loaded);
  CACHE_TEST ("truncated", test_cache_truncated);
  CACHE_TEST ("damaged", test_cache_damaged);
  CACHE_TEST ("trailing", test_cache_trailing);
  CACHE_TEST ("huge", test_cache_huge);
  CACHE_TEST ("no-file", test_cache_no_file);
  CACHE_TEST ("nowhere", test_cache_nowhere);
#undef CACHE_TEST

  return g_test_run ();
}
