/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/memory.h"
#include "vk/pipeline.h"
#include "vk/storage.h"

/*
 * A program is a list of dispatches over tensors. It is built once (tensors and dispatches are
 * added), compiled once (memory, views, descriptor sets, pipelines), and then recorded into any
 * number of command buffers. Not thread-safe while it is being built; constant afterwards.
 */
typedef struct _EffvkProgram EffvkProgram;

typedef guint EffvkTensor; /* a handle within one program */
#define EFFVK_TENSOR_NONE 0u

/* [N,H,W,C]; channels are stored in texels of four, the last one padded. Batches follow each other
 * without a gap. */
typedef struct
{
  const char *name;
  EffvkStorage storage;
  guint n, h, w, c;
} EffvkTensorInfo;

/* Channels in texels of four. */
static inline guint
effvk_c4 (guint channels)
{
  return (channels + 3) / 4;
}

gsize effvk_tensor_info_size (const EffvkTensorInfo *info); /* bytes */

typedef struct
{
  const EffvkShader *shader;
  const char *op, *kernel; /* for statistics: "pointwise", "lanes" */
  guint32 spec[EFFVK_MAX_SPEC];
  guint n_spec;
  EffvkTensor bind[EFFVK_MAX_BINDINGS]; /* by binding; every binding of the shader needs one */
  guint writes;                         /* bit i: binding i is written */
  guint8 push[EFFVK_MAX_PUSH];
  guint32 groups[3];
  double flops; /* floating-point operations, two a multiply-add; 0: not counted */
} EffvkDispatch;

typedef enum
{
  EFFVK_PROGRAM_DEFAULT = 0,
  /* A buffer for each tensor and no aliasing: every tensor can be read after a run, and the
   * validation layers see accesses beyond a tensor. */
  EFFVK_PROGRAM_SEPARATE = 1 << 0,
} EffvkProgramFlags;

EffvkProgram *effvk_program_new (EffvkDevice *device, EffvkProgramFlags flags);
void effvk_program_free (EffvkProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkProgram, effvk_program_free)

EffvkDevice *effvk_program_get_device (EffvkProgram *program);

/* A tensor that lives in the arena from its first write to its last read. */
EffvkTensor effvk_program_add_tensor (EffvkProgram *program, const EffvkTensorInfo *info);

/* As above, but alive for the whole program: written before it runs or read after. */
EffvkTensor effvk_program_add_persistent (EffvkProgram *program, const EffvkTensorInfo *info);

/* Weights: @data (floats, a multiple of 4 of them) is converted to @storage and kept until the
 * program is compiled. */
EffvkTensor effvk_program_add_constant (EffvkProgram *program, const char *name,
                                        EffvkStorage storage, const float *data, gsize n_floats);

/* A range of somebody else's buffer, which must outlive the program. @offset is a multiple of 256
 * (bytes). The range is effvk_tensor_info_size(). */
EffvkTensor effvk_program_add_external (EffvkProgram *program, const EffvkTensorInfo *info,
                                        const EffvkBuffer *buffer, gsize offset);

const EffvkTensorInfo *effvk_program_get_info (EffvkProgram *program, EffvkTensor tensor);

void effvk_program_add_dispatch (EffvkProgram *program, const EffvkDispatch *dispatch);

/* Plans the arena, allocates, uploads constants, builds pipelines and descriptor sets. The driver
 * of a CPU device compiles shaders when they first run. There this function compiles them, too. */
gboolean effvk_program_compile (EffvkProgram *program, GError **error);

/* Lets an external tensor be another buffer from now on, all of it. No recorded commands of the
 * program may be in use, and none can be used any more. */
gboolean effvk_program_rebind (EffvkProgram *program, EffvkTensor tensor, const EffvkBuffer *buffer,
                               GError **error);

/* Records all dispatches, with a barrier before each one that depends on an earlier one and a
 * barrier before the first. */
void effvk_program_record (EffvkProgram *program, VkCommandBuffer commands);

/* The same for dispatches @first to @first + @n - 1 alone: to time them one by one. */
void effvk_program_record_range (EffvkProgram *program, VkCommandBuffer commands, guint first,
                                 guint n);

/* Where a tensor lives. After effvk_program_compile(). */
EffvkBuffer *effvk_program_get_buffer (EffvkProgram *program, EffvkTensor tensor, gsize *offset);

guint effvk_program_get_n_dispatches (EffvkProgram *program);
const EffvkDispatch *effvk_program_get_dispatch (EffvkProgram *program, guint i);
gsize effvk_program_get_arena_size (EffvkProgram *program);
gsize effvk_program_get_constants_size (EffvkProgram *program);
gsize effvk_program_get_memory_size (EffvkProgram *program); /* all of it, bytes */

/* Runs the program once and waits. For tests, self-tests and tools. */
gboolean effvk_program_run (EffvkProgram *program, GError **error);

/* Converts between [N,H,W,C] floats without padding and a tensor's own layout. For tests,
 * self-tests and tools; the tensor is of floats or halves, and persistent, external, or the
 * program's EFFVK_PROGRAM_SEPARATE. */
gboolean effvk_program_write (EffvkProgram *program, EffvkTensor tensor, const float *data,
                              GError **error);
gboolean effvk_program_read (EffvkProgram *program, EffvkTensor tensor, float *data,
                             GError **error);
