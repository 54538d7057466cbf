/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Canaries: faults that the validation layers must report through effvk. Without them the silence
 * of the layers in all other tests would prove nothing. Nothing of effvk but the device is used,
 * so that each fault is where it seems to be. */

#include "vk/device.h"

#include "copy.spv.h"

#include <string.h>

#define LAYER "VK_LAYER_KHRONOS_validation"
#define N_WORDS 64

/* The layers leak a command buffer's state of their own, in Debian 12. */
const char *__lsan_default_options (void);
const char *
__lsan_default_options (void)
{
  return "detect_leaks=0";
}

/* Between these two, validation messages are expected: they do not end the test. */
static struct
{
  GLogLevelFlags always_fatal;
  guint handler;
  guint before;
} expected;

static void
on_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  (void) domain;
  (void) level;
  (void) data;
  g_assert_true (g_str_has_prefix (message, "Vulkan validation: "));
  g_test_message ("as expected: %s", message);
}

static void
expect_messages (void)
{
  expected.before = effvk_validation_get_n_messages ();
  expected.always_fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  expected.handler = g_log_set_handler ("effvk", G_LOG_LEVEL_WARNING, on_warning, NULL);
}

static void
assert_messages (void)
{
  g_log_remove_handler ("effvk", expected.handler);
  g_log_set_always_fatal (expected.always_fatal);
  g_assert_cmpuint (effvk_validation_get_n_messages (), >, expected.before);
}

static gboolean
has_layer (void)
{
  g_autofree VkLayerProperties *layers = NULL;
  guint32 n = 0;

  if (vkEnumerateInstanceLayerProperties (&n, NULL) != VK_SUCCESS)
    return FALSE;
  layers = g_new0 (VkLayerProperties, n + 1);
  if (vkEnumerateInstanceLayerProperties (&n, layers) != VK_SUCCESS)
    return FALSE;
  for (guint32 i = 0; i < n; i++)
    {
      if (strcmp (layers[i].layerName, LAYER) == 0)
        return TRUE;
    }
  return FALSE;
}

/* A device that is validated, or NULL after the test was skipped. */
static EffvkDevice *
open_or_skip (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device;

  /* a missing layer is a warning when the device opens, so it is looked for before */
  if (volkInitialize () == VK_SUCCESS && !has_layer ())
    {
      g_test_skip (LAYER " is not installed");
      return NULL;
    }
  device = effvk_device_new (NULL, &error);
  if (device == NULL)
    g_test_skip (error->message);
  return device;
}

/* Three buffers in one memory and a pipeline that copies from binding 0 to binding 1. */
typedef struct
{
  EffvkDevice *device;
  VkBuffer buffers[3];
  VkDeviceMemory memory;
  guint32 *map; /* buffer i starts at word i * stride */
  gsize stride; /* words */
  VkDescriptorSetLayout set_layout;
  VkPipelineLayout layout;
  VkShaderModule module;
  VkPipeline pipeline;
  VkDescriptorPool sets_pool;
  VkDescriptorSet sets[2]; /* 0 → 1 and 1 → 2 */
  VkCommandPool commands_pool;
  VkCommandBuffer commands;
  VkFence fence;
} Copies;

static void
must (EffvkDevice *device, VkResult result, const char *call)
{
  g_autoptr (GError) error = NULL;

  effvk_device_check (device, result, call, &error);
  g_assert_no_error (error);
}

#define MUST(name, ...) must (device, device->vk.name (__VA_ARGS__), #name)

static void
create_buffers (Copies *copies)
{
  EffvkDevice *device = copies->device;
  const VkMemoryPropertyFlags wanted
      = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .size = N_WORDS * 4,
                                      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements need;
  gsize bytes = 0;

  for (guint i = 0; i < G_N_ELEMENTS (copies->buffers); i++)
    {
      MUST (vkCreateBuffer, device->handle, &create, NULL, &copies->buffers[i]);
      device->vk.vkGetBufferMemoryRequirements (device->handle, copies->buffers[i], &need);
      bytes = (need.size + need.alignment - 1) / need.alignment * need.alignment;
    }

  allocate.allocationSize = bytes * G_N_ELEMENTS (copies->buffers);
  while (allocate.memoryTypeIndex < device->memory.memoryTypeCount
         && (!(need.memoryTypeBits & 1u << allocate.memoryTypeIndex)
             || (device->memory.memoryTypes[allocate.memoryTypeIndex].propertyFlags & wanted)
                    != wanted))
    allocate.memoryTypeIndex++;
  g_assert_cmpuint (allocate.memoryTypeIndex, <, device->memory.memoryTypeCount);

  MUST (vkAllocateMemory, device->handle, &allocate, NULL, &copies->memory);
  for (guint i = 0; i < G_N_ELEMENTS (copies->buffers); i++)
    MUST (vkBindBufferMemory, device->handle, copies->buffers[i], copies->memory, i * bytes);
  MUST (vkMapMemory, device->handle, copies->memory, 0, VK_WHOLE_SIZE, 0, (void **) &copies->map);
  copies->stride = bytes / 4;
}

