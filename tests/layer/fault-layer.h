/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"
#include "fault.h"

/* What the files of the fault layer share. */

/* Calls of a device that make an object: the call, its information, the object's handle. */
#define FAULT_MAKES(X)                                                                             \
  X (AllocateMemory, VkMemoryAllocateInfo, VkDeviceMemory)                                         \
  X (CreateBuffer, VkBufferCreateInfo, VkBuffer)                                                   \
  X (CreateBufferView, VkBufferViewCreateInfo, VkBufferView)                                       \
  X (CreateCommandPool, VkCommandPoolCreateInfo, VkCommandPool)                                    \
  X (CreateDescriptorPool, VkDescriptorPoolCreateInfo, VkDescriptorPool)                           \
  X (CreateDescriptorSetLayout, VkDescriptorSetLayoutCreateInfo, VkDescriptorSetLayout)            \
  X (CreateFence, VkFenceCreateInfo, VkFence)                                                      \
  X (CreateImage, VkImageCreateInfo, VkImage)                                                      \
  X (CreatePipelineCache, VkPipelineCacheCreateInfo, VkPipelineCache)                              \
  X (CreatePipelineLayout, VkPipelineLayoutCreateInfo, VkPipelineLayout)                           \
  X (CreateQueryPool, VkQueryPoolCreateInfo, VkQueryPool)                                          \
  X (CreateShaderModule, VkShaderModuleCreateInfo, VkShaderModule)

/* Calls of a device that destroy one: the call, the object's handle. */
#define FAULT_ENDS(X)                                                                              \
  X (DestroyBuffer, VkBuffer)                                                                      \
  X (DestroyBufferView, VkBufferView)                                                              \
  X (DestroyCommandPool, VkCommandPool)                                                            \
  X (DestroyDescriptorPool, VkDescriptorPool)                                                      \
  X (DestroyDescriptorSetLayout, VkDescriptorSetLayout)                                            \
  X (DestroyFence, VkFence)                                                                        \
  X (DestroyImage, VkImage)                                                                        \
  X (DestroyPipeline, VkPipeline)                                                                  \
  X (DestroyPipelineCache, VkPipelineCache)                                                        \
  X (DestroyPipelineLayout, VkPipelineLayout)                                                      \
  X (DestroyQueryPool, VkQueryPool)                                                                \
  X (DestroyShaderModule, VkShaderModule)                                                          \
  X (FreeMemory, VkDeviceMemory)

/* Further calls of a device that can fail. */
#define FAULT_OTHERS(X)                                                                            \
  X (AllocateCommandBuffers)                                                                       \
  X (AllocateDescriptorSets)                                                                       \
  X (BeginCommandBuffer)                                                                           \
  X (BindBufferMemory)                                                                             \
  X (BindImageMemory2)                                                                             \
  X (CreateComputePipelines)                                                                       \
  X (EndCommandBuffer)                                                                             \
  X (FlushMappedMemoryRanges)                                                                      \
  X (GetFenceStatus)                                                                               \
  X (GetMemoryFdPropertiesKHR)                                                                     \
  X (GetMemoryHostPointerPropertiesEXT)                                                            \
  X (GetPipelineCacheData)                                                                         \
  X (GetQueryPoolResults)                                                                          \
  X (InvalidateMappedMemoryRanges)                                                                 \
  X (MapMemory)                                                                                    \
  X (QueueSubmit)                                                                                  \
  X (ResetFences)                                                                                  \
  X (WaitForFences)

/* Calls of an instance that can fail. */
#define FAULT_OF_INSTANCE(X)                                                                       \
  X (CreateDevice)                                                                                 \
  X (CreateInstance)                                                                               \
  X (EnumerateDeviceExtensionProperties)                                                           \
  X (EnumeratePhysicalDevices)

#define FAULT_FIRST(call, ...) FAULT_CALL_##call,

typedef enum
{
  FAULT_MAKES (FAULT_FIRST) FAULT_OTHERS (FAULT_FIRST) FAULT_OF_INSTANCE (FAULT_FIRST) FAULT_N_CALLS
} FaultCall;

/* A device below the layer. */
typedef struct
{
  ChainDevice chain;
  GMutex queue_lock; /* around submissions; what follows */
  gboolean is_lost;
#define X(call, ...) PFN_vk##call call;
  FAULT_MAKES (X)
  FAULT_ENDS (X)
  FAULT_OTHERS (X)
  X (DeviceWaitIdle)
#undef X
} FaultDevice;

/* How a call ends before it has begun: VK_SUCCESS where it is to be made. @device: NULL where there
 * is none. */
VkResult fault_begin (FaultCall call, FaultDevice *device);

/* Gives the device something, unless it is lost. */
VkResult fault_submit (FaultDevice *device, VkQueue queue, uint32_t n, const VkSubmitInfo *infos,
                       VkFence fence);

/* Fills an output with garbage. */
void fault_spoil (void *output, gsize size);

/* Counts @n objects that were made, or that went. */
void fault_count_objects (int n);

/* What the layer does in place of the driver with a device. The first of a name counts. */
extern const ChainFunction fault_device_functions[];

/* Kernels that are wrong. @how as in fault.h, or NULL. */
void fault_kernels_break (const char *how);
/* The code that is to take a module's place, of words; NULL: none. */
GArray *fault_kernels_rewrite (const guint32 *code, gsize size);
/* Changes the constants of a pipeline; FALSE: they stay. */
gboolean fault_kernels_misspecialize (guint32 *constants, guint n);

/* Memory that is not coherent; see fault.h. All of it does nothing where that was not asked for. */
gboolean fault_memory_is_incoherent (void);
void fault_memory_describe (VkPhysicalDeviceMemoryProperties *properties);
void fault_memory_add (VkDeviceMemory memory, VkDeviceSize size);
void fault_memory_remove (VkDeviceMemory memory);
void fault_memory_map (VkDeviceMemory memory, void **data);
void fault_memory_flush (guint32 n, const VkMappedMemoryRange *ranges);
void fault_memory_spoil (gboolean on);
void fault_memory_spoil_once (guint n);
void fault_memory_invalidate (guint32 n, const VkMappedMemoryRange *ranges);
