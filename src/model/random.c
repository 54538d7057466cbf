/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/random.h"

#include "model/layers.h"
#include "model/metadata.h"
#include "model/names/names.h"

#include <math.h>
#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, 2014): a counter, mixed. One stream a tensor, so that a
 * tensor's values depend on nothing but the seed and its place. */
typedef struct
{
  guint64 state;
} Random;

static guint64
random_next (Random *random)
{
  guint64 z = random->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ z >> 31;
}

static void
fill (float *out, guint64 n, double low, double high, guint64 stream)
{
  Random random = { stream };
  float center = (float) ((low + high) / 2), scale = (float) ((high - low) / 2 / 2147483648.0);

  /* Decorrelates streams whose numbers are neighbours. */
  random.state = random_next (&random);
  for (guint64 i = 0; i + 1 < n; i += 2)
    {
      guint64 bits = random_next (&random);
      out[i] = center + scale * (float) (gint32) (guint32) bits;
      out[i + 1] = center + scale * (float) (gint32) (guint32) (bits >> 32);
    }
  if (n % 2)
    out[n - 1] = center + scale * (float) (gint32) (guint32) random_next (&random);
}

/* The distribution of each part of a layer. */
typedef struct
{
  double weight; /* standard deviation */
  double bias;   /* half width, and of beta */
  double gamma;  /* centre */
  double moment; /* second moment of the convolution's output */
} Statistics;

/* Around zero SiLU's output grows faster than its input. A deep network would multiply every
 * deviation from the estimate. Twice as far out SiLU is nearly linear in the scale. ReLU6 is linear
 * up to 6. So the gammas before SiLU are 2 and those before ReLU and ReLU6 are 1. */
static double
activation_gamma (EffvkActivation activation)
{
  return activation == EFFVK_ACTIVATION_SILU ? 2 : 1;
}

/* E[f(gamma x + beta)^2] for unit normal x, by simulation; six is too far out for ReLU6 to differ
 * from ReLU. */
static double
activation_moment (EffvkActivation activation)
{
  return activation == EFFVK_ACTIVATION_SILU ? 1.80 : 0.52;
}

/* A gate of one half, and little else: its weights are small. */
#define GATE_MOMENT 0.25
#define GATE_WEIGHT 0.3
/* What pooling leaves of an activation's second moment: mostly the square of its mean. */
#define POOLED_SHARE 0.3
/* The last gamma of a residual branch. */
#define BRANCH_GAMMA 0.4

/* @moment is that of the block's input; it is updated by the project layer. */
static Statistics
statistics_of (const EffvkArch *arch, const EffvkLayerInfo *layer, double *moment)
{
  const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, layer->block);
  double fan_in = (double) layer->in * layer->kernel * layer->kernel;
  double active = activation_moment (arch->activation);
  Statistics s = { .weight = sqrt (1 / fan_in),
                   .bias = 0.2,
                   .gamma = activation_gamma (arch->activation),
                   .moment = *moment };
  gboolean last = layer->kind == EFFVK_LAYER_PROJECT
                  || (layer->kind == EFFVK_LAYER_FUSED && block->expanded == block->in);

  switch (layer->kind)
    {
    case EFFVK_LAYER_DEPTHWISE:
      s.moment = block->expanded == block->in ? *moment : active;
      break;
    case EFFVK_LAYER_SQUEEZE:
    case EFFVK_LAYER_EXCITE:
      s.weight = GATE_WEIGHT * sqrt (1 / fan_in);
      break;
    case EFFVK_LAYER_PROJECT:
      s.gamma = 1;
      s.moment = active * (block->squeezed ? GATE_MOMENT : 1);
      break;
    case EFFVK_LAYER_CLASSIFIER:
      s.weight = sqrt (2 / fan_in / (POOLED_SHARE * active));
      break;
    default:
      break;
    }
  if (layer->kind == EFFVK_LAYER_STEM)
    *moment = active;
  if (last && block->residual)
    {
      s.gamma = BRANCH_GAMMA;
      *moment += BRANCH_GAMMA * BRANCH_GAMMA;
    }
  else if (last)
    *moment = layer->kind == EFFVK_LAYER_FUSED ? active : 1;
  return s;
}

static void
fill_part (float *out, const EffvkLayerInfo *layer, EffvkPart part, const Statistics *s,
           guint64 stream)
{
  guint64 n = effvk_layer_part_size (layer, part);
  double width;

  switch (part)
    {
    case EFFVK_PART_WEIGHT:
      width = s->weight * sqrt (3);
      fill (out, n, -width, width, stream);
      break;
    case EFFVK_PART_GAMMA:
      fill (out, n, 0.8 * s->gamma, 1.2 * s->gamma, stream);
      break;
    case EFFVK_PART_MEAN:
      width = 0.1 * sqrt (s->moment);
      fill (out, n, -width, width, stream);
      break;
    case EFFVK_PART_VARIANCE:
      fill (out, n, 0.8 * s->moment, 1.25 * s->moment, stream);
      break;
    case EFFVK_PART_BIAS:
    case EFFVK_PART_BETA:
      fill (out, n, -s->bias, s->bias, stream);
      break;
    }
}

GBytes *
effvk_random_file (const EffvkArch *arch, const EffvkRecipe *recipe, guint32 seed)
{
  g_autoptr (GArray) layers = effvk_arch_layers (arch);
  g_autofree char *json = effvk_metadata_to_json (arch, recipe, NULL, NULL);
  g_autoptr (GBytes) header = NULL;
  EffvkSafetensorsWriter writer;
  guint64 data_size, shape[4];
  guint64 stream = (guint64) seed << 32;
  double moment = 1;

  effvk_safetensors_writer_init (&writer, json);
  for (guint i = 0; i < layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
        if (!effvk_layer_has_part (layer, part))
          continue;
        g_autofree char *name = effvk_naming_torchvision.name (arch, layer, part);
        guint rank = effvk_layer_part_shape (layer, part, shape);
        effvk_safetensors_writer_add (&writer, name, shape, rank);
      }
  header = effvk_safetensors_writer_finish (&writer, &data_size);

  gsize header_size = g_bytes_get_size (header);
  guint8 *file = g_try_malloc (header_size + data_size);
  if (!file)
    return NULL;
  memcpy (file, g_bytes_get_data (header, NULL), header_size);

  /* The header is a multiple of 8 bytes, so that the floats are aligned. */
  float *out = (float *) (void *) (file + header_size);
  for (guint i = 0; i < layers->len; i++)
    {
      const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
      Statistics s = statistics_of (arch, layer, &moment);
      for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
        if (effvk_layer_has_part (layer, part))
          {
            fill_part (out, layer, part, &s, stream++);
            out += effvk_layer_part_size (layer, part);
          }
    }
  return g_bytes_new_take (file, header_size + data_size);
}
