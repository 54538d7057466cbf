/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/chain.h"

#include "selftest/cases.h"

#include "ops/conv.h"
#include "ops/depthwise.h"
#include "ops/fully-connected.h"
#include "ops/head.h"
#include "ops/pointwise.h"
#include "ops/squeeze-excite.h"
#include "ops/top-k.h"
#include "vk/once.h"

#define KERNEL 3

/* The shape, which is drawn, and the tensors between the ops. */
typedef struct
{
  guint n, h, w, channels;
  guint stem, wide, squeezed, features, classes, k;
  EffvkTensor narrow; /* the stem's output, and the block's residual */
  EffvkTensor sums;
} Plan;

static EffvkTensor
add_tensor (EffvkChain *chain, const Plan *plan, const char *name, guint channels)
{
  EffvkTensorInfo info
      = { name, chain->trial.context.storage, plan->n, plan->h, plan->w, channels };

  return effvk_program_add_tensor (chain->trial.context.program, &info);
}

/* One an image, in fp32. */
static EffvkTensor
add_vector (EffvkChain *chain, const Plan *plan, const char *name, guint channels)
{
  EffvkTensorInfo info = { name, EFFVK_STORAGE_F32, plan->n, 1, 1, channels };

  return effvk_program_add_tensor (chain->trial.context.program, &info);
}

static const float *
weights (EffvkChain *chain, guint outputs, guint fan_in)
{
  return effvk_trial_weights (&chain->trial, (gsize) outputs * MAX (fan_in, 1), fan_in);
}

static Plan
draw_plan (EffvkChain *chain)
{
  EffvkTrial *trial = &chain->trial;
  Plan plan = { .n = (guint) g_rand_int_range (trial->rand, 1, 4) };

  plan.h = 3 + effvk_trial_size (trial, 20);
  plan.w = 3 + effvk_trial_size (trial, 20);
  plan.channels = effvk_trial_size (trial, 7);
  plan.stem = effvk_trial_size (trial, 40);
  plan.wide = effvk_trial_size (trial, 200);
  plan.squeezed = effvk_trial_size (trial, 12);
  plan.features = effvk_trial_size (trial, 300);
  plan.classes = 1 + effvk_trial_size (trial, 200);
  plan.k = MIN (plan.classes, 5);
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u, %u, %u classes", plan.n, plan.h, plan.w,
                        plan.channels, plan.wide, plan.features, plan.classes);
  return plan;
}

static gboolean
add_stem (EffvkChain *chain, Plan *plan, GError **error)
{
  EffvkTensorInfo info
      = { "input", chain->trial.context.storage, plan->n, plan->h, plan->w, plan->channels };
  EffvkTrialInput input = effvk_trial_add_input (&chain->trial, &info, -1.0, 1.0);
  EffvkConv op = { .input = input.tensor,
                   .kernel = KERNEL,
                   .stride = 1,
                   .pad_x = 1,
                   .pad_y = 1,
                   .activation = EFFVK_ACTIVATION_SILU,
                   .weight = weights (chain, plan->stem, plan->channels * KERNEL * KERNEL),
                   .bias = weights (chain, plan->stem, 0) };

  op.output = plan->narrow = add_tensor (chain, plan, "stem", plan->stem);
  return effvk_conv (&chain->trial.context, &op, error);
}

