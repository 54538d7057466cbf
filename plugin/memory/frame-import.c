/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/frame-import.h"

#include "memory/import-cache.h"

typedef struct
{
  guint8 *data;
  gsize size;
} Layout;

static EffvkFrameMemory *
import (EffvkDevice *device, gconstpointer data, GError **error)
{
  const Layout *layout = data;
  EffvkFrameMemory *memory
      = effvk_frame_memory_new_from_data (device, layout->data, layout->size, error);

  if (!memory)
    g_debug ("frames are copied: %s", error && *error ? (*error)->message : "no reason given");
  return memory;
}

EffvkFrameMemory *
gst_effvk_frame_import (EffvkDevice *device, const GstVideoFrame *frame, gboolean again)
{
  static const GstEffvkImporter importer
      = { .import = import, .at_second = TRUE, .is_mapped = TRUE };
  Layout layout = { .data = frame->map[0].data };
  GstMemory *memory;

  if (!effvk_device_can_import_data (device) || gst_buffer_n_memory (frame->buffer) != 1)
    return NULL;
  memory = gst_buffer_peek_memory (frame->buffer, 0);
  if (!gst_memory_is_type (memory, GST_ALLOCATOR_SYSMEM) || memory->parent)
    return NULL;
  layout.size = memory->maxsize - memory->offset;
  return gst_effvk_import_cache_get (memory, device, &importer,
                                     &(GstEffvkImportLayout){ &layout, sizeof layout }, again,
                                     NULL);
}
