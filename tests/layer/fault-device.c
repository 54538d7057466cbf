/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the fault layer does in place of the driver with a device. */

#include "fault-layer.h"

#include <string.h>

#define MAKE(call, Info, Handle)                                                                   \
  static VKAPI_ATTR VkResult VKAPI_CALL call (VkDevice handle, const Info *info,                   \
                                              const VkAllocationCallbacks *allocator,              \
                                              Handle *made)                                        \
  {                                                                                                \
    FaultDevice *device = chain_find_device (handle);                                              \
    VkResult result = fault_begin (FAULT_CALL_##call, device);                                     \
                                                                                                   \
    if (result != VK_SUCCESS)                                                                      \
      {                                                                                            \
        fault_spoil (made, sizeof *made);                                                          \
        return result;                                                                             \
      }                                                                                            \
    result = device->call (handle, info, allocator, made);                                         \
    fault_count_objects (result == VK_SUCCESS);                                                    \
    return result;                                                                                 \
  }
FAULT_MAKES (MAKE)
#undef MAKE

#define END(call, Handle)                                                                          \
  static VKAPI_ATTR void VKAPI_CALL call (VkDevice handle, Handle object,                          \
                                          const VkAllocationCallbacks *allocator)                  \
  {                                                                                                \
    fault_count_objects (object != VK_NULL_HANDLE ? -1 : 0);                                       \
    ((FaultDevice *) chain_find_device (handle))->call (handle, object, allocator);                \
  }
FAULT_ENDS (END)
#undef END

/* Begins a call with @dispatchable, which returns with its outputs spoilt when it fails. */
#define BEGIN(call, dispatchable, ...)                                                             \
  FaultDevice *device = chain_find_device (dispatchable);                                          \
  VkResult result = fault_begin (FAULT_CALL_##call, device);                                       \
                                                                                                   \
  if (result != VK_SUCCESS)                                                                        \
    {                                                                                              \
      __VA_ARGS__;                                                                                 \
      return result;                                                                               \
    }

static VKAPI_ATTR VkResult VKAPI_CALL
AllocateCommandBuffers (VkDevice handle, const VkCommandBufferAllocateInfo *info,
                        VkCommandBuffer *commands)
{
  BEGIN (AllocateCommandBuffers, handle,
         fault_spoil (commands, info->commandBufferCount * sizeof *commands))
  return device->AllocateCommandBuffers (handle, info, commands);
}

static VKAPI_ATTR VkResult VKAPI_CALL
AllocateDescriptorSets (VkDevice handle, const VkDescriptorSetAllocateInfo *info,
                        VkDescriptorSet *sets)
{
  BEGIN (AllocateDescriptorSets, handle,
         fault_spoil (sets, info->descriptorSetCount * sizeof *sets))
  return device->AllocateDescriptorSets (handle, info, sets);
}

static VKAPI_ATTR VkResult VKAPI_CALL
BeginCommandBuffer (VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
  BEGIN (BeginCommandBuffer, commands)
  return device->BeginCommandBuffer (commands, info);
}

static VKAPI_ATTR VkResult VKAPI_CALL
EndCommandBuffer (VkCommandBuffer commands)
{
  BEGIN (EndCommandBuffer, commands)
  return device->EndCommandBuffer (commands);
}

static VKAPI_ATTR VkResult VKAPI_CALL
BindBufferMemory (VkDevice handle, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset)
{
  BEGIN (BindBufferMemory, handle)
  return device->BindBufferMemory (handle, buffer, memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL
BindImageMemory2 (VkDevice handle, uint32_t n, const VkBindImageMemoryInfo *infos)
{
  BEGIN (BindImageMemory2, handle)
  return device->BindImageMemory2 (handle, n, infos);
}

/* @spec: room for the constants, which the caller frees. */
static void
misspecialize (VkComputePipelineCreateInfo *info, VkSpecializationInfo *spec)
{
  const VkSpecializationInfo *right = info->stage.pSpecializationInfo;

  if (!right || right->dataSize == 0)
    return;
  *spec = *right;
  spec->pData = g_memdup2 (right->pData, right->dataSize);
  if (fault_kernels_misspecialize ((guint32 *) spec->pData,
                                   (guint) (right->dataSize / sizeof (guint32))))
    info->stage.pSpecializationInfo = spec;
}

static VKAPI_ATTR VkResult VKAPI_CALL
CreateComputePipelines (VkDevice handle, VkPipelineCache cache, uint32_t n,
                        const VkComputePipelineCreateInfo *infos,
                        const VkAllocationCallbacks *allocator, VkPipeline *pipelines)
{
  g_autofree VkComputePipelineCreateInfo *wrong = g_memdup2 (infos, n * sizeof *infos);
  g_autofree VkSpecializationInfo *specs = g_new0 (VkSpecializationInfo, n);

  BEGIN (CreateComputePipelines, handle, fault_spoil (pipelines, n * sizeof *pipelines))
  for (uint32_t i = 0; i < n; i++)
    misspecialize (&wrong[i], &specs[i]);
  result = device->CreateComputePipelines (handle, cache, n, wrong, allocator, pipelines);
  for (uint32_t i = 0; i < n; i++)
    g_free ((gpointer) specs[i].pData);
  for (uint32_t i = 0; i < n; i++)
    fault_count_objects (pipelines[i] != VK_NULL_HANDLE);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
MapMemory (VkDevice handle, VkDeviceMemory memory, VkDeviceSize offset, VkDeviceSize size,
           VkMemoryMapFlags flags, void **data)
{
  BEGIN (MapMemory, handle, fault_spoil (data, sizeof *data))
  result = device->MapMemory (handle, memory, offset, size, flags, data);
  if (result == VK_SUCCESS && offset == 0)
    fault_memory_map (memory, data);
  return result;
}

/* The layer's own flush: the driver's memory is coherent. */
static VKAPI_ATTR VkResult VKAPI_CALL
FlushMappedMemoryRanges (VkDevice handle, uint32_t n, const VkMappedMemoryRange *ranges)
{
  BEGIN (FlushMappedMemoryRanges, handle)
  fault_memory_flush (n, ranges);
  return device->FlushMappedMemoryRanges (handle, n, ranges);
}

static VKAPI_ATTR VkResult VKAPI_CALL
InvalidateMappedMemoryRanges (VkDevice handle, uint32_t n, const VkMappedMemoryRange *ranges)
{
  BEGIN (InvalidateMappedMemoryRanges, handle)
  fault_memory_invalidate (n, ranges);
  return device->InvalidateMappedMemoryRanges (handle, n, ranges);
}

static VKAPI_ATTR VkResult VKAPI_CALL
GetFenceStatus (VkDevice handle, VkFence fence)
{
  BEGIN (GetFenceStatus, handle)
  return device->GetFenceStatus (handle, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL
GetMemoryFdPropertiesKHR (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, int fd,
                          VkMemoryFdPropertiesKHR *properties)
{
  BEGIN (GetMemoryFdPropertiesKHR, handle,
         fault_spoil (&properties->memoryTypeBits, sizeof properties->memoryTypeBits))
  return device->GetMemoryFdPropertiesKHR (handle, type, fd, properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL
GetMemoryHostPointerPropertiesEXT (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type,
                                   const void *pointer,
                                   VkMemoryHostPointerPropertiesEXT *properties)
{
  BEGIN (GetMemoryHostPointerPropertiesEXT, handle,
         fault_spoil (&properties->memoryTypeBits, sizeof properties->memoryTypeBits))
  return device->GetMemoryHostPointerPropertiesEXT (handle, type, pointer, properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL
GetPipelineCacheData (VkDevice handle, VkPipelineCache cache, size_t *size, void *data)
{
  BEGIN (GetPipelineCacheData, handle, fault_spoil (size, sizeof *size))
  return device->GetPipelineCacheData (handle, cache, size, data);
}

static VKAPI_ATTR VkResult VKAPI_CALL
GetQueryPoolResults (VkDevice handle, VkQueryPool pool, uint32_t first, uint32_t n, size_t size,
                     void *data, VkDeviceSize stride, VkQueryResultFlags flags)
{
  BEGIN (GetQueryPoolResults, handle, fault_spoil (data, size))
  return device->GetQueryPoolResults (handle, pool, first, n, size, data, stride, flags);
}

static VKAPI_ATTR VkResult VKAPI_CALL
QueueSubmit (VkQueue queue, uint32_t n, const VkSubmitInfo *infos, VkFence fence)
{
  BEGIN (QueueSubmit, queue)
  return fault_submit (device, queue, n, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL
ResetFences (VkDevice handle, uint32_t n, const VkFence *fences)
{
  BEGIN (ResetFences, handle)
  return device->ResetFences (handle, n, fences);
}

static VKAPI_ATTR VkResult VKAPI_CALL
WaitForFences (VkDevice handle, uint32_t n, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
  BEGIN (WaitForFences, handle)
  return device->WaitForFences (handle, n, fences, all, timeout);
}

/* The memory's size is known here; the rest is done by the function of its name. */
static VKAPI_ATTR VkResult VKAPI_CALL
allocate_memory (VkDevice handle, const VkMemoryAllocateInfo *info,
                 const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
  VkResult result = AllocateMemory (handle, info, allocator, memory);

  if (result == VK_SUCCESS)
    fault_memory_add (*memory, info->allocationSize);
  return result;
}

/* The same for code that is wrong. */
static VKAPI_ATTR VkResult VKAPI_CALL
create_shader_module (VkDevice handle, const VkShaderModuleCreateInfo *info,
                      const VkAllocationCallbacks *allocator, VkShaderModule *module)
{
  g_autoptr (GArray) code = fault_kernels_rewrite (info->pCode, info->codeSize);
  VkShaderModuleCreateInfo wrong = *info;

  if (code)
    {
      wrong.pCode = (const guint32 *) (gpointer) code->data;
      wrong.codeSize = code->len * sizeof (guint32);
    }
  return CreateShaderModule (handle, &wrong, allocator, module);
}

static VKAPI_ATTR void VKAPI_CALL
free_memory (VkDevice handle, VkDeviceMemory memory, const VkAllocationCallbacks *allocator)
{
  fault_memory_remove (memory);
  FreeMemory (handle, memory, allocator);
}

const ChainFunction fault_device_functions[] = {
  { "vkAllocateMemory", (PFN_vkVoidFunction) allocate_memory },
  { "vkCreateShaderModule", (PFN_vkVoidFunction) create_shader_module },
  { "vkFreeMemory", (PFN_vkVoidFunction) free_memory },
#define X(call, ...) { "vk" #call, (PFN_vkVoidFunction) call },
  FAULT_MAKES (X) FAULT_ENDS (X) FAULT_OTHERS (X)
#undef X
      { 0 },
};
