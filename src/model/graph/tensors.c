/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/graph.h"

#include "model/names/names.h"
#include "model/safetensors.h"

#include <math.h>
#include <string.h>

/* A layer whose batch norm was folded gets one that does nothing. Its scale, 2^20 / sqrt (2^40 +
 * eps), is one to the last bit of a double, whatever the epsilon. */
#define IDENTITY_GAMMA 1048576.0f
#define IDENTITY_VARIANCE 1099511627776.0f

typedef struct
{
  const EffvkGraph *graph;
  const EffvkGraphFacts *facts;
  GError **error;
} Emitter;

static const EffvkNode *
node_at (const Emitter *e, guint index)
{
  return &g_array_index (e->graph->nodes, EffvkNode, index);
}

static const EffvkConstant *
input_of (const Emitter *e, guint node, guint input)
{
  const EffvkNode *n = node_at (e, node);
  return input < n->n_inputs ? effvk_graph_constant (e->graph, n->inputs[input]) : NULL;
}

/* One number a channel; zeros where there is no bias. */
static gboolean
read_channels (const Emitter *e, const EffvkConstant *constant, guint n, float *out)
{
  if (!constant)
    {
      memset (out, 0, n * sizeof *out);
      return TRUE;
    }
  if (constant->n != n)
    return effvk_unsupported (e->error,
                              "tensor \"%s\": expected %u numbers, one a channel, found "
                              "%" G_GUINT64_FORMAT,
                              constant->name, n, constant->n);
  return effvk_constant_read (e->graph, constant, out, e->error);
}

/* From the file's order of dimensions to [out][in][height][width]. */
static void
reorder (const EffvkNode *node, const float *in, float *out)
{
  gsize n_out = (gsize) node->out, n_in = (gsize) node->in;
  gsize taps = (gsize) (node->kernel_h * node->kernel_w);

  switch (node->layout)
    {
    case EFFVK_WEIGHTS_OHWI:
      for (gsize o = 0; o < n_out; o++)
        for (gsize t = 0; t < taps; t++)
          for (gsize i = 0; i < n_in; i++)
            out[(o * n_in + i) * taps + t] = in[(o * taps + t) * n_in + i];
      break;
    case EFFVK_WEIGHTS_HWO:
      for (gsize t = 0; t < taps; t++)
        for (gsize o = 0; o < n_out; o++)
          out[o * taps + t] = in[t * n_out + o];
      break;
    case EFFVK_WEIGHTS_IO:
      for (gsize i = 0; i < n_in; i++)
        for (gsize o = 0; o < n_out; o++)
          out[o * n_in + i] = in[i * n_out + o];
      break;
    default:
      break;
    }
}

static gboolean
write_weight (const Emitter *e, const EffvkMatchedLayer *matched, guint64 n, float *out)
{
  const EffvkNode *node = node_at (e, matched->node);
  const EffvkConstant *constant = input_of (e, matched->node, 1);
  g_autofree float *values = NULL;

  if (!constant || constant->n != n)
    return effvk_unsupported (e->error,
                              "node \"%s\" (%s): expected constant weights of %" G_GUINT64_FORMAT
                              " numbers",
                              node->name, node->type, n);
  if (node->layout == EFFVK_WEIGHTS_OIHW)
    return effvk_constant_read (e->graph, constant, out, e->error);
  values = g_try_new (float, n);
  if (!values)
    {
      g_set_error (e->error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "no memory for the weights of \"%s\"", node->name);
      return FALSE;
    }
  if (!effvk_constant_read (e->graph, constant, values, e->error))
    return FALSE;
  reorder (node, values, out);
  return TRUE;
}

static gboolean
write_bias (const Emitter *e, const EffvkMatchedLayer *matched, guint n, float *out)
{
  const EffvkConstant *constant = input_of (e, matched->node, 2);

  if (!constant && matched->add != EFFVK_GRAPH_NONE)
    {
      constant = input_of (e, matched->add, 0);
      constant = constant ? constant : input_of (e, matched->add, 1);
    }
  return read_channels (e, constant, n, out);
}

static gboolean
write_identity (const Emitter *e, const EffvkMatchedLayer *matched, EffvkPart part, guint n,
                float *out)
{
  if (part == EFFVK_PART_BETA)
    return write_bias (e, matched, n, out);
  for (guint i = 0; i < n; i++)
    out[i] = part == EFFVK_PART_GAMMA  ? IDENTITY_GAMMA
             : part == EFFVK_PART_MEAN ? 0
                                       : IDENTITY_VARIANCE;
  return TRUE;
}

