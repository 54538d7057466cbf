/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/embeddings.h"

#include "model/file.h"
#include "model/json.h"
#include "model/output.h"
#include "model/safetensors.h"

#include <string.h>

#define MAX_LABELS 1000
#define MAX_VIEWS 1000

/* What each item is: an array of objects. @views: with how many rows it has. */
static char *
describe_items (EffvkEmbeddings *embeddings, gboolean views)
{
  GString *out = g_string_new ("[");

  for (guint i = 0; i < embeddings->items->len; i++)
    {
      const EffvkEmbeddingsItem *item = effvk_embeddings_item (embeddings, i);

      g_string_append (out, i ? ",\n{\"source\":" : "\n{\"source\":");
      effvk_json_append_string (out, item->source);
      if (item->time >= 0)
        g_string_append_printf (out, ",\"time\":%" G_GINT64_FORMAT ",\"labels\":[", item->time);
      else
        g_string_append (out, ",\"time\":null,\"labels\":[");
      for (guint l = 0; item->labels[l]; l++)
        {
          if (l)
            g_string_append_c (out, ',');
          effvk_json_append_string (out, item->labels[l]);
        }
      g_string_append_c (out, ']');
      if (views)
        g_string_append_printf (out, ",\"views\":%u", item->n_views);
      g_string_append_c (out, '}');
    }
  g_string_append (out, "\n]\n");
  return g_string_free (out, FALSE);
}

static gboolean
write_row (EffvkEmbeddings *embeddings, guint row, EffvkOutput *output, GError **error)
{
  const float *values = effvk_embeddings_row (embeddings, row);
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  return effvk_output_write (output, values, embeddings->size * sizeof *values, error);
#else
  g_autofree guint32 *words = g_memdup2 (values, embeddings->size * sizeof *values);

  for (guint i = 0; i < embeddings->size; i++)
    words[i] = GUINT32_TO_LE (words[i]);
  return effvk_output_write (output, words, embeddings->size * sizeof *words, error);
#endif
}

/* @all: every view, else each item's first. */
static gboolean
write_rows (EffvkEmbeddings *embeddings, gboolean all, EffvkOutput *output, GError **error)
{
  for (guint i = 0; i < embeddings->items->len; i++)
    {
      const EffvkEmbeddingsItem *item = effvk_embeddings_item (embeddings, i);

      for (guint view = 0; view < (all ? item->n_views : 1); view++)
        if (!write_row (embeddings, item->first + view, output, error))
          return FALSE;
    }
  return TRUE;
}

/* NumPy's format, version 1.0: a header that is a multiple of 64 bytes long. */
static char *
make_npy_header (EffvkEmbeddings *embeddings, gsize *length)
{
  g_autofree char *text
      = g_strdup_printf ("{'descr': '<f4', 'fortran_order': False, 'shape': (%u, %u), }",
                         embeddings->items->len, embeddings->size);
  gsize described;
  char *header;

  *length = (10 + strlen (text) + 1 + 63) / 64 * 64;
  described = *length - 10;
  header = g_malloc (*length);
  memset (header, ' ', *length);
  memcpy (header, "\x93NUMPY\x01", 7);
  header[7] = 0;
  header[8] = (char) (described & 0xff);
  header[9] = (char) (described >> 8);
  memcpy (header + 10, text, strlen (text));
  header[*length - 1] = '\n';
  return header;
}

static gboolean
save_npy (EffvkEmbeddings *embeddings, const char *path, GError **error)
{
  g_autofree char *beside = g_strconcat (path, ".json", NULL);
  g_autofree char *items = describe_items (embeddings, FALSE);
  EffvkOutput array, list;
  g_autofree char *header = NULL;
  gsize length;

  if (!effvk_output_open (&array, path, error))
    return FALSE;
  if (!effvk_output_open (&list, beside, error))
    {
      effvk_output_abandon (&array);
      return FALSE;
    }
  header = make_npy_header (embeddings, &length);
  if (!effvk_output_write (&array, header, length, error)
      || !write_rows (embeddings, FALSE, &array, error)
      || !effvk_output_write (&list, items, strlen (items), error))
    {
      effvk_output_abandon (&array);
      effvk_output_abandon (&list);
      return FALSE;
    }
  if (!effvk_output_finish (&list, error))
    {
      effvk_output_abandon (&array);
      return FALSE;
    }
  return effvk_output_finish (&array, error);
}

