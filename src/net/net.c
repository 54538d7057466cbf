/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/net.h"

#include "ops/conv.h"
#include "ops/expand-depthwise.h"
#include "ops/fully-connected.h"
#include "ops/head.h"
#include "ops/heatmap.h"
#include "ops/pointwise.h"
#include "ops/top-k.h"

struct _EffvkNet
{
  EffvkProgram *program;
  EffvkTensor input, outputs[EFFVK_NET_N_OUTPUTS];
  guint heatmap_width, heatmap_height;
  GArray *stages; /* (element-type EffvkTensor) */
};

/* What building needs to know at every step. */
typedef struct
{
  EffvkNet *net;
  EffvkModel *model;
  const EffvkArch *arch;
  EffvkOpContext context;
  guint batch;
} Builder;

static EffvkTensor
add_tensor (Builder *builder, const char *name, EffvkStorage storage, guint h, guint w, guint c)
{
  EffvkTensorInfo info = { name, storage, builder->batch, h, w, c };

  return effvk_program_add_tensor (builder->net->program, &info);
}

static EffvkTensor
add_activation (Builder *builder, const char *name, guint h, guint w, guint c)
{
  return add_tensor (builder, name, builder->context.storage, h, w, c);
}

/* A full convolution from @input to @out channels: the stem and fused-MBConv. */
static gboolean
build_conv (Builder *builder, EffvkLayer layer, guint block, guint kernel, guint stride,
            EffvkActivation activation, EffvkTensor input, EffvkTensor residual, guint out,
            EffvkTensor *output, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (builder->net->program, input);
  EffvkPadding padding = builder->arch->padding;
  g_auto (EffvkWeights) weights = { 0 };
  EffvkConv op = { .input = input,
                   .residual = residual,
                   .kernel = kernel,
                   .stride = stride,
                   .pad_x = effvk_arch_conv_pad_before (in->w, kernel, stride, padding),
                   .pad_y = effvk_arch_conv_pad_before (in->h, kernel, stride, padding),
                   .activation = activation };

  effvk_model_get_weights (builder->model, layer, block, &weights);
  op.weight = weights.weight;
  op.bias = weights.bias;
  op.output = *output
      = add_activation (builder, "conv", effvk_arch_conv_output (in->h, kernel, stride, padding),
                        effvk_arch_conv_output (in->w, kernel, stride, padding), out);
  return effvk_conv (&builder->context, &op, error);
}

/* What multiplies the input of a projection. */
typedef struct
{
  EffvkTensor tensor; /* or EFFVK_TENSOR_NONE */
  gboolean deferred;  /* the projection computes them: */
  EffvkSqueezeExcite op;
  EffvkWeights squeeze, excite; /* of the op */
} Gates;

static void
gates_clear (Gates *gates)
{
  effvk_weights_clear (&gates->squeeze);
  effvk_weights_clear (&gates->excite);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Gates, gates_clear)

/* @gates: nullable. */
static gboolean
build_pointwise (Builder *builder, EffvkLayer layer, guint block, EffvkActivation activation,
                 EffvkTensor input, const Gates *gates, EffvkTensor residual, guint out,
                 EffvkTensor *output, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (builder->net->program, input);
  g_auto (EffvkWeights) weights = { 0 };
  EffvkPointwise op = { .input = input, .residual = residual, .activation = activation };

  effvk_model_get_weights (builder->model, layer, block, &weights);
  if (gates)
    {
      op.scale = gates->tensor;
      op.squeeze_excite = gates->deferred ? &gates->op : NULL;
    }
  op.weight = weights.weight;
  op.bias = weights.bias;
  op.output = *output = add_activation (builder, layer == EFFVK_LAYER_EXPAND ? "expand" : "project",
                                        in->h, in->w, out);
  return effvk_pointwise (&builder->context, &op, error);
}

