/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/output.h"

#include "back-off.h"
#include "common.h"
#include "publish/target.h"
#include "serve/command.h"

#include <signal.h>
#include <string.h>

#define BATCH 100
#define LOOK_AFTER (5 * G_USEC_PER_SEC) /* into the store without being woken */

struct _ServeOutput
{
  char *name;
  const GstEffvkTargetKind *kind;
  GstEffvkAddress *address;
  ServeStore *store;
  guint batch;
  GCancellable *cancellable;
  GThread *thread;

  GMutex lock;
  GCond changed;
  gboolean woken, stop;
  ServeOutputStatus status;

  gpointer target; /* the thread's: NULL while it is not open */
  ToolBackOff back_off;
};

/* Waits for a wake-up, or so long. FALSE: it is to end. */
static gboolean
wait_for (ServeOutput *output, gint64 duration, gboolean until_woken)
{
  gint64 deadline = g_get_monotonic_time () + duration;
  gboolean more = TRUE, stop;

  g_mutex_lock (&output->lock);
  while (!output->stop && !(until_woken && output->woken) && more)
    more = g_cond_wait_until (&output->changed, &output->lock, deadline);
  output->woken = FALSE;
  stop = output->stop;
  g_mutex_unlock (&output->lock);
  return !stop;
}

static GPtrArray *
make_parcels (GPtrArray *texts)
{
  GPtrArray *parcels = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_parcel_unref);

  for (guint i = 0; i < texts->len; i++)
    {
      const char *text = g_ptr_array_index (texts, i);

      g_ptr_array_add (parcels, gst_effvk_parcel_new (text, strlen (text), TRUE));
    }
  return parcels;
}

static GstEffvkDelivery
send_texts (ServeOutput *output, GPtrArray *texts, GError **error)
{
  g_autoptr (GPtrArray) parcels = make_parcels (texts);

  if (!output->target)
    output->target = output->kind->open (output->address, output->cancellable, error);
  if (!output->target)
    return GST_EFFVK_RETRY;
  return output->kind->send (output->target, parcels, output->cancellable, error);
}

static void
count (ServeOutput *output, GstEffvkDelivery delivery, guint n, const GError *error)
{
  gboolean tell;

  g_mutex_lock (&output->lock);
  tell = delivery == GST_EFFVK_REFUSED || (delivery == GST_EFFVK_RETRY && output->status.connected);
  output->status.connected = delivery != GST_EFFVK_RETRY;
  output->status.failures += delivery == GST_EFFVK_RETRY;
  output->status.refused += delivery == GST_EFFVK_REFUSED ? n : 0;
  output->status.sent += delivery == GST_EFFVK_DELIVERED ? n : 0;
  tell = tell && !output->stop;
  g_mutex_unlock (&output->lock);
  if (tell)
    tool_error ("output %s: %s%s", output->name, error ? error->message : "it failed",
                delivery == GST_EFFVK_RETRY ? "; it is tried again"
                                            : "; these events are not sent");
}

/* Sends what there is. Returns how long to wait, 0: there is nothing left. */
static gint64
send_some (ServeOutput *output)
{
  gint64 last = 0;
  g_autoptr (GPtrArray) texts
      = serve_store_take (output->store, output->name, output->batch, &last);
  g_autoptr (GError) error = NULL;
  GstEffvkDelivery delivery;

  if (texts->len == 0)
    return 0;
  delivery = send_texts (output, texts, &error);
  count (output, delivery, texts->len, error);
  if (delivery != GST_EFFVK_RETRY)
    {
      serve_store_sent (output->store, output->name, last);
      tool_back_off_reset (&output->back_off);
      return 1;
    }
  if (output->target)
    output->kind->close (output->target);
  output->target = NULL;
  return tool_back_off_next (&output->back_off);
}

static gpointer
run (gpointer data)
{
  ServeOutput *output = data;
  gboolean going = TRUE;
  sigset_t pipe;

  sigemptyset (&pipe);
  sigaddset (&pipe, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe, NULL);
  while (going)
    {
      gint64 pause = send_some (output);

      going = wait_for (output, pause ? pause : LOOK_AFTER, pause == 0);
    }
  if (output->target)
    output->kind->close (output->target);
  return NULL;
}

ServeOutput *
serve_output_new (const char *name, const ServeOutputConfig *config, ServeStore *store,
                  GError **error)
{
  ServeOutput *output = g_new0 (ServeOutput, 1);

  if (config->command)
    output->address = serve_command_parse (config->command, &output->kind, error);
  else
    output->address = gst_effvk_address_parse (config->uri, "effvk", config->credentials,
                                               config->secret, &output->kind, error);
  if (!output->address)
    {
      g_prefix_error (error, "[output %s]: ", name);
      g_free (output);
      return NULL;
    }
  output->name = g_strdup (name);
  output->store = store;
  output->batch
      = config->command ? 1 : BATCH; /* a program that fails is not run again for others */
  output->cancellable = g_cancellable_new ();
  output->status.connected = TRUE;
  g_mutex_init (&output->lock);
  g_cond_init (&output->changed);
  output->thread = g_thread_new ("effvk-output", run, output);
  return output;
}

void
serve_output_free (ServeOutput *output)
{
  g_mutex_lock (&output->lock);
  output->stop = TRUE;
  g_cond_broadcast (&output->changed);
  g_mutex_unlock (&output->lock);
  g_cancellable_cancel (output->cancellable);
  g_thread_join (output->thread);
  gst_effvk_address_free (output->address);
  g_object_unref (output->cancellable);
  g_cond_clear (&output->changed);
  g_mutex_clear (&output->lock);
  g_free (output->name);
  g_free (output);
}

void
serve_output_wake (ServeOutput *output)
{
  g_mutex_lock (&output->lock);
  output->woken = TRUE;
  g_cond_broadcast (&output->changed);
  g_mutex_unlock (&output->lock);
}

ServeOutputStatus
serve_output_get_status (ServeOutput *output)
{
  ServeOutputStatus status;

  g_mutex_lock (&output->lock);
  status = output->status;
  g_mutex_unlock (&output->lock);
  return status;
}
