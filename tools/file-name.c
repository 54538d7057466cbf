/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-name.h"

#include <gio/gio.h>

char *
tool_file_uri (const char *file)
{
  g_autoptr (GFile) found = NULL;

  if (g_utf8_validate (file, -1, NULL))
    return NULL;
  found = g_file_new_for_path (file);
  return g_file_get_uri (found);
}

void
tool_json_file (GstEffvkJson *json, const char *name, const char *file)
{
  g_autofree char *uri = tool_file_uri (file);
  g_autofree char *uri_name = g_strconcat (name, "_uri", NULL);

  gst_effvk_json_string (json, name, file);
  if (uri)
    gst_effvk_json_string (json, uri_name, uri);
}

char *
tool_file_shown (const char *name)
{
  g_autoptr (GUri) uri
      = g_uri_parse (name, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_PARSE_RELAXED, NULL);

  if (!uri || !g_uri_get_password (uri))
    return g_filename_display_name (name);
  return g_uri_to_string_partial (uri, G_URI_HIDE_PASSWORD);
}