static gboolean
write_part (const Emitter *e, const EffvkMatchedLayer *matched, const EffvkLayerInfo *layer,
            EffvkPart part, float *out)
{
  guint n = layer->out;

  if (part == EFFVK_PART_WEIGHT)
    return write_weight (e, matched, effvk_layer_part_size (layer, part), out);
  if (part == EFFVK_PART_BIAS)
    return write_bias (e, matched, n, out);
  if (matched->batch_norm == EFFVK_GRAPH_NONE)
    return write_identity (e, matched, part, n, out);

  if (!read_channels (e, input_of (e, matched->batch_norm, 1 + part - EFFVK_PART_GAMMA), n, out))
    return FALSE;
  if (part == EFFVK_PART_VARIANCE)
    {
      /* The network has one epsilon. */
      double extra = node_at (e, matched->batch_norm)->eps - e->facts->bn_eps;
      for (guint i = 0; i < n; i++)
        out[i] = (float) (out[i] + extra);
    }
  if (part == EFFVK_PART_MEAN && input_of (e, matched->node, 2))
    {
      g_autofree float *bias = g_new (float, n);
      if (!write_bias (e, matched, n, bias))
        return FALSE;
      for (guint i = 0; i < n; i++)
        out[i] -= bias[i];
    }
  return TRUE;
}

static gboolean
check_layers (const Emitter *e, const GArray *layers, const GArray *matched)
{
  if (layers->len != matched->len)
    return effvk_unsupported (e->error, "expected %u layers, found %u", layers->len, matched->len);
  for (guint i = 0; i < layers->len; i++)
    {
      const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
      const EffvkMatchedLayer *m = &g_array_index (matched, EffvkMatchedLayer, i);
      const EffvkNode *node = node_at (e, m->node);
      if (layer->kind != m->kind || layer->out != node->out || layer->in != node->in
          || layer->kernel != node->kernel_h)
        return effvk_unsupported (e->error,
                                  "node \"%s\" (%s): expected a layer of %u to %u channels and "
                                  "kernel %u",
                                  node->name, node->type, layer->in, layer->out, layer->kernel);
    }
  return TRUE;
}

GBytes *
effvk_graph_to_safetensors (const EffvkGraph *graph, const EffvkGraphFacts *facts,
                            const GArray *matched, GError **error)
{
  Emitter emitter = { .graph = graph, .facts = facts, .error = error };
  EffvkArch arch = { .in_channels = facts->in_channels,
                     .stem_kernel = facts->stem_kernel,
                     .stem_stride = facts->stem_stride,
                     .stem_out = facts->stem_out,
                     .head_out = facts->head_out,
                     .classes = facts->classes,
                     .blocks = facts->blocks };
  g_autoptr (GArray) layers = effvk_arch_layers (&arch);
  g_autoptr (GBytes) header = NULL;
  g_autofree guint8 *file = NULL;
  EffvkSafetensorsWriter writer;
  guint64 data_size, shape[4], total = 0;

  if (!check_layers (&emitter, layers, matched))
    return NULL;
  for (guint i = 0; i < layers->len; i++)
    total += effvk_layer_part_size (&g_array_index (layers, EffvkLayerInfo, i), EFFVK_PART_WEIGHT);
  /* Constants that many layers share could name more weights than the file has bytes. */
  if (total > graph->size)
    {
      effvk_unsupported (error,
                         "expected a file of at least %" G_GUINT64_FORMAT
                         " bytes for as many weights, found %" G_GUINT64_FORMAT,
                         total, graph->size);
      return NULL;
    }

  effvk_safetensors_writer_init (&writer, graph->metadata ? graph->metadata : "{}");
  for (guint i = 0; i < layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
        if (!effvk_layer_has_part (layer, part))
          continue;
        g_autofree char *name = effvk_naming_torchvision.name (&arch, layer, part);
        guint rank = effvk_layer_part_shape (layer, part, shape);
        effvk_safetensors_writer_add (&writer, name, shape, rank);
      }
  header = effvk_safetensors_writer_finish (&writer, &data_size);

  gsize header_size = g_bytes_get_size (header);
  file = g_try_malloc (header_size + data_size);
  if (!file)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "no memory for %" G_GUINT64_FORMAT " bytes of weights", data_size);
      return NULL;
    }
  memcpy (file, g_bytes_get_data (header, NULL), header_size);
  float *out = (float *) (void *) (file + header_size);
  for (guint i = 0; i < layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
        gsize n = effvk_layer_part_size (layer, part);
        if (!effvk_layer_has_part (layer, part))
          continue;
        if (!write_part (&emitter, &g_array_index (matched, EffvkMatchedLayer, i), layer, part,
                         out))
          return NULL;
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
        for (gsize k = 0; k < n; k++)
          {
            guint32 bits;
            memcpy (&bits, &out[k], 4);
            bits = GUINT32_TO_LE (bits);
            memcpy (&out[k], &bits, 4);
          }
#endif
        out += n;
      }
  return g_bytes_new_take (g_steal_pointer (&file), header_size + data_size);
}
