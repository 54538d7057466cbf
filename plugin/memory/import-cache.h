/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/*
 * What devices have imported of a GstMemory. An import is kept with the GstMemory and ends with it.
 * A frame may be in several elements at once: all functions are thread-safe.
 */

/* How the memory is used. Another layout of the same memory is another import. */
typedef struct
{
  gconstpointer bytes; /* compared: padding is to be 0 */
  gsize size;
} GstEffvkImportLayout;

/* One kind of memory. */
typedef struct
{
  EffvkFrameMemory *(*import) (EffvkDevice *device, gconstpointer layout, GError **error);
  gboolean at_second; /* not before the memory comes again, as a pool's does */
  gboolean
      is_mapped; /* the pixels go with the GstMemory: what remembers the import must forget it */
} GstEffvkImporter;

/* The memory as @device has it, with a reference. NULL: not yet, when the importer waits; or with
 * @error set: it cannot be imported, which is remembered. @now: it does not wait. */
EffvkFrameMemory *gst_effvk_import_cache_get (GstMemory *memory, EffvkDevice *device,
                                              const GstEffvkImporter *importer,
                                              const GstEffvkImportLayout *layout, gboolean now,
                                              GError **error);
