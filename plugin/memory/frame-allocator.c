/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/frame-allocator.h"

#define MEMORY_TYPE "EffvkFrameMemory"

typedef struct
{
  GstMemory parent;
  EffvkFrameMemory *frame;
  gsize shift; /* bytes that alignment takes */
} FrameMemory;

typedef struct
{
  GstAllocator parent;
  EffvkDevice *device;
} GstEffvkFrameAllocator;

typedef struct
{
  GstAllocatorClass parent_class;
} GstEffvkFrameAllocatorClass;

static GType gst_effvk_frame_allocator_get_type (void);
G_DEFINE_TYPE (GstEffvkFrameAllocator, gst_effvk_frame_allocator, GST_TYPE_ALLOCATOR)

static GstMemory *
gst_effvk_frame_allocator_alloc (GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstEffvkFrameAllocator *self = (GstEffvkFrameAllocator *) allocator;
  gsize needed = params->prefix + size + params->padding;
  EffvkFrameMemory *frame
      = effvk_frame_memory_new (self->device, MAX (needed, 1) + params->align, NULL);
  FrameMemory *memory;
  guint8 *data;

  if (!frame)
    return gst_allocator_alloc (NULL, size, params);
  memory = g_new0 (FrameMemory, 1);
  memory->frame = frame;
  data = effvk_frame_memory_get_data (frame);
  memory->shift = -(guintptr) data & params->align;
  data += memory->shift;
  if (params->flags & GST_MEMORY_FLAG_ZERO_PREFIXED)
    memset (data, 0, params->prefix);
  if (params->flags & GST_MEMORY_FLAG_ZERO_PADDED)
    memset (data + params->prefix + size, 0, params->padding);
  gst_memory_init (&memory->parent, params->flags, allocator, NULL, needed, params->align,
                   params->prefix, size);
  return &memory->parent;
}

static void
gst_effvk_frame_allocator_free (GstAllocator *allocator, GstMemory *memory)
{
  effvk_frame_memory_unref (((FrameMemory *) memory)->frame);
  g_free (memory);
}

static gpointer
frame_memory_map (GstMemory *memory, gsize max_size, GstMapFlags flags)
{
  FrameMemory *self = (FrameMemory *) memory;

  return effvk_frame_memory_get_data (self->frame) + self->shift;
}

static void
frame_memory_unmap (GstMemory *memory)
{
}

/* A buffer that is copied because somebody else looks at it as well shares the picture: only who
 * writes into it has one of their own. */
static GstMemory *
frame_memory_share (GstMemory *memory, gssize offset, gssize size)
{
  FrameMemory *self = (FrameMemory *) memory, *part = g_new0 (FrameMemory, 1);

  part->frame = effvk_frame_memory_ref (self->frame);
  part->shift = self->shift;
  gst_memory_init (&part->parent,
                   GST_MINI_OBJECT_FLAGS (memory) | GST_MINI_OBJECT_FLAG_LOCK_READONLY,
                   memory->allocator, memory->parent ? memory->parent : memory, memory->maxsize,
                   memory->align, memory->offset + (gsize) offset,
                   size < 0 ? memory->size - (gsize) offset : (gsize) size);
  return &part->parent;
}

static void
gst_effvk_frame_allocator_finalize (GObject *object)
{
  g_object_unref (((GstEffvkFrameAllocator *) object)->device);
  G_OBJECT_CLASS (gst_effvk_frame_allocator_parent_class)->finalize (object);
}

static void
gst_effvk_frame_allocator_class_init (GstEffvkFrameAllocatorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_effvk_frame_allocator_finalize;
  GST_ALLOCATOR_CLASS (klass)->alloc = gst_effvk_frame_allocator_alloc;
  GST_ALLOCATOR_CLASS (klass)->free = gst_effvk_frame_allocator_free;
}

