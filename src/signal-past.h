/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/steady-clock.h"

#include <effvk/effvk-signal.h>

#define EFFVK_SIGNAL_STATES (EFFVK_SIGNAL_STATE_NO_SIGNAL + 1)
#define EFFVK_SIGNAL_SECOND G_GUINT64_CONSTANT (1000000000)
#define EFFVK_SIGNAL_FLASHES 8

/* What the newest frame of a stream is like, and what is kept of those before. Times are of the
 * steady clock. */
typedef struct
{
  EffvkSteadyClock clock;
  guint64 passed; /* ns since the frame before */

  /* The network's newest answer; by state, 0 where the model has no class for it. */
  gboolean answers;  /* it has classes that are states */
  gboolean answered; /* of this frame */
  double scores[EFFVK_SIGNAL_STATES];

  /* Measures of the newest frame that was measured, in levels of 0 to 255 or in shares. */
  gboolean measured, compared; /* this frame; and with the one before */
  gboolean was_measured;       /* any frame */
  double luma, spread, black, white, change, block_change, top_first, bottom_first, lines;
  double edge_width, combed, block_edges;
  double across, down; /* borders, in shares of the frame: the smaller of both sides */

  gboolean frozen, corrupted; /* the signal is */
  guint64 grace;    /* ns after motion for which a picture that is nearly still may be frozen */
  gboolean moves;   /* this frame; of a frozen one also if one did within the last moments */
  guint64 moved;    /* when one did */
  double motion;    /* mean change of frames that move, levels */
  guint noisy;      /* frames in a row that are noise and no more */
  gboolean calmed;  /* that noise is much less than the motion before */
  double stillness; /* mean share of frames of late that were exactly still, but for such noise */
  double pulses;    /* mean share of frames in which all changes a little, as at keyframes */
  double stir;      /* mean change of late, levels */

  double fields; /* mean share of frames of late in which the fields are of different times */
  double combed_lately; /* mean of @combed of late */
  double edges;         /* of @block_edges */
  double unrest;        /* and of its changes from frame to frame */

  double extreme; /* the luma of the last turn from brighter to darker, or back */
  gboolean rises;
  guint64 turns[EFFVK_SIGNAL_FLASHES]; /* the newest large ones, oldest first */

  /* What the stream is usually like while nothing is wrong. */
  gboolean usual, usual_measures, usual_edges; /* something is known of it */
  guint64 learned;                             /* when the network's was */
  double usual_damage;                         /* the network's score of corruption, as a logit */
  double usual_block_edges;                    /* as measured */
  double usual_width;                          /* of edges */
  guint64 first;                               /* when the first frame came */
  guint64 damaged;                             /* when a decoder complained, or 0 */
} EffvkSignalPast;

/* To be called for each frame, in this order: the time, the network's answer, the measures. @states
 * has the state of each of the model's @n classes, or 0. */
void effvk_signal_past_begin (EffvkSignalPast *past, guint64 time);
void effvk_signal_past_answer (EffvkSignalPast *past, EffvkResult *result,
                               const EffvkSignalState *states, guint n);
void effvk_signal_past_measure (EffvkSignalPast *past, const EffvkMeasures *measures);

/* The logit of a score. */
double effvk_signal_logit (double score);

/* The network's newest score of damage among pictures, damaged or not: it leaves out how sure it
 * can be. */
double effvk_signal_get_damage (const EffvkSignalPast *past);

/* Learns what is usual, where nothing is wrong. */
void effvk_signal_past_learn (EffvkSignalPast *past);
