/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which process has which stream, where several share a list. */
#include "serve/shard.h"

#define STREAMS 10000

static char *
get_name (guint i)
{
  return g_strdup_printf ("camera-%u", i);
}

static void
test_parse (void)
{
  static const struct
  {
    const char *text, *host;
    guint index, of;
  } good[] = {
    { NULL, "a", 0, 0 },
    { "", "a", 0, 0 },
    { "0/1", "a", 0, 1 },
    { "3/4", "effvk-1", 3, 4 },
    { "auto/4", "effvk-2", 2, 4 },
    { "auto/4", "my-effvk-0.effvk.default.svc", 0, 4 },
    { "auto/4", "effvk-9", 9, 4 }, /* it waits for a list that has it */
    { "999/1000", "a", 999, 1000 },
  };
  static const char *const bad[][2] = {
    { "4/4", "a" },
    { "0/0", "a" },
    { "1", "a" },
    { "-1/4", "a" },
    { "0/1001", "a" },
    { "a/4", "effvk-1" },
    { "0/4x", "a" },
    { "/", "a" },
    { "auto", "a-1" },
    { "auto/4", "effvk" },
    { "auto/4", "effvk-" },
    { "auto/4", "effvk-1x" },
    { "auto/4", "effvk.name-1" },
    { "0/4/8", "a" },
    { " 0/4", "a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      ServeShard shard;

      g_assert_true (serve_shard_parse (good[i].text, good[i].host, &shard, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (shard.index, ==, good[i].index);
      g_assert_cmpuint (shard.of, ==, good[i].of);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      ServeShard shard;

      g_assert_false (serve_shard_parse (bad[i][0], bad[i][1], &shard, &error));
      g_assert_nonnull (g_strstr_len (error->message, -1, "shard: "));
    }
}

/* Each stream has one shard, and the shards have about the same number. */
static void
test_fair (void)
{
  for (guint of = 1; of <= 8; of *= 2)
    {
      guint counts[8] = { 0 };

      for (guint i = 0; i < STREAMS; i++)
        {
          g_autofree char *name = get_name (i);
          guint chosen = serve_shard_choose (name, of), having = 0;

          g_assert_cmpuint (chosen, <, of);
          counts[chosen]++;
          for (guint s = 0; s < of; s++)
            having += serve_shard_has (&(ServeShard){ s, of }, name);
          g_assert_cmpuint (having, ==, 1);
          g_assert_true (serve_shard_has (&(ServeShard){ 0, 0 }, name));
        }
      for (guint s = 0; s < of; s++)
        g_assert_cmpfloat ((double) counts[s] * of / STREAMS, >, 0.9);
      for (guint s = 0; s < of; s++)
        g_assert_cmpfloat ((double) counts[s] * of / STREAMS, <, 1.1);
    }
}

/* With a shard more, streams move to it and to no other; about as many as it should have. */
static void
test_few_move (void)
{
  for (guint of = 1; of < 8; of++)
    {
      guint moved = 0;

      for (guint i = 0; i < STREAMS; i++)
        {
          g_autofree char *name = get_name (i);
          guint before = serve_shard_choose (name, of), after = serve_shard_choose (name, of + 1);

          g_assert_true (after == before || after == of);
          moved += after != before;
        }
      g_assert_cmpfloat ((double) moved * (of + 1) / STREAMS, >, 0.9);
      g_assert_cmpfloat ((double) moved * (of + 1) / STREAMS, <, 1.1);
    }
}

/* It is the same on every machine and in every version: processes of two versions agree. These are
 * of Python's hashlib. */
static void
test_known (void)
{
  static const struct
  {
    const char *name;
    guint of4, of7;
  } known[] = { { "gate", 3, 3 },     { "door", 1, 1 }, { "camera-1", 1, 5 },
                { "camera-2", 2, 5 }, { "a", 0, 0 },    { "hall.north", 0, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      g_assert_cmpuint (serve_shard_choose (known[i].name, 4), ==, known[i].of4);
      g_assert_cmpuint (serve_shard_choose (known[i].name, 7), ==, known[i].of7);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/serve/shard/parse", test_parse);
  g_test_add_func ("/serve/shard/fair", test_fair);
  g_test_add_func ("/serve/shard/few-move", test_few_move);
  g_test_add_func ("/serve/shard/known", test_known);
  return g_test_run ();
}