static void
create_pipeline (Copies *copies)
{
  EffvkDevice *device = copies->device;
  const VkDescriptorSetLayoutBinding bindings[]
      = { { .binding = 0,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT },
          { .binding = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .descriptorCount = 1,
            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT } };
  const VkDescriptorSetLayoutCreateInfo set
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
          .bindingCount = G_N_ELEMENTS (bindings),
          .pBindings = bindings };
  const VkPipelineLayoutCreateInfo layout
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
          .setLayoutCount = 1,
          .pSetLayouts = &copies->set_layout };
  const VkShaderModuleCreateInfo module = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                            .codeSize = sizeof effvk_copy_spv,
                                            .pCode = effvk_copy_spv };
  VkComputePipelineCreateInfo pipeline
      = { .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
          .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                     .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                     .pName = "main" } };

  MUST (vkCreateDescriptorSetLayout, device->handle, &set, NULL, &copies->set_layout);
  MUST (vkCreatePipelineLayout, device->handle, &layout, NULL, &copies->layout);
  MUST (vkCreateShaderModule, device->handle, &module, NULL, &copies->module);
  pipeline.stage.module = copies->module;
  pipeline.layout = copies->layout;
  MUST (vkCreateComputePipelines, device->handle, device->pipeline_cache, 1, &pipeline, NULL,
        &copies->pipeline);
}

static void
create_sets (Copies *copies)
{
  EffvkDevice *device = copies->device;
  const VkDescriptorPoolSize size
      = { .type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .descriptorCount = 4 };
  const VkDescriptorPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = 2,
                                            .poolSizeCount = 1,
                                            .pPoolSizes = &size };
  const VkDescriptorSetLayout layouts[] = { copies->set_layout, copies->set_layout };
  VkDescriptorSetAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                           .descriptorSetCount = 2,
                                           .pSetLayouts = layouts };

  MUST (vkCreateDescriptorPool, device->handle, &pool, NULL, &copies->sets_pool);
  allocate.descriptorPool = copies->sets_pool;
  MUST (vkAllocateDescriptorSets, device->handle, &allocate, copies->sets);

  for (guint i = 0; i < 4; i++)
    {
      const VkDescriptorBufferInfo buffer
          = { .buffer = copies->buffers[i / 2 + i % 2], .range = VK_WHOLE_SIZE };
      const VkWriteDescriptorSet write = { .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                           .dstSet = copies->sets[i / 2],
                                           .dstBinding = i % 2,
                                           .descriptorCount = 1,
                                           .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                           .pBufferInfo = &buffer };

      device->vk.vkUpdateDescriptorSets (device->handle, 1, &write, 0, NULL);
    }
}

static void
copies_init (Copies *copies, EffvkDevice *device)
{
  const VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = device->queue_family };
  VkCommandBufferAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1 };
  const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };

  *copies = (Copies){ .device = device };
  create_buffers (copies);
  create_pipeline (copies);
  create_sets (copies);
  MUST (vkCreateCommandPool, device->handle, &pool, NULL, &copies->commands_pool);
  allocate.commandPool = copies->commands_pool;
  MUST (vkAllocateCommandBuffers, device->handle, &allocate, &copies->commands);
  MUST (vkCreateFence, device->handle, &fence, NULL, &copies->fence);
}

