/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/program.h"

#include "base/half.h"
#include "vk/arena.h"
#include "vk/once.h"

/* No device asks for more (limits of the specification). */
#define ALIGNMENT 256

typedef enum
{
  PLACE_ARENA,
  PLACE_OWN, /* a buffer of its own: persistent tensors, and all with EFFVK_PROGRAM_SEPARATE */
  PLACE_CONSTANTS,
  PLACE_EXTERNAL,
} Place;

typedef struct
{
  EffvkTensorInfo info;
  Place place;
  gsize size, offset;
  EffvkBuffer *buffer;
  EffvkBuffer own;
  guint8 *data; /* of a constant, until it is uploaded */
  VkBufferView view;
} Tensor;

struct _EffvkProgram
{
  EffvkDevice *device;
  EffvkProgramFlags flags;
  GPtrArray *tensors; /* (element-type Tensor); a handle is the index + 1 */
  GArray *dispatches; /* (element-type EffvkDispatch) */
  gboolean compiled;

  EffvkBuffer arena, constants;
  VkDescriptorPool pool;
  const EffvkPipeline **pipelines; /* per dispatch, not owned */
  VkDescriptorSet *sets;           /* per dispatch */
  gboolean *barriers;              /* per dispatch: it touches what an earlier one wrote or read */
};

gsize
effvk_storage_texel_size (EffvkStorage storage)
{
  static const gsize sizes[] = { 16, 8, 16 };

  return sizes[storage];
}

gsize
effvk_tensor_info_size (const EffvkTensorInfo *info)
{
  return (gsize) info->n * info->h * info->w * effvk_c4 (info->c)
         * effvk_storage_texel_size (info->storage);
}

static void
tensor_free (gpointer data)
{
  Tensor *tensor = data;

  effvk_buffer_clear (&tensor->own);
  g_free (tensor->data);
  g_free ((char *) tensor->info.name);
  g_free (tensor);
}

EffvkProgram *
effvk_program_new (EffvkDevice *device, EffvkProgramFlags flags)
{
  EffvkProgram *program = g_new0 (EffvkProgram, 1);

  program->device = g_object_ref (device);
  program->flags = flags;
  program->tensors = g_ptr_array_new_with_free_func (tensor_free);
  program->dispatches = g_array_new (FALSE, FALSE, sizeof (EffvkDispatch));
  return program;
}

void
effvk_program_free (EffvkProgram *program)
{
  EffvkDevice *device;

  if (!program)
    return;
  device = program->device;
  if (!effvk_device_is_hung (device)) /* else it may still use them */
    {
      for (guint i = 0; i < program->tensors->len; i++)
        device->vk.vkDestroyBufferView (device->handle,
                                        ((Tensor *) g_ptr_array_index (program->tensors, i))->view,
                                        NULL);
      device->vk.vkDestroyDescriptorPool (device->handle, program->pool, NULL);
    }
  effvk_buffer_clear (&program->arena);
  effvk_buffer_clear (&program->constants);
  g_ptr_array_unref (program->tensors);
  g_array_unref (program->dispatches);
  g_free (program->pipelines);
  g_free (program->sets);
  g_free (program->barriers);
  g_object_unref (device);
  g_free (program);
}

EffvkDevice *
effvk_program_get_device (EffvkProgram *program)
{
  return program->device;
}

static Tensor *
get_tensor (EffvkProgram *program, EffvkTensor tensor)
{
  return g_ptr_array_index (program->tensors, tensor - 1);
}

static EffvkTensor
add (EffvkProgram *program, const EffvkTensorInfo *info, Place place)
{
  Tensor *tensor = g_new0 (Tensor, 1);

  tensor->info = *info;
  tensor->info.name = g_strdup (info->name);
  tensor->place = place;
  tensor->size = effvk_tensor_info_size (info);
  g_ptr_array_add (program->tensors, tensor);
  return program->tensors->len;
}

EffvkTensor
effvk_program_add_tensor (EffvkProgram *program, const EffvkTensorInfo *info)
{
  return add (program, info, program->flags & EFFVK_PROGRAM_SEPARATE ? PLACE_OWN : PLACE_ARENA);
}

EffvkTensor
effvk_program_add_persistent (EffvkProgram *program, const EffvkTensorInfo *info)
{
  return add (program, info, PLACE_OWN);
}

