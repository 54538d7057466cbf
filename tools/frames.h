/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>

/* One frame of a source. The image belongs to the source and holds until its next frame. */
typedef struct
{
  EffvkImage *image;
  guint64 number;     /* from 0 */
  gint64 pts;         /* ns from the beginning, or -1: an image has none */
  const char *damage; /* what is wrong with it, so that it may not look as it should; else NULL */
  gpointer sample;    /* the GstSample that it is in, where GStreamer decoded it; else NULL */
  gboolean newly_damaged; /* something was wrong here, and not only before */
} ToolFrame;

/* Frames, one after the other: a file, a stream, an image. */
typedef struct _ToolSource ToolSource;

struct _ToolSource
{
  /* Reads the next frame; FALSE at the end, and with @error set on failure: G_IO_ERROR_CANCELLED
   * when the command is to end. */
  gboolean (*next) (ToolSource *source, ToolFrame *frame, GError **error);
  /* How long all frames take, ns, or -1 where that is not known (yet). */
  gint64 (*get_duration) (ToolSource *source);
  void (*free) (ToolSource *source);
};

static inline void
tool_source_free (ToolSource *source)
{
  source->free (source);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolSource, tool_source_free)
