/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/arena.h"

static int
by_size_descending (gconstpointer a, gconstpointer b)
{
  const EffvkArenaItem *x = *(EffvkArenaItem *const *) a, *y = *(EffvkArenaItem *const *) b;

  if (x->size != y->size)
    return x->size < y->size ? 1 : -1;
  return x->first < y->first ? -1 : x->first > y->first;
}

static int
by_offset (gconstpointer a, gconstpointer b)
{
  const EffvkArenaItem *x = *(EffvkArenaItem *const *) a, *y = *(EffvkArenaItem *const *) b;

  return x->offset < y->offset ? -1 : x->offset > y->offset;
}

gsize
effvk_arena_plan (EffvkArenaItem *items, guint n_items, gsize alignment)
{
  g_autoptr (GPtrArray) order = g_ptr_array_sized_new (n_items);
  g_autoptr (GPtrArray) placed = g_ptr_array_sized_new (n_items); /* sorted by offset */
  gsize total = 0;

  for (guint i = 0; i < n_items; i++)
    g_ptr_array_add (order, &items[i]);
  g_ptr_array_sort (order, by_size_descending);

  for (guint i = 0; i < n_items; i++)
    {
      EffvkArenaItem *item = g_ptr_array_index (order, i);
      gsize offset = 0;

      for (guint j = 0; j < placed->len; j++)
        {
          const EffvkArenaItem *other = g_ptr_array_index (placed, j);

          if (other->last < item->first || other->first > item->last)
            continue;
          if (offset + item->size <= other->offset)
            break;
          offset
              = MAX (offset, (other->offset + other->size + alignment - 1) / alignment * alignment);
        }
      item->offset = offset;
      total = MAX (total, offset + item->size);
      g_ptr_array_add (placed, item);
      g_ptr_array_sort (placed, by_offset);
    }
  return total;
}
