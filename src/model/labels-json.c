/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/labels.h"

#include <effvk/effvk-model.h>

#define refuse(r, ...) (g_set_error ((r)->error, EFFVK_MODEL_ERROR, (r)->code, __VA_ARGS__), FALSE)

typedef struct
{
  EffvkJson *json;
  const char *where;
  int code;
  GError **error;
  guint classes;
  char **labels;
  guint64 n;       /* found so far; counted beyond the classes, but not kept */
  guint64 outside; /* a class that the model has not; 0: none */
} Reader;

static gboolean
unexpected (Reader *r, const char *expected, EffvkJsonToken found)
{
  if (found == EFFVK_JSON_ERROR)
    return refuse (r, "%snot valid JSON: %s at byte %" G_GSIZE_FORMAT, r->where, r->json->problem,
                   r->json->offset);
  return refuse (r, "%slabel %" G_GUINT64_FORMAT ": expected %s, found %s", r->where, r->n,
                 expected, effvk_json_token_name (found));
}

/* Takes @label. */
static gboolean
set_label (Reader *r, guint64 index, char *label)
{
  gboolean ok = TRUE;

  if (!label || !effvk_text_is_plain (label))
    ok = refuse (r, "%slabel %" G_GUINT64_FORMAT ": expected plain text, found control characters",
                 r->where, index);
  else if (index < r->classes && r->labels[index])
    ok = refuse (r, "%sclass %" G_GUINT64_FORMAT ": expected one label, found \"%s\" and \"%s\"",
                 r->where, index, r->labels[index], label);
  if (ok && index < r->classes)
    r->labels[index] = g_steal_pointer (&label);
  else if (ok)
    r->outside = index;
  r->n++;
  g_free (label);
  return ok;
}

static gboolean
read_list (Reader *r)
{
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (r->json);

      if (token == EFFVK_JSON_ARRAY_END)
        return TRUE;
      if (token != EFFVK_JSON_STRING)
        return unexpected (r, "a string", token);
      if (!set_label (r, r->n, effvk_json_dup_string (r->json)))
        return FALSE;
    }
}

/* The last of an array of strings, as Keras has them after the WordNet identifier. */
static gboolean
read_last (Reader *r, char **label)
{
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (r->json);

      if (token == EFFVK_JSON_ARRAY_END)
        return TRUE;
      if (token != EFFVK_JSON_STRING)
        return unexpected (r, "a string", token);
      g_free (*label);
      *label = effvk_json_dup_string (r->json);
    }
}

/* {"0": "tench"}, {"0": ["n01440764", "tench"]} or {"tench": 0}; the key was read. */
static gboolean
read_pair (Reader *r)
{
  g_autofree char *key = effvk_json_dup_string (r->json);
  g_autofree char *label = NULL;
  EffvkJsonToken token = effvk_json_next (r->json);
  guint64 index;

  if (token == EFFVK_JSON_NUMBER)
    {
      if (!effvk_json_get_uint (r->json, &index))
        {
          g_autofree char *found = effvk_json_excerpt (r->json);
          return refuse (r, "%slabel %" G_GUINT64_FORMAT ": expected a class, found %s", r->where,
                         r->n, found);
        }
      return set_label (r, index, g_steal_pointer (&key));
    }
  if (token == EFFVK_JSON_STRING)
    label = effvk_json_dup_string (r->json);
  else if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, "a string or a class", token);
  else if (!read_last (r, &label))
    return FALSE;
  if (!key || !g_ascii_string_to_unsigned (key, 10, 0, G_MAXUINT32, &index, NULL))
    return refuse (r, "%slabel %" G_GUINT64_FORMAT ": expected the class's number before its name",
                   r->where, r->n);
  return set_label (r, index, g_steal_pointer (&label));
}

static gboolean
read_map (Reader *r)
{
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (r->json);

      if (token == EFFVK_JSON_OBJECT_END)
        return TRUE;
      if (token != EFFVK_JSON_KEY)
        return unexpected (r, "a key", token);
      if (!read_pair (r))
        return FALSE;
    }
}

static gboolean
check_number (Reader *r)
{
  if (r->n != r->classes)
    return refuse (
        r, "%sexpected %u labels, one for each class of the model, found %" G_GUINT64_FORMAT,
        r->where, r->classes, r->n);
  if (r->outside)
    return refuse (r, "%sexpected classes from 0 to %u, found %" G_GUINT64_FORMAT, r->where,
                   r->classes - 1, r->outside);
  return TRUE;
}

char **
effvk_labels_read_json (EffvkJson *json, EffvkJsonToken first, guint classes, const char *where,
                        int code, GError **error)
{
  Reader reader = { .json = json,
                    .where = where,
                    .code = code,
                    .error = error,
                    .classes = classes,
                    .labels = g_new0 (char *, (gsize) classes + 1) };
  gboolean ok;

  if (first == EFFVK_JSON_ARRAY)
    ok = read_list (&reader);
  else if (first == EFFVK_JSON_OBJECT)
    ok = read_map (&reader);
  else
    ok = unexpected (&reader, "a list or a map", first);
  if (ok && check_number (&reader))
    return reader.labels;
  for (guint i = 0; i < classes; i++) /* a map may leave holes */
    g_free (reader.labels[i]);
  g_free (reader.labels);
  return NULL;
}
