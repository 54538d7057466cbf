/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/json-time.h"

void
serve_json_time (GstEffvkJson *json, const char *name, gint64 time)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) date = seconds ? g_date_time_add (seconds, time % G_USEC_PER_SEC) : NULL;
  g_autofree char *text = date && time ? g_date_time_format_iso8601 (date) : NULL;

  gst_effvk_json_string (json, name, text);
}
