/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kafka brokers of librdkafka's own, for tests of programs. The first line on the standard output
 * is where they listen. Each further line is a message of the topic that the argument names. It
 * ends with its standard input. */
#include <glib.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PARTITIONS 4

static rd_kafka_t *
new_client (rd_kafka_type_t type, const char *bootstraps)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char why[512];
  rd_kafka_t *client;

  if (bootstraps)
    rd_kafka_conf_set (conf, "bootstrap.servers", bootstraps, why, sizeof why);
  if (type == RD_KAFKA_CONSUMER)
    rd_kafka_conf_set (conf, "group.id", "reader", why, sizeof why);
  client = rd_kafka_new (type, conf, why, sizeof why);
  if (!client)
    g_error ("%s", why);
  return client;
}

static void
read_from_the_beginning (rd_kafka_t *reader, const char *topic)
{
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new (PARTITIONS);

  for (int i = 0; i < PARTITIONS; i++)
    rd_kafka_topic_partition_list_add (list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign (reader, list);
  rd_kafka_topic_partition_list_destroy (list);
}

static gboolean
is_going (void)
{
  struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
  char byte;

  return poll (&input, 1, 0) <= 0 || read (STDIN_FILENO, &byte, 1) > 0;
}

int
main (int argc, char **argv)
{
  const char *topic = argc > 1 ? argv[1] : "effvk";
  rd_kafka_t *owner = new_client (RD_KAFKA_PRODUCER, NULL), *reader;
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new (owner, 1);
  const char *bootstraps = rd_kafka_mock_cluster_bootstraps (cluster);

  rd_kafka_mock_topic_create (cluster, topic, PARTITIONS, 1);
  printf ("%s\n", bootstraps);
  fflush (stdout);
  reader = new_client (RD_KAFKA_CONSUMER, bootstraps);
  read_from_the_beginning (reader, topic);
  while (is_going ())
    {
      rd_kafka_message_t *message = rd_kafka_consumer_poll (reader, 100);

      if (message && !message->err)
        {
          printf ("%.*s\n", (int) message->len, (const char *) message->payload);
          fflush (stdout);
        }
      if (message)
        rd_kafka_message_destroy (message);
    }
  rd_kafka_consumer_close (reader);
  rd_kafka_destroy (reader);
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (owner);
  return 0;
}
