/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* What every pipeline that decodes a file or a stream has in common. */

/* The URI of a file's name, a URI or a device. NULL with @error: a file that is not there or cannot
 * be read. Transfer full. */
char *tool_media_make_uri (const char *location, GError **error);

/* Whether the location is no file: its stream may break off and come again. */
gboolean tool_media_is_remote (const char *location);

/* Whether it is a connection to somebody: when nothing comes, a new one may help. */
gboolean tool_media_is_connected (const char *location);

/* Whether a stream of this type is to be decoded: sound, text and subtitles are not. */
gboolean tool_media_wants (GstCaps *caps);

/* For each element that a decoder adds. jpegdec's default is a fast transform that makes every
 * pixel a little darker. A camera's pictures over HTTP are one stream: multipartdemux, which waits
 * for more, would hold them back for seconds. */
void tool_media_tune (GstElement *element);
