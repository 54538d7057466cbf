/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "tune/choices.h"
#include "vk/program.h"

/*
 * An op adds dispatches to a program. It offers one or more kernels; a kernel is a shader with a
 * predicate on the device's capabilities. The first usable one of the op's table is its built-in
 * preference, unless the context forces another by name.
 */
/* For whom kernels are chosen, and whether ops are fused. */
typedef enum
{
  /* for the device; or the name of another one in the environment's EFFVK_PLAN */
  EFFVK_PLAN_DEVICE,
  EFFVK_PLAN_CPU,
  EFFVK_PLAN_GPU,          /* runs on a CPU device too, for tests; as does each of: */
  EFFVK_PLAN_GPU_FUSED,    /* a block's first half in one dispatch, for batches of any size */
  EFFVK_PLAN_GPU_SEPARATE, /* in three dispatches */
  /* the first kernels of the tables that run anywhere: nothing fused, tuned or by shape */
  EFFVK_PLAN_PLAIN,
} EffvkPlan;

typedef struct
{
  EffvkProgram *program;
  EffvkStorage storage; /* of activations and weights */
  EffvkPlan plan;
  const char *kernel;    /* force this kernel; NULL: the op's choice */
  EffvkChoices *choices; /* (nullable): what to choose, where the device can run it */
  EffvkChoices *made;    /* (nullable): told what was chosen */
} EffvkOpContext;

typedef struct
{
  const char *name;
  gboolean (*usable) (const EffvkDeviceCaps *caps);    /* can it run at all */
  gboolean (*preferred) (const EffvkDeviceCaps *caps); /* is it the choice here; NULL: always */
} EffvkKernel;

/* What EFFVK_PLAN_DEVICE stands for; other plans are themselves. */
EffvkPlan effvk_plan_resolve (EffvkDevice *device, EffvkPlan plan);

/* The device's capabilities for kernels of that storage. */
EffvkDeviceCaps effvk_op_get_storage_caps (EffvkDevice *device, EffvkStorage storage);

/* The same, as the plan sees them. */
EffvkDeviceCaps effvk_op_get_caps (const EffvkOpContext *context);

/* The kernel that the context or the environment (EFFVK_KERNELS=pointwise=tile,depthwise=tall)
 * forces, or NULL. */
char *effvk_op_get_forced (const EffvkOpContext *context, const char *op);

/* The index of the kernel to use in a table of @n kernels. That is the forced one, or else the one
 * that the choices name, or else the first that is usable and preferred. -1 with @error set when
 * the forced one is unknown or not usable here. */
int effvk_op_choose (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels,
                     guint n, GError **error);

/* What the shape says of an op's kernels. */
typedef struct
{
  int favourite; /* the op's own choice, if it is usable; -1: none */
  guint unfit;   /* a bit for each kernel that cannot compute this shape, whoever asks for it */
} EffvkShapeChoice;

/* The same, where the shape has a say. A kernel that is forced and unfit is passed over. */
int effvk_op_choose_for_shape (const EffvkOpContext *context, const char *op,
                               const EffvkKernel *kernels, guint n, EffvkShapeChoice shape,
                               GError **error);

/* Whether the device reads that many texels of one buffer. */
gboolean effvk_op_fits_texels (const EffvkOpContext *context, guint64 texels);

/* The texels of a tensor; EFFVK_TENSOR_NONE has none. */
guint64 effvk_op_count_texels (const EffvkOpContext *context, EffvkTensor tensor);

/* Mesa's software drivers end every loop of an invocation, without a word, when all its loops
 * together have made this many turns. */
#define EFFVK_MAX_TURNS 65535

/* Whether that may happen: the kernel is unfit for the shape then. @turns: of the invocation that
 * makes most. */
gboolean effvk_op_is_cut_short (const EffvkOpContext *context, guint64 turns);

/* Predicates that several ops share. */
gboolean effvk_kernel_anywhere (const EffvkDeviceCaps *caps);
gboolean effvk_kernel_has_lanes (
    const EffvkDeviceCaps *caps); /* shuffles in subgroups of 4 or more */
gboolean effvk_kernel_has_matrix (const EffvkDeviceCaps *caps); /* matrix units, for halves */
gboolean effvk_kernel_on_cpu (const EffvkDeviceCaps *caps);

static inline guint
effvk_div_up (guint a, guint b)
{
  return (a + b - 1) / b;
}
