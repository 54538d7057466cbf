/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Which frames are classified, and how many at once: effvkclassify's properties. */
typedef struct
{
  guint interval;             /* frames */
  GstClockTime interval_time; /* 0: none */
  GstClockTime deadline;      /* 0: none */
  gboolean qos;
  guint max_in_flight;
} EffvkPace;

/* Why a frame passes without being classified. */
typedef enum
{
  EFFVK_SKIP_NOT,
  EFFVK_SKIP_EMPTY,    /* a gap: there is no picture */
  EFFVK_SKIP_INTERVAL, /* it is not this frame's turn */
  EFFVK_SKIP_QOS,      /* downstream says that frames come too late */
  EFFVK_SKIP_DEADLINE, /* it came too late itself */
  EFFVK_N_SKIPS
} EffvkSkip;

/* A stream's pace so far. */
typedef struct
{
  guint since;           /* frames from the last classified one to the next; 0: none yet */
  GstClockTime due;      /* running time from which interval_time has passed */
  GstClockTime earliest; /* running time that downstream, as it says, can still make */
  double proportion;     /* of the time that frames take downstream to what they may */
  GstClockTimeDiff late;
} EffvkPacer;

/* At the start and after a flush: the next frame is classified. */
void effvk_pacer_reset (EffvkPacer *pacer);

/* Takes what a QOS event says. */
void effvk_pacer_take_qos (EffvkPacer *pacer, GstEvent *event);

/* Decides about the next frame.
 * @running_time: the frame's, or GST_CLOCK_TIME_NONE
 * @now: the running time that it is, or GST_CLOCK_TIME_NONE */
EffvkSkip effvk_pacer_decide (EffvkPacer *pacer, const EffvkPace *pace, gboolean empty,
                              GstClockTime running_time, GstClockTime now);
