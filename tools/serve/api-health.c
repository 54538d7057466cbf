/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /healthz, /readyz and /metrics. */
#include "serve/server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
health (ServeRequest *request)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("ok\n", 3);

  serve_request_reply (request, SOUP_STATUS_OK, "text/plain", body);
}

/* Ready: each network that has frames has answered. A camera that is away does not make it less
 * ready. */
static void
readiness (ServeRequest *request)
{
  g_autoptr (GPtrArray) streams = serve_app_list_streams (request->app);
  g_auto (GstEffvkJson) json = { 0 };
  guint waiting = 0;

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_begin (&json, "waiting", '[');
  for (guint i = 0; i < streams->len; i++)
    if (serve_stream_is_waiting (g_ptr_array_index (streams, i)))
      {
        gst_effvk_json_string (&json, NULL, serve_stream_get_name (g_ptr_array_index (streams, i)));
        waiting++;
      }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_boolean (&json, "ready", waiting == 0);
  gst_effvk_json_end (&json, '}');
  serve_request_reply_json (request, waiting ? SOUP_STATUS_SERVICE_UNAVAILABLE : SOUP_STATUS_OK,
                            &json);
}

static void
begin_metric (GString *text, const char *name, const char *type, const char *help)
{
  g_string_append_printf (text, "# HELP effvk_%s %s\n# TYPE effvk_%s %s\n", name, help, name, type);
}

static void
add_count (GString *text, const char *name, const char *type, const char *help, guint64 value)
{
  begin_metric (text, name, type, help);
  g_string_append_printf (text, "effvk_%s %" G_GUINT64_FORMAT "\n", name, value);
}

/* As "%lu", which takes most of the time where there are many streams. */
static void
append_number (GString *text, guint64 value)
{
  char digits[20];
  guint n = sizeof digits;

  do
    digits[--n] = (char) ('0' + value % 10);
  while (value /= 10);
  g_string_append_len (text, digits + n, (gssize) (sizeof digits - n));
}

/* One sample for each stream; @labels: (nullable): more labels. Names need no escapes. */
static void
add_sample (GString *text, const char *name, const char *stream, const char *labels, guint64 value)
{
  g_string_append (text, "effvk_");
  g_string_append (text, name);
  g_string_append (text, "{stream=\"");
  g_string_append (text, stream);
  g_string_append (text, labels ? "\"," : "\"");
  g_string_append (text, labels ? labels : "");
  g_string_append (text, "} ");
  append_number (text, value);
  g_string_append_c (text, '\n');
}

typedef struct
{
  ServeStream *stream;
  const char *name;
  ServeTotals totals;
} Row;

static void
add_counters (GString *text, const Row *rows, guint n)
{
  begin_metric (text, "stream_frames_total", "counter", "Frames that were decoded.");
  for (guint i = 0; i < n; i++)
    add_sample (text, "stream_frames_total", rows[i].name, NULL, rows[i].totals.frames);
  begin_metric (text, "stream_inferences_total", "counter", "Frames and regions classified.");
  for (guint i = 0; i < n; i++)
    add_sample (text, "stream_inferences_total", rows[i].name, NULL, rows[i].totals.inferences);
  begin_metric (text, "stream_reconnects_total", "counter", "Attempts to connect again.");
  for (guint i = 0; i < n; i++)
    add_sample (text, "stream_reconnects_total", rows[i].name, NULL, rows[i].totals.reconnects);
  begin_metric (text, "stream_skipped_total", "counter", "Frames not classified, by reason.");
  for (guint s = 0; s < SERVE_SKIPS; s++)
    {
      g_autofree char *labels = g_strdup_printf ("reason=\"%s\"", serve_skip_names[s]);

      for (guint i = 0; i < n; i++)
        add_sample (text, "stream_skipped_total", rows[i].name, labels, rows[i].totals.skipped[s]);
    }
}

static void
add_states (GString *text, const Row *rows, guint n)
{
  begin_metric (text, "stream_state", "gauge", "1 for the state that the stream is in.");
  for (guint s = 0; s < SERVE_N_STATES; s++)
    {
      g_autofree char *labels = g_strdup_printf ("state=\"%s\"", serve_state_names[s]);

      for (guint i = 0; i < n; i++)
        add_sample (text, "stream_state", rows[i].name, labels,
                    serve_stream_get_state (rows[i].stream) == s);
    }
}

