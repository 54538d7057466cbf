/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

#define EFFVK_T EFFVK_BINDING_TEXEL
#define EFFVK_W EFFVK_BINDING_WORD
#define EFFVK_S EFFVK_BINDING_STORAGE

/* Initialises an EffvkShader from the SPIR-V of shaders/meson.build; the rest are its bindings. */
#define EFFVK_SHADER(symbol, push, ...)                                                            \
  {                                                                                                \
    .name = #symbol, .code = effvk_##symbol##_spv, .code_size = sizeof effvk_##symbol##_spv,       \
    .bindings = { __VA_ARGS__ }, .push_size = (push)                                               \
  }

/* The same for both storages: an EffvkShader[2], indexed by EFFVK_STORAGE_F32 and
 * EFFVK_STORAGE_F16. */
#define EFFVK_SHADERS(symbol, push, ...)                                                           \
  {                                                                                                \
    EFFVK_SHADER (symbol##_f32, push, __VA_ARGS__), EFFVK_SHADER (symbol##_f16, push, __VA_ARGS__) \
  }

/* A kernel of matrix units, of halves alone: the second of the two. */
#define EFFVK_SHADERS_MATRIX(symbol, push, ...)                                                    \
  {                                                                                                \
    [EFFVK_STORAGE_F16]                                                                            \
        = {.name = #symbol "_f16",                                                                 \
           .code = effvk_##symbol##_f16_spv,                                                       \
           .code_size = sizeof effvk_##symbol##_f16_spv,                                           \
           .bindings = { __VA_ARGS__ },                                                            \
           .push_size = (push),                                                                    \
           .full_subgroups = TRUE }                                                                \
  }
