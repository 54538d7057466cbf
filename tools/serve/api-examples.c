/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The picture of now, kept as an example of a class, for `effvk teach`. */
#include "serve/server.h"
#include "serve/snapshot.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define MOST_EXAMPLES 10000 /* of a label */

/* A request that waits for its picture. */
typedef struct
{
  ServeRequest request;
  char *stream, *label, *folder;
} Waiting;

static void
free_waiting (Waiting *waiting)
{
  g_object_unref (waiting->request.message);
  g_free (waiting->stream);
  g_free (waiting->label);
  g_free (waiting->folder);
  g_free (waiting);
}

static gboolean
has_room (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir && n < MOST_EXAMPLES && g_dir_read_name (dir))
    n++;
  return n < MOST_EXAMPLES;
}

/* "gate-20260101T120000.123456.jpg" */
static char *
make_name (const char *stream)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%dT%H%M%S");

  return g_strdup_printf ("%s-%s.%06d.jpg", stream, time, g_date_time_get_microsecond (now));
}

static gboolean
keep (const Waiting *waiting, GBytes *jpeg, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (waiting->folder, name, NULL);
  gsize size;
  const char *data = g_bytes_get_data (jpeg, &size);

  if (g_mkdir_with_parents (waiting->folder, 0700) == 0)
    return g_file_set_contents (path, data, (gssize) size, error);
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", waiting->folder,
               g_strerror (errno));
  return FALSE;
}

static void
on_picture (GBytes *jpeg, const GError *problem, gpointer data)
{
  Waiting *waiting = data;
  g_autofree char *name = make_name (waiting->stream);
  g_autoptr (GError) error = problem ? g_error_copy (problem) : NULL;
  g_auto (GstEffvkJson) json = { 0 };

  if (jpeg && keep (waiting, jpeg, name, &error))
    {
      gst_effvk_json_init (&json);
      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_string (&json, "label", waiting->label);
      gst_effvk_json_string (&json, "file", name);
      gst_effvk_json_end (&json, '}');
      serve_request_reply_json (&waiting->request, SOUP_STATUS_CREATED, &json);
    }
  else
    serve_request_fail (&waiting->request, SOUP_STATUS_INTERNAL_SERVER_ERROR, "%s",
                        error ? error->message : "no picture could be made");
  soup_server_message_unpause (waiting->request.message);
  free_waiting (waiting);
}

static void
wait_for_picture (ServeRequest *request, GstSample *sample, const char *label, const char *folder)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->request = *request;
  waiting->request.message = g_object_ref (request->message);
  waiting->stream = g_strdup (request->name);
  waiting->label = g_strdup (label);
  waiting->folder = g_strdup (folder);
  if (serve_snapshot_make (sample, 0, FALSE, on_picture, waiting))
    {
      soup_server_message_pause (request->message);
      return;
    }
  serve_request_fail (request, SOUP_STATUS_SERVICE_UNAVAILABLE,
                      "too many pictures are asked for at once");
  free_waiting (waiting);
}

/* The label of the body. NULL: there is none, and that was answered. Transfer full. */
static char *
read_label (ServeRequest *request)
{
  g_autoptr (JsonNode) node = serve_request_parse (request);
  g_autoptr (GError) error = NULL;
  const char *label;

  if (!node)
    return NULL;
  label = JSON_NODE_HOLDS_OBJECT (node)
              ? json_object_get_string_member_with_default (json_node_get_object (node), "label",
                                                            NULL)
              : NULL;
  if (label && serve_config_check_name (label, &error))
    return g_strdup (label);
  serve_request_fail (request, SOUP_STATUS_BAD_REQUEST, "label: %s",
                      error ? error->message : "expected {\"label\": \"…\"}");
  return NULL;
}

static void
add_example (ServeRequest *request)
{
  const char *directory = request->app->config->server.examples_directory;
  ServeStream *stream = serve_request_get_stream (request);
  g_autofree char *label = stream ? read_label (request) : NULL;
  g_autofree char *folder = NULL;
  GstSample *sample;

  if (!label)
    return;
  if (!directory)
    {
      serve_request_fail (request, SOUP_STATUS_CONFLICT,
                          "examples are kept where [server] examples-directory names a folder");
      return;
    }
  folder = g_build_filename (directory, label, NULL);
  sample = serve_stream_get_sample (stream);
  if (!sample)
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "\"%s\" has no picture now", request->name);
  else if (!has_room (folder))
    {
      gst_sample_unref (sample);
      serve_request_fail (request, SOUP_STATUS_CONFLICT, "there are %d examples of \"%s\" already",
                          MOST_EXAMPLES, label);
    }
  else
    wait_for_picture (request, sample, label, folder);
}

const ServeRoute serve_example_routes[] = {
  { "POST", "/api/streams/{}/examples", add_example },
  { NULL },
};
