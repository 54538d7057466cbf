/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-stream.h"

#include "back-off.h"
#include "media-decoder.h"
#include "media-problem.h"
#include "stop.h"

#include <gst/gst.h>
#include <string.h>

#define TICK (G_USEC_PER_SEC / 5)

/* How often a new connection over which data come may be silent before it is another one's turn: a
 * decoder waits for the first whole picture. */
#define SILENCES 4

struct _ToolStream
{
  char *location;
  double timeout; /* s */
  gint retry;
  gboolean remote;    /* no file: it may come again */
  gboolean connected; /* to somebody: when nothing comes, a new connection may help */

  ToolSource *source;   /* NULL while there is none */
  gboolean fresh;       /* no frame has come from it */
  gint silences;        /* for so many timeouts */
  gboolean seen;        /* a frame has come, ever */
  gboolean lost;        /* and none has come since it broke off or stalled, which was told */
  gint attempts;        /* since then */
  ToolBackOff back_off; /* before the next */
  char *reason;

  ToolMediaIdle idle; /* or NULL */
  gpointer idle_data;
};

static gboolean
open_source (ToolStream *stream, GError **error)
{
  stream->source = tool_media_open (stream->location, stream->timeout, error);
  stream->fresh = TRUE;
  stream->silences = 0;
  if (stream->source)
    tool_media_set_idle (stream->source, stream->idle, stream->idle_data);
  return stream->source != NULL;
}

ToolStream *
tool_stream_new (const char *location, double timeout, gint retry, GError **error)
{
  g_autoptr (ToolStream) stream = g_new0 (ToolStream, 1);

  stream->location = g_strdup (location);
  stream->timeout = timeout;
  stream->retry = retry;
  tool_back_off_reset (&stream->back_off);
  stream->remote = tool_media_is_remote (location);
  stream->connected = tool_media_is_connected (location);
  return open_source (stream, error) ? g_steal_pointer (&stream) : NULL;
}

void
tool_stream_free (ToolStream *stream)
{
  g_clear_pointer (&stream->source, tool_source_free);
  g_free (stream->location);
  g_free (stream->reason);
  g_free (stream);
}

void
tool_stream_set_idle (ToolStream *stream, ToolMediaIdle idle, gpointer user_data)
{
  stream->idle = idle;
  stream->idle_data = user_data;
  if (stream->source)
    tool_media_set_idle (stream->source, idle, user_data);
}

const char *
tool_stream_get_reason (ToolStream *stream)
{
  return stream->reason;
}

/* Returns FALSE when the command is to end. */
static gboolean
wait_a_while (ToolStream *stream)
{
  gint64 end = g_get_monotonic_time () + tool_back_off_next (&stream->back_off), left;

  while ((left = end - g_get_monotonic_time ()) > 0)
    {
      if (!tool_stop_sleep (MIN (left, TICK)))
        return FALSE;
      if (stream->idle)
        stream->idle (stream->idle_data);
    }
  return !tool_stopped ();
}

/* The stream broke off, or an attempt to open it again failed. Returns whether there is something
   to tell. */
static gboolean
lose (ToolStream *stream, const char *reason)
{
  gboolean told = stream->lost;

  g_clear_pointer (&stream->source, tool_source_free);
  g_free (stream->reason);
  stream->reason = g_strdup (reason);
  stream->lost = TRUE;
  return !told;
}

static ToolStreamEvent
got_frame (ToolStream *stream)
{
  stream->seen = TRUE;
  stream->fresh = FALSE;
  stream->lost = FALSE;
  stream->attempts = 0;
  tool_back_off_reset (&stream->back_off);
  return TOOL_STREAM_FRAME;
}

static ToolStreamEvent
give_up (ToolStream *stream, GError **error)
{
  if (stream->retry == 0)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, stream->reason);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s (tried again %d time%s)", stream->reason,
                 stream->retry, stream->retry == 1 ? "" : "s");
  return TOOL_STREAM_FAILED;
}

/* Nothing has come for too long. */
static gboolean
on_silence (ToolStream *stream, ToolStreamEvent *event, GError **problem, GError **error)
{
  gboolean answered = tool_media_has_answered (stream->source);

  if (stream->connected && !stream->seen && !stream->lost && !answered)
    {
      tool_media_explain (stream->location, problem);
      g_propagate_error (error, g_steal_pointer (problem));
      *event = TOOL_STREAM_FAILED;
      return TRUE;
    }
  *event = TOOL_STREAM_STALLED;
  if (stream->lost && !answered)
    tool_media_explain (stream->location, problem);
  if (stream->connected && !(stream->fresh && answered && ++stream->silences < SILENCES))
    return lose (stream, (*problem)->message);
  if (stream->lost)
    return FALSE;
  stream->lost = TRUE;
  return TRUE;
}

/* The source has no frame. Returns whether @event is to be told. */
static gboolean
on_no_frame (ToolStream *stream, ToolStreamEvent *event, GError **problem, GError **error)
{
  *event = TOOL_STREAM_ENDED;
  if (g_error_matches (*problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TRUE;
  if (g_error_matches (*problem, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return on_silence (stream, event, problem, error);
  if (!*problem && (!stream->remote || tool_media_is_finite (stream->source)))
    return TRUE;
  if (*problem && (!stream->remote || (!stream->seen && !stream->lost)))
    {
      tool_media_explain (stream->location, problem);
      g_propagate_error (error, g_steal_pointer (problem));
      *event = TOOL_STREAM_FAILED;
      return TRUE;
    }
  *event = TOOL_STREAM_LOST;
  if (*problem && stream->lost) /* another attempt that failed: nobody waits for the answer */
    tool_media_explain (stream->location, problem);
  return lose (stream, *problem ? (*problem)->message : "the stream ended");
}

ToolStreamEvent
tool_stream_next (ToolStream *stream, ToolFrame *frame, GError **error)
{
  ToolStreamEvent event = TOOL_STREAM_ENDED;

  for (;;)
    {
      g_autoptr (GError) problem = NULL;

      if (!stream->source)
        {
          if (stream->retry >= 0 && stream->attempts >= stream->retry)
            return give_up (stream, error);
          stream->attempts++;
          if (!wait_a_while (stream))
            return TOOL_STREAM_ENDED;
          if (!open_source (stream, &problem))
            {
              lose (stream, problem->message);
              continue;
            }
        }
      if (stream->source->next (stream->source, frame, &problem))
        return got_frame (stream);
      if (on_no_frame (stream, &event, &problem, error))
        return event;
    }
}
