/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory, views, descriptor sets and pipelines of a program. */
#include "vk/arena.h"
#include "vk/program-private.h"
#include "vk/warm-up.h"

/* No device asks for more (limits of the specification). */
#define ALIGNMENT 256
/* Along one axis; every device has as many. */
#define MAX_GROUPS 65535

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
      items[n_items] = (EffvkArenaItem){ tensor->view_size, first, last, 0 };
      owners[n_items++] = tensor;
    }
  size = effvk_program_choose_size (program, effvk_arena_plan (items, n_items, ALIGNMENT));
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
      size += (tensor->view_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
  if (!size)
    return TRUE;
  size = effvk_program_choose_size (program, size);
  if (!effvk_buffer_init (&program->constants, program->device, EFFVK_MEMORY_DEVICE, size,
                          "weights", error))
    return FALSE;
  for (guint t = 0; t < program->tensors->len; t++)
    {
      Tensor *tensor = g_ptr_array_index (program->tensors, t);

      if (tensor->place != PLACE_CONSTANTS)
        continue;
      if (tensor->data
          && !effvk_buffer_upload (&program->constants, tensor->offset, tensor->data, tensor->size,
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
      if (!effvk_buffer_init (&tensor->own, program->device, EFFVK_MEMORY_DEVICE, tensor->view_size,
                              tensor->info.name, error))
        return FALSE;
      tensor->buffer = &tensor->own;
    }
  return TRUE;
}

/* What a binding takes of a device that has a limit: texels, or bytes. */
static gboolean
check_binding (EffvkProgram *program, const Tensor *tensor, EffvkBindingType type, GError **error)
{
  const EffvkDeviceCaps *caps = &program->device->caps;
  gsize texel = type == EFFVK_BINDING_WORD ? 4 : effvk_storage_texel_size (tensor->info.storage);
  gboolean bytes = type == EFFVK_BINDING_STORAGE;
  guint64 needed = bytes ? tensor->size : tensor->size / texel;
  guint64 most = bytes ? caps->max_storage_range : caps->max_texel_elements;

  if (needed <= most)
    return TRUE;
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
               "\"%s\" has %" G_GUINT64_FORMAT " %s, the device %s at most %" G_GUINT64_FORMAT
               " of a buffer (%s)",
               tensor->info.name, needed, bytes ? "bytes" : "texels", bytes ? "binds" : "reads",
               most, bytes ? "maxStorageBufferRange" : "maxTexelBufferElements");
  return FALSE;
}

/* Before anything is allocated. */
static gboolean
check_limits (EffvkProgram *program, GError **error)
{
  for (guint i = 0; i < program->dispatches->len; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);

      for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
        if (dispatch->shader->bindings[b] != EFFVK_BINDING_NONE
            && !check_binding (program, get_tensor (program, dispatch->bind[b]),
                               dispatch->shader->bindings[b], error))
          return FALSE;
      for (guint axis = 0; axis < G_N_ELEMENTS (dispatch->groups); axis++)
        if (dispatch->groups[axis] > MAX_GROUPS)
          {
            g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                         "%s takes %u workgroups along an axis, devices do at most %u",
                         dispatch->op, dispatch->groups[axis], MAX_GROUPS);
            return FALSE;
          }
    }
  return TRUE;
}

/* The view of a tensor that some dispatch reads as texels, or as words. */
static gboolean
create_view (EffvkProgram *program, Tensor *tensor, gboolean words, GError **error)
{
  EffvkDevice *device = program->device;
  VkBufferViewCreateInfo create
      = { .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
          .buffer = tensor->buffer->handle,
          .format = words ? VK_FORMAT_R32_UINT : effvk_storage_texel_format (tensor->info.storage),
          .offset = tensor->offset,
          .range = tensor->view_size };
  VkBufferView *view = words ? &tensor->words : &tensor->view;

  if (*view)
    return TRUE;
  return effvk_device_make (device, vkCreateBufferView, &create, view, "vkCreateBufferView", error);
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
        case EFFVK_BINDING_WORD:
          sizes[1].descriptorCount++;
          break;
        case EFFVK_BINDING_NONE:
          break;
        }
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) /* a size of 0 is not valid */
    sizes[i].descriptorCount = MAX (sizes[i].descriptorCount, 1);
  return effvk_device_make (device, vkCreateDescriptorPool, &create, &program->pool,
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
      if (!check_binding (program, tensor, dispatch->shader->bindings[b], error))
        return FALSE; /* another buffer than before, see effvk_program_rebind() */
      writes[n] = (VkWriteDescriptorSet){ .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                          .dstSet = program->sets[i],
                                          .dstBinding = b,
                                          .descriptorCount = 1 };
      if (dispatch->shader->bindings[b] != EFFVK_BINDING_STORAGE)
        {
          gboolean words = dispatch->shader->bindings[b] == EFFVK_BINDING_WORD;

          if (!create_view (program, tensor, words, error))
            return FALSE;
          writes[n].descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
          writes[n].pTexelBufferView = words ? &tensor->words : &tensor->view;
        }
      else
        {
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

  return effvk_device_check_made (device,
                                  device->vk.vkAllocateDescriptorSets (device->handle, &allocate,
                                                                       &program->sets[i]),
                                  &program->sets[i], "vkAllocateDescriptorSets", error)
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
  device->vk.vkDestroyBufferView (device->handle, tensor->words, NULL);
  tensor->view = tensor->words = VK_NULL_HANDLE;
  tensor->buffer = (EffvkBuffer *) buffer;
  tensor->offset = 0;
  tensor->info
      = (EffvkTensorInfo){ tensor->info.name,
                           tensor->info.storage,
                           1,
                           1,
                           (guint) (buffer->size / effvk_storage_texel_size (tensor->info.storage)),
                           4 };
  tensor->size = tensor->view_size = effvk_tensor_info_size (&tensor->info);
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

/* Whether dispatch @i must wait for one since the last barrier at @since. That is so when it reads
 * or overwrites what that one wrote, or overwrites what that one read. */
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
effvk_program_bind (EffvkProgram *program, GError **error)
{
  guint n = program->dispatches->len;
  g_autofree EffvkPipelineKey *keys = g_new (EffvkPipelineKey, n);
  guint since = 0;

  g_return_val_if_fail (!program->compiled, FALSE);
  if (!check_limits (program, error) || !place_arena (program, error) || !place_own (program, error)
      || !place_constants (program, error) || !create_pool (program, error))
    return FALSE;

  program->pipelines = g_new0 (EffvkPipeline *, n);
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

gboolean
effvk_program_compile (EffvkProgram *program, GError **error)
{
  if (!effvk_program_bind (program, error))
    return FALSE;
  effvk_program_warm_up (program);
  return TRUE;
}
