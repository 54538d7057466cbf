/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a signal, by drawn sequences of answers and measures: what is raised and cleared,
 * and when; what is no alarm; and times that no stream should have. */
#include "measures.h"
#include "model-fixtures.h"
#include "result.h"

#include <effvk/effvk-signal.h>
#include <math.h>

#define MS G_GUINT64_CONSTANT (1000000)
#define FRAME (40 * MS)
#define S(seconds) ((guint64) ((seconds) *25)) /* frames */
#define ON TRUE

static const char *const labels[]
    = { "picture", "corruption", "slate", "noise", "blur", "black", "combing", "rabbit" };
#define N G_N_ELEMENTS (labels)
enum
{
  PICTURE,
  CORRUPTION,
  SLATE,
  NOISE,
  BLUR,
  BLACK,
  COMBING,
  RABBIT,
};

static EffvkModel *model;

/* A stream: how its next frames will be, and its time. */
typedef struct
{
  EffvkSignal *signal;
  EffvkMeasures measures;
  guint class;
  double score;
  gboolean asks;  /* the network, every fifth frame */
  gboolean still; /* hard edges are as they are; else they come and go */
  guint64 time;
  guint n;
} Stream;

/* A moving picture, with which nothing is wrong. */
static void
be_well (Stream *stream)
{
  stream->measures = (EffvkMeasures){ .width = 640, .height = 480 };
  stream->measures.values[EFFVK_MEASURE_LUMA_MEAN] = 110;
  stream->measures.values[EFFVK_MEASURE_LUMA_SPREAD] = 50;
  stream->measures.values[EFFVK_MEASURE_CHANGE] = 0.012;
  stream->measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 0.2;
  stream->measures.values[EFFVK_MEASURE_TOP_FIRST] = 12;
  stream->measures.values[EFFVK_MEASURE_BOTTOM_FIRST] = 12;
  stream->measures.values[EFFVK_MEASURE_LINES] = 7;
  stream->measures.values[EFFVK_MEASURE_EDGE_WIDTH] = 2.5;
  stream->measures.values[EFFVK_MEASURE_BLOCK_EDGES] = 0.01;
  stream->class = PICTURE;
  stream->score = 0.95;
}

static void
stream_init (Stream *stream)
{
  *stream = (Stream){ .signal = effvk_signal_new (model), .asks = TRUE };
  be_well (stream);
}

static void
stream_clear (Stream *stream)
{
  g_clear_object (&stream->signal);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stream, stream_clear)

static EffvkResult *
new_result (guint class, double score)
{
  EffvkClass classes[N];

  for (guint i = 0; i < N; i++)
    classes[i] = (EffvkClass){ i, (float) (i == class ? score : (1 - score) / (N - 1)) };
  return effvk_result_new (model, classes, N, NULL, 0, 0, 0);
}

static void
add (Stream *stream)
{
  g_autoptr (EffvkResult) result
      = stream->asks && stream->n % 5 == 0 ? new_result (stream->class, stream->score) : NULL;

  EffvkMeasures measures = stream->measures;

  if (!stream->still && stream->n % 2)
    measures.values[EFFVK_MEASURE_BLOCK_EDGES] *= 0.7;
  effvk_signal_add (stream->signal, result, &measures, stream->time);
  stream->n++;
}

static void
play (Stream *stream, guint64 frames)
{
  for (guint64 i = 0; i < frames; i++)
    {
      add (stream);
      stream->time += FRAME;
    }
}

/* The next event is of @state, and was certain @delay ns after @began. */
static void
assert_event (Stream *stream, EffvkSignalState state, gboolean raised, guint64 began, guint64 delay)
{
  EffvkSignalEvent event;

  g_assert_true (effvk_signal_pop (stream->signal, &event));
  g_assert_cmpstr (effvk_signal_state_get_name (event.state), ==,
                   effvk_signal_state_get_name (state));
  g_assert_cmpint (event.raised, ==, raised);
  g_assert_cmpint (llabs ((gint64) event.since - (gint64) began), <=, 600 * MS);
  g_assert_cmpint ((gint64) event.time - (gint64) began, >=, (gint64) delay);
  g_assert_cmpint ((gint64) event.time - (gint64) began, <=, (gint64) (delay + 800 * MS));
  g_assert_cmpfloat (event.confidence, >, 0.3);
  g_assert_cmpfloat (event.confidence, <=, 1);
}

static void
assert_no_event (Stream *stream)
{
  EffvkSignalEvent event;

  if (effvk_signal_pop (stream->signal, &event))
    g_error ("%s is %s", effvk_signal_state_get_name (event.state),
             event.raised ? "raised" : "cleared");
}

