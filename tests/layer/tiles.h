/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * DRM modifiers that no hardware has. A plane is cut into tiles of TILE_WIDTH bytes by TILE_HEIGHT
 * rows, which lie one after the other, row of tiles by row of tiles; its stride is the bytes of a
 * row of tiles over TILE_HEIGHT.
 */

#define TILE_WIDTH 16
#define TILE_HEIGHT 4

#define MODIFIER(n) (((guint64) 0xee << 56) | (n))

#define MODIFIER_TILED MODIFIER (1)
/* Besides, a key that all bytes of a tile are XORed with stands for compression. The keys of each
 * plane, a byte a tile, are in another plane, whose stride is the bytes of a row of them. They come
 * after the format's planes, in their order; three have no room for them. */
#define MODIFIER_COMPRESSED MODIFIER (2)
/* Which the layer lists, but not for what effvk needs. */
#define MODIFIER_NOT_COPIED MODIFIER (3)
#define MODIFIER_NOT_IMPORTED MODIFIER (4)

/* A plane of pixels in memory. */
typedef struct
{
  guint8 *data;
  gsize stride;
  guint8 *keys; /* NULL: none */
  gsize keys_stride;
} Tiles;

/* The least stride of a plane, and the bytes that it takes. */
gsize tiles_get_stride (gsize row_bytes);
gsize tiles_get_size (gsize stride, gsize rows);
gsize tiles_get_keys_stride (gsize row_bytes);
gsize tiles_get_keys_size (gsize keys_stride, gsize rows);

/* Both ways, from and to rows one after the other. */
void tiles_write (const Tiles *tiles, const guint8 *rows, gsize stride, gsize row_bytes,
                  gsize n_rows);
void tiles_read (const Tiles *tiles, guint8 *rows, gsize stride, gsize row_bytes, gsize n_rows);