static void
gst_effvk_frame_allocator_init (GstEffvkFrameAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR (self);

  allocator->mem_type = MEMORY_TYPE;
  allocator->mem_map = frame_memory_map;
  allocator->mem_unmap = frame_memory_unmap;
  allocator->mem_share = frame_memory_share;
}

GstAllocator *
gst_effvk_frame_allocator_new (EffvkDevice *device)
{
  GstEffvkFrameAllocator *self = g_object_new (gst_effvk_frame_allocator_get_type (), NULL);

  gst_object_ref_sink (self);
  self->device = g_object_ref (device);
  return GST_ALLOCATOR (self);
}

EffvkFrameMemory *
gst_effvk_frame_allocator_get_memory (GstBuffer *buffer)
{
  GstMemory *memory;

  if (gst_buffer_n_memory (buffer) != 1)
    return NULL;
  memory = gst_buffer_peek_memory (buffer, 0);
  return gst_memory_is_type (memory, MEMORY_TYPE) ? ((FrameMemory *) memory)->frame : NULL;
}

/* Whether the pool has nothing over one of ours: its buffers are allocated from system memory. */
static gboolean
is_plain (GstBufferPool *pool)
{
  GstAllocator *allocator = NULL;
  GstStructure *config;

  if (!pool)
    return TRUE;
  if (G_OBJECT_TYPE (pool) != GST_TYPE_BUFFER_POOL
      && strcmp (G_OBJECT_TYPE_NAME (pool), "GstVideoBufferPool") != 0)
    return FALSE;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_allocator (config, &allocator, NULL);
  if (allocator && g_strcmp0 (allocator->mem_type, GST_ALLOCATOR_SYSMEM) == 0)
    allocator = NULL;
  gst_structure_free (config);
  return !allocator;
}

static GstBufferPool *
make_pool (GstCaps *caps, gsize size, guint min, guint max, GstAllocator *allocator,
           const GstAllocationParams *params)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstVideoAlignment alignment;

  gst_buffer_pool_config_set_params (config, caps, (guint) size, min, max);
  gst_buffer_pool_config_set_allocator (config, allocator, params);
  /* Counts where frames say how they lie, that is, where upstream adds a GstVideoMeta. */
  gst_video_alignment_reset (&alignment);
  for (guint i = 0; i < GST_VIDEO_MAX_PLANES; i++)
    alignment.stride_align[i] = EFFVK_FRAME_MEMORY_ALIGNMENT - 1;
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_buffer_pool_config_set_video_alignment (config, &alignment);
  if (gst_buffer_pool_set_config (pool, config))
    return pool;
  gst_object_unref (pool);
  return NULL;
}

void
gst_effvk_frame_allocator_propose (EffvkDevice *device, GstQuery *query)
{
  g_autoptr (GstAllocator) allocator = NULL;
  g_autoptr (GstAllocator) theirs = NULL;
  g_autoptr (GstBufferPool) pool = NULL;
  guint size = 0, min = 0, max = 0;
  GstAllocationParams params;
  GstVideoInfo info;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !gst_video_info_from_caps (&info, caps))
    return;
  gst_allocation_params_init (&params);
  if (gst_query_get_n_allocation_pools (query))
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  if (gst_query_get_n_allocation_params (query))
    gst_query_parse_nth_allocation_param (query, 0, &theirs, &params);
  if (!is_plain (pool) || (theirs && g_strcmp0 (theirs->mem_type, GST_ALLOCATOR_SYSMEM) != 0))
    return;

  allocator = gst_effvk_frame_allocator_new (device);
  g_clear_object (&pool);
  size = MAX (size, (guint) GST_VIDEO_INFO_SIZE (&info));
  pool = make_pool (caps, size, min, max, allocator, &params);
  if (!pool)
    return;
  if (gst_query_get_n_allocation_params (query))
    gst_query_set_nth_allocation_param (query, 0, allocator, &params);
  else
    gst_query_add_allocation_param (query, allocator, &params);
  if (gst_query_get_n_allocation_pools (query))
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
}
