/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which slot takes the next image, which one is collected, and what is between them. */

#include "classifier-ring.h"

typedef enum
{
  SLOT_FREE,
  SLOT_FILLING, /* holds images, not submitted yet: a batch that is not full */
  SLOT_IN_FLIGHT,
} SlotState;

struct _EffvkRingSlot
{
  EffvkSlot slot;
  SlotState state;
  GError *failure; /* why it did not reach the device, or NULL */
  guint n_images, n_collected;
  gpointer *user_data; /* per image */
  gint64 *submitted;   /* per image, us of the monotonic clock */
};

gboolean
effvk_ring_init (EffvkRing *ring, guint n_slots, EffvkNet *network, const EffvkRecipe *recipe,
                 EffvkStorage storage, guint batch, guint outputs, GError **error)
{
  g_mutex_init (&ring->lock);
  g_mutex_init (&ring->collect_lock);
  ring->device = effvk_program_get_device (effvk_net_get_program (network));
  ring->batch = batch;
  ring->n_slots = n_slots;
  ring->slots = g_new0 (EffvkRingSlot, n_slots);
  for (guint i = 0; i < n_slots; i++)
    {
      EffvkRingSlot *entry = &ring->slots[i];

      entry->user_data = g_new0 (gpointer, batch);
      entry->submitted = g_new0 (gint64, batch);
      if (!effvk_slot_init (&entry->slot, network, recipe, storage, batch, outputs, error))
        return FALSE;
    }
  return TRUE;
}

void
effvk_ring_clear (EffvkRing *ring)
{
  if (!ring->slots)
    return;
  for (guint i = 0; i < ring->n_slots; i++)
    {
      effvk_slot_clear (&ring->slots[i].slot);
      g_clear_error (&ring->slots[i].failure);
      g_free (ring->slots[i].user_data);
      g_free (ring->slots[i].submitted);
    }
  g_clear_pointer (&ring->slots, g_free);
  g_mutex_clear (&ring->lock);
  g_mutex_clear (&ring->collect_lock);
}

guint
effvk_ring_get_n_in_flight (EffvkRing *ring)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&ring->lock);

  return ring->n_in_flight;
}

/* Under lock. Gives a slot that holds images to the device, and moves on to the next slot. */
static gboolean
launch (EffvkRing *ring, EffvkRingSlot *entry, GError **error)
{
  entry->state = SLOT_IN_FLIGHT;
  ring->head = (ring->head + 1) % ring->n_slots;
  if (!effvk_slot_submit (&entry->slot, entry->n_images, &entry->failure))
    {
      if (error)
        *error = g_error_copy (entry->failure);
      return FALSE;
    }
  effvk_stats_add_submission (&ring->stats, &entry->slot.n_frames);
  return TRUE;
}

/* Under lock. Forgets the images of a slot that did not reach the device, or whose images are all
 * collected. */
static void
release (EffvkRing *ring, EffvkRingSlot *entry)
{
  effvk_slot_release (&entry->slot);
  g_clear_error (&entry->failure);
  ring->n_in_flight -= entry->n_images - entry->n_collected;
  entry->n_images = entry->n_collected = 0;
  entry->state = SLOT_FREE;
}

/* Under lock. As release(), of the oldest slot: the next one is the oldest then. */
static void
release_oldest (EffvkRing *ring)
{
  release (ring, &ring->slots[ring->tail]);
  ring->tail = (ring->tail + 1) % ring->n_slots;
}

/* Under lock. The slot that takes @n images, or NULL with @error set. One that is too full for them
 * is launched, and the next one taken. */
static EffvkRingSlot *
take_slot (EffvkRing *ring, guint n, GError **error)
{
  EffvkRingSlot *entry = &ring->slots[ring->head];

  if (entry->state == SLOT_FILLING && entry->n_images + n > ring->batch)
    {
      if (!launch (ring, entry, error))
        return NULL;
      entry = &ring->slots[ring->head];
    }
  if (entry->state == SLOT_IN_FLIGHT)
    {
      g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                   "All %u slots are in flight; collect a result first", ring->n_slots);
      return NULL;
    }
  return entry;
}

/* Under lock. Puts parts of an image into a slot, and says which. */
static EffvkRingSlot *
add_image (EffvkRing *ring, const EffvkImage *image, const EffvkRectangle *regions, guint n,
           GError **error)
{
  EffvkRingSlot *entry = take_slot (ring, n, error);
  g_autoptr (GError) problem = NULL;

  if (!entry)
    return NULL;
  if (!effvk_slot_add (&entry->slot, image, regions, n, entry->n_images, &problem))
    {
      if (entry->n_images == 0)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      /* A slot that holds nothing takes frames of any size. */
      entry = take_slot (ring, ring->batch, error);
      if (!entry || !effvk_slot_add (&entry->slot, image, regions, n, 0, error))
        return NULL;
    }
  return entry;
}

