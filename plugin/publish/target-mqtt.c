/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MQTT by libmosquitto: records go to TOPIC, the last change stays at TOPIC/state, and TOPIC/status
 * says whether the publisher is there. */
#include "common/json-writer.h"
#include "publish/target.h"

#include <mosquitto.h>
#include <string.h>

#define KEEPALIVE 30 /* s */
#define NOT_YET -1

typedef struct
{
  struct mosquitto *client;
  char *topic, *state_topic, *status_topic;
  int qos;

  GMutex lock;
  GCond changed;
  int connected; /* the broker's answer, or NOT_YET */
  gboolean gone;
  GHashTable *pending; /* numbers of messages that the broker has not taken yet */
  gboolean collecting; /* numbers are being added */
  GHashTable *early;   /* numbers that it took before they were added */
} Target;

static void
on_connect (struct mosquitto *client, void *data, int code)
{
  Target *target = data;

  g_mutex_lock (&target->lock);
  target->connected = code;
  g_cond_broadcast (&target->changed);
  g_mutex_unlock (&target->lock);
}

static void
on_disconnect (struct mosquitto *client, void *data, int code)
{
  Target *target = data;

  g_mutex_lock (&target->lock);
  target->gone = TRUE;
  g_cond_broadcast (&target->changed);
  g_mutex_unlock (&target->lock);
}

static void
on_publish (struct mosquitto *client, void *data, int number)
{
  Target *target = data;

  g_mutex_lock (&target->lock);
  if (!g_hash_table_remove (target->pending, GINT_TO_POINTER (number)) && target->collecting)
    g_hash_table_add (target->early, GINT_TO_POINTER (number));
  g_cond_broadcast (&target->changed);
  g_mutex_unlock (&target->lock);
}

static gboolean
is_ok (int code, const char *what, GError **error)
{
  if (code == MOSQ_ERR_SUCCESS)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", what, mosquitto_strerror (code));
  return FALSE;
}

/* Under the lock: waits for a change until @deadline; FALSE with @error: there is nothing to wait
 * for. */
static gboolean
wait_on (Target *target, gint64 deadline, GCancellable *cancellable, GError **error)
{
  gint64 step = MIN (deadline, g_get_monotonic_time () + G_USEC_PER_SEC / 10);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (target->gone)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                         "the broker closed the connection");
  else if (g_get_monotonic_time () >= deadline)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the broker does not answer");
  else
    {
      g_cond_wait_until (&target->changed, &target->lock, step);
      return TRUE;
    }
  return FALSE;
}

static void
close_target (gpointer data)
{
  Target *target = data;

  if (target->client)
    {
      /* An orderly goodbye does not make the broker publish the last will. */
      if (target->connected == 0 && !target->gone)
        mosquitto_publish (target->client, NULL, target->status_topic, 7, "offline", target->qos,
                           true);
      mosquitto_disconnect (target->client);
      mosquitto_loop_stop (target->client, false);
      mosquitto_destroy (target->client);
    }
  g_hash_table_unref (target->pending);
  g_hash_table_unref (target->early);
  g_free (target->topic);
  g_free (target->state_topic);
  g_free (target->status_topic);
  g_cond_clear (&target->changed);
  g_mutex_clear (&target->lock);
  g_free (target);
}

static gboolean
check (const GstEffvkAddress *address, GError **error)
{
  const char *topic = address->path + (*address->path == '/');
  const char *qos = gst_effvk_address_get_option (address, "qos");

  if (!address->host || !*address->host || !*topic
      || mosquitto_pub_topic_check (topic) != MOSQ_ERR_SUCCESS)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "expected a host and a topic without + and #: %s://HOST:PORT/TOPIC",
                 address->scheme);
  else if (qos && strcmp (qos, "1") != 0 && strcmp (qos, "2") != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "qos is 1 or 2, not \"%s\": with 0 records would be lost", qos);
  else
    return TRUE;
  return FALSE;
}

/* The library begins and ends with the process. */
static void
ensure_library (void)
{
  static gsize ready;

  if (g_once_init_enter (&ready))
    {
      mosquitto_lib_init ();
      g_once_init_leave (&ready, 1);
    }
}

static gboolean
set_up_tls (Target *target, const GstEffvkAddress *address, GError **error)
{
  const char *ca = gst_effvk_address_get_option (address, "cafile");

  if (strcmp (address->scheme, "mqtts") != 0)
    return TRUE;
  return is_ok (mosquitto_tls_set (target->client, ca, ca ? NULL : "/etc/ssl/certs",
                                   gst_effvk_address_get_option (address, "certfile"),
                                   gst_effvk_address_get_option (address, "keyfile"), NULL),
                "TLS", error);
}