static gboolean
save_safetensors (EffvkEmbeddings *embeddings, const char *path, GError **error)
{
  g_autofree char *items = describe_items (embeddings, TRUE);
  g_autofree char *about = g_strdup_printf ("{\"backbone\":\"%s\"}", embeddings->backbone);
  guint64 shape[2] = { embeddings->rows->len / embeddings->size, embeddings->size }, size;
  g_autoptr (GBytes) header = NULL;
  EffvkSafetensorsWriter writer;
  EffvkOutput output;

  effvk_safetensors_writer_init (&writer, about);
  effvk_safetensors_writer_add (&writer, "embeddings", shape, 2);
  effvk_safetensors_writer_add_bytes (&writer, "items", strlen (items));
  header = effvk_safetensors_writer_finish (&writer, &size);
  if (!effvk_output_open (&output, path, error))
    return FALSE;
  if (!effvk_output_write (&output, g_bytes_get_data (header, NULL), g_bytes_get_size (header),
                           error)
      || !write_rows (embeddings, TRUE, &output, error)
      || !effvk_output_write (&output, items, strlen (items), error))
    {
      effvk_output_abandon (&output);
      return FALSE;
    }
  return effvk_output_finish (&output, error);
}

gboolean
effvk_embeddings_save (EffvkEmbeddings *embeddings, const char *path, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && path, FALSE);

  return g_str_has_suffix (path, ".npy") ? save_npy (embeddings, path, error)
                                         : save_safetensors (embeddings, path, error);
}

/* Reading: what the file says is not to be trusted. */
typedef struct
{
  EffvkJson json;
  EffvkEmbeddings *embeddings;
  guint64 rows; /* of the file */
  GError **error;
} Reader;

static gboolean G_GNUC_PRINTF (2, 3) refuse (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, "not embeddings of effvk's: %s",
               text);
  return FALSE;
}

static gboolean
unexpected (Reader *r, const char *expected, EffvkJsonToken found)
{
  return refuse (r->error, "\"items\": expected %s, found %s at byte %" G_GSIZE_FORMAT, expected,
                 found == EFFVK_JSON_ERROR ? r->json.problem : effvk_json_token_name (found),
                 r->json.offset);
}

/* A string without control characters but those of file names. Transfer full. */
static char *
read_text (Reader *r, const char *expected, EffvkJsonToken token)
{
  char *text = token == EFFVK_JSON_STRING ? effvk_json_dup_string (&r->json) : NULL;

  if (!text)
    unexpected (r, expected, token);
  return text;
}

static gboolean
read_labels (Reader *r, EffvkJsonToken token, GPtrArray *labels)
{
  if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, "an array of labels", token);
  while ((token = effvk_json_next (&r->json)) != EFFVK_JSON_ARRAY_END)
    {
      char *label = read_text (r, "a label", token);

      if (!label)
        return FALSE;
      g_ptr_array_add (labels, label);
      if (labels->len > MAX_LABELS)
        return refuse (r->error, "an item has more than %d labels", MAX_LABELS);
    }
  return TRUE;
}

static gboolean
read_number (Reader *r, EffvkJsonToken token, guint64 max, guint64 *value)
{
  return (token == EFFVK_JSON_NUMBER && effvk_json_get_uint (&r->json, value) && *value <= max)
         || unexpected (r, "a whole number", token);
}

/* After its opening brace. */
static gboolean
read_item (Reader *r, EffvkEmbeddingsItem *item)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);
  guint64 time = 0, views = 1;
  EffvkJsonToken token;

  item->time = -1;
  while ((token = effvk_json_next (&r->json)) == EFFVK_JSON_KEY)
    {
      gboolean source = effvk_json_is (&r->json, "source") && !item->source;
      gboolean of_time = effvk_json_is (&r->json, "time");
      gboolean of_labels = effvk_json_is (&r->json, "labels") && labels->len == 0;
      gboolean of_views = effvk_json_is (&r->json, "views");

      token = effvk_json_next (&r->json);
      if (source && !(item->source = read_text (r, "the name of a source", token)))
        return FALSE;
      if (of_time && token != EFFVK_JSON_NULL)
        {
          if (!read_number (r, token, G_MAXINT64, &time))
            return FALSE;
          item->time = (gint64) time;
        }
      if (of_labels && !read_labels (r, token, labels))
        return FALSE;
      if (of_views && !read_number (r, token, MAX_VIEWS, &views))
        return FALSE;
      if (!source && !of_time && !of_labels && !of_views)
        return unexpected (r, "source, time, labels or views", token);
    }
  if (token != EFFVK_JSON_OBJECT_END || !item->source)
    return unexpected (r, "an item with a source", token);
  g_ptr_array_add (labels, NULL);
  item->labels = (GStrv) g_ptr_array_free (g_steal_pointer (&labels), FALSE);
  item->n_views = (guint) views;
  return views > 0 || refuse (r->error, "\"items\": an item has no view");
}

