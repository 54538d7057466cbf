/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/safetensors.h"

#include "model/file.h"
#include "model/json.h"

#include <effvk/effvk-model.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct _EffvkDtype EffvkDtype;

struct _EffvkDtype
{
  const char *name;
  guint size; /* bytes */
};

/* F32, F16 and BF16 are weights; the others occur beside them (num_batches_tracked is I64). */
static const EffvkDtype dtypes[]
    = { { "F32", 4 }, { "F16", 2 }, { "BF16", 2 }, { "F64", 8 },     { "I64", 8 },
        { "I32", 4 }, { "I16", 2 }, { "I8", 1 },   { "U64", 8 },     { "U32", 4 },
        { "U16", 2 }, { "U8", 1 },  { "BOOL", 1 }, { "F8_E4M3", 1 }, { "F8_E5M2", 1 } };

enum
{
  DTYPE_F32,
  DTYPE_F16,
  DTYPE_BF16,
};

typedef struct
{
  EffvkJson json;
  GArray *tensors; /* (element-type EffvkSafetensor) */
  GPtrArray *metadata_keys;
  char *recipe;
  guint64 data_size;
  GError **error;
} Header;

#define invalid(header, ...)                                                                       \
  (g_set_error ((header)->error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, __VA_ARGS__), FALSE)

static gboolean
unexpected (Header *header, const char *where, const char *expected, EffvkJsonToken found)
{
  if (found == EFFVK_JSON_ERROR)
    return invalid (header, "the header is not valid JSON: %s at byte %" G_GSIZE_FORMAT,
                    header->json.problem, header->json.offset);
  return invalid (header, "%s: expected %s, found %s", where, expected,
                  effvk_json_token_name (found));
}

static gboolean
expect (Header *header, const char *where, const char *expected, EffvkJsonToken token)
{
  EffvkJsonToken found = effvk_json_next (&header->json);
  return found == token || unexpected (header, where, expected, found);
}

static gboolean
read_uint (Header *header, const char *name, guint64 *value)
{
  if (!expect (header, name, "a whole number", EFFVK_JSON_NUMBER))
    return FALSE;
  if (effvk_json_get_uint (&header->json, value))
    return TRUE;
  g_autofree char *found = effvk_json_excerpt (&header->json);
  return invalid (header, "%s: expected a whole number of at most 64 bits, found %s", name, found);
}

static gboolean
read_dtype (Header *header, EffvkSafetensor *tensor)
{
  if (!expect (header, tensor->name, "a dtype string", EFFVK_JSON_STRING))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (effvk_json_is (&header->json, dtypes[i].name))
      {
        tensor->dtype = &dtypes[i];
        return TRUE;
      }
  g_autofree char *found = effvk_json_excerpt (&header->json);
  return invalid (header, "%s: expected dtype F32, F16 or BF16, found %s", tensor->name, found);
}

static gboolean
read_shape (Header *header, EffvkSafetensor *tensor)
{
  if (!expect (header, tensor->name, "an array of dimensions", EFFVK_JSON_ARRAY))
    return FALSE;
  tensor->n = 1;
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (&header->json);
      if (token == EFFVK_JSON_ARRAY_END)
        return TRUE;
      if (token != EFFVK_JSON_NUMBER)
        return unexpected (header, tensor->name, "a dimension", token);
      if (tensor->rank == EFFVK_SAFETENSORS_MAX_RANK)
        return invalid (header, "%s: expected at most %d dimensions, found more", tensor->name,
                        EFFVK_SAFETENSORS_MAX_RANK);
      guint64 *dimension = &tensor->shape[tensor->rank++];
      if (!effvk_json_get_uint (&header->json, dimension))
        {
          g_autofree char *found = effvk_json_excerpt (&header->json);
          return invalid (header, "%s: expected a whole number as dimension, found %s",
                          tensor->name, found);
        }
      if (!g_uint64_checked_mul (&tensor->n, tensor->n, *dimension))
        return invalid (header, "%s: its dimensions overflow 64 bits", tensor->name);
    }
}

