/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kafka by librdkafka: records go to a topic, with the source as their key, so that those of a
 * stream stay in order. */
#include "publish/target.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

typedef struct
{
  rd_kafka_t *client;
  char *topic, *key;
  guint n_taken, n_failed; /* of this batch, by the brokers */
  rd_kafka_resp_err_t problem;
} Target;

static void
on_delivery (rd_kafka_t *client, const rd_kafka_message_t *message, void *data)
{
  Target *target = data;

  if (message->err)
    {
      target->n_failed++;
      target->problem = message->err;
    }
  else
    target->n_taken++;
}

/* The library says by itself what is wrong, on stderr; the element tells once, without what is
 * secret. */
static void
on_log (const rd_kafka_t *client, int level, const char *facility, const char *text)
{
}

static gboolean
set (rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
  char why[256];

  if (!value || rd_kafka_conf_set (conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s", why);
  return FALSE;
}

/* The URI's options are the library's, "security.protocol" for instance. */
static gboolean
set_all (rd_kafka_conf_t *conf, const GstEffvkAddress *address, GError **error)
{
  g_autofree char *brokers
      = g_strdup_printf ("%s:%d", address->host, address->port > 0 ? address->port : 9092);
  GHashTableIter options;
  gpointer name, value;

  g_hash_table_iter_init (&options, address->options);
  while (g_hash_table_iter_next (&options, &name, &value))
    if (!set (conf, name, value, error))
      return FALSE;
  return set (conf, "bootstrap.servers", brokers, error)
         && set (conf, "enable.idempotence", "true", error)
         && set (conf, "message.timeout.ms", "10000", error) && set (conf, "linger.ms", "0", error)
         && set (conf, "sasl.username", address->user, error)
         && set (conf, "sasl.password", address->password, error);
}

static gboolean
check (const GstEffvkAddress *address, GError **error)
{
  const char *topic = address->path + (*address->path == '/');
  rd_kafka_conf_t *conf;
  gboolean ok;

  if (!address->host || !*address->host || !*topic || strchr (topic, '/'))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "expected a host and a topic: kafka://HOST:PORT/TOPIC");
      return FALSE;
    }
  conf = rd_kafka_conf_new ();
  ok = set_all (conf, address, error);
  rd_kafka_conf_destroy (conf);
  return ok;
}

static void
close_target (gpointer data)
{
  Target *target = data;

  if (target->client)
    {
      rd_kafka_purge (target->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_poll (target->client, 0);
      rd_kafka_destroy (target->client);
    }
  g_free (target->topic);
  g_free (target->key);
  g_free (target);
}

static gpointer
open_target (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  Target *target = g_new0 (Target, 1);
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char why[256];

  target->topic = g_strdup (address->path + (*address->path == '/'));
  target->key = g_strdup (address->source);
  rd_kafka_conf_set_opaque (conf, target);
  rd_kafka_conf_set_dr_msg_cb (conf, on_delivery);
  rd_kafka_conf_set_log_cb (conf, on_log);
  if (set_all (conf, address, error))
    {
      target->client = rd_kafka_new (RD_KAFKA_PRODUCER, conf, why, sizeof why);
      if (target->client)
        return target;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", why);
    }
  rd_kafka_conf_destroy (conf);
  close_target (target);
  return NULL;
}

static GstEffvkDelivery
fail (rd_kafka_resp_err_t problem, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Kafka: %s", rd_kafka_err2str (problem));
  return problem == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? GST_EFFVK_REFUSED : GST_EFFVK_RETRY;
}

static GstEffvkDelivery
send_parcels (gpointer data, GPtrArray *parcels, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + GST_EFFVK_TARGET_TIMEOUT;
  Target *target = data;

  target->n_taken = target->n_failed = 0;
  for (guint i = 0; i < parcels->len; i++)
    {
      const GstEffvkParcel *parcel = g_ptr_array_index (parcels, i);
      rd_kafka_resp_err_t problem
          = rd_kafka_producev (target->client, RD_KAFKA_V_TOPIC (target->topic),
                               RD_KAFKA_V_KEY (target->key, strlen (target->key)),
                               RD_KAFKA_V_VALUE (parcel->text, parcel->length),
                               RD_KAFKA_V_MSGFLAGS (RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

      if (problem)
        return fail (problem, error);
    }
  while (target->n_taken + target->n_failed < parcels->len)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return GST_EFFVK_RETRY;
      if (g_get_monotonic_time () >= deadline)
        return fail (RD_KAFKA_RESP_ERR__TIMED_OUT, error);
      rd_kafka_poll (target->client, 50);
    }
  return target->n_failed ? fail (target->problem, error) : GST_EFFVK_DELIVERED;
}

const GstEffvkTargetKind gst_effvk_target_kafka
    = { "kafka", check, open_target, send_parcels, close_target };
