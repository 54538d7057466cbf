/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The safetensors container: 8 bytes of header length, a JSON header, the tensors' bytes.
 *
 * Everything in the file is checked before it is used: lengths against the file, products against
 * overflow, counts against caps; tensors must cover the data exactly, without holes or overlaps.
 * Reading refuses before it allocates, so that a hostile file costs its own size and little more.
 */

#define EFFVK_SAFETENSORS_MAX_FILE ((guint64) 4 << 30)
#define EFFVK_SAFETENSORS_MAX_HEADER ((guint64) 100 * 1000 * 1000)
#define EFFVK_SAFETENSORS_MAX_TENSORS 10000
#define EFFVK_SAFETENSORS_MAX_NAME 256
#define EFFVK_SAFETENSORS_MAX_RANK 8
#define EFFVK_SAFETENSORS_MAX_METADATA_KEYS 256
#define EFFVK_SAFETENSORS_MAX_RECIPE ((gsize) 4 << 20)

typedef struct
{
  char *name;
  const struct _EffvkDtype *dtype;
  guint rank;
  guint64 shape[EFFVK_SAFETENSORS_MAX_RANK];
  guint64 n;          /* elements */
  guint64 begin, end; /* bytes of the data section */
} EffvkSafetensor;

typedef struct
{
  GBytes *bytes;      /* hold the data; NULL until they are read */
  const guint8 *data; /* the data section, in bytes; not aligned */
  guint64 data_size;
  int fd;                   /* where the data are still to be read, or -1 */
  EffvkSafetensor *tensors; /* by name */
  guint n_tensors;
  const EffvkSafetensor *first; /* of the header, for messages; NULL when there is none */
  char *recipe;                 /* __metadata__["effvk"], or NULL */
  char *prefix;                 /* what was cut off from the names, or NULL */
} EffvkSafetensors;

/* @file is empty on failure, and may be cleared again. Errors are in EFFVK_MODEL_ERROR. */
gboolean effvk_safetensors_init (EffvkSafetensors *file, GBytes *bytes, GError **error);
/* Reads the header alone, from a file that is open at its beginning, and takes @fd. */
gboolean effvk_safetensors_init_header (EffvkSafetensors *file, int fd, guint64 size,
                                        GError **error);
/* Reads the data, where they are not read yet: a file that its header refuses costs no more than
 * that. */
gboolean effvk_safetensors_read_data (EffvkSafetensors *file, GError **error);
void effvk_safetensors_clear (EffvkSafetensors *file);

/* After names have been changed: for lookups, and returns a name that two tensors have, or NULL. */
const char *effvk_safetensors_sort (EffvkSafetensors *file);
const EffvkSafetensor *effvk_safetensors_lookup (const EffvkSafetensors *file, const char *name);

/* Whether elements can be read as floats: F32, F16 and BF16 can. */
gboolean effvk_safetensor_is_float (const EffvkSafetensor *tensor);
/* "F32 [32, 3, 3, 3]" */
char *effvk_safetensor_describe (const EffvkSafetensor *tensor);
char *effvk_shape_describe (const guint64 *shape, guint rank);

/* Elements @first to @first + @n of a float tensor, converted. The caller keeps them inside. */
void effvk_safetensor_read (const EffvkSafetensors *file, const EffvkSafetensor *tensor,
                            guint64 first, gsize n, float *out);

/* Writing: the length and the header of a file of F32 (or U8) tensors in the order that they are
   added. */
typedef struct
{
  GString *json;
  guint64 offset;
} EffvkSafetensorsWriter;

void effvk_safetensors_writer_init (EffvkSafetensorsWriter *writer, const char *recipe);
void effvk_safetensors_writer_add (EffvkSafetensorsWriter *writer, const char *name,
                                   const guint64 *shape, guint rank);
void effvk_safetensors_writer_add_bytes (EffvkSafetensorsWriter *writer, const char *name,
                                         guint64 n);
/* Ends the writer. The data follows directly; it is 8-byte aligned in the file. */
GBytes *effvk_safetensors_writer_finish (EffvkSafetensorsWriter *writer, guint64 *data_size);
