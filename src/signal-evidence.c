/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signal-evidence.h"

#include <math.h>

#define SECOND EFFVK_SIGNAL_SECOND

/* The network's scores. */
#define SEEN 0.5    /* a class is seen */
#define DOUBTED 0.3 /* it is not; between them nothing is said */
#define SURE 0.9    /* whatever moves */
#define HINTED 0.25 /* where a measure says the same */

/* Levels of 0 to 255, and shares of the frame. */
#define STEADY 6.0 /* mean change of what no camera sees: it stands still, but for noise */
#define BLACK 0.98 /* as blackdetect */
#define MOSTLY_BLACK 0.8
#define PLAIN_BLACK 4.0 /* spread of black itself */
#define DARK 0.97
#define PLAIN 2.0 /* spread of one colour */
#define NEARLY_PLAIN 12.0
#define STILLNESS 0.5 /* share of frames that are exactly still, of a frozen picture */
#define SNOW 12.0     /* mean change of snow */
#define BORDER 0.04
#define COMBED 0.02 /* share of the frame that is combed */
#define CLEARLY_COMBED 0.08
#define INTERLACED 0.5 /* share of frames whose fields differ */
#define WIDE 5.0       /* edges, pixels */
#define WIDER 1.8      /* in shares of what is usual */
#define FLASHES 6      /* in a second: three there and back, as Ofcom and ITU-R BT.1702 count */

/* Damage. */
#define RISE 3.0        /* of the network's answer over what is usual, as a logit */
#define HIGH 0.9        /* a score that counts in a stream that has always been like this */
#define FEW_EDGES 0.006 /* hard edges of blocks, over what is usual */
#define EDGES 0.015
#define MANY_EDGES 0.04
#define MOST_EDGES 0.06 /* in a stream that has always been like this */
#define EDGES_RATIO 2.5 /* and how many times what is usual */
#define EDGES_ANY 0.002 /* of which this much is always usual */
#define UNREST 0.05     /* share of the edges that changes from frame to frame */
#define HINT_LASTS (2 * SECOND)

static EffvkEvidence
say (gboolean seen, double confidence)
{
  return (EffvkEvidence){ seen ? EFFVK_EVIDENCE_FOR : EFFVK_EVIDENCE_AGAINST,
                          CLAMP (confidence, 0, 1) };
}

static const EffvkEvidence nothing = { EFFVK_EVIDENCE_NONE, 0 };

/* What stands still but for noise, as test signals do; what was not measured may. */
static gboolean
is_steady (const EffvkSignalPast *past)
{
  return !past->was_measured || past->stir <= STEADY;
}

/* A class of the network that is a test signal or a slate. */
static EffvkEvidence
judge_class (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = past->scores[state];

  if (!past->answered)
    return nothing;
  if (score >= SURE || (score >= SEEN && is_steady (past)))
    return say (TRUE, score);
  return score < DOUBTED ? say (FALSE, 1 - score) : nothing;
}

static EffvkEvidence
judge_noise (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = past->scores[state];

  if (!past->answered)
    return nothing;
  if (score >= SURE)
    return say (TRUE, score); /* also where a frame of it stands still */
  if (past->was_measured && past->clock.now - past->first > SECOND
      && MAX (past->stir, past->change) < SNOW)
    return say (FALSE, 1);
  return score >= SEEN ? say (TRUE, score) : score < DOUBTED ? say (FALSE, 1 - score) : nothing;
}

static EffvkEvidence
judge_flat (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = past->scores[state], black = past->scores[EFFVK_SIGNAL_STATE_BLACK];

  if (past->measured && past->spread <= PLAIN && past->black < BLACK)
    return say (TRUE, 1);
  if (past->measured && (past->spread > NEARLY_PLAIN || past->black >= BLACK))
    return say (FALSE, 1);
  if (!past->answered || black >= SEEN)
    return nothing;
  return score >= SEEN ? say (TRUE, score) : score < DOUBTED ? say (FALSE, 1 - score) : nothing;
}

/* Black with nothing on it, or what the network takes for black with a logo. */
static gboolean
is_black (const EffvkSignalPast *past)
{
  if (!past->was_measured)
    return past->scores[EFFVK_SIGNAL_STATE_BLACK] >= SEEN;
  return (past->black >= BLACK && past->spread <= PLAIN_BLACK)
         || (past->scores[EFFVK_SIGNAL_STATE_BLACK] >= SEEN && past->black >= MOSTLY_BLACK);
}

static EffvkEvidence
judge_black (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = MAX (past->scores[state], past->was_measured ? past->black : 0);

  if (!past->measured && !past->answered)
    return nothing;
  return is_black (past) ? say (TRUE, score) : say (FALSE, 1 - past->scores[state]);
}

static EffvkEvidence
judge_dark (const EffvkSignalPast *past, EffvkSignalState state G_GNUC_UNUSED)
{
  if (!past->measured)
    return nothing;
  return say (past->black >= DARK && !is_black (past), past->black);
}

/* One of the states whose pictures stand still by nature is there, or may be. */
static gboolean
is_still_by_nature (const EffvkSignalPast *past)
{
  if (past->was_measured && past->spread <= PLAIN)
    return TRUE;
  for (guint i = EFFVK_SIGNAL_STATE_NOISE; i <= EFFVK_SIGNAL_STATE_BLACK; i++)
    if (past->scores[i] >= SEEN)
      return TRUE;
  return is_black (past);
}

static EffvkEvidence
judge_freeze (const EffvkSignalPast *past, EffvkSignalState state G_GNUC_UNUSED)
{
  if (!past->compared)
    return nothing;
  return say (!past->moves && !is_still_by_nature (past)
                  && (past->stillness >= STILLNESS || past->clock.now - past->moved < past->grace),
              MAX (past->stillness, 0.5));
}