static void
copies_clear (Copies *copies)
{
  EffvkDevice *device = copies->device;

  device->vk.vkDestroyFence (device->handle, copies->fence, NULL);
  device->vk.vkDestroyCommandPool (device->handle, copies->commands_pool, NULL);
  device->vk.vkDestroyDescriptorPool (device->handle, copies->sets_pool, NULL);
  device->vk.vkDestroyPipeline (device->handle, copies->pipeline, NULL);
  device->vk.vkDestroyShaderModule (device->handle, copies->module, NULL);
  device->vk.vkDestroyPipelineLayout (device->handle, copies->layout, NULL);
  device->vk.vkDestroyDescriptorSetLayout (device->handle, copies->set_layout, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (copies->buffers); i++)
    device->vk.vkDestroyBuffer (device->handle, copies->buffers[i], NULL);
  device->vk.vkFreeMemory (device->handle, copies->memory, NULL);
}

static void
barrier (Copies *copies, VkPipelineStageFlags to, VkAccessFlags access)
{
  const VkMemoryBarrier memory = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                   .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                   .dstAccessMask = access };

  copies->device->vk.vkCmdPipelineBarrier (copies->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                           to, 0, 1, &memory, 0, NULL, 0, NULL);
}

/* Copies buffer 0 to 1 and then 1 to 2, with or without the barrier in between. */
static void
run (EffvkDevice *device, gboolean with_barrier)
{
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  g_autoptr (GError) error = NULL;
  Copies copies;

  copies_init (&copies, device);
  for (guint i = 0; i < N_WORDS; i++)
    copies.map[i] = 1000 + i;

  MUST (vkBeginCommandBuffer, copies.commands, &begin);
  device->vk.vkCmdBindPipeline (copies.commands, VK_PIPELINE_BIND_POINT_COMPUTE, copies.pipeline);
  for (guint i = 0; i < 2; i++)
    {
      if (i > 0 && with_barrier)
        barrier (&copies, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT);
      device->vk.vkCmdBindDescriptorSets (copies.commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                          copies.layout, 0, 1, &copies.sets[i], 0, NULL);
      device->vk.vkCmdDispatch (copies.commands, 1, 1, 1);
    }
  barrier (&copies, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  MUST (vkEndCommandBuffer, copies.commands);

  effvk_device_submit (device, &copies.commands, 1, copies.fence, &error);
  g_assert_no_error (error);
  MUST (vkWaitForFences, device->handle, 1, &copies.fence, VK_TRUE,
        G_GUINT64_CONSTANT (10000000000)); /* 10 s */

  for (guint i = 0; with_barrier && i < N_WORDS; i++)
    g_assert_cmpuint (copies.map[2 * copies.stride + i], ==, 1000 + i);
  copies_clear (&copies);
}

/* The right program is silent, and copies. */
static void
test_silence (void)
{
  g_autoptr (EffvkDevice) device = open_or_skip ();
  const guint before = effvk_validation_get_n_messages ();

  if (device == NULL)
    return;
  run (device, TRUE);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, before);
}

/* Synchronization validation is on and sees what shaders access. */
static void
test_missing_barrier (void)
{
  g_autoptr (EffvkDevice) device = open_or_skip ();

  if (device == NULL)
    return;
  expect_messages ();
  run (device, FALSE);
  assert_messages ();
}

/* Core validation is on. */
static void
test_wrong_use (void)
{
  g_autoptr (EffvkDevice) device = open_or_skip ();
  const VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .size = 0, /* VUID-VkBufferCreateInfo-size-00912 */
                                      .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT };
  VkBuffer buffer = VK_NULL_HANDLE;

  if (device == NULL)
    return;
  expect_messages ();
  if (device->vk.vkCreateBuffer (device->handle, &create, NULL, &buffer) == VK_SUCCESS)
    device->vk.vkDestroyBuffer (device->handle, buffer, NULL);
  assert_messages ();
}

/* A message is a warning, which ends a test that does not expect it. */
static void
test_fatal (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (EffvkDevice) device = effvk_device_new (NULL, NULL);

      run (device, FALSE);
      return;
    }
  else
    {
      g_autoptr (EffvkDevice) device = open_or_skip ();

      if (device == NULL)
        return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*Vulkan validation: *");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("EFFVK_VALIDATION", "1", TRUE);
  g_setenv ("EFFVK_CACHE_DIR", "", TRUE); /* the user's is not for tests */

  g_test_add_func ("/validation/silence", test_silence);
  g_test_add_func ("/validation/missing-barrier", test_missing_barrier);
  g_test_add_func ("/validation/wrong-use", test_wrong_use);
  g_test_add_func ("/validation/fatal", test_fatal);

  return g_test_run ();
}