/* Expands, convolves, weighs, projects. */
static gboolean
add_block (EffvkChain *chain, Plan *plan, EffvkTensor *output, GError **error)
{
  const EffvkOpContext *context = &chain->trial.context;
  EffvkPointwise expand = { .input = plan->narrow,
                            .activation = EFFVK_ACTIVATION_SILU,
                            .weight = weights (chain, plan->wide, plan->stem),
                            .bias = weights (chain, plan->wide, 0) };
  EffvkDepthwise depthwise = { .kernel = KERNEL,
                               .stride = 1,
                               .pad_x = 1,
                               .pad_y = 1,
                               .activation = EFFVK_ACTIVATION_SILU,
                               .weight = weights (chain, plan->wide, KERNEL * KERNEL),
                               .bias = weights (chain, plan->wide, 0),
                               .squeeze = TRUE };
  EffvkSqueezeExcite squeeze = { .pixels = plan->h * plan->w,
                                 .squeezed = plan->squeezed,
                                 .activation = EFFVK_ACTIVATION_SILU,
                                 .squeeze_weight = weights (chain, plan->squeezed, plan->wide),
                                 .squeeze_bias = weights (chain, plan->squeezed, 0),
                                 .excite_weight = weights (chain, plan->wide, plan->squeezed),
                                 .excite_bias = weights (chain, plan->wide, 0) };
  EffvkPointwise project = { .residual = plan->narrow,
                             .weight = weights (chain, plan->stem, plan->wide),
                             .bias = weights (chain, plan->stem, 0) };

  expand.output = depthwise.input = add_tensor (chain, plan, "expanded", plan->wide);
  depthwise.output = project.input = add_tensor (chain, plan, "depthwise", plan->wide);
  squeeze.output = project.scale = add_vector (chain, plan, "gates", plan->wide);
  project.output = *output = add_tensor (chain, plan, "block", plan->stem);
  if (!effvk_pointwise (context, &expand, error)
      || !effvk_depthwise (context, &depthwise, &squeeze.sums, error))
    return FALSE;
  return effvk_squeeze_excite (context, &squeeze, error)
         && effvk_pointwise (context, &project, error);
}

static gboolean
add_head (EffvkChain *chain, Plan *plan, EffvkTensor input, GError **error)
{
  const EffvkOpContext *context = &chain->trial.context;
  EffvkHead head = { .input = input,
                     .activation = EFFVK_ACTIVATION_SILU,
                     .weight = weights (chain, plan->features, plan->stem),
                     .bias = weights (chain, plan->features, 0) };
  EffvkFullyConnected classifier = { .weight = weights (chain, plan->classes, plan->features),
                                     .bias = weights (chain, plan->classes, 0) };
  EffvkTopK top_k = { .activation = EFFVK_OUTPUT_ACTIVATION_SOFTMAX };
  EffvkTensorInfo logits = { "logits", EFFVK_STORAGE_F32, plan->n, 1, 1, plan->classes };
  EffvkTensorInfo best = { "best", EFFVK_STORAGE_F32, plan->n, 1, plan->k, 4 };

  head.output = classifier.input = add_vector (chain, plan, "features", plan->features);
  chain->logits = effvk_program_add_persistent (context->program, &logits);
  chain->best = effvk_program_add_persistent (context->program, &best);
  classifier.output = top_k.logits = chain->logits;
  top_k.output = chain->best;
  return effvk_head (context, &head, error) && effvk_fully_connected (context, &classifier, error)
         && effvk_top_k (context, &top_k, error);
}

static gboolean
write_inputs (EffvkChain *chain, GError **error)
{
  for (guint i = 0; i < chain->trial.inputs->len; i++)
    {
      const EffvkTrialInput *input = &g_array_index (chain->trial.inputs, EffvkTrialInput, i);

      if (!effvk_program_write (chain->trial.context.program, input->tensor, input->values, error))
        return FALSE;
    }
  return TRUE;
}

/* Not for one submission only, unlike all else that a self-test runs. */
static gboolean
record (EffvkChain *chain, GError **error)
{
  EffvkDevice *device = chain->trial.test->device;
  const VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .queueFamilyIndex = device->queue_family };
  VkCommandBufferAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1 };
  const VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  const VkMemoryBarrier barrier
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
          .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT };

  if (!effvk_device_make (device, vkCreateCommandPool, &pool, &chain->pool, "vkCreateCommandPool",
                          error)
      || !effvk_device_make (device, vkCreateFence, &fence, &chain->fence, "vkCreateFence", error))
    return FALSE;
  allocate.commandPool = chain->pool;
  if (!effvk_device_check_made (device,
                                device->vk.vkAllocateCommandBuffers (device->handle, &allocate,
                                                                     &chain->commands),
                                &chain->commands, "vkAllocateCommandBuffers", error)
      || !effvk_device_check (device, device->vk.vkBeginCommandBuffer (chain->commands, &begin),
                              "vkBeginCommandBuffer", error))
    return FALSE;
  effvk_program_record (chain->trial.context.program, chain->commands);
  device->vk.vkCmdPipelineBarrier (chain->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                   VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                                   1, &barrier, 0, NULL, 0, NULL);
  return effvk_device_check (device, device->vk.vkEndCommandBuffer (chain->commands),
                             "vkEndCommandBuffer", error);
}