gboolean
effvk_ring_submit (EffvkRing *ring, const EffvkImage *image, const EffvkRectangle *regions, guint n,
                   const gpointer *user_data, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&ring->lock);
  EffvkRingSlot *entry = add_image (ring, image, regions, n, error);

  if (!entry)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      entry->user_data[entry->n_images] = user_data ? user_data[i] : NULL;
      entry->submitted[entry->n_images++] = g_get_monotonic_time ();
    }
  ring->n_in_flight += n;
  entry->state = SLOT_FILLING;
  ring->stats.images += n;
  if (entry->n_images == ring->batch && !launch (ring, entry, error))
    {
      /* The caller keeps this image; the others of its batch are told at their collect. */
      entry->n_images -= n;
      ring->n_in_flight -= n;
      if (entry->n_images == 0)
        {
          release (ring, entry);
          ring->head = (ring->head + ring->n_slots - 1) % ring->n_slots;
        }
      return FALSE;
    }
  return TRUE;
}

gboolean
effvk_ring_launch (EffvkRing *ring, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&ring->lock);
  EffvkRingSlot *entry = &ring->slots[ring->head];

  return entry->state != SLOT_FILLING || launch (ring, entry, error);
}

/* The oldest slot, launched if it was still filling. */
static EffvkRingSlot *
take_oldest (EffvkRing *ring, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&ring->lock);
  EffvkRingSlot *entry = &ring->slots[ring->tail];

  if (entry->state == SLOT_FREE)
    {
      g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_EMPTY,
                           "Nothing is in flight; submit an image first");
      return NULL;
    }
  if (entry->state == SLOT_FILLING && !launch (ring, entry, error))
    {
      release_oldest (ring); /* all its images are lost with the device */
      return NULL;
    }
  return entry;
}

/* As effvk_slot_wait(). */
static int
wait_for (EffvkRing *ring, EffvkRingSlot *entry, gboolean wait, GError **error)
{
  if (!entry->failure)
    return effvk_slot_wait (&entry->slot, wait ? effvk_device_get_timeout (ring->device) : 0,
                            error);
  g_propagate_prefixed_error (error, g_error_copy (entry->failure),
                              "The image's batch could not be given to the device: ");
  return -1;
}

gboolean
effvk_ring_begin (EffvkRing *ring, gboolean wait, EffvkRingItem *item, GError **error)
{
  EffvkRingSlot *entry;
  int done = 0;

  g_mutex_lock (&ring->collect_lock);
  entry = take_oldest (ring, error);
  if (entry)
    {
      done = wait_for (ring, entry, wait, error);
      if (done == 0)
        g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING,
                             "The oldest image is not ready yet");
    }
  if (done == 0)
    {
      g_mutex_unlock (&ring->collect_lock);
      return FALSE;
    }
  *item = (EffvkRingItem){ .i = entry->n_collected,
                           .user_data = entry->user_data[entry->n_collected] };
  if (done > 0)
    {
      item->slot = &entry->slot;
      item->gpu_time = effvk_slot_get_gpu_time (&entry->slot);
      item->total_time = (guint64) (g_get_monotonic_time () - entry->submitted[item->i]) * 1000;
    }
  return TRUE;
}

void
effvk_ring_end (EffvkRing *ring, const EffvkRingItem *item, gboolean finite)
{
  EffvkRingSlot *entry;

  g_mutex_lock (&ring->lock);
  entry = &ring->slots[ring->tail];
  if (item->slot)
    effvk_stats_add (&ring->stats, item->gpu_time, item->total_time, finite);
  entry->n_collected++;
  ring->n_in_flight--;
  if (entry->n_collected == entry->n_images)
    release_oldest (ring);
  g_mutex_unlock (&ring->lock);
  g_mutex_unlock (&ring->collect_lock);
}

EffvkSlot *
effvk_ring_borrow (EffvkRing *ring, GError **error)
{
  g_mutex_lock (&ring->lock);
  if (ring->n_in_flight == 0)
    return &ring->slots[ring->head].slot;
  g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
               "%u submitted images are in flight; collect their results first", ring->n_in_flight);
  g_mutex_unlock (&ring->lock);
  return NULL;
}

void
effvk_ring_unborrow (EffvkRing *ring)
{
  g_mutex_unlock (&ring->lock);
}

void
effvk_ring_describe (EffvkRing *ring, GVariantDict *dict, guint *n_dispatches, gsize *memory)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&ring->lock);

  *n_dispatches = 0;
  *memory = 0;
  for (guint i = 0; i < ring->n_slots; i++)
    {
      EffvkSlot *slot = &ring->slots[i].slot;

      *memory += slot->staging.size + slot->items.size + slot->readback.size;
      if (slot->recorded)
        {
          *n_dispatches = effvk_program_get_n_dispatches (slot->preprocess);
          *memory += effvk_program_get_memory_size (slot->preprocess);
        }
    }
  effvk_stats_describe (&ring->stats, dict);
}
