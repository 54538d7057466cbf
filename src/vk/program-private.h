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
  EffvkBuffer *buffer;
  EffvkBuffer own;
  guint8 *data; /* of a constant, until it is uploaded */
  VkBufferView view;
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
  const EffvkPipeline **pipelines; /* per dispatch, not owned */
  VkDescriptorSet *sets;           /* per dispatch */
  gboolean *barriers;              /* per dispatch: it touches what an earlier one wrote or read */
};

static inline Tensor *
get_tensor (EffvkProgram *program, EffvkTensor tensor)
{
  return g_ptr_array_index (program->tensors, tensor - 1);
}
