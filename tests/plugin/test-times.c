/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What compares times, with time stamps that fall back, stand still, leap or are missing: the
 * timeline, the pace, QoS, the deadline, and by how much inference makes a live stream late. */
#include "classify/pace.h"

#define MS GST_MSECOND
#define FRAME (40 * MS)
#define HOUR (3600 * GST_SECOND)

typedef struct
{
  GstEffvkPacer pacer;
  GstSegment segment;
  GstClockTime now; /* GST_CLOCK_TIME_NONE: not live */
} Stream;

static void
stream_init (Stream *stream, GstClockTime now)
{
  *stream = (Stream){ .now = now };
  gst_effvk_pacer_reset (&stream->pacer);
  gst_segment_init (&stream->segment, GST_FORMAT_TIME);
}

static GstClockTime
advance (Stream *stream, GstClockTime pts)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = pts;
  return gst_effvk_pacer_advance (&stream->pacer, &stream->segment, buffer, FRAME, stream->now);
}

/* The time stamps of a stream, and for how many of the frames it may stand still. */
typedef struct
{
  const char *name;
  GstClockTime (*pts) (guint);
  guint still;
} Times;

static GstClockTime
in_order (guint n)
{
  return HOUR + n * FRAME;
}

static GstClockTime
that_fall_back (guint n)
{
  return n < 30 ? in_order (n) : (n - 30) * FRAME;
}

static GstClockTime
that_fall_back_a_little (guint n)
{
  return n < 30 ? in_order (n) : in_order (n - 25);
}

static GstClockTime
that_fall_back_again_and_again (guint n)
{
  return HOUR + n % 10 * FRAME;
}

static GstClockTime
that_stand_still (guint n)
{
  return in_order (MIN (n, 30));
}

static GstClockTime
that_are_missing (guint n)
{
  return n < 30 || n > 60 ? in_order (n) : GST_CLOCK_TIME_NONE;
}

static GstClockTime
that_come_twice (guint n)
{
  return HOUR + n / 2 * 2 * FRAME;
}

static const Times all_times[] = {
  { "in order", in_order, 0 },
  { "fall back", that_fall_back, 0 },
  { "fall back by a second", that_fall_back_a_little, 0 },
  { "fall back again and again", that_fall_back_again_and_again, 0 },
  { "stand still", that_stand_still, 4 },
  { "are missing", that_are_missing, 0 },
  { "come twice", that_come_twice, 1 },
};

/* Time goes on by about as much as frames last, in a file and in a live pipeline. */
static void
test_timeline (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (all_times); i++)
    for (guint live = 0; live < 2; live++)
      {
        const Times *times = &all_times[i];
        GstClockTime first, time = 0;
        Stream stream;

        stream_init (&stream, live ? HOUR : GST_CLOCK_TIME_NONE);
        first = time = advance (&stream, times->pts (0));
        g_assert_cmpuint (time, ==, HOUR);
        for (guint n = 1; n < 100; n++)
          {
            GstClockTime last = time;

            stream.now += live ? FRAME : 0;
            time = advance (&stream, times->pts (n));
            if (time < last || time > last + (times->still + 2) * FRAME
                || time + (times->still + 1) * FRAME < first + n * FRAME)
              g_error ("%s, %s, frame %u: %" GST_TIME_FORMAT " after %" GST_TIME_FORMAT,
                       times->name, live ? "live" : "not live", n, GST_TIME_ARGS (time),
                       GST_TIME_ARGS (last));
          }
      }
}

/* In a live pipeline nothing is from the future; in a file it is a hole. */
static void
test_leap (void)
{
  Stream stream;

  stream_init (&stream, 0);
  for (guint n = 0; n < 200; n++, stream.now += FRAME)
    g_assert_cmpuint (advance (&stream, n * FRAME + (n == 50 || n > 100 ? HOUR : 0)), ==,
                      n * FRAME);
  /* a source that is late, and then catches up */
  for (guint n = 200; n < 300; n++, stream.now += FRAME)
    g_assert_cmpuint (advance (&stream, HOUR + (n < 250 ? n - 100 : n) * FRAME), >=,
                      (n - 101) * FRAME);
  g_assert_cmpuint (stream.pacer.timeline.last, ==, 299 * FRAME);

  stream_init (&stream, GST_CLOCK_TIME_NONE);
  g_assert_cmpuint (advance (&stream, 0), ==, 0);
  g_assert_cmpuint (advance (&stream, HOUR), ==, HOUR);
  g_assert_cmpuint (advance (&stream, HOUR + FRAME), ==, HOUR + FRAME);
}

