/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/import-cache.h"

#include <string.h>

/* Devices and layouts of one memory at a time. */
#define MAX_IMPORTS 8

typedef struct
{
  EffvkDevice *device;
  GBytes *layout;
  EffvkFrameMemory *memory; /* NULL: not imported yet, or it cannot be */
  GError *error;            /* why it cannot */
  gboolean is_mapped;
} Import;

static GMutex lock; /* of all imports: a frame may be in several elements */

static void
import_free (gpointer data)
{
  Import *import = data;

  if (import->memory && import->is_mapped)
    effvk_frame_memory_revoke (import->memory); /* no frame is in flight: it holds the GstMemory */
  g_clear_pointer (&import->memory, effvk_frame_memory_unref);
  g_clear_error (&import->error);
  g_bytes_unref (import->layout);
  g_object_unref (import->device);
  g_free (import);
}

/* Under lock. The imports of a GstMemory. */
static GPtrArray *
get_imports (GstMemory *memory)
{
  GQuark quark = g_quark_from_static_string ("effvk-imports");
  GPtrArray *imports = gst_mini_object_get_qdata (GST_MINI_OBJECT (memory), quark);

  if (!imports)
    {
      imports = g_ptr_array_new_with_free_func (import_free);
      gst_mini_object_set_qdata (GST_MINI_OBJECT (memory), quark, imports,
                                 (GDestroyNotify) g_ptr_array_unref);
    }
  return imports;
}

/* Under lock. What lost devices had is forgotten. */
static Import *
find (GPtrArray *imports, EffvkDevice *device, GBytes *layout)
{
  for (guint i = imports->len; i-- > 0;)
    {
      Import *import = g_ptr_array_index (imports, i);

      if (import->device == device && g_bytes_equal (import->layout, layout))
        return import;
      if (import->device != device && effvk_device_is_lost (import->device))
        g_ptr_array_remove_index (imports, i);
    }
  return NULL;
}

/* Under lock. NULL: there are too many, and none may go while frames are in flight. */
static Import *
add (GPtrArray *imports, EffvkDevice *device, GBytes *layout, gboolean is_mapped)
{
  Import *import;

  if (imports->len == MAX_IMPORTS && is_mapped)
    return NULL;
  if (imports->len == MAX_IMPORTS)
    g_ptr_array_remove_index (imports, 0);
  import = g_new0 (Import, 1);
  import->device = g_object_ref (device);
  import->layout = g_bytes_ref (layout);
  import->is_mapped = is_mapped;
  g_ptr_array_add (imports, import);
  return import;
}

EffvkFrameMemory *
gst_effvk_import_cache_get (GstMemory *memory, EffvkDevice *device,
                            const GstEffvkImporter *importer, const GstEffvkImportLayout *layout,
                            gboolean now, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);
  g_autoptr (GBytes) bytes = g_bytes_new (layout->bytes, layout->size);
  GPtrArray *imports = get_imports (memory);
  Import *import = find (imports, device, bytes);

  if (!import)
    {
      import = add (imports, device, bytes, importer->is_mapped);
      if (!import || (importer->at_second && !now))
        return NULL;
    }
  if (!import->memory && !import->error)
    import->memory = importer->import (device, layout->bytes, &import->error);
  if (import->memory)
    return effvk_frame_memory_ref (import->memory);
  if (error)
    *error = g_error_copy (import->error);
  return NULL;
}
