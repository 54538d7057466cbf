/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include "media.h"
#include "picture.h"

#include <gio/gio.h>

ToolSource *
tool_source_open (const char *source, GError **error)
{
#ifdef HAVE_GDK_PIXBUF
  {
    GError *problem = NULL;
    ToolSource *picture = tool_picture_open (source, &problem);

    if (problem)
      g_propagate_error (error, problem);
    if (picture || problem)
      return picture;
  }
#endif
#ifdef HAVE_GSTREAMER
  return tool_media_open (source, 0, error);
#else
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "this effvk was built without GStreamer and reads no videos; --raw reads raw frames");
  return NULL;
#endif
}
