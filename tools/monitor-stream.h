/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "media.h"

/* A stream that is opened again when it breaks off, with longer and longer pauses. Files are
   not. */
typedef struct _ToolStream ToolStream;

typedef enum
{
  TOOL_STREAM_FRAME,   /* here is one */
  TOOL_STREAM_STALLED, /* none has come for too long */
  TOOL_STREAM_LOST,    /* the stream broke off, and is opened again by the next call */
  TOOL_STREAM_ENDED,   /* as it had to, or as the user wished */
  TOOL_STREAM_FAILED,  /* for good: @error is set */
} ToolStreamEvent;

/* No frame for @timeout s is too long (0: never). @retry: how often to try to open it again before
 * that is a failure; -1: for ever. NULL with @error set where there is nothing to open. */
ToolStream *tool_stream_new (const char *location, double timeout, gint retry, GError **error);
void tool_stream_free (ToolStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolStream, tool_stream_free)

/* Called several times a second while tool_stream_next() waits. */
void tool_stream_set_idle (ToolStream *stream, ToolMediaIdle idle, gpointer user_data);

/* Waits for what happens next. The first connection is tried once, and the failure is explained. */
ToolStreamEvent tool_stream_next (ToolStream *stream, ToolFrame *frame, GError **error);

/* Why it broke off the last time. */
const char *tool_stream_get_reason (ToolStream *stream);
