/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How self-tests ended, in the cache on disk: one file for each device and precision. */

#include "selftest/record.h"

#include "selftest/cases.h"
#include "vk/cache.h"

#include <effvk/effvk-selftest.h>

#include <gio/gio.h>
#include <string.h>

#define MAX_BYTES 4096

/* What a record is of: another one is made when any of it changes. */
static char *
describe_key (EffvkDevice *device, EffvkPrecision precision)
{
  g_autofree char *identity = effvk_cache_identity (device);
  g_autoptr (GChecksum) kernels = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < effvk_selftest_n_cases; i++)
    for (guint k = 0; k < *effvk_selftest_cases[i].n_kernels; k++)
      g_checksum_update (kernels, (const guchar *) effvk_selftest_cases[i].kernels[k].name, -1);
  return g_strdup_printf ("effvk-selftest 1 %s %.16s %s %s", EFFVK_VERSION,
                          g_checksum_get_string (kernels), identity,
                          effvk_storages[effvk_storage_of_precision (precision)].name);
}

static char *
record_path (EffvkDevice *device, EffvkPrecision precision)
{
  g_autofree char *name
      = g_strdup_printf ("selftest-%s-%s.txt", effvk_device_get_uuid (device),
                         effvk_storages[effvk_storage_of_precision (precision)].name);

  return effvk_cache_path (name);
}

/* Whether there is a record, all of which is as it was written: the key, and how many failed. */
static gboolean
load (const char *path, const char *key, guint *n_failed)
{
  gsize size = 0;
  g_autofree guint8 *bytes = effvk_cache_read (path, MAX_BYTES, &size);
  g_autofree char *text = bytes ? g_strndup ((const char *) bytes, size) : NULL;
  g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;
  guint64 value;

  if (!lines || g_strv_length (lines) != 3 || strcmp (lines[0], key) != 0
      || !g_ascii_string_to_unsigned (lines[1], 10, 0, G_MAXUINT32, &value, NULL))
    return FALSE;
  *n_failed = (guint) value;
  return TRUE;
}

static void
save (const char *path, const char *key, guint n_failed)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = g_strdup_printf ("%s\n%u\n", key, n_failed);
  g_autoptr (GError) error = NULL;

  if (g_mkdir_with_parents (folder, 0700) != 0
      || !g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_debug ("%s was not written: %s", path, error ? error->message : "its folder cannot be made");
}

gboolean
effvk_selftest_passes (EffvkDevice *device, EffvkPrecision precision, GError **error)
{
  g_autofree char *path = record_path (device, precision);
  g_autofree char *key = describe_key (device, precision);
  guint n_failed = 0;

  if (path && load (path, key, &n_failed))
    g_debug ("%s: %u comparisons failed then", path, n_failed);
  else if (!effvk_selftest_run (device, precision, 1, 1, NULL, NULL, &n_failed, error))
    return FALSE; /* it may run another time */
  else if (path)
    save (path, key, n_failed);
  if (n_failed == 0)
    return TRUE;
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_FAILED,
               "%u comparisons failed; \"effvk selftest\" tells which", n_failed);
  return FALSE;
}
