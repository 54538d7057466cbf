/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arena planner: random tensors never overlap while both are alive, and memory is reused. */

#include "vk/arena.h"

static gboolean
live_together (const EffvkArenaItem *a, const EffvkArenaItem *b)
{
  return a->first <= b->last && b->first <= a->last;
}

static gsize
round_up (gsize size, gsize alignment)
{
  return (size + alignment - 1) / alignment * alignment;
}

/* What must be true of any plan. Returns the bytes that the busiest dispatch needs at least. */
static gsize
check_plan (const EffvkArenaItem *items, guint n, gsize alignment, gsize total)
{
  gsize needed = 0, end = 0;

  for (guint i = 0; i < n; i++)
    {
      gsize alive = 0; /* when item i is born: some item's birth is the busiest moment */

      g_assert_cmpuint (items[i].offset % alignment, ==, 0);
      end = MAX (end, items[i].offset + items[i].size);
      for (guint j = 0; j < n; j++)
        {
          if (items[j].first <= items[i].first && items[i].first <= items[j].last)
            alive += items[j].size;
          if (j > i && items[i].size && items[j].size && live_together (&items[i], &items[j]))
            g_assert_true (items[i].offset + items[i].size <= items[j].offset
                           || items[j].offset + items[j].size <= items[i].offset);
        }
      needed = MAX (needed, alive);
    }
  g_assert_cmpuint (total, >=, needed);
  g_assert_cmpuint (total, >=, end);
  return needed;
}

static void
test_random (void)
{
  static const gsize alignments[] = { 1, 16, 256 };

  for (guint round = 0; round < 400; round++)
    {
      guint n = (guint) g_test_rand_int_range (0, 60);
      gsize alignment = alignments[round % 3], sum = 0, total;
      g_autofree EffvkArenaItem *items = g_new0 (EffvkArenaItem, n);
      g_autofree EffvkArenaItem *given = NULL;

      for (guint i = 0; i < n; i++)
        {
          items[i].size = (gsize) g_test_rand_int_range (1, 1 << g_test_rand_int_range (1, 20));
          items[i].first = (guint) g_test_rand_int_range (0, 50);
          items[i].last = items[i].first + (guint) g_test_rand_int_range (0, 8);
          items[i].offset = (gsize) g_test_rand_int (); /* must not matter */
          sum += round_up (items[i].size, alignment);
        }
      given = g_memdup2 (items, n * sizeof *items);
      total = effvk_arena_plan (items, n, alignment);
      check_plan (items, n, alignment, total);
      g_assert_cmpuint (total, <=, sum);
      for (guint i = 0; i < n; i++) /* only offsets change, and the order does not */
        {
          g_assert_cmpuint (items[i].size, ==, given[i].size);
          g_assert_cmpuint (items[i].first, ==, given[i].first);
          g_assert_cmpuint (items[i].last, ==, given[i].last);
        }
    }
}

/* A chain, as a network without branches: item i is written by dispatch i and read by i + 1. */
static void
test_chain (void)
{
  EffvkArenaItem items[40] = { 0 };
  gsize total;

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    items[i] = (EffvkArenaItem){ .size = 1024, .first = i, .last = i + 1 };
  total = effvk_arena_plan (items, G_N_ELEMENTS (items), 256);
  /* Two live at once, and two places are enough. */
  g_assert_cmpuint (check_plan (items, G_N_ELEMENTS (items), 256, total), ==, 2048);
  g_assert_cmpuint (total, ==, 2048);
}

/* A tensor that two dispatches share as the last reader and the first writer is alive in both. */
static void
test_touching (void)
{
  EffvkArenaItem items[] = { { .size = 100, .first = 0, .last = 3 },
                             { .size = 100, .first = 3, .last = 5 },
                             { .size = 100, .first = 4, .last = 6 },
                             { .size = 100, .first = 7, .last = 7 } };

  g_assert_cmpuint (effvk_arena_plan (items, 4, 64), ==, 228);
  check_plan (items, 4, 64, 228);
  g_assert_cmpuint (items[0].offset, !=, items[1].offset);
  g_assert_cmpuint (items[1].offset, !=, items[2].offset);
}

/* A residual lives across a block: it must stay while smaller ones come and go in the gap. */
static void
test_residual (void)
{
  EffvkArenaItem items[] = { { .size = 512, .first = 0, .last = 9 },
                             { .size = 4096, .first = 1, .last = 2 },
                             { .size = 2048, .first = 2, .last = 3 },
                             { .size = 4096, .first = 4, .last = 5 },
                             { .size = 512, .first = 9, .last = 10 } };
  gsize total = effvk_arena_plan (items, G_N_ELEMENTS (items), 256);

  g_assert_cmpuint (check_plan (items, G_N_ELEMENTS (items), 256, total), ==, 512 + 4096 + 2048);
  g_assert_cmpuint (total, ==, 512 + 4096 + 2048);
}

static void
test_edges (void)
{
  EffvkArenaItem one = { .size = 5, .first = 3, .last = 3, .offset = 77 };

  g_assert_cmpuint (effvk_arena_plan (NULL, 0, 256), ==, 0);
  g_assert_cmpuint (effvk_arena_plan (&one, 1, 256), >=, 5);
  g_assert_cmpuint (one.offset, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arena/random", test_random);
  g_test_add_func ("/arena/chain", test_chain);
  g_test_add_func ("/arena/touching", test_touching);
  g_test_add_func ("/arena/residual", test_residual);
  g_test_add_func ("/arena/edges", test_edges);
  return g_test_run ();
}
