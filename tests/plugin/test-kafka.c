/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkpublish to Kafka: to librdkafka's own mock brokers, also when they refuse for a while. */
#include "fixtures.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#define TOPIC "cams"
#define N 500

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;

static void
start_cluster (void)
{
  char why[256];

  owner = rd_kafka_new (RD_KAFKA_PRODUCER, rd_kafka_conf_new (), why, sizeof why);
  g_assert_nonnull (owner);
  cluster = rd_kafka_mock_cluster_new (owner, 1);
  g_assert_nonnull (cluster);
  rd_kafka_mock_topic_create (cluster, TOPIC, 4, 1);
}

static void
stop_cluster (void)
{
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (owner);
}

static GstBuffer *
new_buffer (guint number)
{
  GstBuffer *buffer = gst_buffer_new ();
  GstVideoRegionOfInterestMeta *roi
      = gst_buffer_add_video_region_of_interest_meta (buffer, "frame", 0, 0, 64, 48);

  gst_video_region_of_interest_meta_add_param (roi, gst_structure_new ("classification", "label",
                                                                       G_TYPE_STRING, "cat",
                                                                       "confidence", G_TYPE_DOUBLE,
                                                                       0.5, NULL));
  GST_BUFFER_PTS (buffer) = number * 40 * GST_MSECOND;
  return buffer;
}

/* Publishes N frames, and waits at the end of the stream. */
static void
publish (void)
{
  g_autofree char *launch
      = g_strdup_printf ("effvkpublish source=door eos-timeout=60000000000 location=kafka://%s/%s",
                         rd_kafka_mock_cluster_bootstraps (cluster), TOPIC);
  GstHarness *harness = gst_harness_new_parse (launch);

  gst_harness_set_src_caps_str (harness, "video/x-test,width=64,height=48");
  for (guint i = 0; i < N; i++)
    {
      g_assert_cmpint (gst_harness_push (harness, new_buffer (i)), ==, GST_FLOW_OK);
      gst_buffer_unref (gst_harness_pull (harness));
    }
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  gst_harness_teardown (harness);
}

static rd_kafka_t *
new_consumer (const char *group)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new (4);
  rd_kafka_t *consumer;
  char why[256];

  rd_kafka_conf_set (conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps (cluster), why,
                     sizeof why);
  rd_kafka_conf_set (conf, "group.id", group, why, sizeof why);
  consumer = rd_kafka_new (RD_KAFKA_CONSUMER, conf, why, sizeof why);
  g_assert_nonnull (consumer);
  for (int partition = 0; partition < 4; partition++)
    rd_kafka_topic_partition_list_add (topics, TOPIC, partition)->offset
        = RD_KAFKA_OFFSET_BEGINNING;
  g_assert_cmpint (rd_kafka_assign (consumer, topics), ==, 0);
  rd_kafka_topic_partition_list_destroy (topics);
  return consumer;
}

static guint
get_sequence (const rd_kafka_message_t *message)
{
  g_autofree char *text = g_strndup (message->payload, message->len);
  const char *number = strstr (text, "\"sequence\": ");

  g_assert_nonnull (number);
  return (guint) g_ascii_strtoull (number + strlen ("\"sequence\": "), NULL, 10);
}

/* All of them are there, in order, in one partition, with the source as their key. */
static void
consume (const char *group)
{
  rd_kafka_t *consumer = new_consumer (group);
  gint64 deadline = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  guint next = 0;
  gint32 partition = -1;

  while (next < N && g_get_monotonic_time () < deadline)
    {
      rd_kafka_message_t *message = rd_kafka_consumer_poll (consumer, 100);

      if (message && !message->err)
        {
          g_assert_cmpuint (message->key_len, ==, 4);
          g_assert_cmpint (memcmp (message->key, "door", 4), ==, 0);
          g_assert_true (partition < 0 || partition == message->partition);
          partition = message->partition;
          g_assert_cmpuint (get_sequence (message), <=, next); /* some may come twice */
          if (get_sequence (message) == next)
            next++;
        }
      if (message)
        rd_kafka_message_destroy (message);
    }
  g_assert_cmpuint (next, ==, N);
  rd_kafka_consumer_close (consumer);
  rd_kafka_destroy (consumer);
}

static void
test_delivers (void)
{
  start_cluster ();
  publish ();
  consume ("one");
  stop_cluster ();
}

/* The brokers have no leader for the topic for some time. */
static void
test_comes_back (void)
{
  start_cluster ();
  rd_kafka_mock_push_request_errors (cluster, 0 /* Produce */, 4,
                                     RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                     RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                     RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                     RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  publish ();
  consume ("two");
  stop_cluster ();
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka/delivers", test_delivers);
  g_test_add_func ("/kafka/comes-back", test_comes_back);
  return fixtures_run ();
}
