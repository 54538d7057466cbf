/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiles.h"

static gsize
round_up (gsize value, gsize unit)
{
  return (value + unit - 1) / unit * unit;
}

gsize
tiles_get_stride (gsize row_bytes)
{
  return round_up (row_bytes, TILE_WIDTH);
}

gsize
tiles_get_size (gsize stride, gsize rows)
{
  return stride * round_up (rows, TILE_HEIGHT);
}

gsize
tiles_get_keys_stride (gsize row_bytes)
{
  return tiles_get_stride (row_bytes) / TILE_WIDTH;
}

gsize
tiles_get_keys_size (gsize keys_stride, gsize rows)
{
  return keys_stride * (round_up (rows, TILE_HEIGHT) / TILE_HEIGHT);
}

static guint8 *
find (const Tiles *tiles, gsize x, gsize y)
{
  return tiles->data + y / TILE_HEIGHT * TILE_HEIGHT * tiles->stride
         + x / TILE_WIDTH * TILE_WIDTH * TILE_HEIGHT + y % TILE_HEIGHT * TILE_WIDTH
         + x % TILE_WIDTH;
}

static guint8
key_of (const Tiles *tiles, gsize x, gsize y)
{
  return tiles->keys ? tiles->keys[y / TILE_HEIGHT * tiles->keys_stride + x / TILE_WIDTH] : 0;
}

void
tiles_write (const Tiles *tiles, const guint8 *rows, gsize stride, gsize row_bytes, gsize n_rows)
{
  for (gsize y = 0; y < n_rows; y++)
    for (gsize x = 0; x < row_bytes; x++)
      *find (tiles, x, y) = rows[y * stride + x] ^ key_of (tiles, x, y);
}

void
tiles_read (const Tiles *tiles, guint8 *rows, gsize stride, gsize row_bytes, gsize n_rows)
{
  for (gsize y = 0; y < n_rows; y++)
    for (gsize x = 0; x < row_bytes; x++)
      rows[y * stride + x] = *find (tiles, x, y) ^ key_of (tiles, x, y);
}