/* A segment whose frames lie before its start, and one that says nothing of time. */
static void
test_segments (void)
{
  Stream stream;

  stream_init (&stream, GST_CLOCK_TIME_NONE);
  stream.segment.start = HOUR;
  g_assert_cmpuint (advance (&stream, HOUR), ==, 0);
  g_assert_cmpuint (advance (&stream, HOUR + FRAME), ==, FRAME);
  for (guint n = 0; n < 50; n++)
    g_assert_cmpuint (advance (&stream, n * FRAME), ==, (n + 2) * FRAME);

  stream_init (&stream, GST_CLOCK_TIME_NONE);
  gst_segment_init (&stream.segment, GST_FORMAT_BYTES);
  for (guint n = 0; n < 50; n++)
    g_assert_cmpuint (advance (&stream, 0), ==, n * FRAME);
}

static GstEffvkSkip
decide (Stream *stream, const GstEffvkPace *pace, GstClockTime pts)
{
  GstEffvkMoment moment
      = { .time = advance (stream, pts), .now = stream->now, .limit = GST_CLOCK_TIME_NONE };

  return gst_effvk_pacer_decide (&stream->pacer, pace, &moment);
}

/* One in three frames, whatever the time stamps. */
static void
test_interval_time (void)
{
  const GstEffvkPace pace = { .interval = 1, .interval_time = 3 * FRAME };

  for (guint i = 0; i < G_N_ELEMENTS (all_times); i++)
    {
      guint classified[2] = { 0 };
      Stream stream;

      stream_init (&stream, GST_CLOCK_TIME_NONE);
      for (guint n = 0; n < 90; n++)
        classified[n >= 30] += decide (&stream, &pace, all_times[i].pts (n)) == GST_EFFVK_SKIP_NOT;
      g_test_message ("%s: %u of 30, %u of 60", all_times[i].name, classified[0], classified[1]);
      g_assert_cmpuint (classified[0], >=, 9);
      g_assert_cmpuint (classified[0], <=, 11);
      g_assert_cmpuint (classified[1], >=, 17);
      g_assert_cmpuint (classified[1], <=, 22);
    }
}

/* Frames that are on time are classified, and late ones are not, before and after the times go
 * wrong. */
static void
test_deadline (void)
{
  const GstEffvkPace pace = { .interval = 1, .deadline = 100 * MS };

  for (guint i = 0; i < G_N_ELEMENTS (all_times); i++)
    {
      guint n_skipped = 0;
      Stream stream;

      stream_init (&stream, HOUR + 50 * MS);
      for (guint n = 0; n < 90; n++, stream.now += FRAME)
        n_skipped += decide (&stream, &pace, all_times[i].pts (n)) != GST_EFFVK_SKIP_NOT;
      /* but for those that cannot be told from late ones */
      g_test_message ("%s: %u of 90 skipped", all_times[i].name, n_skipped);
      g_assert_cmpuint (n_skipped, <=, all_times[i].still > 1 ? all_times[i].still : 0);
      if (all_times[i].pts (90) <= all_times[i].pts (89)) /* its time is that of the clock */
        continue;
      stream.now += 100 * MS;
      for (guint n = 90; n < 100; n++, stream.now += FRAME)
        if (all_times[i].pts (n) > all_times[i].pts (n - 1)
            && decide (&stream, &pace, all_times[i].pts (n)) != GST_EFFVK_SKIP_DEADLINE)
          g_error ("%s: frame %u is late", all_times[i].name, n);
    }
}

static void
take_qos (Stream *stream, GstClockTime running_time, GstClockTimeDiff late)
{
  g_autoptr (GstEvent) event = gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0, late, running_time);

  gst_effvk_pacer_take_qos (&stream->pacer, event);
}

/* A sink that is not late says, after the running times fell back by an hour, that it is late by
 * an hour. */
static void
test_qos (void)
{
  const GstEffvkPace pace = { .interval = 1, .qos = TRUE };
  Stream stream;

  stream_init (&stream, HOUR);
  for (guint n = 0; n < 90; n++, stream.now += FRAME)
    {
      GstClockTime pts = that_fall_back (n);

      g_assert_cmpint (decide (&stream, &pace, pts), ==, GST_EFFVK_SKIP_NOT);
      take_qos (&stream, pts, GST_CLOCK_DIFF (pts, stream.now) - 5 * (gint64) MS);
      if (n == 30) /* of a frame from before */
        take_qos (&stream, in_order (29), 30 * MS);
    }
  take_qos (&stream, that_fall_back (89),
            GST_CLOCK_DIFF (that_fall_back (89), stream.now) + 20 * (gint64) MS);
  g_assert_cmpint (decide (&stream, &pace, that_fall_back (90)), ==, GST_EFFVK_SKIP_QOS);
}