EffvkTensor
effvk_program_add_constant (EffvkProgram *program, const char *name, EffvkStorage storage,
                            const float *data, gsize n_floats)
{
  EffvkTensorInfo info = { name, storage, 1, 1, (guint) (n_floats / 4), 4 };
  Tensor *tensor;
  EffvkTensor handle;

  handle = add (program, &info, PLACE_CONSTANTS);
  tensor = get_tensor (program, handle);
  if (storage == EFFVK_STORAGE_F32)
    tensor->data = g_memdup2 (data, tensor->size);
  else
    {
      guint16 *halves = g_new (guint16, n_floats);

      for (gsize i = 0; i < n_floats; i++)
        halves[i] = effvk_float_to_half (data[i]);
      tensor->data = (guint8 *) halves;
    }
  return handle;
}

EffvkTensor
effvk_program_add_external (EffvkProgram *program, const EffvkTensorInfo *info,
                            const EffvkBuffer *buffer, gsize offset)
{
  EffvkTensor handle = add (program, info, PLACE_EXTERNAL);
  Tensor *tensor = get_tensor (program, handle);

  tensor->buffer = (EffvkBuffer *) buffer;
  tensor->offset = offset;
  return handle;
}

const EffvkTensorInfo *
effvk_program_get_info (EffvkProgram *program, EffvkTensor tensor)
{
  return &get_tensor (program, tensor)->info;
}

void
effvk_program_add_dispatch (EffvkProgram *program, const EffvkDispatch *dispatch)
{
  g_array_append_val (program->dispatches, *dispatch);
}

guint
effvk_program_get_n_dispatches (EffvkProgram *program)
{
  return program->dispatches->len;
}

const EffvkDispatch *
effvk_program_get_dispatch (EffvkProgram *program, guint i)
{
  return &g_array_index (program->dispatches, EffvkDispatch, i);
}

static gboolean
place_arena (EffvkProgram *program, GError **error)
{
  guint n = program->tensors->len;
  g_autofree EffvkArenaItem *items = g_new0 (EffvkArenaItem, n);
  g_autofree Tensor **owners = g_new0 (Tensor *, n);
  guint n_items = 0;
  gsize size;

  for (guint t = 0; t < n; t++)
    {
      Tensor *tensor = g_ptr_array_index (program->tensors, t);
      guint first = G_MAXUINT, last = 0;

      if (tensor->place != PLACE_ARENA)
        continue;
      for (guint i = 0; i < program->dispatches->len; i++)
        for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
          if (effvk_program_get_dispatch (program, i)->bind[b] == t + 1)
            {
              first = MIN (first, i);
              last = i;
            }
      if (first == G_MAXUINT) /* nobody uses it */
        first = 0;
      items[n_items] = (EffvkArenaItem){ tensor->size, first, last, 0 };
      owners[n_items++] = tensor;
    }
  size = effvk_arena_plan (items, n_items, ALIGNMENT);
  if (!size)
    return TRUE;
  if (!effvk_buffer_init (&program->arena, program->device, EFFVK_MEMORY_DEVICE, size, "arena",
                          error))
    return FALSE;
  for (guint i = 0; i < n_items; i++)
    {
      owners[i]->buffer = &program->arena;
      owners[i]->offset = items[i].offset;
    }
  return TRUE;
}

