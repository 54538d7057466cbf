/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/outbox.h"

#include "publish/spool.h"

#include <signal.h>

#define SHORTEST_WAIT (G_USEC_PER_SEC / 10)
#define LONGEST_WAIT (30 * G_USEC_PER_SEC)

struct _GstEffvkOutbox
{
  const GstEffvkTargetKind *kind;
  GstEffvkAddress *address;
  GstEffvkOutboxLimits limits;
  GstEffvkOutboxNotify notify;
  gpointer user_data;
  GCancellable *cancellable;
  GThread *thread;

  GMutex lock;
  GCond changed;
  GQueue waiting;   /* of GstEffvkParcel, the oldest first */
  guint sending;    /* of these, from the oldest on, are with the target */
  guint spooled;    /* of these are in the file */
  guint64 unlisted; /* bytes of the file whose parcels are not waiting any more */
  gboolean stop;
  GstEffvkOutboxStatus status;
  gint64 told_lost; /* us, when the last loss was told of */

  GstEffvkSpool spool; /* path is NULL where there is none */
};

/* Of the oldest parcel that is not with the target. */
static void
lose_oldest (GstEffvkOutbox *outbox)
{
  GstEffvkParcel *parcel = g_queue_pop_nth (&outbox->waiting, outbox->sending);

  outbox->status.waiting_bytes -= parcel->length;
  outbox->status.lost++;
  if (outbox->spooled > outbox->sending)
    {
      outbox->spooled--;
      outbox->unlisted += gst_effvk_spool_get_size (parcel);
    }
  gst_effvk_parcel_unref (parcel);
}

void
gst_effvk_outbox_put (GstEffvkOutbox *outbox, GstEffvkParcel *parcel)
{
  g_mutex_lock (&outbox->lock);
  g_queue_push_tail (&outbox->waiting, gst_effvk_parcel_ref (parcel));
  outbox->status.waiting_bytes += parcel->length;
  while (outbox->waiting.length > outbox->sending
         && (outbox->waiting.length > outbox->limits.messages
             || outbox->status.waiting_bytes > outbox->limits.bytes))
    lose_oldest (outbox);
  g_cond_broadcast (&outbox->changed);
  g_mutex_unlock (&outbox->lock);
}

static void
tell (GstEffvkOutbox *outbox, const GError *error)
{
  GstEffvkOutboxStatus status = gst_effvk_outbox_get_status (outbox);

  outbox->notify (&status, outbox->address->text, error, outbox->user_data);
}

/* A loss is told of while it goes on, but not for each parcel. */
static void
tell_lost (GstEffvkOutbox *outbox, guint64 *told)
{
  GstEffvkOutboxStatus status = gst_effvk_outbox_get_status (outbox);
  gint64 now = g_get_monotonic_time ();

  if (status.lost == *told || now - outbox->told_lost < G_USEC_PER_SEC)
    return;
  outbox->told_lost = now;
  *told = status.lost;
  outbox->notify (&status, outbox->address->text, NULL, outbox->user_data);
}

/* Under the lock: what came since goes into the file. */
static void
save (GstEffvkOutbox *outbox)
{
  if (!outbox->spool.path)
    return;
  for (GList *link = g_queue_peek_nth_link (&outbox->waiting, outbox->spooled); link;
       link = link->next)
    if (gst_effvk_spool_append (&outbox->spool, link->data))
      outbox->spooled++;
    else
      break;
}

/* The next parcels to be delivered; waits for some. NULL: it is to end. */
static GPtrArray *
take (GstEffvkOutbox *outbox)
{
  GPtrArray *parcels = NULL;

  g_mutex_lock (&outbox->lock);
  while (outbox->waiting.length == 0 && !outbox->stop)
    g_cond_wait (&outbox->changed, &outbox->lock);
  save (outbox);
  if (!outbox->stop)
    {
      GList *link = outbox->waiting.head;

      parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_parcel_unref);
      for (; link && parcels->len < outbox->limits.batch; link = link->next)
        g_ptr_array_add (parcels, gst_effvk_parcel_ref (link->data));
      outbox->sending = parcels->len;
    }
  g_mutex_unlock (&outbox->lock);
  return parcels;
}

/* @n parcels are delivered, or refused. */
static void
finish (GstEffvkOutbox *outbox, guint n, gboolean refused)
{
  g_mutex_lock (&outbox->lock);
  for (guint i = 0; i < n; i++)
    {
      GstEffvkParcel *parcel = g_queue_pop_head (&outbox->waiting);

      outbox->status.waiting_bytes -= parcel->length;
      if (outbox->spooled > 0)
        {
          outbox->spooled--;
          outbox->unlisted += gst_effvk_spool_get_size (parcel);
        }
      gst_effvk_parcel_unref (parcel);
    }
  *(refused ? &outbox->status.refused : &outbox->status.delivered) += n;
  outbox->sending = 0;
  if (outbox->spool.path && outbox->spooled == outbox->waiting.length)
    {
      gst_effvk_spool_remove (&outbox->spool, outbox->unlisted, &outbox->waiting);
      outbox->unlisted = 0;
    }
  g_cond_broadcast (&outbox->changed);
  g_mutex_unlock (&outbox->lock);
}

/* Sleeps, but for a stop. */
static void
pause_for (GstEffvkOutbox *outbox, gint64 duration)
{
  gint64 until = g_get_monotonic_time () + duration;

  g_mutex_lock (&outbox->lock);
  outbox->sending = 0; /* what waits may be lost, should it become too much */
  while (!outbox->stop && g_cond_wait_until (&outbox->changed, &outbox->lock, until))
    save (outbox);
  g_mutex_unlock (&outbox->lock);
}