static gboolean
read_offsets (Header *header, EffvkSafetensor *tensor)
{
  return expect (header, tensor->name, "an array of two offsets", EFFVK_JSON_ARRAY)
         && read_uint (header, tensor->name, &tensor->begin)
         && read_uint (header, tensor->name, &tensor->end)
         && expect (header, tensor->name, "the end of two offsets", EFFVK_JSON_ARRAY_END);
}

static gboolean
check_extent (Header *header, const EffvkSafetensor *tensor)
{
  guint64 size;

  if (tensor->begin > tensor->end || tensor->end > header->data_size)
    return invalid (header,
                    "%s: offsets %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                    " do not lie in the file's %" G_GUINT64_FORMAT " bytes of data",
                    tensor->name, tensor->begin, tensor->end, header->data_size);
  if (!g_uint64_checked_mul (&size, tensor->n, tensor->dtype->size))
    return invalid (header, "%s: its size overflows 64 bits", tensor->name);
  if (size != tensor->end - tensor->begin)
    {
      g_autofree char *text = effvk_safetensor_describe (tensor);
      return invalid (header,
                      "%s: expected %" G_GUINT64_FORMAT " bytes for %s, found %" G_GUINT64_FORMAT,
                      tensor->name, size, text, tensor->end - tensor->begin);
    }
  return TRUE;
}

/* The name is read; its object follows. @tensor is owned by the header from the start. */
static gboolean
read_tensor (Header *header, EffvkSafetensor *tensor)
{
  static const char *const keys[] = { "dtype", "shape", "data_offsets" };
  static gboolean (*const readers[]) (Header *, EffvkSafetensor *)
      = { read_dtype, read_shape, read_offsets };
  guint seen = 0, i;

  if (!expect (header, tensor->name, "an object", EFFVK_JSON_OBJECT))
    return FALSE;
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (&header->json);
      if (token == EFFVK_JSON_OBJECT_END)
        break;
      if (token != EFFVK_JSON_KEY)
        return unexpected (header, tensor->name, "a key", token);
      for (i = 0; i < G_N_ELEMENTS (keys); i++)
        if (effvk_json_is (&header->json, keys[i]))
          break;
      if (i == G_N_ELEMENTS (keys))
        {
          g_autofree char *found = effvk_json_excerpt (&header->json);
          return invalid (header,
                          "%s: expected the keys dtype, shape and data_offsets, found \"%s\"",
                          tensor->name, found);
        }
      if (seen & 1u << i)
        return invalid (header, "%s: duplicate key \"%s\"", tensor->name, keys[i]);
      seen |= 1u << i;
      if (!readers[i](header, tensor))
        return FALSE;
    }
  for (i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!(seen & 1u << i))
      return invalid (header, "%s: the key \"%s\" is missing", tensor->name, keys[i]);
  return check_extent (header, tensor);
}

static gboolean
read_metadata_entry (Header *header)
{
  if (header->json.token_length > EFFVK_SAFETENSORS_MAX_NAME)
    return invalid (
        header, "__metadata__: expected keys of at most %d bytes, found one of %" G_GSIZE_FORMAT,
        EFFVK_SAFETENSORS_MAX_NAME, header->json.token_length);
  if (header->metadata_keys->len == EFFVK_SAFETENSORS_MAX_METADATA_KEYS)
    return invalid (header, "__metadata__: expected at most %d keys, found more",
                    EFFVK_SAFETENSORS_MAX_METADATA_KEYS);
  char *key = effvk_json_dup_string (&header->json);
  if (!key)
    return invalid (header, "__metadata__: a key has an escape that is not a character");
  if (!effvk_text_is_plain (key))
    {
      g_free (key);
      return invalid (header, "__metadata__: a key has control characters");
    }
  gboolean duplicate
      = g_ptr_array_find_with_equal_func (header->metadata_keys, key, g_str_equal, NULL);
  g_ptr_array_add (header->metadata_keys, key);
  if (duplicate)
    return invalid (header, "__metadata__: duplicate key \"%s\"", key);

  if (!expect (header, "__metadata__", "a string", EFFVK_JSON_STRING))
    return FALSE;
  if (strcmp (key, "effvk") != 0)
    return TRUE;
  if (header->json.token_length > EFFVK_SAFETENSORS_MAX_RECIPE)
    return invalid (header,
                    "__metadata__: expected at most %" G_GSIZE_FORMAT
                    " bytes in \"effvk\", found %" G_GSIZE_FORMAT,
                    EFFVK_SAFETENSORS_MAX_RECIPE, header->json.token_length);
  header->recipe = effvk_json_dup_string (&header->json);
  return header->recipe != NULL
         || invalid (header, "__metadata__: \"effvk\" has an escape that is not a character");
}