/* The depthwise convolution of block @i over an input of @in's height and width. */
static EffvkDepthwise
get_depthwise (Builder *builder, guint i, const EffvkBlock *block, const EffvkTensorInfo *in,
               EffvkWeights *weights)
{
  guint kernel = block->kernel, stride = block->stride;
  EffvkPadding padding = builder->arch->padding;

  effvk_model_get_weights (builder->model, EFFVK_LAYER_DEPTHWISE, i, weights);
  return (EffvkDepthwise){
    .output
    = add_activation (builder, "depthwise", effvk_arch_conv_output (in->h, kernel, stride, padding),
                      effvk_arch_conv_output (in->w, kernel, stride, padding), block->expanded),
    .kernel = kernel,
    .stride = stride,
    .pad_x = effvk_arch_conv_pad_before (in->w, kernel, stride, padding),
    .pad_y = effvk_arch_conv_pad_before (in->h, kernel, stride, padding),
    .activation = builder->arch->activation,
    .weight = weights->weight,
    .bias = weights->bias,
    .squeeze = block->squeezed > 0,
  };
}

/* The squeeze-excite of block @i over the output of its depthwise convolution, without the tensor
   of its gates. */
static void
get_squeeze_excite (Builder *builder, guint i, const EffvkBlock *block, EffvkTensor filtered,
                    Gates *gates)
{
  const EffvkTensorInfo *info = effvk_program_get_info (builder->net->program, filtered);

  effvk_model_get_weights (builder->model, EFFVK_LAYER_SQUEEZE, i, &gates->squeeze);
  effvk_model_get_weights (builder->model, EFFVK_LAYER_EXCITE, i, &gates->excite);
  gates->op = (EffvkSqueezeExcite){
    .pixels = info->h * info->w,
    .squeezed = block->squeezed,
    .activation = builder->arch->activation,
    .squeeze_weight = gates->squeeze.weight,
    .squeeze_bias = gates->squeeze.bias,
    .excite_weight = gates->excite.weight,
    .excite_bias = gates->excite.bias,
  };
}

static void
add_gates (Builder *builder, const EffvkBlock *block, Gates *gates)
{
  gates->tensor = gates->op.output
      = add_tensor (builder, "gates", EFFVK_STORAGE_F32, 1, 1, block->expanded);
}

/* Expansion, depthwise convolution and squeeze-excite of block @i, in one dispatch, in three, or in
 * two with the last left to the projection. */
static gboolean
build_expand_and_depthwise (Builder *builder, guint i, const EffvkBlock *block, EffvkTensor x,
                            EffvkTensor *filtered, Gates *gates, GError **error)
{
  const EffvkOpContext *context = &builder->context;
  const EffvkTensorInfo in = *effvk_program_get_info (builder->net->program, x);
  gboolean expands = block->expanded != block->in;
  g_auto (EffvkWeights) expand = { 0 };
  g_auto (EffvkWeights) filters = { 0 };
  EffvkDepthwise depthwise;

  if (expands && effvk_expand_depthwise_is_worthwhile (context, builder->batch)
      && effvk_expand_depthwise_fits (context, block->squeezed, block->kernel, block->stride))
    {
      EffvkExpandDepthwise op = { .input = x };

      effvk_model_get_weights (builder->model, EFFVK_LAYER_EXPAND, i, &expand);
      op.expand_weight = expand.weight;
      op.expand_bias = expand.bias;
      op.depthwise = get_depthwise (builder, i, block, &in, &filters);
      *filtered = op.depthwise.output;
      if (block->squeezed)
        {
          get_squeeze_excite (builder, i, block, *filtered, gates);
          add_gates (builder, block, gates);
          op.squeeze_excite = &gates->op;
        }
      return effvk_expand_depthwise (context, &op, error);
    }

  if (expands
      && !build_pointwise (builder, EFFVK_LAYER_EXPAND, i, builder->arch->activation, x, NULL,
                           EFFVK_TENSOR_NONE, block->expanded, &x, error))
    return FALSE;
  depthwise = get_depthwise (builder, i, block, &in, &filters);
  depthwise.input = x;
  *filtered = depthwise.output;
  if (!block->squeezed)
    return effvk_depthwise (context, &depthwise, &gates->tensor, error); /* none */
  get_squeeze_excite (builder, i, block, *filtered, gates);
  if (!effvk_depthwise (context, &depthwise, &gates->op.sums, error))
    return FALSE;
  gates->deferred = effvk_pointwise_takes_squeeze_excite (context);
  if (gates->deferred)
    return TRUE;
  add_gates (builder, block, gates);
  return effvk_squeeze_excite (context, &gates->op, error);
}