static gboolean
read_items (Reader *r)
{
  EffvkJsonToken token = effvk_json_next (&r->json);
  guint64 row = 0;

  if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, "an array", token);
  while ((token = effvk_json_next (&r->json)) != EFFVK_JSON_ARRAY_END)
    {
      EffvkEmbeddingsItem item = { .first = (guint) row };
      gboolean read
          = token == EFFVK_JSON_OBJECT ? read_item (r, &item) : unexpected (r, "an object", token);

      if (!read || (row += item.n_views) > r->rows)
        {
          g_free (item.source);
          g_strfreev (item.labels);
          return read ? refuse (r->error, "its items have more views than its tensor has rows")
                      : FALSE;
        }
      g_array_append_val (r->embeddings->items, item);
    }
  token = effvk_json_next (&r->json);
  if (token != EFFVK_JSON_END)
    return unexpected (r, "nothing more", token);
  return row == r->rows
         || refuse (r->error,
                    "its items have %" G_GUINT64_FORMAT " views, its tensor %" G_GUINT64_FORMAT
                    " rows",
                    row, r->rows);
}

/* The digest of the network: 64 hexadecimal digits. */
static char *
read_backbone (const char *about, GError **error)
{
  EffvkJson json;
  g_autofree char *backbone = NULL;

  effvk_json_init (&json, about ? about : "", about ? strlen (about) : 0);
  if (effvk_json_next (&json) == EFFVK_JSON_OBJECT && effvk_json_next (&json) == EFFVK_JSON_KEY
      && effvk_json_is (&json, "backbone") && effvk_json_next (&json) == EFFVK_JSON_STRING)
    backbone = effvk_json_dup_string (&json);
  if (backbone && strlen (backbone) == 64 && strspn (backbone, "0123456789abcdef") == 64)
    return g_steal_pointer (&backbone);
  refuse (error, "its header does not say which network made them");
  return NULL;
}

static gboolean
read_rows (EffvkEmbeddings *embeddings, const EffvkSafetensors *file, const EffvkSafetensor *tensor,
           GError **error)
{
  g_array_set_size (embeddings->rows, (guint) tensor->n);
  effvk_safetensor_read (file, tensor, 0, tensor->n, (float *) embeddings->rows->data);
  for (guint i = 0; i < embeddings->rows->len; i++)
    {
      guint32 bits;

      memcpy (&bits, &g_array_index (embeddings->rows, float, i), sizeof bits);
      if ((bits & 0x7f800000) == 0x7f800000)
        return refuse (error, "number %u is not finite", i);
    }
  return TRUE;
}

static EffvkEmbeddings *
read_file (EffvkSafetensors *file, GError **error)
{
  const EffvkSafetensor *rows = effvk_safetensors_lookup (file, "embeddings");
  const EffvkSafetensor *items = effvk_safetensors_lookup (file, "items");
  g_autoptr (EffvkEmbeddings) embeddings = NULL;
  g_autofree char *backbone = NULL;
  Reader reader = { .error = error };

  if (!rows || !items || rows->rank != 2 || !effvk_safetensor_is_float (rows)
      || items->end - items->begin != items->n || rows->n > G_MAXUINT32 || rows->shape[1] < 1)
    {
      refuse (error, "expected a float tensor \"embeddings\" and a byte tensor \"items\"");
      return NULL;
    }
  backbone = read_backbone (file->recipe, error);
  if (!backbone || !effvk_safetensors_read_data (file, error))
    return NULL;
  embeddings = effvk_embeddings_new_sized (backbone, (guint) rows->shape[1]);
  reader.embeddings = embeddings;
  reader.rows = rows->shape[0];
  effvk_json_init (&reader.json, (const char *) file->data + items->begin, items->n);
  if (!read_items (&reader) || !read_rows (embeddings, file, rows, error))
    return NULL;
  return g_steal_pointer (&embeddings);
}

EffvkEmbeddings *
effvk_embeddings_new_from_file (const char *path, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkSafetensors file = { 0 };
  EffvkEmbeddings *embeddings = NULL;
  guint64 size;
  int fd;

  fd = effvk_file_open (path, EFFVK_SAFETENSORS_MAX_FILE, &size, EFFVK_MODEL_ERROR_READ, error);
  if (fd >= 0 && effvk_safetensors_init_header (&file, fd, size, error))
    embeddings = read_file (&file, error);
  effvk_safetensors_clear (&file);
  if (!embeddings)
    g_prefix_error (error, "%s: ", path);
  return embeddings;
}