static gboolean
read_metadata (Header *header)
{
  if (header->metadata_keys)
    return invalid (header, "duplicate key \"__metadata__\"");
  header->metadata_keys = g_ptr_array_new_with_free_func (g_free);
  if (!expect (header, "__metadata__", "an object", EFFVK_JSON_OBJECT))
    return FALSE;
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (&header->json);
      if (token == EFFVK_JSON_OBJECT_END)
        return TRUE;
      if (token != EFFVK_JSON_KEY)
        return unexpected (header, "__metadata__", "a key", token);
      if (!read_metadata_entry (header))
        return FALSE;
    }
}

static gboolean
read_entries (Header *header)
{
  if (!expect (header, "the header", "an object", EFFVK_JSON_OBJECT))
    return FALSE;
  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (&header->json);
      if (token == EFFVK_JSON_OBJECT_END)
        return expect (header, "the header", "nothing more", EFFVK_JSON_END);
      if (token != EFFVK_JSON_KEY)
        return unexpected (header, "the header", "a tensor's name", token);
      if (effvk_json_is (&header->json, "__metadata__"))
        {
          if (!read_metadata (header))
            return FALSE;
          continue;
        }
      if (header->json.token_length == 0 || header->json.token_length > EFFVK_SAFETENSORS_MAX_NAME)
        return invalid (header,
                        "expected tensor names of 1 to %d bytes, found one of %" G_GSIZE_FORMAT,
                        EFFVK_SAFETENSORS_MAX_NAME, header->json.token_length);
      if (header->tensors->len == EFFVK_SAFETENSORS_MAX_TENSORS)
        return invalid (header, "expected at most %d tensors, found more",
                        EFFVK_SAFETENSORS_MAX_TENSORS);
      EffvkSafetensor tensor = { .name = effvk_json_dup_string (&header->json) };
      if (!tensor.name)
        return invalid (header, "a tensor's name has an escape that is not a character");
      g_array_append_val (header->tensors, tensor);
      if (!effvk_text_is_plain (tensor.name))
        return invalid (header, "a tensor's name has control characters");
      if (!read_tensor (header, &g_array_index (header->tensors, EffvkSafetensor,
                                                header->tensors->len - 1)))
        return FALSE;
    }
}

static int
compare_extents (gconstpointer a, gconstpointer b)
{
  const EffvkSafetensor *x = a, *y = b;
  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (((const EffvkSafetensor *) a)->name, ((const EffvkSafetensor *) b)->name);
}

/* Tensors follow each other from the first byte of the data to the last. */
static gboolean
check_cover (Header *header)
{
  guint64 end = 0;

  g_array_sort (header->tensors, compare_extents);
  for (guint i = 0; i < header->tensors->len; i++)
    {
      const EffvkSafetensor *tensor = &g_array_index (header->tensors, EffvkSafetensor, i);
      if (tensor->begin != end)
        return invalid (header,
                        "%s: %s: expected data from byte %" G_GUINT64_FORMAT
                        ", found it from byte %" G_GUINT64_FORMAT,
                        tensor->name, tensor->begin > end ? "a hole before it" : "an overlap", end,
                        tensor->begin);
      end = tensor->end;
    }
  if (end != header->data_size)
    return invalid (header,
                    "expected %" G_GUINT64_FORMAT " bytes of data, found %" G_GUINT64_FORMAT
                    ": trailing bytes that belong to no tensor",
                    end, header->data_size);
  return TRUE;
}