static void
add_latency (GString *text, const Row *row, char *const *labels)
{
  const ServeLatency *latency = &row->totals.latency;
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 n = 0;

  for (guint b = 0; b < SERVE_LATENCIES; b++)
    {
      n += latency->buckets[b];
      add_sample (text, "stream_latency_seconds_bucket", row->name, labels[b], n);
    }
  add_sample (text, "stream_latency_seconds_count", row->name, NULL, n);
  g_string_append_printf (text, "effvk_stream_latency_seconds_sum{stream=\"%s\"} %s\n", row->name,
                          g_ascii_formatd (digits, sizeof digits, "%.6f", latency->sum));
}

static void
add_latencies (GString *text, const Row *rows, guint n)
{
  char *labels[SERVE_LATENCIES];

  for (guint b = 0; b < SERVE_LATENCIES - 1; b++)
    labels[b] = g_strdup_printf ("le=\"%g\"", serve_latency_bounds[b]);
  labels[SERVE_LATENCIES - 1] = g_strdup ("le=\"+Inf\"");
  begin_metric (text, "stream_latency_seconds", "histogram", "Time of frames in effvkclassify.");
  for (guint i = 0; i < n; i++)
    add_latency (text, &rows[i], labels);
  for (guint b = 0; b < SERVE_LATENCIES; b++)
    g_free (labels[b]);
}

/* What a network says of itself, by any of its streams. (nullable), transfer full. */
static GstStructure *
get_model_stats (const Row *rows, guint n, const char *instance)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GstStructure) stats = NULL;

      if (strcmp (serve_stream_get_instance (rows[i].stream), instance) != 0)
        continue;
      stats = serve_stream_get_stats (rows[i].stream);
      if (stats && gst_structure_has_field (stats, "submissions"))
        return g_steal_pointer (&stats);
    }
  return NULL;
}

static void
add_model_times (GString *text, const char *model, const GstStructure *stats)
{
  static const struct
  {
    const char *field, *quantile;
  } times[] = { { "gpu-time-p50", "0.5" }, { "gpu-time-p95", "0.95" }, { "gpu-time-p99", "0.99" } };
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  guint64 ns = 0;

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    if (gst_structure_get_uint64 (stats, times[i].field, &ns))
      g_string_append_printf (text, "effvk_model_device_seconds{model=\"%s\",quantile=\"%s\"} %s\n",
                              model, times[i].quantile,
                              g_ascii_formatd (digits, sizeof digits, "%.9f", (double) ns / 1e9));
}

static void
add_model_value (GString *text, const char *name, const char *model, const GstStructure *stats,
                 const char *field)
{
  guint64 value = 0;

  if (gst_structure_get_uint64 (stats, field, &value))
    g_string_append_printf (text, "effvk_model_%s{model=\"%s\"} %" G_GUINT64_FORMAT "\n", name,
                            model, value);
}

/* Of networks that run now. */
static void
add_models (GString *text, ServeApp *app, const Row *rows, guint n)
{
  g_autoptr (GHashTable) all
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) gst_structure_free);
  GHashTableIter iter;
  gpointer model, value;

  g_hash_table_iter_init (&iter, app->instances);
  while (g_hash_table_iter_next (&iter, &model, &value))
    if ((value = get_model_stats (rows, n, value)))
      g_hash_table_insert (all, model, value);
  begin_metric (text, "model_device_seconds", "summary",
                "Time on the device of the last 1024 submissions, by quantile.");
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &model, &value))
    add_model_times (text, model, value);
  begin_metric (text, "model_submissions_total", "counter", "What the device was given.");
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &model, &value))
    add_model_value (text, "submissions_total", model, value, "submissions");
  begin_metric (text, "model_memory_bytes", "gauge", "Memory of the network on the device.");
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &model, &value))
    add_model_value (text, "memory_bytes", model, value, "memory-bytes");
}

static guint64
get_memory (void)
{
  unsigned long long size = 0, resident = 0;
  FILE *file = fopen ("/proc/self/statm", "re");

  if (!file)
    return 0;
  if (fscanf (file, "%llu %llu", &size, &resident) != 2)
    resident = 0;
  fclose (file);
  return (guint64) resident * (guint64) sysconf (_SC_PAGESIZE);
}

