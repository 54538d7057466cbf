/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures of streams: as they are now, and moving. */
#include "serve/live.h"
#include "serve/snapshot.h"

#include <string.h>

#define FRAME_EVERY 200 /* ms, of moving pictures */
#define BOUNDARY "effvk-frame"
#define FRAME_AGE 500 /* ms: for so long a picture is shown again */

/* A request that waits for its picture. */
typedef struct
{
  SoupServerMessage *message;
  ServeRequest request;
  char *key;
} Waiting;

typedef struct
{
  GBytes *jpeg;
  gint64 made; /* us */
} Picture;

static GHashTable *pictures; /* "stream width overlay" → Picture */

static void
free_picture (gpointer data)
{
  g_bytes_unref (((Picture *) data)->jpeg);
  g_free (data);
}

static gboolean
is_old (gpointer key G_GNUC_UNUSED, gpointer picture, gpointer now)
{
  return *(gint64 *) now - ((Picture *) picture)->made > FRAME_AGE * 1000;
}

static void
remember (const char *key, GBytes *jpeg)
{
  Picture *picture = g_new (Picture, 1);
  gint64 now = g_get_monotonic_time ();

  picture->jpeg = g_bytes_ref (jpeg);
  picture->made = now;
  g_hash_table_foreach_remove (pictures, is_old, &now);
  g_hash_table_replace (pictures, g_strdup (key), picture);
}

static void
on_picture (GBytes *jpeg, const GError *error, gpointer data)
{
  Waiting *waiting = data;

  if (jpeg)
    {
      remember (waiting->key, jpeg);
      serve_request_reply (&waiting->request, SOUP_STATUS_OK, "image/jpeg", jpeg);
    }
  else
    serve_request_fail (&waiting->request, SOUP_STATUS_INTERNAL_SERVER_ERROR, "%s", error->message);
  soup_server_message_unpause (waiting->message);
  g_object_unref (waiting->message);
  g_free (waiting->key);
  g_free (waiting);
}

static void
wait_for_picture (ServeRequest *request, GstSample *sample, guint width, gboolean overlay,
                  const char *key)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->message = g_object_ref (request->message);
  waiting->request = *request;
  waiting->request.name = NULL;
  waiting->request.query = NULL;
  waiting->key = g_strdup (key);
  if (serve_snapshot_make (sample, width, overlay, on_picture, waiting))
    {
      soup_server_message_pause (request->message);
      return;
    }
  serve_request_fail (request, SOUP_STATUS_SERVICE_UNAVAILABLE,
                      "too many pictures are asked for at once");
  g_object_unref (waiting->message);
  g_free (waiting->key);
  g_free (waiting);
}

static void
stream_snapshot (ServeRequest *request)
{
  ServeStream *stream = serve_request_get_stream (request);
  gboolean overlay = serve_request_has_flag (request, "overlay");
  GstSample *sample;
  gint64 width = 0, now = g_get_monotonic_time ();
  g_autofree char *key = NULL;
  const Picture *picture;

  if (!stream || !serve_request_get_number (request, "width", 16, SERVE_SNAPSHOT_WIDEST, &width))
    return;
  if (!pictures)
    pictures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_picture);
  key = g_strdup_printf ("%s %u %d", request->name, (guint) width, overlay);
  picture = g_hash_table_lookup (pictures, key);
  if (picture && !is_old (NULL, (gpointer) picture, &now))
    {
      serve_request_reply (request, SOUP_STATUS_OK, "image/jpeg", picture->jpeg);
      return;
    }
  sample = serve_stream_get_sample (stream);
  if (sample)
    wait_for_picture (request, sample, (guint) width, overlay, key);
  else
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "\"%s\" has no picture now", request->name);
}

/* Moving pictures: one JPEG after the other. The next is made when the client has the last. */
typedef struct
{
  ServeApp *app;
  ServeLive *live; /* NULL: the client has gone */
  char *stream;
  guint width, timer;
  gboolean overlay, making;
} Movie;

static void
free_movie (Movie *movie)
{
  g_free (movie->stream);
  g_free (movie);
}

static void
on_movie_gone (gpointer data)
{
  Movie *movie = data;

  movie->live = NULL;
  g_clear_handle_id (&movie->timer, g_source_remove);
  if (!movie->making)
    free_movie (movie);
}

static void
on_frame (GBytes *jpeg, const GError *error G_GNUC_UNUSED, gpointer data)
{
  Movie *movie = data;
  g_autoptr (GByteArray) part = g_byte_array_new ();
  g_autoptr (GBytes) piece = NULL;
  g_autofree char *head = NULL;

  movie->making = FALSE;
  if (!movie->live)
    {
      free_movie (movie);
      return;
    }
  if (!jpeg)
    return;
  head = g_strdup_printf ("--" BOUNDARY "\r\nContent-Type: image/jpeg\r\nContent-Length: "
                          "%" G_GSIZE_FORMAT "\r\n\r\n",
                          g_bytes_get_size (jpeg));
  g_byte_array_append (part, (const guint8 *) head, (guint) strlen (head));
  g_byte_array_append (part, g_bytes_get_data (jpeg, NULL), (guint) g_bytes_get_size (jpeg));
  g_byte_array_append (part, (const guint8 *) "\r\n", 2);
  piece = g_byte_array_free_to_bytes (g_steal_pointer (&part));
  serve_live_send (movie->live, piece);
}

static gboolean
on_movie_tick (gpointer data)
{
  Movie *movie = data;
  ServeStream *stream = g_hash_table_lookup (movie->app->streams, movie->stream);
  GstSample *sample;

  if (!stream)
    {
      movie->timer = 0;
      serve_live_cut_off (movie->live);
      return G_SOURCE_REMOVE;
    }
  if (movie->making || serve_live_get_backlog (movie->live) > 0)
    return G_SOURCE_CONTINUE;
  sample = serve_stream_get_sample (stream);
  movie->making
      = sample && serve_snapshot_make (sample, movie->width, movie->overlay, on_frame, movie);
  return G_SOURCE_CONTINUE;
}

static void
stream_movie (ServeRequest *request)
{
  ServeStream *stream = serve_request_get_stream (request);
  gint64 width = 0;
  Movie *movie;

  if (!stream || !serve_request_get_number (request, "width", 16, SERVE_SNAPSHOT_WIDEST, &width))
    return;
  movie = g_new0 (Movie, 1);
  movie->app = request->app;
  movie->stream = g_strdup (request->name);
  movie->width = (guint) width;
  movie->overlay = serve_request_has_flag (request, "overlay");
  movie->live = serve_live_begin (request, "multipart/x-mixed-replace; boundary=" BOUNDARY,
                                  on_movie_gone, movie);
  movie->timer = g_timeout_add (FRAME_EVERY, on_movie_tick, movie);
  on_movie_tick (movie);
}

const ServeRoute serve_picture_routes[] = {
  { "GET", "/api/streams/{}/snapshot.jpg", stream_snapshot },
  { "GET", "/api/streams/{}/live.mjpeg", stream_movie },
  { NULL },
};