gboolean
effvk_chain_init (EffvkChain *chain, EffvkSelftest *test, guint32 seed, guint index, GError **error)
{
  EffvkTensor block;
  Plan plan;

  *chain = (EffvkChain){ 0 };
  effvk_trial_init (&chain->trial, test, "network", NULL, seed, effvk_selftest_n_cases, index);
  effvk_program_free (chain->trial.context.program);
  chain->trial.context.program = effvk_program_new (test->device, EFFVK_PROGRAM_DEFAULT);
  plan = draw_plan (chain);
  return add_stem (chain, &plan, error) && add_block (chain, &plan, &block, error)
         && add_head (chain, &plan, block, error)
         && effvk_program_compile (chain->trial.context.program, error)
         && write_inputs (chain, error) && record (chain, error);
}

void
effvk_chain_clear (EffvkChain *chain)
{
  EffvkDevice *device = chain->trial.test ? chain->trial.test->device : NULL;

  if (device && !effvk_device_is_hung (device)) /* else it may still use them */
    {
      device->vk.vkDestroyFence (device->handle, chain->fence, NULL);
      device->vk.vkDestroyCommandPool (device->handle, chain->pool, NULL);
    }
  effvk_trial_clear (&chain->trial);
  *chain = (EffvkChain){ 0 };
}

gboolean
effvk_chain_run_apart (EffvkChain *chain, GError **error)
{
  EffvkProgram *program = chain->trial.context.program;

  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    {
      g_auto (EffvkOnce) once = { 0 };

      if (!effvk_once_begin (&once, chain->trial.test->device, error))
        return FALSE;
      effvk_program_record_range (program, once.commands, i, 1);
      if (!effvk_once_submit (&once, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
effvk_chain_submit (EffvkChain *chain, GError **error)
{
  return effvk_device_submit (chain->trial.test->device, &chain->commands, 1, chain->fence, error);
}

gboolean
effvk_chain_wait (EffvkChain *chain, GError **error)
{
  EffvkDevice *device = chain->trial.test->device;

  return effvk_device_wait (device, chain->fence, effvk_device_get_timeout (device), error) > 0
         && effvk_device_check (device, device->vk.vkResetFences (device->handle, 1, &chain->fence),
                                "vkResetFences", error);
}

gboolean
effvk_chain_spoil (EffvkChain *chain, GError **error)
{
  const EffvkTensor tensors[] = { chain->logits, chain->best };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    {
      gsize offset, size = effvk_tensor_info_size (
                        effvk_program_get_info (chain->trial.context.program, tensors[i]));
      EffvkBuffer *buffer
          = effvk_program_get_buffer (chain->trial.context.program, tensors[i], &offset);

      if (!effvk_trial_fill (buffer, offset, size, error))
        return FALSE;
    }
  return TRUE;
}

guint8 *
effvk_chain_read (EffvkChain *chain, gsize *size, GError **error)
{
  EffvkProgram *program = chain->trial.context.program;
  gsize n_logits = effvk_tensor_info_size (effvk_program_get_info (program, chain->logits));
  gsize n_best = effvk_tensor_info_size (effvk_program_get_info (program, chain->best));
  g_autofree guint8 *bytes = g_malloc (n_logits + n_best);
  gsize logits_at, best_at;
  EffvkBuffer *logits = effvk_program_get_buffer (program, chain->logits, &logits_at);
  EffvkBuffer *best = effvk_program_get_buffer (program, chain->best, &best_at);

  *size = n_logits + n_best;
  if (!effvk_buffer_download (logits, logits_at, bytes, n_logits, error)
      || !effvk_buffer_download (best, best_at, bytes + n_logits, n_best, error))
    return NULL;
  return g_steal_pointer (&bytes);
}