static void
assert_state (Stream *stream, EffvkSignalState state)
{
  EffvkSignalState found = effvk_signal_get_state (stream->signal, NULL, NULL);

  g_assert_cmpstr (effvk_signal_state_get_name (found), ==, effvk_signal_state_get_name (state));
}

/* What is drawn of a state; 0 frames of it are @well. */
typedef void (*Draw) (Stream *stream);

static void
draw_black (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_LUMA_MEAN] = 17;
  stream->measures.values[EFFVK_MEASURE_LUMA_SPREAD] = 1;
  stream->measures.values[EFFVK_MEASURE_BLACK] = 1;
  stream->measures.values[EFFVK_MEASURE_CHANGE] = 0;
  stream->measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 0;
  stream->class = BLACK;
}

static void
draw_freeze (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_CHANGE] = 0;
  stream->measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 0;
}

static void
draw_noisy_freeze (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_CHANGE] = 1.5 / 255.0;
  stream->measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 3 / 255.0;
}

static void
draw_combing (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_COMBED] = 0.2;
  stream->measures.values[EFFVK_MEASURE_TOP_FIRST] = 20;
  stream->measures.values[EFFVK_MEASURE_LINES] = 12;
}

static void
draw_corruption (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_BLOCK_EDGES] = 0.2;
  stream->class = CORRUPTION;
}

static void
draw_slate (Stream *stream)
{
  draw_freeze (stream);
  stream->class = SLATE;
}

static void
draw_snow (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_CHANGE] = 0.2;
  stream->measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 0.25;
  stream->class = NOISE;
}

static void
draw_blur (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_EDGE_WIDTH] = 8;
  stream->class = BLUR;
}

static void
draw_letterbox (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_BORDER_TOP] = 60;
  stream->measures.values[EFFVK_MEASURE_BORDER_BOTTOM] = 60;
}

static void
draw_dark (Stream *stream)
{
  stream->measures.values[EFFVK_MEASURE_BLACK] = 0.99;
  stream->measures.values[EFFVK_MEASURE_LUMA_SPREAD] = 9;
}

/* Each state is raised after its detection time, cleared after its recovery time, and nothing else
 * is told. */
static void
test_each (void)
{
  static const struct
  {
    EffvkSignalState state;
    Draw draw;
  } cases[] = { { EFFVK_SIGNAL_STATE_BLACK, draw_black },
                { EFFVK_SIGNAL_STATE_FREEZE, draw_freeze },
                { EFFVK_SIGNAL_STATE_FREEZE, draw_noisy_freeze },
                { EFFVK_SIGNAL_STATE_COMBING, draw_combing },
                { EFFVK_SIGNAL_STATE_CORRUPTION, draw_corruption },
                { EFFVK_SIGNAL_STATE_SLATE, draw_slate },
                { EFFVK_SIGNAL_STATE_NOISE, draw_snow },
                { EFFVK_SIGNAL_STATE_BLUR, draw_blur },
                { EFFVK_SIGNAL_STATE_LETTERBOX, draw_letterbox },
                { EFFVK_SIGNAL_STATE_DARK, draw_dark } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EffvkSignalState state = cases[i].state;
      g_auto (Stream) stream = { 0 };
      guint64 detection, recovery, began;

      g_test_message ("%s", effvk_signal_state_get_name (state));
      stream_init (&stream);
      effvk_signal_get_times (stream.signal, state, &detection, &recovery);
      assert_state (&stream, EFFVK_SIGNAL_STATE_UNKNOWN);
      play (&stream, S (10));
      assert_no_event (&stream);
      assert_state (&stream, EFFVK_SIGNAL_STATE_PICTURE);
      cases[i].draw (&stream);
      began = stream.time;
      play (&stream, S (15));
      assert_event (&stream, state, TRUE, began, detection);
      assert_no_event (&stream);
      g_assert_true (effvk_signal_is_raised (stream.signal, state));
      assert_state (&stream,
                    state == EFFVK_SIGNAL_STATE_LETTERBOX ? EFFVK_SIGNAL_STATE_PICTURE : state);
      be_well (&stream);
      began = stream.time;
      play (&stream, S (10));
      assert_event (&stream, state, FALSE, began, recovery);
      assert_no_event (&stream);
      assert_state (&stream, EFFVK_SIGNAL_STATE_PICTURE);
    }
}

