/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "net/net.h"
#include "result.h"

/*
 * One submission: staging for a batch of frames, the commands
 *
 *   staging → [preprocess] → [network] → [top-k] → read-back
 *
 * recorded once per frame layout and replayed, and a fence. Not thread-safe.
 */
typedef struct
{
  EffvkNet *net; /* not owned; shared by all slots, which run one after the other on one queue */
  const EffvkRecipe *recipe;
  EffvkStorage storage;
  guint batch;
  gboolean logits;

  EffvkFrameLayout layout; /* what the commands were recorded for */
  gboolean recorded;
  EffvkBuffer staging, readback;
  EffvkProgram *front; /* preprocess */
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
  VkQueryPool queries; /* two timestamps; VK_NULL_HANDLE where the device has none */
} EffvkSlot;

gboolean effvk_slot_init (EffvkSlot *slot, EffvkNet *net, const EffvkRecipe *recipe,
                          EffvkStorage storage, guint batch, gboolean logits, GError **error);

/* The device must be done with the slot. */
void effvk_slot_clear (EffvkSlot *slot);

/* Makes the slot ready for frames of this layout; nothing to do when it already is. On failure the
 * slot is ready for none. */
gboolean effvk_slot_prepare (EffvkSlot *slot, const EffvkFrameLayout *layout, GError **error);

/* Where frame @i of the batch goes. */
guint8 *effvk_slot_get_staging (EffvkSlot *slot, guint i);

gboolean effvk_slot_submit (EffvkSlot *slot, GError **error);

/* Waits at most @timeout ns. Returns 1 when the device is done, 0 when not yet (only if @timeout is
 * 0), -1 with @error set on failure; a time-out is a failure and marks the device lost. */
int effvk_slot_wait (EffvkSlot *slot, guint64 timeout, GError **error);

/* After a successful wait: ns that the device worked, or 0 where it cannot tell. */
guint64 effvk_slot_get_gpu_time (EffvkSlot *slot);

/* After a successful wait: the classes of image @i. @classes has room for the network's top-k.
 * Returns how many there are; 0 when the logits were not finite. @logits receives a pointer into
 * the slot, or NULL when it has none. */
guint effvk_slot_read (EffvkSlot *slot, guint i, EffvkClass *classes, const float **logits);
