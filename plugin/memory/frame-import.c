/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/frame-import.h"

/* What is known of a GstMemory that a frame came in, kept with it. */
typedef struct
{
  EffvkDevice *device;
  const guint8 *data;
  EffvkFrameMemory *memory; /* from the second time on; NULL where it cannot be imported */
  gboolean tried;
} Import;

static GMutex lock; /* of all of them: a frame may be in several elements */

static GQuark
import_quark (void)
{
  return g_quark_from_static_string ("effvk-data-import");
}

/* With the GstMemory. No frame is in flight, as it holds the GstMemory; a slot may remember it. */
static void
import_free (gpointer data)
{
  Import *import = data;

  if (import->memory)
    {
      effvk_frame_memory_revoke (import->memory);
      effvk_frame_memory_unref (import->memory);
    }
  g_object_unref (import->device);
  g_free (import);
}

EffvkFrameMemory *
gst_effvk_frame_import (EffvkDevice *device, const GstVideoFrame *frame, gboolean again)
{
  const GstMapInfo *map = &frame->map[0];
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = NULL;
  g_autoptr (GError) error = NULL;
  GstMemory *memory;
  Import *import;

  if (!effvk_device_can_import_data (device) || gst_buffer_n_memory (frame->buffer) != 1)
    return NULL;
  memory = gst_buffer_peek_memory (frame->buffer, 0);
  if (!gst_memory_is_type (memory, GST_ALLOCATOR_SYSMEM) || memory->parent)
    return NULL;

  locker = g_mutex_locker_new (&lock);
  import = gst_mini_object_get_qdata (GST_MINI_OBJECT (memory), import_quark ());
  if (import && import->device != device && effvk_device_is_lost (import->device))
    {
      gst_mini_object_set_qdata (GST_MINI_OBJECT (memory), import_quark (), NULL, NULL);
      import = NULL;
    }
  if (!import)
    {
      import = g_new0 (Import, 1);
      import->device = g_object_ref (device);
      import->data = map->data;
      gst_mini_object_set_qdata (GST_MINI_OBJECT (memory), import_quark (), import, import_free);
      if (!again)
        return NULL;
    }
  if (import->device != device || import->data != map->data)
    return NULL;
  if (!import->tried)
    {
      import->tried = TRUE;
      import->memory = effvk_frame_memory_new_from_data (device, map->data,
                                                         memory->maxsize - memory->offset, &error);
      if (error)
        g_debug ("frames are copied: %s", error->message);
    }
  return import->memory;
}
