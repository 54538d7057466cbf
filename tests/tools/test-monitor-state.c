/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inertia of effvk monitor. */
#include "monitor-state.h"

#define MS G_GINT64_CONSTANT (1000000)

typedef struct
{
  ToolMonitorState state;
  ToolMonitorEvent event;
} Fixture;

static gboolean
add (Fixture *fixture, gint64 ms, gint class)
{
  return tool_monitor_state_add (&fixture->state, ms * MS, class, 0.5, &fixture->event);
}

static void
test_holds (void)
{
  Fixture fixture;

  tool_monitor_state_init (&fixture.state, 500 * MS);
  g_assert_false (add (&fixture, 0, 3));
  g_assert_false (add (&fixture, 400, 3));
  g_assert_true (add (&fixture, 600, 3));
  g_assert_cmpint (fixture.event.state, ==, 3);
  g_assert_cmpint (fixture.event.previous, ==, -1);
  g_assert_cmpint (fixture.event.since, ==, 0);

  /* A change is dated back to the first frame of it. */
  g_assert_false (add (&fixture, 1000, 1));
  g_assert_false (add (&fixture, 1400, 1));
  g_assert_true (add (&fixture, 1500, 1));
  g_assert_cmpint (fixture.event.state, ==, 1);
  g_assert_cmpint (fixture.event.previous, ==, 3);
  g_assert_cmpint (fixture.event.since, ==, 1000 * MS);
  g_assert_cmpint (fixture.event.previous_since, ==, 0);
  g_assert_cmpfloat_with_epsilon (fixture.event.score, 0.5, 1e-9);
}

static void
test_flicker (void)
{
  Fixture fixture;

  tool_monitor_state_init (&fixture.state, 500 * MS);
  g_assert_false (add (&fixture, 0, 0));
  g_assert_true (add (&fixture, 500, 0));
  /* One frame of the old state, or of a third one, begins the waiting anew. */
  for (gint64 ms = 600; ms < 5000; ms += 100)
    g_assert_false (add (&fixture, ms, ms % 400 == 0 ? 0 : 2));
  g_assert_false (add (&fixture, 5000, 2));
  g_assert_false (add (&fixture, 5300, 4));
  g_assert_false (add (&fixture, 5600, 2));
  g_assert_false (add (&fixture, 6000, 2));
  g_assert_true (add (&fixture, 6100, 2));
  g_assert_cmpint (fixture.event.since, ==, 5600 * MS);
}

static void
test_no_hold (void)
{
  Fixture fixture;

  tool_monitor_state_init (&fixture.state, 0);
  for (gint i = 0; i < 5; i++)
    {
      g_assert_true (add (&fixture, i, i));
      g_assert_false (add (&fixture, i, i));
      g_assert_cmpint (fixture.event.previous, ==, i - 1);
    }
}

static void
test_end (void)
{
  Fixture fixture;

  tool_monitor_state_init (&fixture.state, 500 * MS);
  g_assert_false (tool_monitor_state_end (&fixture.state, &fixture.event)); /* no frame at all */
  g_assert_false (add (&fixture, 0, 7));
  g_assert_true (tool_monitor_state_end (&fixture.state, &fixture.event));
  g_assert_cmpint (fixture.event.state, ==, 7);
  g_assert_false (add (&fixture, 100, 1));
  g_assert_false (tool_monitor_state_end (&fixture.state, &fixture.event));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/monitor/holds", test_holds);
  g_test_add_func ("/monitor/flicker", test_flicker);
  g_test_add_func ("/monitor/no-hold", test_no_hold);
  g_test_add_func ("/monitor/end", test_end);
  return g_test_run ();
}