static gboolean
connect_to_broker (Target *target, const GstEffvkAddress *address, GCancellable *cancellable,
                   GError **error)
{
  gint64 deadline = g_get_monotonic_time () + GST_EFFVK_TARGET_TIMEOUT;
  int port = address->port > 0                        ? address->port
             : strcmp (address->scheme, "mqtts") == 0 ? 8883
                                                      : 1883;
  gboolean waiting = TRUE;

  if (!set_up_tls (target, address, error)
      || !is_ok (mosquitto_username_pw_set (target->client, address->user, address->password),
                 "credentials", error)
      || !is_ok (mosquitto_will_set (target->client, target->status_topic, 7, "offline",
                                     target->qos, true),
                 "last will", error)
      || !is_ok (mosquitto_connect (target->client, address->host, port, KEEPALIVE), "connect",
                 error)
      || !is_ok (mosquitto_loop_start (target->client), "thread", error))
    return FALSE;
  g_mutex_lock (&target->lock);
  while (waiting && target->connected == NOT_YET)
    waiting = wait_on (target, deadline, cancellable, error);
  g_mutex_unlock (&target->lock);
  if (target->connected == NOT_YET)
    return FALSE;
  if (target->connected == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "the broker refuses: %s",
               mosquitto_connack_string (target->connected));
  return FALSE;
}

/* Gives one message to the library, which gives it to the broker. */
static gboolean
publish (Target *target, const char *topic, const char *text, gsize length, gboolean retain,
         GError **error)
{
  int number, code;

  g_mutex_lock (&target->lock);
  target->collecting = TRUE;
  g_mutex_unlock (&target->lock);
  code
      = mosquitto_publish (target->client, &number, topic, (int) length, text, target->qos, retain);
  g_mutex_lock (&target->lock);
  if (code == MOSQ_ERR_SUCCESS && !g_hash_table_remove (target->early, GINT_TO_POINTER (number)))
    g_hash_table_add (target->pending, GINT_TO_POINTER (number));
  target->collecting = FALSE;
  g_mutex_unlock (&target->lock);
  return is_ok (code, "publish", error);
}

/* Home Assistant makes a sensor of this. */
static gboolean
announce (Target *target, const GstEffvkAddress *address, GError **error)
{
  const char *prefix = gst_effvk_address_get_option (address, "discovery");
  g_autofree char *id = NULL, *topic = NULL;
  g_auto (GstEffvkJson) json = { 0 };

  if (!prefix)
    return TRUE;
  id = g_strdelimit (g_strdup_printf ("effvk_%s", target->topic), "/ .:$", '_');
  topic = g_strdup_printf ("%s/sensor/%s/config", *prefix ? prefix : "homeassistant", id);
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "name", address->source);
  gst_effvk_json_string (&json, "unique_id", id);
  gst_effvk_json_string (&json, "state_topic", target->state_topic);
  gst_effvk_json_string (&json, "value_template", "{{ value_json.state }}");
  gst_effvk_json_string (&json, "json_attributes_topic", target->state_topic);
  gst_effvk_json_string (&json, "availability_topic", target->status_topic);
  gst_effvk_json_string (&json, "icon", "mdi:cctv");
  gst_effvk_json_end (&json, '}');
  return publish (target, topic, json.text->str, json.text->len, TRUE, error);
}

static gpointer
open_target (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  Target *target = g_new0 (Target, 1);
  const char *qos = gst_effvk_address_get_option (address, "qos");

  ensure_library ();
  g_mutex_init (&target->lock);
  g_cond_init (&target->changed);
  target->pending = g_hash_table_new (NULL, NULL);
  target->early = g_hash_table_new (NULL, NULL);
  target->topic = g_strdup (address->path + (*address->path == '/'));
  target->state_topic = g_strconcat (target->topic, "/state", NULL);
  target->status_topic = g_strconcat (target->topic, "/status", NULL);
  target->qos = qos && *qos == '2' ? 2 : 1;
  target->connected = NOT_YET;
  target->client
      = mosquitto_new (gst_effvk_address_get_option (address, "client-id"), true, target);
  if (target->client)
    {
      mosquitto_connect_callback_set (target->client, on_connect);
      mosquitto_disconnect_callback_set (target->client, on_disconnect);
      mosquitto_publish_callback_set (target->client, on_publish);
      if (connect_to_broker (target, address, cancellable, error)
          && publish (target, target->status_topic, "online", 6, TRUE, error)
          && announce (target, address, error))
        return target;
    }
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no client could be made");
  close_target (target);
  return NULL;
}

static GstEffvkDelivery
send_parcels (gpointer data, GPtrArray *parcels, GCancellable *cancellable, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + GST_EFFVK_TARGET_TIMEOUT;
  Target *target = data;
  gboolean going = TRUE;
  guint left;

  for (guint i = 0; i < parcels->len && going; i++)
    {
      const GstEffvkParcel *parcel = g_ptr_array_index (parcels, i);

      going = publish (target, target->topic, parcel->text, parcel->length, FALSE, error)
              && (!parcel->change
                  || publish (target, target->state_topic, parcel->text, parcel->length, TRUE,
                              error));
    }
  g_mutex_lock (&target->lock);
  while (going && g_hash_table_size (target->pending) > 0)
    going = wait_on (target, deadline, cancellable, error);
  left = g_hash_table_size (target->pending);
  g_mutex_unlock (&target->lock);
  return going && left == 0 ? GST_EFFVK_DELIVERED : GST_EFFVK_RETRY;
}

const GstEffvkTargetKind gst_effvk_target_mqtt
    = { "mqtt", check, open_target, send_parcels, close_target };
const GstEffvkTargetKind gst_effvk_target_mqtts
    = { "mqtts", check, open_target, send_parcels, close_target };