static guint64
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint64 n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  return n;
}

static void
add_process (GString *text, ServeRequest *request)
{
  const ServeShard *shard = &request->app->shard;

  if (shard->of > 0)
    {
      add_count (text, "shard", "gauge", "Which part of the streams is served here, from 0.",
                 shard->index);
      add_count (text, "shards", "gauge", "How many parts there are.", shard->of);
    }
  add_count (text, "resident_memory_bytes", "gauge", "Memory of the process.", get_memory ());
  add_count (text, "open_descriptors", "gauge", "File descriptors of the process.",
             count_entries ("/proc/self/fd"));
  add_count (text, "threads", "gauge", "Threads of the process.",
             count_entries ("/proc/self/task"));
  add_count (text, "pipelines", "gauge", "Connections to sources, those that are ending included.",
             serve_pipeline_count ());
  add_count (text, "http_clients", "gauge", "Connections of HTTP clients.",
             serve_server_get_clients (request->server));
  add_count (text, "http_refused_total", "counter", "HTTP clients for whom there was no room.",
             serve_server_get_refused (request->server));
  add_count (text, "config_reloads_total", "counter",
             "Times that the configuration was read again.", request->app->reloads);
  add_count (text, "config_failed_reloads_total", "counter",
             "Times that a changed configuration had a mistake.", request->app->failed_reloads);
  add_count (text, "start_time_seconds", "gauge", "When the process started, since 1970.",
             (guint64) (request->app->started / G_USEC_PER_SEC));
}

static void
add_store (GString *text, ServeApp *app)
{
  GHashTableIter iter;
  gpointer name, output;

  add_count (text, "events", "gauge", "Events that are kept.",
             serve_store_count_events (app->store));
  add_count (text, "store_bytes", "gauge", "Size of what is kept.",
             serve_store_get_size (app->store));
  add_count (text, "store_errors_total", "counter", "Writes that failed.",
             serve_store_get_errors (app->store));
  begin_metric (text, "output_waiting", "gauge", "Events that wait to be sent.");
  g_hash_table_iter_init (&iter, app->outputs);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_string_append_printf (text, "effvk_output_waiting{output=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            (char *) name, serve_store_count_waiting (app->store, name));
  begin_metric (text, "output_sent_total", "counter", "Events that were sent.");
  g_hash_table_iter_init (&iter, app->outputs);
  while (g_hash_table_iter_next (&iter, &name, &output))
    g_string_append_printf (text, "effvk_output_sent_total{output=\"%s\"} %" G_GUINT64_FORMAT "\n",
                            (char *) name, serve_output_get_status (output).sent);
  begin_metric (text, "output_connected", "gauge", "1 where the last attempt to send succeeded.");
  g_hash_table_iter_init (&iter, app->outputs);
  while (g_hash_table_iter_next (&iter, &name, &output))
    g_string_append_printf (text, "effvk_output_connected{output=\"%s\"} %d\n", (char *) name,
                            serve_output_get_status (output).connected);
}

static void
metrics (ServeRequest *request)
{
  g_autoptr (GPtrArray) streams = serve_app_list_streams (request->app);
  g_autofree Row *rows = g_new0 (Row, streams->len + 1);
  GString *text = g_string_new (NULL);
  g_autoptr (GBytes) body = NULL;

  for (guint i = 0; i < streams->len; i++)
    {
      rows[i].stream = g_ptr_array_index (streams, i);
      rows[i].name = serve_stream_get_name (rows[i].stream);
      rows[i].totals = serve_stream_get_totals (rows[i].stream);
    }
  add_count (text, "streams", "gauge", "Streams.", streams->len);
  add_counters (text, rows, streams->len);
  add_states (text, rows, streams->len);
  add_latencies (text, rows, streams->len);
  add_models (text, request->app, rows, streams->len);
  add_store (text, request->app);
  add_process (text, request);
  body = g_string_free_to_bytes (text);
  serve_request_reply (request, SOUP_STATUS_OK, "text/plain; version=0.0.4", body);
}

const ServeRoute serve_health_routes[] = {
  { "GET", "/healthz", health, TRUE },
  { "GET", "/readyz", readiness, TRUE },
  { "GET", "/metrics", metrics },
  { NULL },
};
