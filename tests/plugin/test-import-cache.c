/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What devices have imported of a GstMemory: once for each device and layout, and no longer than it
 * lives. */
#include "memory/import-cache.h"
#include "vk/device.h"

static guint n_imports, fails;

static EffvkFrameMemory *
import (EffvkDevice *device, gconstpointer layout, GError **error)
{
  n_imports++;
  if (!fails)
    return effvk_frame_memory_new (device, *(const guint32 *) layout, error);
  fails--;
  g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_FAILED, "not this one");
  return NULL;
}

static const GstEffvkImporter at_once = { .import = import };
static const GstEffvkImporter later = { .import = import, .at_second = TRUE };

typedef struct
{
  EffvkDevice *device;
  GstMemory *memory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  fixture->device = effvk_device_new ("cpu", &error);
  g_assert_no_error (error);
  fixture->memory = gst_allocator_alloc (NULL, 64, NULL);
  n_imports = fails = 0;
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gst_memory_unref (fixture->memory);
  g_assert_finalize_object (fixture->device); /* the imports held it, and are gone */
}

/* What the cache gives, without the reference; the size of the import is the layout. */
static EffvkFrameMemory *
get (Fixture *fixture, EffvkDevice *device, const GstEffvkImporter *importer, guint32 layout,
     gboolean now)
{
  g_autoptr (EffvkFrameMemory) memory
      = gst_effvk_import_cache_get (fixture->memory, device, importer,
                                    &(GstEffvkImportLayout){ &layout, sizeof layout }, now, NULL);

  return memory;
}

static void
test_once (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  EffvkFrameMemory *first = get (fixture, fixture->device, &at_once, 256, FALSE);

  g_assert_nonnull (first);
  g_assert_true (get (fixture, fixture->device, &at_once, 256, FALSE) == first);
  g_assert_true (get (fixture, fixture->device, &at_once, 512, FALSE) != first);
  g_assert_true (get (fixture, fixture->device, &at_once, 256, FALSE) == first);
  g_assert_cmpuint (n_imports, ==, 2);
}

static void
test_later (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_assert_null (get (fixture, fixture->device, &later, 256, FALSE));
  g_assert_cmpuint (n_imports, ==, 0);
  g_assert_nonnull (get (fixture, fixture->device, &later, 256, FALSE));
  g_assert_nonnull (get (fixture, fixture->device, &later, 512, TRUE));
  g_assert_cmpuint (n_imports, ==, 2);
}

/* A failure is told each time, and not tried again. */
static void
test_failure (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  guint32 layout = 256;

  fails = 1;
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (gst_effvk_import_cache_get (fixture->memory, fixture->device, &at_once,
                                                 &(GstEffvkImportLayout){ &layout, sizeof layout },
                                                 FALSE, &error));
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_FAILED);
    }
  g_assert_cmpuint (n_imports, ==, 1);
}

/* Two devices have an import each; that of a lost one goes when another asks. */
static void
test_devices (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *other
      = effvk_device_new_beside (fixture->device, fixture->device->queue_family, &error);
  EffvkFrameMemory *of_first = get (fixture, fixture->device, &at_once, 256, FALSE);

  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (get (fixture, other, &at_once, 256, FALSE) != of_first);
      g_assert_true (get (fixture, fixture->device, &at_once, 256, FALSE) == of_first);
    }
  g_assert_cmpuint (n_imports, ==, 2);
  g_atomic_int_set (&other->lost, 1);
  g_assert_nonnull (get (fixture, fixture->device, &at_once, 512, FALSE));
  g_assert_cmpuint (G_OBJECT (other)->ref_count, ==, 1);
  g_object_unref (other);
}

/* More layouts than are kept. */
static void
test_many (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint32 i = 1; i <= 20; i++)
    g_assert_nonnull (get (fixture, fixture->device, &at_once, 16 * i, FALSE));
  g_assert_cmpuint (n_imports, ==, 20);
  get (fixture, fixture->device, &at_once, 16 * 20, FALSE);
  g_assert_cmpuint (n_imports, ==, 20);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/import-cache/once", Fixture, NULL, set_up, test_once, tear_down);
  g_test_add ("/import-cache/later", Fixture, NULL, set_up, test_later, tear_down);
  g_test_add ("/import-cache/failure", Fixture, NULL, set_up, test_failure, tear_down);
  g_test_add ("/import-cache/devices", Fixture, NULL, set_up, test_devices, tear_down);
  g_test_add ("/import-cache/many", Fixture, NULL, set_up, test_many, tear_down);
  return g_test_run ();
}
