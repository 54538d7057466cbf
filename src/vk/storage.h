/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/*
 * How the numbers of activations and weights are stored. A row here, a conversion in storage.c and
 * in shaders/storage.glsl, and its name in shaders/meson.build make another one; tests/kernels.py
 * holds them against each other.
 *
 * X (name, suffix of the shaders, what else is given)
 */
#define EFFVK_EACH_STORAGE(X, ...)                                                                 \
  X (F32, f32, __VA_ARGS__) /* four floats a texel */                                              \
  X (F16, f16, __VA_ARGS__) /* four halves a texel */

#define EFFVK_STORAGE_NAME(name, ...) EFFVK_STORAGE_##name,

typedef enum
{
  EFFVK_EACH_STORAGE (EFFVK_STORAGE_NAME, ) /* those that kernels compute with */
  EFFVK_N_STORAGES,
  EFFVK_STORAGE_U32 = EFFVK_N_STORAGES, /* read as four words: no numbers of the network */
} EffvkStorage;

#undef EFFVK_STORAGE_NAME

typedef struct
{
  const char *name; /* "fp16" */
  EffvkPrecision precision;
  gsize texel_size; /* bytes of four numbers */
  VkFormat texel_format;
  gboolean matrix;     /* matrix units multiply it */
  double kernel_nmse;  /* normalised mean squared error that a kernel may have in the self-test */
  double network_nmse; /* and between two plans of a network, where kernels are tuned */

  void (*write) (const float *values, gsize n, gpointer numbers);
  void (*read) (gconstpointer numbers, gsize n, float *values);
} EffvkStorageInfo;

/* By EffvkStorage, up to EFFVK_N_STORAGES. */
extern const EffvkStorageInfo effvk_storages[];

/* One texel, four channels: its bytes, and as what a texel buffer has it. */
VkFormat effvk_storage_texel_format (EffvkStorage storage);
gsize effvk_storage_texel_size (EffvkStorage storage);

/* What a precision is stored as. It is not EFFVK_PRECISION_AUTO, which is fp32 here. */
EffvkStorage effvk_storage_of_precision (EffvkPrecision precision);

/* Rounds values to what is left of them once they are stored. */
void effvk_storage_round (EffvkStorage storage, float *values, gsize n);