static gboolean
check_names (Header *header)
{
  g_array_sort (header->tensors, compare_names);
  for (guint i = 1; i < header->tensors->len; i++)
    {
      const EffvkSafetensor *tensor = &g_array_index (header->tensors, EffvkSafetensor, i);
      if (compare_names (tensor - 1, tensor) == 0)
        return invalid (header, "duplicate tensor \"%s\"", tensor->name);
    }
  return TRUE;
}

static void
clear_tensor (gpointer data)
{
  g_clear_pointer (&((EffvkSafetensor *) data)->name, g_free);
}

static gboolean
parse_header (EffvkSafetensors *file, const char *text, gsize length, guint64 data_size,
              GError **error)
{
  Header header = { .tensors = g_array_new (FALSE, TRUE, sizeof (EffvkSafetensor)),
                    .data_size = data_size,
                    .error = error };
  gboolean ok = FALSE;
  g_autofree char *first = NULL;

  g_array_set_clear_func (header.tensors, clear_tensor);
  effvk_json_init (&header.json, text, length);
  if (!read_entries (&header))
    goto fail;
  if (header.tensors->len > 0)
    first = g_strdup (g_array_index (header.tensors, EffvkSafetensor, 0).name);
  if (!check_cover (&header) || !check_names (&header))
    goto fail;

  file->n_tensors = header.tensors->len;
  file->tensors = (EffvkSafetensor *) g_array_free (g_steal_pointer (&header.tensors), FALSE);
  file->recipe = g_steal_pointer (&header.recipe);
  file->first = first ? effvk_safetensors_lookup (file, first) : NULL;
  ok = TRUE;

fail:
  g_clear_pointer (&header.tensors, g_array_unref);
  g_clear_pointer (&header.metadata_keys, g_ptr_array_unref);
  g_free (header.recipe);
  return ok;
}

static gboolean
read_length (const guint8 *bytes, guint64 size, guint64 *length, GError **error)
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  *length = GUINT64_FROM_LE (value);
  if (*length > EFFVK_SAFETENSORS_MAX_HEADER)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
                   "not a safetensors file: expected a header of at most %" G_GUINT64_FORMAT
                   " bytes, found a length of %" G_GUINT64_FORMAT,
                   EFFVK_SAFETENSORS_MAX_HEADER, *length);
      return FALSE;
    }
  if (*length > size - 8)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
                   "truncated, or not a safetensors file: expected a header of %" G_GUINT64_FORMAT
                   " bytes, found %" G_GUINT64_FORMAT " bytes after its length",
                   *length, size - 8);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_size (guint64 size, GError **error)
{
  if (size >= 8 && size <= EFFVK_SAFETENSORS_MAX_FILE)
    return TRUE;
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
               "not a safetensors file: expected 8 bytes to 4 GiB, found %" G_GUINT64_FORMAT
               " bytes",
               size);
  return FALSE;
}

gboolean
effvk_safetensors_init (EffvkSafetensors *file, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint64 length;

  *file = (EffvkSafetensors){ .fd = -1 };
  if (!check_size (size, error) || !read_length (data, size, &length, error)
      || !parse_header (file, (const char *) data + 8, length, size - 8 - length, error))
    return FALSE;
  file->bytes = g_bytes_ref (bytes);
  file->data = data + 8 + length;
  file->data_size = size - 8 - length;
  return TRUE;
}

static gpointer
allocate (guint64 size, GError **error)
{
  gpointer data = g_try_malloc (MAX (size, 1));

  if (!data)
    g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                 "no memory for %" G_GUINT64_FORMAT " bytes of the file", size);
  return data;
}

gboolean
effvk_safetensors_init_header (EffvkSafetensors *file, int fd, guint64 size, GError **error)
{
  g_autofree char *text = NULL;
  guint8 start[8];
  guint64 length;

  *file = (EffvkSafetensors){ .fd = fd };
  if (check_size (size, error) && effvk_file_read (fd, start, 8, EFFVK_MODEL_ERROR_READ, error)
      && read_length (start, size, &length, error) && (text = allocate (length, error))
      && effvk_file_read (fd, text, length, EFFVK_MODEL_ERROR_READ, error)
      && parse_header (file, text, length, size - 8 - length, error))
    {
      file->data_size = size - 8 - length;
      return TRUE;
    }
  effvk_safetensors_clear (file);
  return FALSE;
}