/* What is shorter than its detection time, or comes and goes, is nothing. */
static void
test_short (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  play (&stream, S (5));
  for (guint i = 0; i < 20; i++)
    {
      draw_freeze (&stream);
      play (&stream, S (1.8));
      be_well (&stream);
      play (&stream, 1); /* a clock that ticks */
    }
  draw_noisy_freeze (&stream); /* of a camera that always has as much noise */
  stream.measures.values[EFFVK_MEASURE_CHANGE] = 0.010;
  stream.measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 0.012;
  play (&stream, S (20));
  be_well (&stream);
  play (&stream, S (1));
  draw_freeze (&stream); /* a scene in which nothing moves, as a coder leaves it */
  stream.measures.values[EFFVK_MEASURE_CHANGE] = 0.1 / 255;
  stream.measures.values[EFFVK_MEASURE_BLOCK_CHANGE] = 1.2 / 255;
  play (&stream, S (20));
  be_well (&stream);
  draw_black (&stream);
  play (&stream, S (1.8));
  be_well (&stream);
  play (&stream, S (3));
  draw_corruption (&stream);
  play (&stream, S (0.2));
  be_well (&stream);
  play (&stream, S (3));
  assert_no_event (&stream);
}

/* A scene that always looks damaged to the network is not: that is what is usual. */
static void
test_usual (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  stream.class = CORRUPTION;
  stream.score = 0.8;
  play (&stream, S (30));
  assert_no_event (&stream);
  assert_state (&stream, EFFVK_SIGNAL_STATE_UNKNOWN); /* rather than a guess */
}

/* A cut to a scene that has hard edges and looks damaged to the network; and what a decoder
 * says. */
static void
test_scene (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  stream.still = TRUE;
  play (&stream, S (10));
  draw_corruption (&stream);
  stream.score = 0.4;
  play (&stream, S (10));
  assert_no_event (&stream);
  be_well (&stream);
  play (&stream, S (60));
  stream.measures.values[EFFVK_MEASURE_BLOCK_EDGES] = 0.05;
  effvk_signal_add_damage (stream.signal, stream.time);
  play (&stream, S (2));
  assert_event (&stream, EFFVK_SIGNAL_STATE_CORRUPTION, TRUE, stream.time - S (2) * FRAME,
                600 * MS);
}

/* A stream that is broken from its start. */
static void
test_broken (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  draw_corruption (&stream);
  stream.score = 0.995;
  play (&stream, S (5));
  assert_event (&stream, EFFVK_SIGNAL_STATE_CORRUPTION, TRUE, 0, 600 * MS);
  assert_state (&stream, EFFVK_SIGNAL_STATE_CORRUPTION);
}

/* The brightness of all goes up and down six times a second; slower it is a programme. */
static void
test_flicker (void)
{
  for (guint period = 4; period <= 40; period += 36)
    {
      g_auto (Stream) stream = { 0 };

      stream_init (&stream);
      play (&stream, S (2));
      for (guint i = 0; i < S (6); i++)
        {
          stream.measures.values[EFFVK_MEASURE_LUMA_MEAN] = i / (period / 2) % 2 ? 90 : 130;
          play (&stream, 1);
        }
      if (period == 4)
        assert_event (&stream, EFFVK_SIGNAL_STATE_FLICKER, TRUE, 2000 * MS + 400 * MS, 1000 * MS);
      assert_no_event (&stream);
    }
}

static void
test_no_signal (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  play (&stream, S (2));
  effvk_signal_tick (stream.signal, 4900 * MS);
  assert_no_event (&stream);
  effvk_signal_tick (stream.signal, 5000 * MS);
  effvk_signal_tick (stream.signal, 5200 * MS);
  assert_event (&stream, EFFVK_SIGNAL_STATE_NO_SIGNAL, TRUE, stream.time - FRAME, 5000 * MS);
  assert_state (&stream, EFFVK_SIGNAL_STATE_NO_SIGNAL);
  stream.time += 60 * 25 * FRAME;
  play (&stream, S (2));
  assert_event (&stream, EFFVK_SIGNAL_STATE_NO_SIGNAL, FALSE, stream.time - S (2) * FRAME,
                500 * MS);
  assert_state (&stream, EFFVK_SIGNAL_STATE_PICTURE);
  assert_no_event (&stream);
}

/* Silence goes by the sound's own time. */
static void
test_silence (void)
{
  g_auto (Stream) stream = { 0 };
  guint64 time = 0;

  stream_init (&stream);
  for (; time < 20000 * MS; time += 100 * MS)
    {
      play (&stream, 2);
      effvk_signal_add_level (stream.signal, time < 5000 * MS ? -20 : -INFINITY, time);
    }
  assert_event (&stream, EFFVK_SIGNAL_STATE_SILENCE, TRUE, 5000 * MS, 10000 * MS);
  for (; time < 22000 * MS; time += 100 * MS)
    effvk_signal_add_level (stream.signal, -20, time);
  assert_event (&stream, EFFVK_SIGNAL_STATE_SILENCE, FALSE, 20000 * MS, 500 * MS);
}