static gboolean
build_mbconv (Builder *builder, guint i, const EffvkBlock *block, EffvkTensor *x, GError **error)
{
  EffvkTensor residual = block->residual ? *x : EFFVK_TENSOR_NONE;
  g_auto (Gates) gates = { 0 };
  EffvkTensor filtered;

  return build_expand_and_depthwise (builder, i, block, *x, &filtered, &gates, error)
         && build_pointwise (builder, EFFVK_LAYER_PROJECT, i, EFFVK_ACTIVATION_NONE, filtered,
                             &gates, residual, block->out, x, error);
}

static gboolean
build_fused (Builder *builder, guint i, const EffvkBlock *block, EffvkTensor *x, GError **error)
{
  EffvkTensor residual = block->residual ? *x : EFFVK_TENSOR_NONE;
  gboolean projects = block->expanded != block->in;
  EffvkTensor expanded;

  if (!build_conv (builder, EFFVK_LAYER_FUSED, i, block->kernel, block->stride,
                   builder->arch->activation, *x, projects ? EFFVK_TENSOR_NONE : residual,
                   projects ? block->expanded : block->out, &expanded, error))
    return FALSE;
  if (!projects)
    {
      *x = expanded;
      return TRUE;
    }
  return build_pointwise (builder, EFFVK_LAYER_PROJECT, i, EFFVK_ACTIVATION_NONE, expanded, NULL,
                          residual, block->out, x, error);
}

/* A tensor that is read after the network has run. */
static EffvkTensor
add_output (Builder *builder, EffvkNetOutput output, const char *name, guint w, guint c)
{
  EffvkTensorInfo info = { name, EFFVK_STORAGE_F32, builder->batch, 1, w, c };

  return builder->net->outputs[output]
         = effvk_program_add_persistent (builder->net->program, &info);
}

/* After all else: what was the best class has to be known. */
static gboolean
build_heatmap (Builder *builder, EffvkTensor x, EffvkTensor top_k, const EffvkWeights *head,
               const EffvkWeights *classifier, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (builder->net->program, x);
  const EffvkArch *arch = builder->arch;
  EffvkHeatmap op = { .input = x,
                      .best = top_k,
                      .channels = arch->head_out,
                      .classes = arch->classes,
                      .activation = arch->activation,
                      .weight = head->weight,
                      .bias = head->bias,
                      .rows = classifier->weight };

  builder->net->heatmap_width = in->w;
  builder->net->heatmap_height = in->h;
  op.output = add_output (builder, EFFVK_NET_HEATMAP, "heatmap", 1, in->h * in->w);
  return effvk_heatmap (&builder->context, &op, error);
}

static gboolean
build_head (Builder *builder, EffvkTensor x, const EffvkNetOptions *options, GError **error)
{
  const EffvkArch *arch = builder->arch;
  g_auto (EffvkWeights) head = { 0 };
  g_auto (EffvkWeights) classifier = { 0 };
  guint k = MIN (options->top_k, arch->classes);
  EffvkTensor pooled = add_output (builder, EFFVK_NET_POOLED, "pooled", 1, arch->head_out);
  EffvkTensor logits = add_output (builder, EFFVK_NET_LOGITS, "logits", 1, arch->classes);
  EffvkTensor top_k = add_output (builder, EFFVK_NET_TOP_K, "top-k", k, 4);

  effvk_model_get_weights (builder->model, EFFVK_LAYER_HEAD, 0, &head);
  effvk_model_get_weights (builder->model, EFFVK_LAYER_CLASSIFIER, 0, &classifier);
  return effvk_head (&builder->context,
                     &(EffvkHead){ .input = x,
                                   .output = pooled,
                                   .activation = arch->activation,
                                   .weight = head.weight,
                                   .bias = head.bias },
                     error)
         && effvk_fully_connected (&builder->context,
                                   &(EffvkFullyConnected){ .input = pooled,
                                                           .output = logits,
                                                           .weight = classifier.weight,
                                                           .bias = classifier.bias },
                                   error)
         && effvk_top_k (&builder->context,
                         &(EffvkTopK){ .logits = logits,
                                       .output = top_k,
                                       .activation
                                       = options->activation ? options->activation : arch->output },
                         error)
         && (!options->heatmap || build_heatmap (builder, x, top_k, &head, &classifier, error));
}

