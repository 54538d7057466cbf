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
} GstEffvkPace;

/* Why a frame passes without being classified. */
typedef enum
{
  GST_EFFVK_SKIP_NOT,
  GST_EFFVK_SKIP_EMPTY,    /* a gap: there is no picture */
  GST_EFFVK_SKIP_INTERVAL, /* it is not this frame's turn */
  GST_EFFVK_SKIP_QOS,      /* downstream says that frames come too late */
  GST_EFFVK_SKIP_DEADLINE, /* it came too late itself */
  GST_EFFVK_N_SKIPS
} GstEffvkSkip;

/* A stream's pace so far. */
typedef struct
{
  guint since;           /* frames from the last classified one to the next; 0: none yet */
  GstClockTime due;      /* running time from which interval_time has passed */
  GstClockTime earliest; /* running time that downstream, as it says, can still make */
  double proportion;     /* of the time that frames take downstream to what they may */
  GstClockTimeDiff late;
} GstEffvkPacer;

/* At the start and after a flush: the next frame is classified. */
void gst_effvk_pacer_reset (GstEffvkPacer *pacer);

/* Takes what a QOS event says. */
void gst_effvk_pacer_take_qos (GstEffvkPacer *pacer, GstEvent *event);

/* Decides about the next frame.
 * @running_time: the frame's, or GST_CLOCK_TIME_NONE
 * @now: the running time that it is, or GST_CLOCK_TIME_NONE */
GstEffvkSkip gst_effvk_pacer_decide (GstEffvkPacer *pacer, const GstEffvkPace *pace, gboolean empty,
                                     GstClockTime running_time, GstClockTime now);
