/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "constants.h"
#include "ops/op.h"

typedef EffvkShader EffvkShaderSet[EFFVK_N_STORAGES]; /* by EffvkStorage */

#define EFFVK_T EFFVK_BINDING_TEXEL
#define EFFVK_W EFFVK_BINDING_WORD
#define EFFVK_S EFFVK_BINDING_STORAGE

/* Initialises an EffvkShader from the SPIR-V of shaders/meson.build; the rest are its bindings. */
#define EFFVK_SHADER(symbol, push, ...)                                                            \
  {                                                                                                \
    .name = #symbol, .code = effvk_##symbol##_spv, .code_size = sizeof effvk_##symbol##_spv,       \
    .bindings = { __VA_ARGS__ }, .push_size = (push)                                               \
  }

#define EFFVK_SHADER_OF_STORAGE(storage, suffix, symbol, push, ...)                                \
  EFFVK_SHADER (symbol##_##suffix, push, __VA_ARGS__),

/* The same for each storage, in their order: an EffvkShaderSet. */
#define EFFVK_SHADERS(symbol, push, ...)                                                           \
  {                                                                                                \
    EFFVK_EACH_STORAGE (EFFVK_SHADER_OF_STORAGE, symbol, push, __VA_ARGS__)                        \
  }

/* A kernel of matrix units, which multiply halves alone. */
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
