/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/queue.h"

GstEffvkItem *
gst_effvk_item_new (GstMiniObject *object)
{
  GstEffvkItem *item = g_new0 (GstEffvkItem, 1);

  item->object = object;
  return item;
}

void
gst_effvk_item_free (GstEffvkItem *item)
{
  if (item->request)
    {
      gst_effvk_model_instance_cancel (item->network, item->request);
      gst_effvk_request_unref (item->request);
    }
  g_clear_pointer (&item->network, gst_effvk_model_instance_unref);
  g_clear_pointer (&item->objects, g_array_unref);
  g_clear_pointer (&item->object, gst_mini_object_unref);
  g_free (item);
}

void
gst_effvk_queue_init (GstEffvkQueue *queue)
{
  g_mutex_init (&queue->lock);
  g_cond_init (&queue->changed);
  g_queue_init (&queue->items);
  queue->flushing = TRUE;
  queue->flow = GST_FLOW_OK;
}

void
gst_effvk_queue_clear (GstEffvkQueue *queue)
{
  gst_effvk_queue_discard (queue, NULL);
  g_cond_clear (&queue->changed);
  g_mutex_clear (&queue->lock);
}

GstFlowReturn
gst_effvk_queue_wait_for_room (GstEffvkQueue *queue, guint max)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&queue->lock);

  while (!queue->flushing && queue->flow == GST_FLOW_OK && queue->n_frames >= max)
    {
      gint64 *time = queue->busy ? &queue->blocked : &queue->waited;
      gint64 began = g_get_monotonic_time ();

      g_cond_wait (&queue->changed, &queue->lock);
      *time += g_get_monotonic_time () - began;
    }
  if (queue->flushing)
    return GST_FLOW_FLUSHING;
  queue->told |= queue->flow != GST_FLOW_OK;
  return queue->flow;
}

gboolean
gst_effvk_queue_drain (GstEffvkQueue *queue)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&queue->lock);

  while (!queue->flushing && (queue->busy || queue->items.length > 0))
    g_cond_wait (&queue->changed, &queue->lock);
  return !queue->flushing;
}

/* Under lock. There are other requests without an answer than so far. */
static void
set_n_asked (GstEffvkQueue *queue, guint n)
{
  gint64 now = g_get_monotonic_time ();

  if (queue->n_asked > 0)
    queue->answering += now - queue->since;
  queue->since = now;
  queue->n_asked = n;
}

void
gst_effvk_queue_get_times (GstEffvkQueue *queue, gint64 *waited, gint64 *blocked, gint64 *answering)
{
  g_mutex_lock (&queue->lock);
  set_n_asked (queue, queue->n_asked);
  *waited = queue->waited;
  *blocked = queue->blocked;
  *answering = queue->answering;
  g_mutex_unlock (&queue->lock);
}

static void
wake (gpointer data)
{
  GstEffvkQueue *queue = data;

  g_mutex_lock (&queue->lock);
  if (queue->n_asked > 0)
    set_n_asked (queue, queue->n_asked - 1);
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

gboolean
gst_effvk_queue_put (GstEffvkQueue *queue, GstEffvkItem *item)
{
  gboolean flushing;

  if (item->request)
    {
      g_mutex_lock (&queue->lock);
      set_n_asked (queue, queue->n_asked + 1);
      g_mutex_unlock (&queue->lock);
      gst_effvk_model_instance_ask (item->network, item->request, wake, queue);
      item->asked = g_get_monotonic_time ();
    }
  g_mutex_lock (&queue->lock);
  flushing = queue->flushing;
  if (!flushing)
    {
      g_queue_push_tail (&queue->items, item);
      queue->n_frames += GST_IS_BUFFER (item->object);
      g_cond_broadcast (&queue->changed);
    }
  g_mutex_unlock (&queue->lock);
  if (flushing)
    gst_effvk_item_free (item);
  return !flushing;
}

/* Under lock. The oldest item, when it can leave. */
static GstEffvkItem *
peek_ready (GstEffvkQueue *queue)
{
  GstEffvkItem *item = g_queue_peek_head (&queue->items);

  return item && item->request && !g_atomic_int_get (&item->request->answered) ? NULL : item;
}

GstEffvkItem *
gst_effvk_queue_take (GstEffvkQueue *queue, GstFlowReturn *flow)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&queue->lock);
  GstEffvkItem *item = NULL;

  while (!queue->flushing && !(item = peek_ready (queue)))
    g_cond_wait (&queue->changed, &queue->lock);
  if (queue->flushing)
    return NULL;
  g_queue_pop_head (&queue->items);
  queue->n_frames -= GST_IS_BUFFER (item->object);
  queue->busy = TRUE;
  *flow = queue->flow;
  g_cond_broadcast (&queue->changed);
  return item;
}

void
gst_effvk_queue_done (GstEffvkQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->busy = FALSE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

void
gst_effvk_queue_set_flow (GstEffvkQueue *queue, GstFlowReturn flow, gboolean told)
{
  g_mutex_lock (&queue->lock);
  queue->flow = flow;
  queue->told = told;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

GstFlowReturn
gst_effvk_queue_get_untold (GstEffvkQueue *queue)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&queue->lock);

  return !queue->told && (queue->flow == GST_FLOW_NOT_LINKED || queue->flow < GST_FLOW_EOS)
             ? queue->flow
             : GST_FLOW_OK;
}

void
gst_effvk_queue_set_flushing (GstEffvkQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->flushing = TRUE;
  g_cond_broadcast (&queue->changed);
  g_mutex_unlock (&queue->lock);
}

void
gst_effvk_queue_discard (GstEffvkQueue *queue, GstPad *pad)
{
  GQueue items;
  GstEffvkItem *item;

  g_mutex_lock (&queue->lock);
  items = queue->items;
  g_queue_init (&queue->items);
  queue->n_frames = 0;
  set_n_asked (queue, 0); /* nobody waits for them any more */
  g_mutex_unlock (&queue->lock);

  while ((item = g_queue_pop_head (&items)))
    {
      if (pad && GST_IS_EVENT (item->object))
        {
          GstEvent *event = GST_EVENT (item->object);

          /* a flush ends the segment and the stream, and leaves the rest as it is */
          if (GST_EVENT_IS_STICKY (event) && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT
              && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
            gst_pad_store_sticky_event (pad, event);
        }
      gst_effvk_item_free (item);
    }
}

void
gst_effvk_queue_restart (GstEffvkQueue *queue)
{
  g_mutex_lock (&queue->lock);
  queue->flushing = queue->told = FALSE;
  queue->flow = GST_FLOW_OK;
  g_mutex_unlock (&queue->lock);
}

void
gst_effvk_queue_forgive (GstEffvkQueue *queue, GstFlowReturn flow)
{
  g_mutex_lock (&queue->lock);
  if (queue->flow == flow)
    queue->flow = GST_FLOW_OK;
  g_mutex_unlock (&queue->lock);
}
