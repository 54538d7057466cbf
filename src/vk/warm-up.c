/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes a CPU device compile a program's shaders before it first runs.
 *
 * Drivers of such devices compile a shader for what is bound to it, when it is first dispatched. A dispatch of no
 * workgroups is enough. A second device, of an instance of its own, that compiled some of them meanwhile saved a third
 * of a cold start, but the Vulkan loader (1.4) crashed other threads while that instance listed its devices. */

#include "vk/warm-up.h"

#include "vk/once.h"
#include "vk/program-private.h"

/* Fewer are compiled as soon. */
#define MIN_PIPELINES 6

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

void
effvk_program_warm_up (EffvkProgram *program)
{
  g_autoptr (GError) error = NULL;

  if (!program->device->caps.cpu || program->dispatches->len < MIN_PIPELINES)
    return;
  for (guint i = 0; !error && i < program->dispatches->len; i++)
    if (g_atomic_int_compare_and_exchange (&program->pipelines[i]->taken, FALSE, TRUE))
      run_empty (program, i, &error);
  if (error) /* whoever uses the device next is told */
    g_debug ("shaders are not compiled in advance: %s", error->message);
}