/* Time that falls back, stands still or leaps neither holds anything up nor raises it. */
static void
test_times (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  play (&stream, S (5));
  draw_black (&stream);
  play (&stream, S (1));
  stream.time += 100000000 * MS; /* a leap of a day decides nothing */
  play (&stream, 1);
  assert_no_event (&stream);
  stream.time = 0; /* and what follows goes on */
  play (&stream, S (1.4));
  g_assert_true (effvk_signal_is_raised (stream.signal, EFFVK_SIGNAL_STATE_BLACK));
  be_well (&stream);
  for (guint i = 0; i < 100; i++)
    add (&stream); /* of one time */
  g_assert_false (effvk_signal_is_raised (stream.signal, EFFVK_SIGNAL_STATE_BLACK));
  stream.time = G_MAXUINT64;
  add (&stream);
  stream.time = 0;
  play (&stream, S (3));
  assert_state (&stream, EFFVK_SIGNAL_STATE_PICTURE);
}

/* Either source alone will do; classes that are no states do not. */
static void
test_sources (void)
{
  g_auto (Stream) stream = { 0 };
  g_autoptr (EffvkSignal) without = effvk_signal_new (NULL);
  EffvkSignalEvent event;

  stream_init (&stream);
  draw_freeze (&stream);
  for (guint i = 0; i < S (4); i++)
    effvk_signal_add (without, NULL, &stream.measures, i * FRAME);
  g_assert_true (effvk_signal_pop (without, &event));
  g_assert_cmpint (event.state, ==, EFFVK_SIGNAL_STATE_FREEZE);
  for (guint i = 0; i < S (4); i++)
    {
      g_autoptr (EffvkResult) slate = new_result (SLATE, 0.9);

      effvk_signal_add (stream.signal, slate, NULL, i * FRAME);
    }
  assert_event (&stream, EFFVK_SIGNAL_STATE_SLATE, TRUE, 0, 1000 * MS);
  effvk_signal_reset (stream.signal);
  assert_state (&stream, EFFVK_SIGNAL_STATE_UNKNOWN);
  for (guint i = 0; i < S (4); i++)
    {
      g_autoptr (EffvkResult) rabbit = new_result (RABBIT, 0.9);

      effvk_signal_add (stream.signal, rabbit, NULL, i * FRAME);
    }
  assert_no_event (&stream);
  assert_state (&stream, EFFVK_SIGNAL_STATE_UNKNOWN);
}

static void
test_settings (void)
{
  g_auto (Stream) stream = { 0 };

  stream_init (&stream);
  effvk_signal_set_times (stream.signal, EFFVK_SIGNAL_STATE_FREEZE, 5000 * MS, 0);
  play (&stream, S (1));
  draw_freeze (&stream);
  play (&stream, S (4.9));
  assert_no_event (&stream);
  play (&stream, S (1));
  assert_event (&stream, EFFVK_SIGNAL_STATE_FREEZE, TRUE, 1000 * MS, 5000 * MS);
  be_well (&stream);
  play (&stream, 1);
  assert_event (&stream, EFFVK_SIGNAL_STATE_FREEZE, FALSE, stream.time - FRAME, 0);
  g_assert_false (effvk_signal_state_is_alarm (EFFVK_SIGNAL_STATE_LETTERBOX));
  g_assert_true (effvk_signal_state_is_alarm (EFFVK_SIGNAL_STATE_FREEZE));
}

/* The model's classes get @labels. */
static void
name_classes (void)
{
  g_autofree char *path = fixture_path ("labels.txt");
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N; i++)
    g_string_append_printf (lines, "%s\n", labels[i]);
  g_assert_true (g_file_set_contents (path, lines->str, -1, &error));
  g_assert_true (effvk_model_load_labels (model, path, &error));
  fixture_remove (g_steal_pointer (&path));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  model = effvk_model_new_random ("phi=-4", N, 1, &error);
  g_assert_no_error (error);
  name_classes ();
  g_test_add_func ("/signal/each", test_each);
  g_test_add_func ("/signal/short", test_short);
  g_test_add_func ("/signal/usual", test_usual);
  g_test_add_func ("/signal/scene", test_scene);
  g_test_add_func ("/signal/broken", test_broken);
  g_test_add_func ("/signal/flicker", test_flicker);
  g_test_add_func ("/signal/no-signal", test_no_signal);
  g_test_add_func ("/signal/silence", test_silence);
  g_test_add_func ("/signal/times", test_times);
  g_test_add_func ("/signal/sources", test_sources);
  g_test_add_func ("/signal/settings", test_settings);
  status = g_test_run ();
  g_object_unref (model);
  return status;
}