static gboolean
place_constants (EffvkProgram *program, GError **error)
{
  gsize size = 0;

  for (guint t = 0; t < program->tensors->len; t++)
    {
      Tensor *tensor = g_ptr_array_index (program->tensors, t);

      if (tensor->place != PLACE_CONSTANTS)
        continue;
      tensor->buffer = &program->constants;
      tensor->offset = size;
      size += (tensor->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
  if (!size)
    return TRUE;
  if (!effvk_buffer_init (&program->constants, program->device, EFFVK_MEMORY_DEVICE, size,
                          "weights", error))
    return FALSE;
  for (guint t = 0; t < program->tensors->len; t++)
    {
      Tensor *tensor = g_ptr_array_index (program->tensors, t);

      if (tensor->place != PLACE_CONSTANTS)
        continue;
      if (!effvk_buffer_upload (&program->constants, tensor->offset, tensor->data, tensor->size,
                                error))
        return FALSE;
      g_clear_pointer (&tensor->data, g_free);
    }
  return TRUE;
}

static gboolean
place_own (EffvkProgram *program, GError **error)
{
  for (guint t = 0; t < program->tensors->len; t++)
    {
      Tensor *tensor = g_ptr_array_index (program->tensors, t);

      if (tensor->place != PLACE_OWN)
        continue;
      if (!effvk_buffer_init (&tensor->own, program->device, EFFVK_MEMORY_DEVICE, tensor->size,
                              tensor->info.name, error))
        return FALSE;
      tensor->buffer = &tensor->own;
    }
  return TRUE;
}

/* The view of a tensor that some dispatch reads as texels. */
static gboolean
create_view (EffvkProgram *program, Tensor *tensor, GError **error)
{
  static const VkFormat formats[]
      = { VK_FORMAT_R32G32B32A32_SFLOAT, VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_R32G32B32A32_UINT };
  EffvkDevice *device = program->device;
  VkBufferViewCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                    .buffer = tensor->buffer->handle,
                                    .format = formats[tensor->info.storage],
                                    .offset = tensor->offset,
                                    .range = tensor->size };
  gsize texels = tensor->size / effvk_storage_texel_size (tensor->info.storage);

  if (tensor->view)
    return TRUE;
  if (texels > device->caps.max_texel_elements)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "\"%s\" has %" G_GSIZE_FORMAT " texels, the device reads at most %u of a buffer",
                   tensor->info.name, texels, device->caps.max_texel_elements);
      return FALSE;
    }
  return effvk_device_check (device,
                             device->vk.vkCreateBufferView (device->handle, &create, NULL,
                                                            &tensor->view),
                             "vkCreateBufferView", error);
}

static gboolean
create_pool (EffvkProgram *program, GError **error)
{
  EffvkDevice *device = program->device;
  VkDescriptorPoolSize sizes[] = { { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 0 },
                                   { VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, 0 } };
  VkDescriptorPoolCreateInfo create = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .maxSets = program->dispatches->len,
                                        .poolSizeCount = G_N_ELEMENTS (sizes),
                                        .pPoolSizes = sizes };

  for (guint i = 0; i < program->dispatches->len; i++)
    for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
      switch (effvk_program_get_dispatch (program, i)->shader->bindings[b])
        {
        case EFFVK_BINDING_STORAGE:
          sizes[0].descriptorCount++;
          break;
        case EFFVK_BINDING_TEXEL:
          sizes[1].descriptorCount++;
          break;
        case EFFVK_BINDING_NONE:
          break;
        }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) /* a size of 0 is not valid */
    sizes[i].descriptorCount = MAX (sizes[i].descriptorCount, 1);
  return effvk_device_check (device,
                             device->vk.vkCreateDescriptorPool (device->handle, &create, NULL,
                                                                &program->pool),
                             "vkCreateDescriptorPool", error);
}

/* Points the set of a dispatch at its tensors. */
static gboolean
write_set (EffvkProgram *program, guint i, GError **error)
{
  EffvkDevice *device = program->device;
  const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
  VkDescriptorBufferInfo buffers[EFFVK_MAX_BINDINGS];
  VkWriteDescriptorSet writes[EFFVK_MAX_BINDINGS];
  guint n = 0;

  for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
    {
      Tensor *tensor;

      if (dispatch->shader->bindings[b] == EFFVK_BINDING_NONE)
        continue;
      tensor = get_tensor (program, dispatch->bind[b]);
      writes[n] = (VkWriteDescriptorSet){ .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                          .dstSet = program->sets[i],
                                          .dstBinding = b,
                                          .descriptorCount = 1 };
      if (dispatch->shader->bindings[b] == EFFVK_BINDING_TEXEL)
        {
          if (!create_view (program, tensor, error))
            return FALSE;
          writes[n].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
          writes[n].pTexelBufferView = &tensor->view;
        }
      else
        {
          if (tensor->size > device->caps.max_storage_range)
            {
              g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                           "\"%s\" has %" G_GSIZE_FORMAT
                           " bytes, the device binds at most %" G_GUINT64_FORMAT,
                           tensor->info.name, tensor->size, device->caps.max_storage_range);
              return FALSE;
            }
          buffers[n] = (VkDescriptorBufferInfo){ tensor->buffer->handle, tensor->offset,
                                                 MAX (tensor->size, 16) };
          writes[n].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
          writes[n].pBufferInfo = &buffers[n];
        }
      n++;
    }
  device->vk.vkUpdateDescriptorSets (device->handle, n, writes, 0, NULL);
  return TRUE;
}

