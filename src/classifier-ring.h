/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classifier-slot.h"
#include "classifier-stats.h"

#include <effvk/effvk-classifier.h>

typedef struct _EffvkRingSlot EffvkRingSlot;

/*
 * The submissions of a classifier. Slots are filled and submitted in turn, and collected in the
 * same order. Thread-safe.
 */
typedef struct
{
  EffvkDevice *device; /* not owned */
  guint batch, n_slots;

  GMutex collect_lock; /* one collector at a time; taken before lock */
  GMutex lock;         /* what follows */
  EffvkRingSlot *slots;
  guint head; /* the slot that takes the next image */
  guint tail; /* the oldest slot that holds one */
  guint n_in_flight;
  EffvkStats stats;
} EffvkRing;

/* An image whose turn has come. */
typedef struct
{
  EffvkSlot *slot; /* NULL: its submission failed */
  guint i;         /* which image of the slot */
  gpointer user_data;
  guint64 gpu_time, total_time; /* ns */
} EffvkRingItem;

/* Begins as { 0 }. @network: not owned; the arguments are those of effvk_slot_init(). */
gboolean effvk_ring_init (EffvkRing *ring, guint n_slots, EffvkNet *network,
                          const EffvkRecipe *recipe, EffvkStorage storage, guint batch,
                          guint outputs, GError **error);

/* Nothing may be in flight. A ring of { 0 } may be cleared. */
void effvk_ring_clear (EffvkRing *ring);

/* Submitted images whose results were not collected. */
guint effvk_ring_get_n_in_flight (EffvkRing *ring);

/* Submits parts of an image. @regions: NULL for the image's crop. @user_data: per region, or NULL.
 * FALSE with @error set: none was submitted; EFFVK_CLASSIFIER_ERROR_BUSY: there is no room. */
gboolean effvk_ring_submit (EffvkRing *ring, const EffvkImage *image, const EffvkRectangle *regions,
                            guint n, const gpointer *user_data, GError **error);

/* Gives the device what waits for a batch to fill. */
gboolean effvk_ring_launch (EffvkRing *ring, GError **error);

/* Takes the oldest image. TRUE: its turn has come, and effvk_ring_end() must follow. @error is set
 * as well where its submission failed. FALSE: nothing is in flight, or it is not ready (only
 * without @wait). The slot does not change until effvk_ring_end(). */
gboolean effvk_ring_begin (EffvkRing *ring, gboolean wait, EffvkRingItem *item, GError **error);

/* @finite: the scores were numbers; they count in the statistics. */
void effvk_ring_end (EffvkRing *ring, const EffvkRingItem *item, gboolean finite);

/* Locks the ring and returns the slot that takes the next image; nothing may be in flight. NULL
 * with @error set: something is. Unlock with effvk_ring_unborrow(). */
EffvkSlot *effvk_ring_borrow (EffvkRing *ring, GError **error);
void effvk_ring_unborrow (EffvkRing *ring);

/* What the slots' preprocessing and the statistics say; see effvk_classifier_get_statistics(). */
void effvk_ring_describe (EffvkRing *ring, GVariantDict *dict, guint *n_dispatches, gsize *memory);