static void
set_connected (GstEffvkOutbox *outbox, gboolean connected)
{
  g_mutex_lock (&outbox->lock);
  outbox->status.connected = connected;
  outbox->status.retries += !connected;
  g_mutex_unlock (&outbox->lock);
}

/* The waits double, and differ, so that many do not come back at the same time. */
static gint64
next_wait (gint64 *wait)
{
  gint64 now = (gint64) (g_random_double_range (0.5, 1.0) * (double) *wait);

  *wait = MIN (*wait * 2, LONGEST_WAIT);
  return now;
}

typedef struct
{
  gpointer target; /* NULL: not open */
  gint64 wait;     /* us, before the next attempt */
  gboolean away;   /* and somebody was told */
  guint64 lost;    /* that somebody was told of */
} Line;

static void
handle_failure (GstEffvkOutbox *outbox, Line *line, const GError *error)
{
  if (line->target)
    outbox->kind->close (line->target);
  line->target = NULL;
  set_connected (outbox, FALSE);
  if (!line->away && !g_cancellable_is_cancelled (outbox->cancellable))
    tell (outbox, error);
  line->away = TRUE;
  pause_for (outbox, next_wait (&line->wait));
}

static void
deliver (GstEffvkOutbox *outbox, Line *line, GPtrArray *parcels)
{
  g_autoptr (GError) error = NULL;
  GstEffvkDelivery delivery = GST_EFFVK_RETRY;

  if (!line->target)
    line->target = outbox->kind->open (outbox->address, outbox->cancellable, &error);
  if (line->target)
    delivery = outbox->kind->send (line->target, parcels, outbox->cancellable, &error);
  if (delivery == GST_EFFVK_RETRY)
    {
      handle_failure (outbox, line, error);
      return;
    }
  finish (outbox, parcels->len, delivery == GST_EFFVK_REFUSED);
  set_connected (outbox, TRUE);
  if (delivery == GST_EFFVK_REFUSED)
    tell (outbox, error);
  else if (line->away)
    tell (outbox, NULL);
  line->away = FALSE;
  line->wait = SHORTEST_WAIT;
}

static gpointer
run (gpointer data)
{
  GstEffvkOutbox *outbox = data;
  Line line = { .wait = SHORTEST_WAIT };
  GPtrArray *parcels;
  sigset_t pipe;

  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE); /* a reader that goes away is an error of write() */
  pthread_sigmask (SIG_BLOCK, &pipe, NULL);
  while ((parcels = take (outbox)))
    {
      deliver (outbox, &line, parcels);
      tell_lost (outbox, &line.lost);
      g_ptr_array_unref (parcels);
    }
  if (line.target)
    outbox->kind->close (line.target);
  return NULL;
}

static void
count_loaded (GstEffvkOutbox *outbox)
{
  for (GList *link = outbox->waiting.head; link; link = link->next)
    outbox->status.waiting_bytes += ((GstEffvkParcel *) link->data)->length;
  outbox->spooled = outbox->waiting.length;
}

GstEffvkOutbox *
gst_effvk_outbox_new (const GstEffvkTargetKind *kind, GstEffvkAddress *address,
                      const GstEffvkOutboxLimits *limits, GstEffvkOutboxNotify notify,
                      gpointer user_data, GError **error)
{
  GstEffvkOutbox *outbox = g_new0 (GstEffvkOutbox, 1);

  outbox->kind = kind;
  outbox->address = address;
  outbox->limits = *limits;
  outbox->limits.spool_path = NULL;
  outbox->notify = notify;
  outbox->user_data = user_data;
  outbox->cancellable = g_cancellable_new ();
  g_mutex_init (&outbox->lock);
  g_cond_init (&outbox->changed);
  g_queue_init (&outbox->waiting);
  if (limits->spool_path
      && !gst_effvk_spool_open (&outbox->spool, limits->spool_path, &outbox->waiting, error))
    {
      gst_effvk_outbox_free (outbox);
      return NULL;
    }
  count_loaded (outbox);
  outbox->thread = g_thread_new ("effvk-publish", run, outbox);
  return outbox;
}

gboolean
gst_effvk_outbox_drain (GstEffvkOutbox *outbox, gint64 deadline)
{
  gboolean empty, more = TRUE;

  g_mutex_lock (&outbox->lock);
  while (outbox->waiting.length > 0 && !outbox->stop && more)
    more = g_cond_wait_until (&outbox->changed, &outbox->lock, deadline);
  empty = outbox->waiting.length == 0;
  g_mutex_unlock (&outbox->lock);
  return empty;
}

GstEffvkOutboxStatus
gst_effvk_outbox_get_status (GstEffvkOutbox *outbox)
{
  GstEffvkOutboxStatus status;

  g_mutex_lock (&outbox->lock);
  status = outbox->status;
  status.waiting = outbox->waiting.length;
  g_mutex_unlock (&outbox->lock);
  return status;
}

const char *
gst_effvk_outbox_get_location (GstEffvkOutbox *outbox)
{
  return outbox->address->text;
}

void
gst_effvk_outbox_free (GstEffvkOutbox *outbox)
{
  if (!outbox)
    return;
  g_mutex_lock (&outbox->lock);
  outbox->stop = TRUE;
  g_cond_broadcast (&outbox->changed);
  g_mutex_unlock (&outbox->lock);
  g_cancellable_cancel (outbox->cancellable);
  if (outbox->thread)
    g_thread_join (outbox->thread);
  gst_effvk_spool_close (&outbox->spool);
  g_queue_clear_full (&outbox->waiting, (GDestroyNotify) gst_effvk_parcel_unref);
  gst_effvk_address_free (outbox->address);
  g_object_unref (outbox->cancellable);
  g_cond_clear (&outbox->changed);
  g_mutex_clear (&outbox->lock);
  g_free (outbox);
}
