/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkpublish to Kafka: to librdkafka's own mock brokers, also when they refuse for a while. */
#include "fixtures.h"

#include <gio/gio.h>
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

/* What a process has in memory, MiB; 0: it has ended. */
static guint64
get_memory (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", pid), *status = NULL;
  const char *line = NULL;

  if (g_file_get_contents (path, &status, NULL, NULL))
    line = strstr (status, "VmRSS:");
  return line ? g_ascii_strtoull (line + strlen ("VmRSS:"), NULL, 10) / 1024 : 0;
}

/* All @n of them are there, in order, in one partition, with the source as their key. @pid: who
 * sends them, whose memory does not grow; NULL: that is not looked at. */
static void
consume (const char *group, guint n, const char *pid)
{
  rd_kafka_t *consumer = new_consumer (group);
  gint64 deadline = g_get_monotonic_time () + 600 * G_USEC_PER_SEC;
  guint64 before = 0, most = 0;
  guint next = 0;
  gint32 partition = -1;

  while (next < n && g_get_monotonic_time () < deadline)
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
          if (pid && next % 100 == 0 && next >= n / 5)
            {
              most = MAX (most, get_memory (pid));
              before = before ? before : most;
            }
        }
      if (message)
        rd_kafka_message_destroy (message);
    }
  g_assert_cmpuint (next, ==, n);
  g_assert_true (!pid || before > 0);
  g_assert_cmpuint (most, <=, before + 12);
  rd_kafka_consumer_close (consumer);
  rd_kafka_destroy (consumer);
}

static void
test_delivers (void)
{
  start_cluster ();
  publish ();
  consume ("one", N, NULL);
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
  consume ("two", N, NULL);
  stop_cluster ();
}

/* EFFVK_PUBLISH_RECORDS of them from another process, whose memory does not grow. */
static void
test_many (void)
{
  const char *records = g_getenv ("EFFVK_PUBLISH_RECORDS");
  guint n = records ? (guint) g_ascii_strtoull (records, NULL, 10) : 3000;
  g_autoptr (GSubprocess) process = NULL;
  g_auto (GStrv) arguments = NULL;
  g_autofree char *line = NULL;
  g_autoptr (GError) error = NULL;

  start_cluster ();
  line = g_strdup_printf (
      "gst-launch-1.0 -q videotestsrc is-live=true num-buffers=%u ! "
      "video/x-raw,format=RGB,width=16,height=16,framerate=1000/1 ! effvkclassify device=cpu "
      "post-messages=false inference-interval=1000000 skipped=last deadline=0 qos=false ! "
      "effvkpublish source=door max-messages=1000000 eos-timeout=120000000000 "
      "location=kafka://%s/%s ! fakesink sync=false",
      n, rd_kafka_mock_cluster_bootstraps (cluster), TOPIC);
  arguments = g_strsplit (line, " ", -1);
  process = g_subprocess_newv ((const char *const *) arguments, G_SUBPROCESS_FLAGS_NONE, &error);
  g_assert_no_error (error);
  consume ("many", n, g_subprocess_get_identifier (process));
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
  stop_cluster ();
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka/delivers", test_delivers);
  g_test_add_func ("/kafka/comes-back", test_comes_back);
  g_test_add_func ("/kafka/many", test_many);
  return fixtures_run ();
}
