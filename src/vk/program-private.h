/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of a program share. */
#pragma once

#include "vk/program.h"

typedef enum
{
  PLACE_ARENA,
  PLACE_OWN, /* a buffer of its own: persistent tensors, and all with EFFVK_PROGRAM_SEPARATE */
  PLACE_CONSTANTS,
  PLACE_EXTERNAL,
} Place;

typedef struct
{
  EffvkTensorInfo info;
  Place place;
  gsize size, offset;
  gsize view_size; /* what a view covers, and what is set aside */
  EffvkBuffer *buffer;
  EffvkBuffer own;
  guint8 *data;             /* of a constant, until it is uploaded */
  VkBufferView view, words; /* as texels of its storage, and as words */
} Tensor;

struct _EffvkProgram
{
  EffvkDevice *device;
  EffvkProgramFlags flags;
  GPtrArray *tensors; /* (element-type Tensor); a handle is the index + 1 */
  GArray *dispatches; /* (element-type EffvkDispatch) */
  gboolean compiled;

  EffvkBuffer arena, constants;
  VkDescriptorPool pool;
  EffvkPipeline **pipelines; /* per dispatch, not owned */
  VkDescriptorSet *sets;     /* per dispatch */
  gboolean *barriers;        /* per dispatch: it touches what an earlier one wrote or read */
};

static inline Tensor *
get_tensor (EffvkProgram *program, EffvkTensor tensor)
{
  return g_ptr_array_index (program->tensors, tensor - 1);
}

/* Bytes for a buffer or a view that needs @size. A software driver may read a buffer's size as if
 * it were an image's: whether it is a power of two, and whether bits 8 to 15, an image's levels,
 * are zero. It then compiles a shader again for each such kind. A margin makes all of one kind. */
gsize effvk_program_choose_size (EffvkProgram *program, gsize size);

/* A tensor like @model of another program, that holds nothing and is nobody else's. */
EffvkTensor effvk_program_add_empty (EffvkProgram *program, const Tensor *model);

/* effvk_program_compile() without the warm-up. */
gboolean effvk_program_bind (EffvkProgram *program, GError **error);
