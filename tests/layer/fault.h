/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * A Vulkan layer for tests: calls fail on request. A call that fails does nothing but leave garbage
 * in its outputs, as a driver may. A device that is lost ends what it was given, then refuses all
 * work.
 *
 * A test finds the layer's functions with fault_get_control(). For other programs the environment
 * says what fails, from the first call on: EFFVK_FAULT=vkQueueSubmit:3:-4 is the third submission,
 * with VK_ERROR_DEVICE_LOST.
 *
 * EFFVK_FAULT_KERNELS=barrier, overflow or stride: kernels are wrong; see break_kernels below.
 *
 * EFFVK_FAULT_INCOHERENT=1: no memory is coherent. What the CPU writes reaches the device when it
 * is flushed, and what the device writes reaches the CPU when it is invalidated. Not before.
 */

/* Of a process. All functions may be called from any thread. */
typedef struct
{
  /* Names of the calls that can fail, NULL-terminated. */
  const char *const *calls;

  /* The @n-th call from now on, counted from 1, of number @call fails with @result, a VkResult.
   * With
   * @n 0 none does. All counts begin anew. */
  void (*arm) (guint call, guint n, int result);
  gboolean (*has_failed) (void);
  guint (*count) (guint call);

  /* Kernels that are made from now on are wrong: "barrier" (none of those within a workgroup is
   * there), "overflow" (values are beyond a half's range when they are stored as halves), "stride"
   * (a depthwise convolution's). NULL: right. */
  void (*break_kernels) (const char *how);

  /* Whether bits flip in what the device has written and the CPU invalidates, from now on; or only
   * in what it invalidates the @n-th time. Both need EFFVK_FAULT_INCOHERENT. */
  void (*spoil_memory) (gboolean on);
  void (*spoil_once) (guint n);

  /* Objects that were made and not destroyed. */
  guint (*count_objects) (void);
} FaultControl;

#define FAULT_CONTROL_SYMBOL "fault_control"

/* The layer's, which EFFVK_FAULT_LAYER is the path of. */
const FaultControl *fault_get_control (void);
