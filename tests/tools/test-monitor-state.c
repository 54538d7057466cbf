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
start (Fixture *fixture)
{
  tool_monitor_state_init (&fixture->state, 500 * MS);
  g_assert_false (add (fixture, 0, 0));
  g_assert_true (add (fixture, 500, 0));
}

/* A class that comes and goes, no longer than the state itself, is no new state. */
static void
test_flicker (void)
{
  Fixture fixture;

  start (&fixture);
  for (gint64 ms = 600; ms < 5000; ms += 100)
    g_assert_false (add (&fixture, ms, ms / 100 % 2 ? 2 : 0));
  g_assert_false (add (&fixture, 5000, 0));
  g_assert_false (add (&fixture, 5100, 0));
  /* What was forgotten does not count. */
  g_assert_false (add (&fixture, 6000, 2));
  g_assert_false (add (&fixture, 6400, 2));
  g_assert_true (add (&fixture, 6500, 2));
  g_assert_cmpint (fixture.event.since, ==, 6000 * MS);
}

/* A broken stream is now this, now that. */
static void
test_many_kinds (void)
{
  Fixture fixture;

  start (&fixture);
  g_assert_false (add (&fixture, 1000, 7));
  g_assert_false (add (&fixture, 1100, 6));
  g_assert_false (add (&fixture, 1200, 7));
  g_assert_false (add (&fixture, 1300, 8));
  g_assert_false (add (&fixture, 1400, 7));
  g_assert_true (add (&fixture, 1500, 6));
  g_assert_cmpint (fixture.event.state, ==, 7);
  g_assert_cmpint (fixture.event.since, ==, 1000 * MS);
  g_assert_cmpint (fixture.event.previous, ==, 0);
}

/* Nor do a few good frames make it good: three of four are broken. */
static void
test_mostly_away (void)
{
  Fixture fixture;
  gint64 ms;

  start (&fixture);
  for (ms = 600; ms < 5000; ms += 100)
    if (add (&fixture, ms, ms % 400 == 0 ? 0 : 7))
      break;
  g_assert_cmpint (ms, ==, 1500);
  g_assert_cmpint (fixture.event.state, ==, 7);
  g_assert_cmpint (fixture.event.since, ==, 600 * MS);
}

/* More classes than there is room for, and time that jumps. */
static void
test_bounds (void)
{
  Fixture fixture;

  start (&fixture);
  for (gint i = 1; i < 100; i++)
    g_assert_false (add (&fixture, 600 + i, i));
  g_assert_false (add (&fixture, 0, 1));
  g_assert_true (add (&fixture, 1000000, 1));
  g_assert_cmpint (fixture.event.state, ==, 1);
  g_assert_false (add (&fixture, G_MAXINT64 / MS, 1));
  g_assert_false (add (&fixture, 0, 1));
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

/* A stream that is lost has no signal at once, and another state as any has one. */
static void
test_lost (void)
{
  Fixture fixture;

  start (&fixture);
  g_assert_true (tool_monitor_state_lose (&fixture.state, 700 * MS, &fixture.event));
  g_assert_cmpint (fixture.event.state, ==, TOOL_MONITOR_NO_SIGNAL);
  g_assert_cmpint (fixture.event.previous, ==, 0);
  g_assert_cmpint (fixture.event.since, ==, 700 * MS);
  g_assert_cmpint (fixture.event.previous_since, ==, 0);

  /* A glimpse is none; and it is lost once. */
  g_assert_false (add (&fixture, 3000, 4));
  g_assert_false (add (&fixture, 3400, 4));
  g_assert_false (tool_monitor_state_lose (&fixture.state, 3400 * MS, &fixture.event));
  g_assert_false (add (&fixture, 5000, 4));
  g_assert_false (add (&fixture, 5400, 4));
  g_assert_true (add (&fixture, 5500, 4));
  g_assert_cmpint (fixture.event.state, ==, 4);
  g_assert_cmpint (fixture.event.previous, ==, TOOL_MONITOR_NO_SIGNAL);
  g_assert_cmpint (fixture.event.since, ==, 5000 * MS);
  g_assert_cmpint (fixture.event.previous_since, ==, 700 * MS);
}

/* Nor does a stream have one that has never come. */
static void
test_lost_first (void)
{
  Fixture fixture;

  tool_monitor_state_init (&fixture.state, 500 * MS);
  g_assert_true (tool_monitor_state_lose (&fixture.state, 0, &fixture.event));
  g_assert_cmpint (fixture.event.previous, ==, TOOL_MONITOR_NONE);
  g_assert_false (add (&fixture, 100, 7));
  g_assert_true (tool_monitor_state_end (&fixture.state, &fixture.event));
  g_assert_cmpint (fixture.event.state, ==, 7);
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

/* What the model does not know is a state like others, and no end of the stream changes it. */
static void
test_unknown (void)
{
  Fixture fixture;

  start (&fixture);
  g_assert_false (add (&fixture, 1000, TOOL_MONITOR_UNKNOWN));
  g_assert_true (add (&fixture, 1500, TOOL_MONITOR_UNKNOWN));
  g_assert_cmpint (fixture.event.state, ==, TOOL_MONITOR_UNKNOWN);
  g_assert_cmpint (fixture.event.since, ==, 1000 * MS);
  g_assert_false (add (&fixture, 1600, TOOL_MONITOR_UNKNOWN));
  g_assert_false (add (&fixture, 1700, 3));
  g_assert_false (tool_monitor_state_end (&fixture.state, &fixture.event));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/monitor/holds", test_holds);
  g_test_add_func ("/monitor/flicker", test_flicker);
  g_test_add_func ("/monitor/many-kinds", test_many_kinds);
  g_test_add_func ("/monitor/mostly-away", test_mostly_away);
  g_test_add_func ("/monitor/bounds", test_bounds);
  g_test_add_func ("/monitor/no-hold", test_no_hold);
  g_test_add_func ("/monitor/lost", test_lost);
  g_test_add_func ("/monitor/lost-first", test_lost_first);
  g_test_add_func ("/monitor/end", test_end);
  g_test_add_func ("/monitor/unknown", test_unknown);
  return g_test_run ();
}