static EffvkEvidence
judge_combing (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = past->scores[state];

  if (!past->measured)
    return !past->answered || past->was_measured ? nothing
           : score >= SEEN                       ? say (TRUE, score)
                                                 : say (FALSE, 1 - score);
  if (past->combed_lately >= CLEARLY_COMBED)
    return say (TRUE, 1);
  if (past->combed_lately >= COMBED && (past->fields >= INTERLACED || score >= HINTED))
    return say (TRUE, 0.9);
  if (past->fields >= INTERLACED && score >= HINTED)
    return say (TRUE, 0.8);
  return say (FALSE, 1 - score);
}

static EffvkEvidence
judge_blur (const EffvkSignalPast *past, EffvkSignalState state)
{
  double score = past->scores[state], wide = WIDE;

  if (!past->answered)
    return nothing;
  if (past->was_measured)
    {
      if (past->usual_edges)
        wide = MIN (wide, WIDER * past->usual_width);
      if (!isnan (past->edge_width) && past->edge_width < wide)
        return say (FALSE, 1 - score);
    }
  return score >= SEEN ? say (TRUE, score) : score < DOUBTED ? say (FALSE, 1 - score) : nothing;
}

static EffvkEvidence
judge_flicker (const EffvkSignalPast *past, EffvkSignalState state G_GNUC_UNUSED)
{
  guint64 oldest = past->turns[EFFVK_SIGNAL_FLASHES - FLASHES];

  if (!past->measured)
    return nothing;
  return say (oldest && past->clock.now - oldest <= SECOND, 1);
}

static EffvkEvidence
judge_letterbox (const EffvkSignalPast *past, EffvkSignalState state G_GNUC_UNUSED)
{
  if (!past->measured || is_black (past))
    return nothing;
  return say (past->across >= BORDER || past->down >= BORDER, 1);
}

/* Whether blocks have hard edges that they have not as a rule, @more of them at least. */
static gboolean
has_edges (const EffvkSignalPast *past, double more)
{
  double usual = past->usual_measures ? past->usual_block_edges : 0;

  return past->was_measured && past->edges >= usual + more
         && past->edges >= EDGES_RATIO * (usual + EDGES_ANY);
}

/* Damage of a stream that has been well. Edges come and go with it; those of another scene stay as
 * they are. */
static gboolean
is_newly_damaged (const EffvkSignalPast *past, double damage, gboolean hint)
{
  gboolean rises
      = past->usual && effvk_signal_logit (damage) - past->usual_damage >= RISE && damage >= SEEN;

  if (hint)
    return has_edges (past, FEW_EDGES) || rises;
  if (!past->was_measured)
    return rises;
  if (past->unrest < UNREST * past->edges)
    return FALSE;
  return has_edges (past, MANY_EDGES) || (has_edges (past, EDGES) && damage >= HINTED)
         || (has_edges (past, FEW_EDGES) && rises);
}

static EffvkEvidence
judge_corruption (const EffvkSignalPast *past, EffvkSignalState state G_GNUC_UNUSED)
{
  double damage = effvk_signal_get_damage (past);
  gboolean hint = past->damaged && past->clock.now - past->damaged <= HINT_LASTS;

  if (!past->answered)
    return nothing;
  if (is_newly_damaged (past, damage, hint))
    return say (TRUE, MAX (damage, SEEN));
  if (damage >= HIGH && (!past->was_measured || past->edges >= MOST_EDGES))
    return say (TRUE, damage);
  if (past->corrupted && (damage >= SEEN || has_edges (past, FEW_EDGES)))
    return nothing;
  return say (FALSE, 1 - damage);
}

static EffvkEvidence
judge_picture (const EffvkSignalPast *past, EffvkSignalState state)
{
  if (past->answers)
    return past->answered ? say (past->scores[state] >= SEEN, past->scores[state]) : nothing;
  return past->measured ? say (TRUE, 0.5) : nothing;
}

EffvkEvidence
effvk_signal_judge (const EffvkSignalPast *past, EffvkSignalState state)
{
  static EffvkEvidence (*const judges[EFFVK_SIGNAL_STATES]) (const EffvkSignalPast *,
                                                             EffvkSignalState)
      = { [EFFVK_SIGNAL_STATE_PICTURE] = judge_picture,
          [EFFVK_SIGNAL_STATE_LETTERBOX] = judge_letterbox,
          [EFFVK_SIGNAL_STATE_DARK] = judge_dark,
          [EFFVK_SIGNAL_STATE_BLUR] = judge_blur,
          [EFFVK_SIGNAL_STATE_FLICKER] = judge_flicker,
          [EFFVK_SIGNAL_STATE_COMBING] = judge_combing,
          [EFFVK_SIGNAL_STATE_FREEZE] = judge_freeze,
          [EFFVK_SIGNAL_STATE_CORRUPTION] = judge_corruption,
          [EFFVK_SIGNAL_STATE_WRONG_PLANES] = judge_class,
          [EFFVK_SIGNAL_STATE_NOISE] = judge_noise,
          [EFFVK_SIGNAL_STATE_GRADIENT] = judge_class,
          [EFFVK_SIGNAL_STATE_FLAT_COLOR] = judge_flat,
          [EFFVK_SIGNAL_STATE_TEST_PATTERN] = judge_class,
          [EFFVK_SIGNAL_STATE_COLOR_BARS] = judge_class,
          [EFFVK_SIGNAL_STATE_SLATE] = judge_class,
          [EFFVK_SIGNAL_STATE_BLACK] = judge_black };

  return judges[state] ? judges[state](past, state) : nothing;
}