gboolean
effvk_safetensors_read_data (EffvkSafetensors *file, GError **error)
{
  g_autofree guint8 *data = NULL;

  if (file->fd < 0)
    return TRUE;
  data = allocate (file->data_size, error);
  if (!data || !effvk_file_read (file->fd, data, file->data_size, EFFVK_MODEL_ERROR_READ, error))
    return FALSE;
  close (file->fd);
  file->fd = -1;
  file->data = data;
  file->bytes = g_bytes_new_take (g_steal_pointer (&data), file->data_size);
  return TRUE;
}

void
effvk_safetensors_clear (EffvkSafetensors *file)
{
  for (guint i = 0; i < file->n_tensors; i++)
    clear_tensor (&file->tensors[i]);
  if (file->fd >= 0)
    close (file->fd);
  g_free (file->tensors);
  g_free (file->recipe);
  g_free (file->prefix);
  g_clear_pointer (&file->bytes, g_bytes_unref);
  *file = (EffvkSafetensors){ .fd = -1 };
}

const char *
effvk_safetensors_sort (EffvkSafetensors *file)
{
  file->first = NULL; /* it is no longer where it was, and has served */
  qsort (file->tensors, file->n_tensors, sizeof *file->tensors, compare_names);
  for (guint i = 1; i < file->n_tensors; i++)
    if (compare_names (&file->tensors[i - 1], &file->tensors[i]) == 0)
      return file->tensors[i].name;
  return NULL;
}

const EffvkSafetensor *
effvk_safetensors_lookup (const EffvkSafetensors *file, const char *name)
{
  guint low = 0, high = file->n_tensors;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int order = strcmp (name, file->tensors[middle].name);
      if (order == 0)
        return &file->tensors[middle];
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }
  return NULL;
}

gboolean
effvk_safetensor_is_float (const EffvkSafetensor *tensor)
{
  return tensor->dtype <= &dtypes[DTYPE_BF16];
}

char *
effvk_shape_describe (const guint64 *shape, guint rank)
{
  GString *out = g_string_new ("[");
  for (guint i = 0; i < rank; i++)
    g_string_append_printf (out, "%s%" G_GUINT64_FORMAT, i ? ", " : "", shape[i]);
  g_string_append_c (out, ']');
  return g_string_free (out, FALSE);
}

char *
effvk_safetensor_describe (const EffvkSafetensor *tensor)
{
  g_autofree char *shape = effvk_shape_describe (tensor->shape, tensor->rank);
  return g_strconcat (tensor->dtype->name, " ", shape, NULL);
}

static guint32
half_to_float_bits (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16, exponent = half >> 10 & 31,
          fraction = half & 0x3ff;

  if (exponent == 31)
    return sign | 0x7f800000 | fraction << 13;
  if (exponent == 0)
    {
      if (fraction == 0)
        return sign;
      /* Subnormal: shift until the hidden bit appears. */
      for (exponent = 1; !(fraction & 0x400); exponent--)
        fraction <<= 1;
      fraction &= 0x3ff;
    }
  return sign | (exponent + 112) << 23 | fraction << 13;
}

void
effvk_safetensor_read (const EffvkSafetensors *file, const EffvkSafetensor *tensor, guint64 first,
                       gsize n, float *out)
{
  const guint8 *in = file->data + tensor->begin + first * tensor->dtype->size;
  guint16 half;
  guint32 bits;

  if (tensor->dtype == &dtypes[DTYPE_F32])
    {
      memcpy (out, in, n * 4);
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
      for (gsize i = 0; i < n; i++)
        {
          memcpy (&bits, &out[i], 4);
          bits = GUINT32_FROM_LE (bits);
          memcpy (&out[i], &bits, 4);
        }
#endif
      return;
    }
  gboolean brain = tensor->dtype == &dtypes[DTYPE_BF16];
  for (gsize i = 0; i < n; i++)
    {
      memcpy (&half, in + 2 * i, 2);
      half = GUINT16_FROM_LE (half);
      bits = brain ? (guint32) half << 16 : half_to_float_bits (half);
      memcpy (&out[i], &bits, 4);
    }
}
