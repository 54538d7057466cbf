/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/program-private.h"

#define MARGIN 256 /* bytes */

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
        {
          const Tensor *tensor = g_ptr_array_index (program->tensors, i);

          device->vk.vkDestroyBufferView (device->handle, tensor->view, NULL);
          device->vk.vkDestroyBufferView (device->handle, tensor->words, NULL);
        }
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

gsize
effvk_program_choose_size (EffvkProgram *program, gsize size)
{
  if (program->device->caps.cpu && size > 0)
    while ((size >> 8 & 0xff) == 0 || (size & (size - 1)) == 0)
      size += MARGIN;
  return size;
}

static gsize
choose_view_size (EffvkProgram *program, const Tensor *tensor)
{
  gsize size = effvk_program_choose_size (program, tensor->size);

  return tensor->place == PLACE_EXTERNAL
                 || size / effvk_storage_texel_size (tensor->info.storage)
                        > program->device->caps.max_texel_elements
             ? tensor->size
             : size;
}

static EffvkTensor
add (EffvkProgram *program, const EffvkTensorInfo *info, Place place)
{
  Tensor *tensor = g_new0 (Tensor, 1);

  tensor->info = *info;
  tensor->info.name = g_strdup (info->name);
  tensor->place = place;
  tensor->size = effvk_tensor_info_size (info);
  tensor->view_size = choose_view_size (program, tensor);
  g_ptr_array_add (program->tensors, tensor);
  return program->tensors->len;
}

EffvkTensor
effvk_program_add_empty (EffvkProgram *program, const Tensor *model)
{
  EffvkTensor handle
      = add (program, &model->info, model->place == PLACE_EXTERNAL ? PLACE_OWN : model->place);

  get_tensor (program, handle)->view_size = model->view_size;
  return handle;
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
  tensor->data = g_malloc (tensor->size);
  effvk_storages[storage].write (data, n_floats, tensor->data);
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

void
effvk_program_record (EffvkProgram *program, VkCommandBuffer commands)
{
  effvk_program_record_range (program, commands, 0, program->dispatches->len);
}

void
effvk_program_record_range (EffvkProgram *program, VkCommandBuffer commands, guint first, guint n)
{
  const struct VolkDeviceTable *vk = &program->device->vk;
  /* What came before the first may have been copies; between dispatches there are none. */
  const VkMemoryBarrier before
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
          .dstAccessMask
          = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT };
  const VkMemoryBarrier between
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
          .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT };
  const VkPipelineStageFlags compute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  const VkPipelineStageFlags all = compute | VK_PIPELINE_STAGE_TRANSFER_BIT;
  VkPipeline bound = VK_NULL_HANDLE;

  for (guint i = first; i < first + n; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
      const EffvkPipeline *pipeline = program->pipelines[i];

      if (i == first)
        vk->vkCmdPipelineBarrier (commands, all, all, 0, 1, &before, 0, NULL, 0, NULL);
      else if (program->barriers[i])
        vk->vkCmdPipelineBarrier (commands, compute, compute, 0, 1, &between, 0, NULL, 0, NULL);
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
