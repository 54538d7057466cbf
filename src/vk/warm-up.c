/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a CPU device compile a program's shaders before it first runs, on all processors.
 *
 * Drivers of such devices compile a shader when it is first dispatched, for what is bound to it.
 * They do so one after the other. A dispatch of no workgroups is enough. Where that takes long,
 * other devices compile some of the shaders meanwhile, each of an instance of its own. They leave
 * them in the driver's cache on disk, and the program's own device finds them there. Without such a
 * cache nothing is won, and little lost. Where something was compiled the program then runs once,
 * over what its tensors happen to hold. */

#include "vk/warm-up.h"

#include "vk/instance.h"
#include "vk/once.h"
#include "vk/physical.h"
#include "vk/program-private.h"

#include <gio/gio.h>

/* What was in the driver's cache takes less. */
#define COMPILED_US 15000
#define MAX_HELPERS 3
/* Another device takes a while to open. */
#define MIN_PIPELINES 6

typedef struct
{
  EffvkProgram *program;
  GArray *dispatches; /* (element-type guint): one for each pipeline that has not run */
  gint next;          /* atomic: the first that nobody has taken */
  GCancellable *stop; /* the caller's current one: nobody will run the program */
} WarmUp;

/* Dispatch @i of @program with no workgroups. */
static gboolean
run_empty (EffvkProgram *program, guint i, GError **error)
{
  const struct VolkDeviceTable *vk = &program->device->vk;
  const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
  const EffvkPipeline *pipeline = program->pipelines[i];
  g_auto (EffvkOnce) once = { 0 };

  if (!effvk_once_begin (&once, program->device, error))
    return FALSE;
  vk->vkCmdBindPipeline (once.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->handle);
  vk->vkCmdBindDescriptorSets (once.commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0,
                               1, &program->sets[i], 0, NULL);
  if (dispatch->shader->push_size)
    vk->vkCmdPushConstants (once.commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                            dispatch->shader->push_size, dispatch->push);
  vk->vkCmdDispatch (once.commands, 0, 0, 0);
  return effvk_once_submit (&once, error);
}

/* The first tells whether it was compiled, and the sooner the better. */
static void
put_smallest_first (WarmUp *warm_up)
{
  guint *n = (guint *) (gpointer) warm_up->dispatches->data, least = 0, swap = n[0];

  for (guint i = 1; i < warm_up->dispatches->len; i++)
    if (effvk_program_get_dispatch (warm_up->program, n[i])->shader->code_size
        < effvk_program_get_dispatch (warm_up->program, n[least])->shader->code_size)
      least = i;
  n[0] = n[least];
  n[least] = swap;
}

static gboolean
take (WarmUp *warm_up, guint *n)
{
  *n = (guint) g_atomic_int_add (&warm_up->next, 1);
  return !g_cancellable_is_cancelled (warm_up->stop) && *n < warm_up->dispatches->len;
}

typedef struct
{
  VkInstance instance;
  VkDevice device;
} Handles;

static void
handles_free (gpointer data)
{
  Handles *handles = data;
  PFN_vkDestroyDevice destroy
      = (PFN_vkDestroyDevice) vkGetInstanceProcAddr (handles->instance, "vkDestroyDevice");

  g_rw_lock_writer_lock (&effvk_instance_devices_lock);
  if (handles->device)
    destroy (handles->device, NULL);
  vkDestroyInstance (handles->instance, NULL); /* waits until the driver's cache is written */
  g_rw_lock_writer_unlock (&effvk_instance_devices_lock);
  g_free (handles);
}

/* What @device's hardware is called in another instance. */
static VkPhysicalDevice
find_again (VkInstance instance, EffvkDevice *device)
{
  g_autoptr (GPtrArray) list = effvk_physical_list (instance, NULL);

  for (guint i = 0; list && i < list->len; i++)
    {
      const EffvkPhysical *physical = g_ptr_array_index (list, i);

      if (g_str_equal (physical->info->uuid, device->info->uuid)
          && g_str_equal (physical->info->driver, device->info->driver))
        return physical->handle;
    }
  return VK_NULL_HANDLE;
}

/* A device on @device's hardware, of an instance of its own and without layers. NULL where there is
   none. */
