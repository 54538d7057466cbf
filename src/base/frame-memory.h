/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>

/* What the layers above embed in theirs. */
struct _EffvkFrameMemory
{
  gatomicrefcount references;
  guint8 *data;
  gsize size;                                   /* bytes */
  gboolean imported;                            /* somebody else's: of the CPU, or a DMA buffer */
  gboolean only_device_sees_it;                 /* it is more than bytes, and has no data */
  void (*free_func) (EffvkFrameMemory *memory); /* with the last reference */
};
