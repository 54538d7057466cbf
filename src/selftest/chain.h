/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/trial.h"

/*
 * A small network of random shape and weights. It has all ops but the preprocessing, one after the
 * other, each with the kernel that it has on the device. As in a real network, their tensors are in
 * one arena with barriers between. It is recorded once and can run many times.
 */
typedef struct
{
  EffvkTrial trial;
  EffvkTensor logits, best; /* the answer: [N,1,1,classes] and [N,1,k,4] */
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
} EffvkChain;

/* The same @seed and @index make the same network and input. On failure it must be cleared as well.
 */
gboolean effvk_chain_init (EffvkChain *chain, EffvkSelftest *test, guint32 seed, guint index,
                           GError **error);
void effvk_chain_clear (EffvkChain *chain);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkChain, effvk_chain_clear)

/* Runs each dispatch in a submission of its own: nothing depends on a barrier within one. */
gboolean effvk_chain_run_apart (EffvkChain *chain, GError **error);

/* Submits what was recorded, and waits for it or, by effvk_chain_wait(), later. */
gboolean effvk_chain_submit (EffvkChain *chain, GError **error);
gboolean effvk_chain_wait (EffvkChain *chain, GError **error);

/* Overwrites the answer with NaN: one that is not computed again shows. */
gboolean effvk_chain_spoil (EffvkChain *chain, GError **error);

/* All bits of the answer. Transfer full. */
guint8 *effvk_chain_read (EffvkChain *chain, gsize *size, GError **error);
