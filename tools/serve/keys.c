/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/keys.h"

#include "file-name.h"

#include <math.h>
#include <string.h>

#define TEXT(object, key) G_STRUCT_MEMBER (char *, object, (key)->offset)
#define NUMBER(object, key) G_STRUCT_MEMBER (double, object, (key)->offset)
#define SWITCH(object, key) G_STRUCT_MEMBER (gboolean, object, (key)->offset)

void
serve_keys_init (const ServeKey *keys, gpointer object)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (key->kind == SERVE_KEY_NUMBER)
      NUMBER (object, key) = key->preset;
    else if (key->kind == SERVE_KEY_SWITCH)
      SWITCH (object, key) = key->preset != 0;
}

void
serve_keys_clear (const ServeKey *keys, gpointer object)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (key->kind == SERVE_KEY_TEXT)
      g_clear_pointer (&TEXT (object, key), g_free);
}

void
serve_keys_copy (const ServeKey *keys, gconstpointer from, gpointer to)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (key->kind == SERVE_KEY_TEXT)
      {
        g_free (TEXT (to, key));
        TEXT (to, key) = g_strdup (TEXT (from, key));
      }
    else if (key->kind == SERVE_KEY_NUMBER)
      NUMBER (to, key) = NUMBER (from, key);
    else
      SWITCH (to, key) = SWITCH (from, key);
}

void
serve_keys_override (const ServeKey *keys, gconstpointer from, gpointer to)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (key->kind == SERVE_KEY_TEXT && TEXT (from, key))
      {
        g_free (TEXT (to, key));
        TEXT (to, key) = g_strdup (TEXT (from, key));
      }
}

const ServeKey *
serve_keys_find (const ServeKey *keys, const char *name)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (strcmp (key->name, name) == 0)
      return key;
  return NULL;
}

char *
serve_keys_list (const ServeKey *keys)
{
  GString *list = g_string_new (NULL);

  for (const ServeKey *key = keys; key->name; key++)
    g_string_append_printf (list, "%s%s", list->len ? ", " : "", key->name);
  return g_string_free (list, FALSE);
}

static gboolean
set_number (const ServeKey *key, gpointer object, const char *text, GError **error)
{
  char *end = NULL;
  double value = *text ? g_ascii_strtod (text, &end) : key->preset;

  if ((!*text || (end != text && !*end)) && isfinite (value) && value >= key->min
      && value <= key->max)
    {
      NUMBER (object, key) = value;
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "%s takes a number from %g to %g, not \"%s\"", key->name, key->min, key->max, text);
  return FALSE;
}

static gboolean
set_switch (const ServeKey *key, gpointer object, const char *text, GError **error)
{
  if (!*text)
    SWITCH (object, key) = key->preset != 0;
  else if (strcmp (text, "true") == 0 || strcmp (text, "false") == 0)
    SWITCH (object, key) = *text == 't';
  else
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "%s takes true or false, not \"%s\"", key->name, text);
      return FALSE;
    }
  return TRUE;
}

gboolean
serve_keys_set (const ServeKey *key, gpointer object, const char *text, GError **error)
{
  if (key->kind == SERVE_KEY_NUMBER)
    return set_number (key, object, text, error);
  if (key->kind == SERVE_KEY_SWITCH)
    return set_switch (key, object, text, error);
  for (const char *p = text; *p; p++)
    if (g_ascii_iscntrl (*p))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "%s has a control character in it", key->name);
        return FALSE;
      }
  g_free (TEXT (object, key));
  TEXT (object, key) = *text ? g_strdup (text) : NULL;
  return TRUE;
}

char *
serve_keys_get (const ServeKey *key, gconstpointer object)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (key->kind == SERVE_KEY_TEXT)
    return g_strdup (TEXT (object, key));
  if (key->kind == SERVE_KEY_SWITCH)
    return SWITCH (object, key) == (key->preset != 0)
               ? NULL
               : g_strdup (SWITCH (object, key) ? "true" : "false");
  if (NUMBER (object, key) == key->preset)
    return NULL;
  return g_strdup (g_ascii_formatd (digits, sizeof digits, "%.9g", NUMBER (object, key)));
}

gboolean
serve_keys_differ (const ServeKey *keys, gconstpointer a, gconstpointer b, gboolean live)
{
  for (const ServeKey *key = keys; key->name; key++)
    {
      g_autofree char *first = serve_keys_get (key, a), *second = serve_keys_get (key, b);

      if (((key->flags & SERVE_KEY_LIVE) != 0) == (live != FALSE) && g_strcmp0 (first, second) != 0)
        return TRUE;
    }
  return FALSE;
}

void
serve_keys_write (const ServeKey *keys, gconstpointer object, GstEffvkJson *json)
{
  for (const ServeKey *key = keys; key->name; key++)
    if (key->kind == SERVE_KEY_NUMBER)
      gst_effvk_json_double (json, key->name, "%.9g", NUMBER (object, key));
    else if (key->kind == SERVE_KEY_SWITCH)
      gst_effvk_json_boolean (json, key->name, SWITCH (object, key));
    else if (key->flags & SERVE_KEY_URI && TEXT (object, key))
      {
        g_autofree char *shown = tool_file_shown (TEXT (object, key));

        gst_effvk_json_string (json, key->name, shown);
      }
    else
      gst_effvk_json_string (json, key->name, TEXT (object, key));
}