static gboolean
bind_dispatch (EffvkProgram *program, guint i, GError **error)
{
  EffvkDevice *device = program->device;
  VkDescriptorSetAllocateInfo allocate = {
    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
    .descriptorPool = program->pool,
    .descriptorSetCount = 1,
    .pSetLayouts = &program->pipelines[i]->set_layout,
  };

  return effvk_device_check (device,
                             device->vk.vkAllocateDescriptorSets (device->handle, &allocate,
                                                                  &program->sets[i]),
                             "vkAllocateDescriptorSets", error)
         && write_set (program, i, error);
}

gboolean
effvk_program_rebind (EffvkProgram *program, EffvkTensor handle, const EffvkBuffer *buffer,
                      GError **error)
{
  EffvkDevice *device = program->device;
  Tensor *tensor = get_tensor (program, handle);

  g_return_val_if_fail (program->compiled && tensor->place == PLACE_EXTERNAL, FALSE);
  device->vk.vkDestroyBufferView (device->handle, tensor->view, NULL);
  tensor->view = VK_NULL_HANDLE;
  tensor->buffer = (EffvkBuffer *) buffer;
  tensor->offset = 0;
  tensor->info
      = (EffvkTensorInfo){ tensor->info.name,
                           tensor->info.storage,
                           1,
                           1,
                           (guint) (buffer->size / effvk_storage_texel_size (tensor->info.storage)),
                           4 };
  tensor->size = effvk_tensor_info_size (&tensor->info);
  for (guint i = 0; i < program->dispatches->len; i++)
    for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
      if (effvk_program_get_dispatch (program, i)->bind[b] == handle
          && !write_set (program, i, error))
        return FALSE;
  return TRUE;
}

static gboolean
ranges_meet (const Tensor *a, const Tensor *b)
{
  return a->buffer == b->buffer && a->offset < b->offset + b->size
         && b->offset < a->offset + a->size;
}

/* Whether dispatch @i must wait for one since the last barrier at @since: it reads or overwrites
 * what that one wrote, or overwrites what that one read. */
static gboolean
depends (EffvkProgram *program, guint since, guint i)
{
  const EffvkDispatch *later = effvk_program_get_dispatch (program, i);

  for (guint j = since; j < i; j++)
    {
      const EffvkDispatch *earlier = effvk_program_get_dispatch (program, j);

      for (guint a = 0; a < EFFVK_MAX_BINDINGS; a++)
        for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
          if (earlier->bind[a] && later->bind[b]
              && ((earlier->writes >> a & 1) || (later->writes >> b & 1))
              && ranges_meet (get_tensor (program, earlier->bind[a]),
                              get_tensor (program, later->bind[b])))
            return TRUE;
    }
  return FALSE;
}

gboolean
effvk_program_compile (EffvkProgram *program, GError **error)
{
  guint n = program->dispatches->len;
  g_autofree EffvkPipelineKey *keys = g_new (EffvkPipelineKey, n);
  guint since = 0;

  g_return_val_if_fail (!program->compiled, FALSE);
  if (!place_arena (program, error) || !place_own (program, error)
      || !place_constants (program, error) || !create_pool (program, error))
    return FALSE;

  program->pipelines = g_new0 (const EffvkPipeline *, n);
  program->sets = g_new0 (VkDescriptorSet, n);
  program->barriers = g_new0 (gboolean, n);
  for (guint i = 0; i < n; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);

      keys[i] = (EffvkPipelineKey){ dispatch->shader, dispatch->spec, dispatch->n_spec };
    }
  if (!effvk_pipelines_get (program->device, keys, n, program->pipelines, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      if (!bind_dispatch (program, i, error))
        return FALSE;
      program->barriers[i] = i == 0 || depends (program, since, i);
      if (program->barriers[i])
        since = i;
    }
  program->compiled = TRUE;
  return TRUE;
}

void
effvk_program_record (EffvkProgram *program, VkCommandBuffer commands)
{
  effvk_program_record_range (program, commands, 0, program->dispatches->len);
}

