/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

/* Reads FlatBuffers that nobody vouches for. Every offset is checked against the file when it is
 * followed; what lies outside reads as absent, and @damaged remembers it. */
typedef struct
{
  const guint8 *data;
  guint64 size;
  gboolean damaged;
} EffvkFlat;

/* A table, or nothing when @at is 0. */
typedef struct
{
  guint64 at, vtable;
  guint vtable_size, table_size;
} EffvkFlatTable;

typedef struct
{
  guint64 at; /* of the first element */
  guint64 n;
} EffvkFlatVector;

EffvkFlatTable effvk_flat_root (EffvkFlat *flat);
gint64 effvk_flat_get_int (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size,
                           gint64 otherwise);
guint64 effvk_flat_get_uint (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size,
                             guint64 otherwise);
EffvkFlatTable effvk_flat_get_table (EffvkFlat *flat, const EffvkFlatTable *table, guint field);
/* Of elements of @size bytes, all inside the file. Strings are vectors of bytes. */
EffvkFlatVector effvk_flat_get_vector (EffvkFlat *flat, const EffvkFlatTable *table, guint field,
                                       guint size);
/* Element @i, which is a table, of a vector of 4-byte offsets. */
EffvkFlatTable effvk_flat_table_at (EffvkFlat *flat, EffvkFlatVector vector, guint64 i);

static inline gint32
effvk_flat_int_at (const EffvkFlat *flat, EffvkFlatVector vector, guint64 i)
{
  guint32 bits;
  memcpy (&bits, flat->data + vector.at + 4 * i, 4);
  return (gint32) GUINT32_FROM_LE (bits);
}
