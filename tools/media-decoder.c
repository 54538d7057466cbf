/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-decoder.h"

#include <gio/gio.h>
#include <string.h>

gboolean
tool_media_is_remote (const char *location)
{
  g_autofree char *scheme = g_uri_parse_scheme (location);

  return g_str_has_prefix (location, "/dev/video")
         || (scheme && strcmp (scheme, "file") != 0 && !g_file_test (location, G_FILE_TEST_EXISTS));
}

gboolean
tool_media_is_connected (const char *location)
{
  g_autofree char *scheme = g_uri_parse_scheme (location);

  return tool_media_is_remote (location) && scheme && strcmp (scheme, "udp") != 0
         && strcmp (scheme, "rtp") != 0 && strcmp (scheme, "v4l2") != 0;
}

gboolean
tool_media_wants (GstCaps *caps)
{
  const char *type = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  return !g_str_has_prefix (type, "audio/") && !g_str_has_prefix (type, "text/")
         && !g_str_has_prefix (type, "subpicture/");
}

void
tool_media_tune (GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (factory && strcmp (GST_OBJECT_NAME (factory), "jpegdec") == 0)
    gst_util_set_object_arg (G_OBJECT (element), "idct-method", "islow");
  if (factory && strcmp (GST_OBJECT_NAME (factory), "multipartdemux") == 0)
    g_object_set (element, "single-stream", TRUE, NULL);
}

/* Looks at a local file first: what GStreamer says of it is less clear. */
char *
tool_media_make_uri (const char *location, GError **error)
{
  g_autoptr (GFile) file = NULL;
  g_autoptr (GFileInfo) info = NULL;
  g_autofree char *scheme = NULL;

  if (g_str_has_prefix (location, "/dev/video"))
    return g_strconcat ("v4l2://", location, NULL);
  if (!g_file_test (location, G_FILE_TEST_EXISTS) && gst_uri_is_valid (location))
    {
      scheme = gst_uri_get_protocol (location);
      if (strcmp (scheme, "file") != 0)
        return g_strdup (location);
    }
  file = scheme ? g_file_new_for_uri (location) : g_file_new_for_path (location);
  info = g_file_query_info (file,
                            G_FILE_ATTRIBUTE_STANDARD_TYPE "," G_FILE_ATTRIBUTE_ACCESS_CAN_READ,
                            G_FILE_QUERY_INFO_NONE, NULL, NULL);
  if (!info)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no such file");
  else if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY, "it is a folder, not a file");
  else if (!g_file_info_get_attribute_boolean (info, G_FILE_ATTRIBUTE_ACCESS_CAN_READ))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                         "reading it is not permitted");
  else
    return g_file_get_uri (file);
  return NULL;
}