void
effvk_program_record_range (EffvkProgram *program, VkCommandBuffer commands, guint first, guint n)
{
  const struct VolkDeviceTable *vk = &program->device->vk;
  const VkMemoryBarrier barrier = {
    .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    .dstAccessMask
    = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT,
  };
  const VkPipelineStageFlags stages
      = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  VkPipeline bound = VK_NULL_HANDLE;

  for (guint i = first; i < first + n; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
      const EffvkPipeline *pipeline = program->pipelines[i];

      if (i == first || program->barriers[i])
        vk->vkCmdPipelineBarrier (commands, stages, stages, 0, 1, &barrier, 0, NULL, 0, NULL);
      if (pipeline->handle != bound)
        vk->vkCmdBindPipeline (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
      bound = pipeline->handle;
      vk->vkCmdBindDescriptorSets (commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1,
                                   &program->sets[i], 0, NULL);
      if (dispatch->shader->push_size)
        vk->vkCmdPushConstants (commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                dispatch->shader->push_size, dispatch->push);
      vk->vkCmdDispatch (commands, dispatch->groups[0], dispatch->groups[1], dispatch->groups[2]);
    }
}

EffvkBuffer *
effvk_program_get_buffer (EffvkProgram *program, EffvkTensor handle, gsize *offset)
{
  Tensor *tensor = get_tensor (program, handle);

  if (offset)
    *offset = tensor->offset;
  return tensor->buffer;
}

gsize
effvk_program_get_arena_size (EffvkProgram *program)
{
  return program->arena.size;
}

gsize
effvk_program_get_constants_size (EffvkProgram *program)
{
  return program->constants.size;
}

gsize
effvk_program_get_memory_size (EffvkProgram *program)
{
  gsize size = program->arena.size + program->constants.size;

  for (guint t = 0; t < program->tensors->len; t++)
    size += ((Tensor *) g_ptr_array_index (program->tensors, t))->own.size;
  return size;
}

gboolean
effvk_program_run (EffvkProgram *program, GError **error)
{
  g_auto (EffvkOnce) once = { 0 };

  if (!effvk_once_begin (&once, program->device, error))
    return FALSE;
  effvk_program_record (program, once.commands);
  return effvk_once_submit (&once, error);
}

gboolean
effvk_program_write (EffvkProgram *program, EffvkTensor handle, const float *data, GError **error)
{
  Tensor *tensor = get_tensor (program, handle);
  const EffvkTensorInfo *info = &tensor->info;
  gsize pixels = (gsize) info->n * info->h * info->w, stride = 4 * (gsize) effvk_c4 (info->c);
  g_autofree guint8 *bytes = g_malloc0 (tensor->size);

  for (gsize p = 0; p < pixels; p++)
    for (guint c = 0; c < info->c; c++)
      {
        float value = data[p * info->c + c];

        if (info->storage == EFFVK_STORAGE_F32)
          ((float *) bytes)[p * stride + c] = value;
        else if (info->storage == EFFVK_STORAGE_F16)
          ((guint16 *) bytes)[p * stride + c] = effvk_float_to_half (value);
        else
          bytes[p * stride + c] = (guint8) (CLAMP (value, 0.0f, 1.0f) * 255.0f + 0.5f);
      }
  return effvk_buffer_upload (tensor->buffer, tensor->offset, bytes, tensor->size, error);
}

gboolean
effvk_program_read (EffvkProgram *program, EffvkTensor handle, float *data, GError **error)
{
  Tensor *tensor = get_tensor (program, handle);
  const EffvkTensorInfo *info = &tensor->info;
  gsize pixels = (gsize) info->n * info->h * info->w, stride = 4 * (gsize) effvk_c4 (info->c);
  g_autofree guint8 *bytes = g_malloc (tensor->size);

  if (!effvk_buffer_download (tensor->buffer, tensor->offset, bytes, tensor->size, error))
    return FALSE;
  for (gsize p = 0; p < pixels; p++)
    for (guint c = 0; c < info->c; c++)
      {
        if (info->storage == EFFVK_STORAGE_F32)
          data[p * info->c + c] = ((const float *) bytes)[p * stride + c];
        else if (info->storage == EFFVK_STORAGE_F16)
          data[p * info->c + c] = effvk_half_to_float (((const guint16 *) bytes)[p * stride + c]);
        else
          data[p * info->c + c] = (float) bytes[p * stride + c] / 255.0f;
      }
  return TRUE;
}