/* What happens to a live stream of 25 frames/s between two frames. */
typedef struct
{
  GstClockTime late; /* by how much more the next frame comes late */
  GstClockTime held; /* by inference, at most */
} Delay;

#define LIMIT (120 * MS)

/* Plays 100 frames; from frame 20 on each is delayed, until frame @until. Returns how many are
 * skipped. */
static guint
play (guint until, Delay delay, GstClockTime ease, GstClockTime *latest)
{
  const GstEffvkPace pace = { .interval = 1, .deadline = GST_CLOCK_TIME_NONE };
  GstClockTime age = 0;
  guint n_skipped = 0;
  gboolean skipped = FALSE;
  Stream stream;

  stream_init (&stream, 0);
  *latest = 0;
  for (guint n = 0; n < 100; n++)
    {
      GstEffvkMoment moment = { .limit = LIMIT };

      if (n >= 20 && n < until && !skipped)
        {
          age += delay.late;
          moment.held = delay.held;
        }
      else
        age -= MIN (age, ease);
      stream.now = n * FRAME + age;
      moment.now = stream.now;
      moment.time = advance (&stream, n * FRAME);
      skipped = gst_effvk_pacer_decide (&stream.pacer, &pace, &moment) != GST_EFFVK_SKIP_NOT;
      n_skipped += skipped;
      *latest = MAX (*latest, age);
    }
  return n_skipped;
}

static void
test_lag (void)
{
  const Delay slow = { 20 * MS, 60 * MS }, gap = { 5 * GST_SECOND, 10 * MS }, sink = { 20 * MS, 0 },
              partly = { 20 * MS, 10 * MS };
  GstClockTime latest;
  guint n;

  /* slow inference: bounded, and about a third is skipped, which takes 40 ms off each time */
  n = play (100, slow, FRAME, &latest);
  g_test_message ("slow inference: %u of 80 skipped, %" G_GUINT64_FORMAT " ms late", n,
                  latest / MS);
  g_assert_cmpuint (n, >=, 20);
  g_assert_cmpuint (n, <=, 30);
  g_assert_cmpuint (latest, <=, LIMIT + 20 * MS);
  /* a hole of 5 s, or a sink that stalls: frames are old for good, for other reasons */
  g_assert_cmpuint (play (21, gap, 0, &latest), ==, 0);
  g_assert_cmpuint (latest, >=, 5 * GST_SECOND);
  /* a slow sink */
  g_assert_cmpuint (play (100, sink, FRAME, &latest), ==, 0);
  /* half of it is the sink's */
  n = play (100, partly, FRAME, &latest);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, <, 15);
}

/* Skipping that does not help ends. */
static void
test_futile (void)
{
  const Delay stall = { GST_SECOND, GST_SECOND };
  GstClockTime latest;
  guint n = play (21, stall, 0, &latest);

  g_test_message ("%u of 80 skipped", n);
  g_assert_cmpuint (n, >=, 20);
  g_assert_cmpuint (n, <=, 30);
}

/* A warning comes once, when skipping goes on. */
static void
test_warning (void)
{
  GstEffvkLag lag = { 0 };
  guint n = 0;

  gst_effvk_lag_reset (&lag);
  g_assert_false (gst_effvk_lag_take_decision (&lag, 0, TRUE));
  for (GstClockTime now = 10 * GST_SECOND; now < 60 * GST_SECOND; now += 10 * GST_SECOND)
    g_assert_false (gst_effvk_lag_take_decision (&lag, now, TRUE)); /* now and then */
  for (guint i = 0; i < 200; i++)
    n += gst_effvk_lag_take_decision (&lag, HOUR + i * FRAME, i % 3 == 0);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (lag.n_frames, ==, 200);
  g_assert_cmpuint (lag.n_skipped, ==, 67);
  gst_effvk_lag_reset (&lag);
  for (guint i = 0; i < 200; i++)
    g_assert_false (gst_effvk_lag_take_decision (&lag, HOUR + i * FRAME, TRUE));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/times/timeline", test_timeline);
  g_test_add_func ("/times/leap", test_leap);
  g_test_add_func ("/times/segments", test_segments);
  g_test_add_func ("/times/interval-time", test_interval_time);
  g_test_add_func ("/times/deadline", test_deadline);
  g_test_add_func ("/times/qos", test_qos);
  g_test_add_func ("/times/lag", test_lag);
  g_test_add_func ("/times/futile", test_futile);
  g_test_add_func ("/times/warning", test_warning);
  return g_test_run ();
}
