/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/flatbuffer.h"

/* @size bytes at @at, little-endian. The caller made sure of them. */
static guint64
load (const EffvkFlat *flat, guint64 at, guint size)
{
  guint64 bits = 0;
  memcpy (&bits, flat->data + at, size);
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
  bits = GUINT64_FROM_LE (bits);
#endif
  return bits;
}

static gboolean
inside (EffvkFlat *flat, guint64 at, guint64 size)
{
  if (at <= flat->size && size <= flat->size - at)
    return TRUE;
  flat->damaged = TRUE;
  return FALSE;
}

static EffvkFlatTable
open_table (EffvkFlat *flat, guint64 at)
{
  EffvkFlatTable none = { 0 }, table = { .at = at };
  gint32 back;

  if (!inside (flat, at, 4))
    return none;
  /* The vtable's place is relative, and may be before or behind. */
  back = (gint32) (guint32) load (flat, at, 4);
  table.vtable = (guint64) ((gint64) at - back);
  if (!inside (flat, table.vtable, 4))
    return none;
  table.vtable_size = (guint) load (flat, table.vtable, 2);
  table.table_size = (guint) load (flat, table.vtable + 2, 2);
  if (table.vtable_size < 4 || !inside (flat, table.vtable, table.vtable_size)
      || !inside (flat, at, table.table_size))
    {
      flat->damaged = TRUE;
      return none;
    }
  return table;
}

/* Where a field lies, or 0. */
static guint64
find (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size)
{
  guint slot = 4 + 2 * field;
  guint64 offset;

  if (!table->at || slot + 2 > table->vtable_size)
    return 0;
  offset = load (flat, table->vtable + slot, 2);
  if (!offset)
    return 0;
  if (offset < 4 || offset + size > table->table_size)
    {
      flat->damaged = TRUE;
      return 0;
    }
  return table->at + offset;
}

EffvkFlatTable
effvk_flat_root (EffvkFlat *flat)
{
  EffvkFlatTable none = { 0 };
  return inside (flat, 0, 8) ? open_table (flat, load (flat, 0, 4)) : none;
}

guint64
effvk_flat_get_uint (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size,
                     guint64 otherwise)
{
  guint64 at = find (flat, table, field, size);
  return at ? load (flat, at, size) : otherwise;
}

gint64
effvk_flat_get_int (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size,
                    gint64 otherwise)
{
  guint64 at = find (flat, table, field, size);
  if (!at)
    return otherwise;
  guint64 bits = load (flat, at, size), sign = (guint64) 1 << (8 * size - 1);
  return (gint64) ((bits ^ sign) - sign);
}

EffvkFlatTable
effvk_flat_get_table (EffvkFlat *flat, const EffvkFlatTable *table, guint field)
{
  guint64 at = find (flat, table, field, 4);
  EffvkFlatTable none = { 0 };
  return at ? open_table (flat, at + load (flat, at, 4)) : none;
}

EffvkFlatVector
effvk_flat_get_vector (EffvkFlat *flat, const EffvkFlatTable *table, guint field, guint size)
{
  guint64 at = find (flat, table, field, 4);
  EffvkFlatVector none = { 0 }, vector;

  if (!at)
    return none;
  at += load (flat, at, 4);
  if (!inside (flat, at, 4))
    return none;
  vector.n = load (flat, at, 4);
  vector.at = at + 4;
  return inside (flat, vector.at, vector.n * size) ? vector : none;
}

EffvkFlatTable
effvk_flat_table_at (EffvkFlat *flat, EffvkFlatVector vector, guint64 i)
{
  EffvkFlatTable none = { 0 };
  guint64 at = vector.at + 4 * i;
  return i < vector.n ? open_table (flat, at + load (flat, at, 4)) : none;
}
