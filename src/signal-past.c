/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signal-past.h"

#include <math.h>

#define LEVELS 255.0
#define MS G_GUINT64_CONSTANT (1000000)

/* Changes from frame to frame, in levels. */
#define STILL 2.0       /* of the block that has changed most: what a coder leaves of a still */
#define EXACT 0.25      /* of that block: nothing has changed */
#define TRACE 0.008     /* of all, in shares of the motion before: as good as nothing */
#define NOISY 0.3       /* of all: more is noise or motion */
#define EVEN 2.2        /* the most, in shares of the mean, where all changes alike, as by noise */
#define PULSE 16.0      /* of a block, and: */
#define PULSE_EVEN 14.0 /* in shares of the mean, where a coder draws a still picture anew */
#define PULSES 0.25     /* share of frames that may be such */
#define MOTION (400 * MS) /* for how long a frozen picture moves where a frame did */

#define CALM 0.6 /* share of the motion before that noise may be, at its first: */
#define NOISY_FRAMES 3
/* How much must have moved, in levels, so that its end is seen by what is left; a cut is no such
 * motion. */
#define CALM_MOTION 1.5
#define TRACE_MOTION 2.0
#define MOST_MOTION 8.0

#define USUAL (30e9) /* ns, after which half of what is usual is forgotten */
#define USUAL_DOWN (8e9)

#define FLASH 12.0 /* levels by which the whole picture's brightness turns */

/* By how much two fields differ that are of different times. */
#define FIELDS 1.25
#define FIELDS_LEVELS 0.4

/* How much of an average is the newest, where the older half was @half ns ago. */
static double
get_weight (guint64 passed, double half)
{
  return 1 - exp2 (-(double) passed / half);
}

static void
approach (double *average, double value, double weight)
{
  *average += (value - *average) * weight;
}

void
effvk_signal_past_begin (EffvkSignalPast *past, guint64 time)
{
  gboolean first = !past->clock.started;

  past->passed = effvk_steady_clock_advance (&past->clock, time);
  if (first)
    past->first = past->clock.now;
  past->answered = past->measured = past->compared = FALSE;
}

/* The score of each class that the network told, as probabilities. */
static void
add_logits (EffvkSignalPast *past, const float *logits, const EffvkSignalState *states, guint n)
{
  double top = (double) logits[0], sum = 0;

  for (guint i = 1; i < n; i++)
    top = MAX (top, (double) logits[i]);
  for (guint i = 0; i < n; i++)
    sum += exp ((double) logits[i] - top);
  for (guint i = 0; i < n; i++)
    past->scores[states[i]] += exp ((double) logits[i] - top) / sum;
}

void
effvk_signal_past_answer (EffvkSignalPast *past, EffvkResult *result,
                          const EffvkSignalState *states, guint n)
{
  guint n_logits, k = effvk_result_get_n_classes (result);
  const float *logits = effvk_result_get_logits (result, &n_logits);

  if (k == 0)
    return;
  memset (past->scores, 0, sizeof past->scores);
  past->answers = past->answered = TRUE;
  if (effvk_result_get_index (result, 0) == EFFVK_CLASS_UNKNOWN)
    return;
  if (logits && n_logits == n)
    add_logits (past, logits, states, n);
  else
    for (guint i = 0; i < k; i++)
      if (effvk_result_get_index (result, i) < n)
        past->scores[states[effvk_result_get_index (result, i)]]
            += (double) effvk_result_get_score (result, i);
  past->scores[EFFVK_SIGNAL_STATE_UNKNOWN] = 0; /* classes that are no states */
}

/* Whether a frame that is noise and no more shows a still picture. A camera that sees nothing move
 * has noise as well, but always: that does not begin at one frame. */
static gboolean
is_calmed (EffvkSignalPast *past)
{
  if (past->noisy < NOISY_FRAMES)
    past->calmed = past->motion >= CALM_MOTION && past->change <= CALM * past->motion;
  past->noisy++;
  return past->calmed;
}

/* A frozen picture is exactly still, but where a coder draws it anew. One in which little moves is
 * nearly still. */
static void
find_motion (EffvkSignalPast *past)
{
  double change = past->change, most = past->block_change;
  gboolean still = most <= STILL;
  gboolean pulse = !still && most <= PULSE && most <= PULSE_EVEN * change;
  gboolean noise = change >= NOISY && most <= EVEN * change;
  gboolean exact
      = most <= EXACT || (still && past->motion >= TRACE_MOTION && change <= TRACE * past->motion);

  approach (&past->pulses, pulse, get_weight (past->passed, 1e9));
  past->moves = past->frozen && past->clock.now - past->moved < MOTION;
  if (pulse && past->pulses <= PULSES)
    return;
  exact = exact || (noise && is_calmed (past));
  approach (&past->stillness, exact, get_weight (past->passed, 0.5e9));
  if (still || exact)
    return;
  approach (&past->motion, MIN (change, MOST_MOTION), get_weight (past->passed, 1e9));
  past->moves = TRUE;
  past->moved = past->clock.now;
  past->noisy = noise ? past->noisy : 0;
}

static void
find_fields (EffvkSignalPast *past)
{
  double less = MIN (past->top_first, past->bottom_first);
  double more = MAX (past->top_first, past->bottom_first);
  gboolean differ = more > FIELDS * less + FIELDS_LEVELS && past->lines > 0.85 * less;

  approach (&past->fields, differ, get_weight (past->passed, 0.3e9));
}