static gboolean
build (Builder *builder, const EffvkNetOptions *options, GError **error)
{
  EffvkNet *net = builder->net;
  const EffvkArch *arch = builder->arch;
  EffvkTensorInfo input = { "input",     builder->context.storage, builder->batch, arch->height,
                            arch->width, arch->in_channels };
  EffvkTensor x;

  net->input = effvk_program_add_persistent (net->program, &input);
  if (!build_conv (builder, EFFVK_LAYER_STEM, 0, arch->stem_kernel, arch->stem_stride,
                   arch->activation, net->input, EFFVK_TENSOR_NONE, arch->stem_out, &x, error))
    return FALSE;
  g_array_append_val (net->stages, x);

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, i);
      gboolean built = block->kind == EFFVK_BLOCK_FUSED
                           ? build_fused (builder, i, block, &x, error)
                           : build_mbconv (builder, i, block, &x, error);

      if (!built)
        return FALSE;
      if (block->stage >= net->stages->len)
        g_array_set_size (net->stages, block->stage + 1);
      g_array_index (net->stages, EffvkTensor, block->stage) = x;
    }
  return build_head (builder, x, options, error);
}

char *
effvk_net_describe (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options)
{
  const EffvkArch *arch = effvk_model_get_arch (model);
  g_autoptr (GString) shape = g_string_new (NULL);
  g_autofree char *hash = NULL;

  g_string_append_printf (shape, "%u %u %u %u %u %u %u %u %d %d", arch->in_channels, arch->width,
                          arch->height, arch->stem_kernel, arch->stem_stride, arch->stem_out,
                          arch->head_out, arch->classes, arch->activation, arch->padding);
  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *b = &g_array_index (arch->blocks, EffvkBlock, i);

      g_string_append_printf (shape, ", %d %u %u %u %u %u %u %d", b->kind, b->kernel, b->stride,
                              b->in, b->expanded, b->out, b->squeezed, b->residual);
    }
  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, shape->str, -1);
  return g_strdup_printf ("%s batch %u storage %d plan %d", hash, options->batch, options->storage,
                          effvk_plan_resolve (device, options->plan));
}

EffvkNet *
effvk_net_new (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options,
               GError **error)
{
  g_autoptr (EffvkNet) net = g_new0 (EffvkNet, 1);
  g_autoptr (EffvkChoices) tuned = NULL;
  Builder builder = {
    .net = net, .model = model, .arch = effvk_model_get_arch (model), .batch = options->batch
  };

  if (!options->choices)
    {
      g_autofree char *key = effvk_net_describe (device, model, options);

      tuned = effvk_choices_load (device, key);
    }
  net->program = effvk_program_new (device, options->flags);
  net->stages = g_array_new (FALSE, TRUE, sizeof (EffvkTensor));
  builder.context = (EffvkOpContext){ .program = net->program,
                                      .storage = options->storage,
                                      .plan = options->plan,
                                      .choices = tuned ? tuned : options->choices,
                                      .made = options->made };
  if (!build (&builder, options, error) || !effvk_program_compile (net->program, error))
    return NULL;
  return g_steal_pointer (&net);
}

EffvkNet *
effvk_net_new_within (EffvkDevice *device, EffvkModel *model, EffvkNetOptions *options,
                      GError **error)
{
  for (;;)
    {
      g_autoptr (GError) problem = NULL;
      EffvkNet *net = effvk_net_new (device, model, options, &problem);

      if (net)
        return net;
      if (options->batch == 1
          || !g_error_matches (problem, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      g_message ("%u images at once are too many for \"%s\", %u are tried: %s", options->batch,
                 effvk_device_get_name (device), options->batch / 2, problem->message);
      options->batch /= 2;
    }
}

void
effvk_net_free (EffvkNet *net)
{
  if (!net)
    return;
  effvk_program_free (net->program);
  g_array_unref (net->stages);
  g_free (net);
}

EffvkProgram *
effvk_net_get_program (EffvkNet *net)
{
  return net->program;
}

EffvkTensor
effvk_net_get_input (EffvkNet *net)
{
  return net->input;
}

EffvkTensor
effvk_net_get_output (EffvkNet *net, EffvkNetOutput output)
{
  return net->outputs[output];
}

void
effvk_net_get_heatmap_size (EffvkNet *net, guint *width, guint *height)
{
  *width = net->heatmap_width;
  *height = net->heatmap_height;
}

EffvkTensor
effvk_net_get_stage (EffvkNet *net, guint stage)
{
  return stage < net->stages->len ? g_array_index (net->stages, EffvkTensor, stage)
                                  : EFFVK_TENSOR_NONE;
}