static Handles *
make_handles (EffvkDevice *device, VkPhysicalDevice *physical)
{
  const float priority = 1.0f;
  const VkApplicationInfo application = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                          .apiVersion = effvk_instance_get_version () };
  const VkInstanceCreateInfo create_instance
      = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application };
  const VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueFamilyIndex = device->queue_family,
                                          .queueCount = 1,
                                          .pQueuePriorities = &priority };
  const VkDeviceCreateInfo create = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                      .queueCreateInfoCount = 1,
                                      .pQueueCreateInfos = &queue };
  Handles *handles = g_new0 (Handles, 1);
  VkResult result;

  g_rw_lock_writer_lock (&effvk_instance_devices_lock);
  result = vkCreateInstance (&create_instance, NULL, &handles->instance);
  g_rw_lock_writer_unlock (&effvk_instance_devices_lock);
  if (result != VK_SUCCESS)
    {
      g_free (handles);
      return NULL;
    }
  *physical = find_again (handles->instance, device);
  if (*physical)
    {
      g_rw_lock_writer_lock (&effvk_instance_devices_lock);
      result = vkCreateDevice (*physical, &create, NULL, &handles->device);
      g_rw_lock_writer_unlock (&effvk_instance_devices_lock);
    }
  if (*physical && result == VK_SUCCESS)
    return handles;
  handles->device = VK_NULL_HANDLE;
  handles_free (handles);
  return NULL;
}

/* Another device on the same hardware, or NULL. */
static EffvkDevice *
open_again (EffvkDevice *device)
{
  EffvkVulkanDevice vulkan = { .api_version = effvk_instance_get_version (),
                               .queue_family = device->queue_family,
                               .destroy = handles_free };
  Handles *handles = make_handles (device, &vulkan.physical_device);
  PFN_vkGetDeviceQueue get_queue;
  EffvkDevice *again;

  if (!handles)
    return NULL;
  vulkan.user_data = handles;
  vulkan.device = handles->device;
  get_queue = (PFN_vkGetDeviceQueue) vkGetInstanceProcAddr (handles->instance, "vkGetDeviceQueue");
  get_queue (vulkan.device, vulkan.queue_family, 0, &vulkan.queue);
  again = effvk_device_new_from_vulkan (&vulkan, NULL);
  if (again)
    {
      /* The file is the other device's. */
      again->vk.vkDestroyPipelineCache (again->handle, again->pipeline_cache, NULL);
      again->pipeline_cache = VK_NULL_HANDLE;
    }
  return again;
}

/* Compiles for dispatch @i on another device, over tensors that hold nothing: memory that is not
 * touched costs nothing. */
static gboolean
compile_again (EffvkProgram *program, guint i, EffvkDevice *device)
{
  EffvkDispatch dispatch = *effvk_program_get_dispatch (program, i);
  g_autoptr (EffvkProgram) copy = effvk_program_new (device, program->flags);

  for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
    if (dispatch.bind[b])
      dispatch.bind[b] = effvk_program_add_empty (copy, get_tensor (program, dispatch.bind[b]));
  effvk_program_add_dispatch (copy, &dispatch);
  return effvk_program_bind (copy, NULL) && run_empty (copy, 0, NULL);
}

static gpointer
help (gpointer data)
{
  WarmUp *warm_up = data;
  g_autoptr (EffvkDevice) device = open_again (warm_up->program->device);
  guint n;

  while (device && take (warm_up, &n)
         && compile_again (warm_up->program, g_array_index (warm_up->dispatches, guint, n), device))
    continue;
  return NULL;
}

void
effvk_program_warm_up (EffvkProgram *program)
{
  g_autoptr (GArray) dispatches = g_array_new (FALSE, FALSE, sizeof (guint));
  WarmUp warm_up
      = { .program = program, .dispatches = dispatches, .stop = g_cancellable_get_current () };
  GThread *helpers[MAX_HELPERS] = { NULL };
  guint n_helpers = MIN (g_get_num_processors () - 1, MAX_HELPERS), n;
  g_autoptr (GError) error = NULL;
  gboolean helped = FALSE;

  if (!program->device->caps.cpu || program->dispatches->len < MIN_PIPELINES)
    return;
  for (guint i = 0; i < program->dispatches->len; i++)
    if (g_atomic_int_compare_and_exchange (&program->pipelines[i]->taken, FALSE, TRUE))
      g_array_append_val (dispatches, i);
  if (dispatches->len < MIN_PIPELINES)
    return;
  put_smallest_first (&warm_up);
  while (!error && take (&warm_up, &n))
    {
      gint64 start = g_get_monotonic_time ();

      run_empty (program, g_array_index (dispatches, guint, n), &error);
      if (helped || g_get_monotonic_time () - start < COMPILED_US)
        continue;
      helped = TRUE;
      for (guint i = 0; i < n_helpers && n + 1 + i < dispatches->len; i++)
        helpers[i] = g_thread_try_new ("effvk-warm-up", help, &warm_up, NULL);
    }
  for (guint i = 0; i < n_helpers; i++)
    if (helpers[i])
      g_thread_join (helpers[i]);
  /* Mesa 26 compiles what reads texels when it is first called, by whichever workgroup. */
  if (helped && !error && !g_cancellable_is_cancelled (warm_up.stop))
    effvk_program_run (program, &error);
  if (error) /* whoever uses the device next is told */
    g_debug ("shaders are not compiled in advance: %s", error->message);
}