/* A turn of the brightness from one extreme to the other. */
static void
find_flashes (EffvkSignalPast *past)
{
  double step = past->luma - past->extreme;

  if (past->rises ? step > 0 : step < 0)
    past->extreme = past->luma;
  else if (fabs (step) >= FLASH)
    {
      memmove (past->turns, past->turns + 1, sizeof past->turns - sizeof *past->turns);
      past->turns[EFFVK_SIGNAL_FLASHES - 1] = MAX (past->clock.now, 1);
      past->rises = !past->rises;
      past->extreme = past->luma;
    }
}

static void
find_edges (EffvkSignalPast *past, double edges)
{
  double weight = get_weight (past->passed, 0.12e9);

  approach (&past->unrest, fabs (edges - past->block_edges), weight);
  approach (&past->edges, edges, weight);
  past->block_edges = edges;
}

static void
find_borders (EffvkSignalPast *past, const EffvkMeasures *measures)
{
  guint width, height;

  effvk_measures_get_size_of_frame (measures, &width, &height);
  past->across = MIN (effvk_measures_get (measures, EFFVK_MEASURE_BORDER_LEFT),
                      effvk_measures_get (measures, EFFVK_MEASURE_BORDER_RIGHT))
                 / MAX (width, 1);
  past->down = MIN (effvk_measures_get (measures, EFFVK_MEASURE_BORDER_TOP),
                    effvk_measures_get (measures, EFFVK_MEASURE_BORDER_BOTTOM))
               / MAX (height, 1);
}

void
effvk_signal_past_measure (EffvkSignalPast *past, const EffvkMeasures *measures)
{
  past->luma = effvk_measures_get (measures, EFFVK_MEASURE_LUMA_MEAN);
  past->spread = effvk_measures_get (measures, EFFVK_MEASURE_LUMA_SPREAD);
  past->black = effvk_measures_get (measures, EFFVK_MEASURE_BLACK);
  past->white = effvk_measures_get (measures, EFFVK_MEASURE_WHITE);
  past->lines = effvk_measures_get (measures, EFFVK_MEASURE_LINES);
  past->edge_width = effvk_measures_get (measures, EFFVK_MEASURE_EDGE_WIDTH);
  past->combed = effvk_measures_get (measures, EFFVK_MEASURE_COMBED);
  past->change = LEVELS * effvk_measures_get (measures, EFFVK_MEASURE_CHANGE);
  past->block_change = LEVELS * effvk_measures_get (measures, EFFVK_MEASURE_BLOCK_CHANGE);
  past->top_first = effvk_measures_get (measures, EFFVK_MEASURE_TOP_FIRST);
  past->bottom_first = effvk_measures_get (measures, EFFVK_MEASURE_BOTTOM_FIRST);
  if (!past->was_measured)
    {
      past->extreme = past->luma;
      past->block_edges = past->edges = effvk_measures_get (measures, EFFVK_MEASURE_BLOCK_EDGES);
    }
  approach (&past->combed_lately, past->combed, get_weight (past->passed, 0.2e9));
  past->measured = past->was_measured = TRUE;
  past->compared = !isnan (past->change);
  find_borders (past, measures);
  find_flashes (past);
  find_edges (past, effvk_measures_get (measures, EFFVK_MEASURE_BLOCK_EDGES));
  if (!past->compared)
    return;
  find_motion (past);
  approach (&past->stir, past->change, get_weight (past->passed, 1e9));
  if (!isnan (past->top_first) && !isnan (past->bottom_first))
    find_fields (past);
}

double
effvk_signal_logit (double score)
{
  double p = CLAMP (score, 1e-4, 1 - 1e-4);

  return log (p / (1 - p));
}

double
effvk_signal_get_damage (const EffvkSignalPast *past)
{
  double damage
      = past->scores[EFFVK_SIGNAL_STATE_CORRUPTION] + past->scores[EFFVK_SIGNAL_STATE_WRONG_PLANES];

  return damage / MAX (damage + past->scores[EFFVK_SIGNAL_STATE_PICTURE], 1e-3);
}

/* Brings what is usual nearer to a value that was true for @passed ns. Less is learned soon, more
 * slowly: damage is not to become usual. */
static void
learn (const EffvkSignalPast *past, gboolean *known, double *usual, double value, guint64 passed)
{
  guint64 age = past->clock.now - past->first;
  /* A stream that has just begun knows little. */
  double half = MIN (value < *usual ? USUAL_DOWN : USUAL, (double) age / 2 + 1e8);

  if (isnan (value))
    return;
  approach (usual, value, *known ? get_weight (passed, half) : 1);
  *known = TRUE;
}

void
effvk_signal_past_learn (EffvkSignalPast *past)
{
  if (past->answered)
    {
      /* It was asked some frames ago. */
      learn (past, &past->usual, &past->usual_damage,
             effvk_signal_logit (effvk_signal_get_damage (past)), past->clock.now - past->learned);
      past->learned = past->clock.now;
    }
  if (!past->measured)
    return;
  learn (past, &past->usual_measures, &past->usual_block_edges, past->block_edges, past->passed);
  learn (past, &past->usual_edges, &past->usual_width, past->edge_width, past->passed);
}
