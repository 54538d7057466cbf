/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/onnx-private.h"

#include "model/file.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#define MAX_BYTES ((guint64) 4 << 30)
#define EXTERNAL 1

static EffvkElement
element_of (gint32 type)
{
  switch (type)
    {
    case 1:
      return EFFVK_ELEMENT_F32;
    case 2:
      return EFFVK_ELEMENT_U8;
    case 3:
      return EFFVK_ELEMENT_I8;
    case 6:
      return EFFVK_ELEMENT_I32;
    case 7:
      return EFFVK_ELEMENT_I64;
    case 10:
      return EFFVK_ELEMENT_F16;
    default:
      return EFFVK_ELEMENT_OTHER;
    }
}

static gboolean
invalid (const EffvkConstant *constant, GError **error, const char *expected)
{
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, "tensor \"%s\": expected %s",
               constant->name, expected);
  return FALSE;
}

/* A name that cannot lead out of the model's folder. */
static gboolean
is_plain_name (const char *name)
{
  return *name && *name != '.' && strlen (name) <= 255 && !strpbrk (name, "/\\")
         && g_utf8_validate (name, -1, NULL);
}

/* The bytes are there, and constants do not take more of the file than it has: weights that share
 * their bytes would need memory without end. */
static gboolean
claim_external (EffvkGraph *graph, EffvkConstant *constant, guint64 bytes, GError **error)
{
  g_autofree char *path = g_build_filename (graph->folder, constant->location, NULL);
  guint64 size, *claimed = g_hash_table_lookup (graph->claimed, constant->location);
  int fd = effvk_file_open_named (path, MAX_BYTES, &size, EFFVK_MODEL_ERROR_READ, error);

  if (fd < 0)
    {
      g_prefix_error (error, "tensor \"%s\", in \"%s\": ", constant->name, constant->location);
      return FALSE;
    }
  close (fd);
  if (!claimed)
    {
      claimed = g_new0 (guint64, 1);
      g_hash_table_insert (graph->claimed, g_strdup (constant->location), claimed);
    }
  if (constant->offset > size || bytes > size - constant->offset || bytes > size - *claimed)
    return invalid (constant, error, "its data inside the file that it names, its own");
  *claimed += bytes;
  graph->size += bytes;
  return TRUE;
}

static gboolean
read_external (EffvkGraph *graph, EffvkConstant *constant, const OnnxTensor *tensor, GError **error)
{
  guint64 bytes = constant->n * effvk_element_size (constant->element), length = bytes;
  const char *location = NULL;

  for (gsize i = 0; i < tensor->n_external_data; i++)
    {
      const char *key = tensor->external_data[i]->key, *value = tensor->external_data[i]->value;
      if (!key || !value)
        continue;
      if (strcmp (key, "location") == 0)
        location = value;
      else if ((strcmp (key, "offset") == 0
                && !g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &constant->offset, NULL))
               || (strcmp (key, "length") == 0
                   && !g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &length, NULL)))
        return invalid (constant, error, "a whole number as offset and length of its data");
    }
  if (!location || !is_plain_name (location))
    return invalid (constant, error,
                    "its data in this file, or in one beside it, by a plain name without folders");
  if (!graph->folder)
    return invalid (constant, error,
                    "its data in this file: a model from memory has no files beside it");
  if (length != bytes)
    return invalid (constant, error, "as many bytes of data as its shape and type take");
  constant->location = g_strdup (location);
  return claim_external (graph, constant, bytes, error);
}

/* Data in the typed fields instead of raw bytes: little-endian bytes of its own. */
static gboolean
read_typed (EffvkConstant *constant, const OnnxTensor *tensor, GError **error)
{
  guint size = effvk_element_size (constant->element);
  gsize found = constant->element == EFFVK_ELEMENT_F32   ? tensor->n_float_data
                : constant->element == EFFVK_ELEMENT_I64 ? tensor->n_int64_data
                                                         : tensor->n_int32_data;
  guint8 *out;

  if (found != constant->n)
    return invalid (constant, error, "as many numbers as its shape says");
  out = constant->owned = g_try_malloc (MAX (found * size, 1));
  if (!out)
    return invalid (constant, error, "less data than there is memory for");
  for (gsize i = 0; i < found; i++, out += size)
    {
      guint64 bits = 0;
      if (constant->element == EFFVK_ELEMENT_F32)
        {
          guint32 word;
          memcpy (&word, &tensor->float_data[i], 4);
          bits = word;
        }
      else
        bits = constant->element == EFFVK_ELEMENT_I64 ? (guint64) tensor->int64_data[i]
                                                      : (guint32) tensor->int32_data[i];
      bits = GUINT64_TO_LE (bits);
      memcpy (out, &bits, size);
    }
  constant->data = constant->owned;
  return TRUE;
}

EffvkConstant *
effvk_onnx_add_tensor (EffvkGraph *graph, const OnnxTensor *tensor, const char *name,
                       GError **error)
{
  EffvkConstant *constant = effvk_graph_add_constant (graph, name ? name : "");
  gboolean ok = FALSE;

  constant->element = element_of (tensor->data_type);
  if (tensor->n_dims > EFFVK_GRAPH_MAX_RANK)
    {
      invalid (constant, error, "at most 8 dimensions");
      return NULL;
    }
  constant->rank = (guint) tensor->n_dims;
  for (guint i = 0; i < constant->rank; i++)
    {
      if (tensor->dims[i] < 0)
        {
          invalid (constant, error, "dimensions that are not negative");
          return NULL;
        }
      constant->shape[i] = (guint64) tensor->dims[i];
    }
  if (constant->element == EFFVK_ELEMENT_OTHER)
    return constant; /* n stays 0: whoever needs its numbers refuses it */
  if (!effvk_constant_measure (constant, MAX_BYTES))
    invalid (constant, error, "at most 4 GiB of data");
  else if (tensor->data_location == EXTERNAL)
    ok = read_external (graph, constant, tensor, error);
  else if (!tensor->has_raw_data)
    ok = read_typed (constant, tensor, error);
  else if (tensor->raw_data.len != constant->n * effvk_element_size (constant->element))
    invalid (constant, error, "as many bytes of data as its shape and type take");
  else
    {
      static const guint8 nothing[8];
      constant->data = tensor->raw_data.len ? tensor->raw_data.data : nothing;
      ok = TRUE;
    }
  return ok ? constant : NULL;
}
