/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

#define EFFVK_MAX_BINDINGS 8
#define EFFVK_MAX_SPEC 12
#define EFFVK_MAX_PUSH 128

typedef enum
{
  EFFVK_BINDING_NONE,
  EFFVK_BINDING_STORAGE, /* storage buffer */
  EFFVK_BINDING_TEXEL,   /* uniform texel buffer, read only */
  EFFVK_BINDING_WORD,    /* the same, of words */
} EffvkBindingType;

/* A compute shader as it was built: SPIR-V and what it binds (binding i has type bindings[i]). */
typedef struct
{
  const char *name; /* "pointwise_lanes_f32" */
  const guint32 *code;
  gsize code_size; /* bytes */
  EffvkBindingType bindings[EFFVK_MAX_BINDINGS];
  guint push_size;         /* bytes */
  gboolean full_subgroups; /* of the device's size, no lane missing: those with caps.matrix can */
} EffvkShader;

typedef struct
{
  VkPipeline handle;
  VkPipelineLayout layout;
  VkDescriptorSetLayout set_layout;
  gint taken; /* atomic; see vk/warm-up.c */
} EffvkPipeline;

/* A shader with its specialization constants (constant ids 0, 1, ...). */
typedef struct
{
  const EffvkShader *shader;
  const guint32 *spec;
  guint n_spec;
} EffvkPipelineKey;

/* The pipelines of @n keys, in their order; the same key may come more than once. What the device
 * has not built yet is built on all processors, and kept with the device. Thread-safe. @pipelines
 * is undefined on failure. */
gboolean effvk_pipelines_get (EffvkDevice *device, const EffvkPipelineKey *keys, guint n,
                              EffvkPipeline **pipelines, GError **error);

/* A pipeline of its own, whose compiler keeps what it knows of it; not from any cache. @pipeline
 * begins as { 0 } and is to be cleared, on failure too. */
gboolean effvk_pipeline_capture (EffvkDevice *device, const EffvkPipelineKey *key,
                                 EffvkPipeline *pipeline, GError **error);
void effvk_pipeline_clear (EffvkDevice *device, EffvkPipeline *pipeline);

/* Called by the device when it ends. */
void effvk_pipelines_free (EffvkDevice *device);
