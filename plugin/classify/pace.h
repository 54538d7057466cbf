/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/lag.h"
#include "common/timeline.h"

/* Which frames are classified, and how many at once: effvkclassify's properties. */
typedef struct
{
  guint interval;             /* frames */
  GstClockTime interval_time; /* 0: none */
  GstClockTime deadline;      /* 0: none; GST_CLOCK_TIME_NONE: automatic */
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
  GST_EFFVK_SKIP_DEVICE,   /* the device was lost, and there is no other one yet */
  GST_EFFVK_N_SKIPS
} GstEffvkSkip;

/* A stream's pace so far. */
typedef struct
{
  GstEffvkTimeline timeline;
  GstEffvkLag lag;
  guint since;           /* frames from the last classified one to the next; 0: none yet */
  GstClockTime due;      /* time from which interval_time has passed */
  GstClockTime earliest; /* time that downstream, as it says, can still make */
  double proportion;     /* of the time that frames take downstream to what they may */
  GstClockTimeDiff late;
} GstEffvkPacer;

/* The next frame, as the pacer sees it. */
typedef struct
{
  gboolean empty;    /* there is no picture */
  GstClockTime time; /* the timeline's */
  GstClockTime now;  /* the running time that it is, or GST_CLOCK_TIME_NONE */

  /* for an automatic deadline, in a live pipeline: */
  GstClockTime held; /* for how long inference can have held the stream back since the last frame */
  GstClockTime limit; /* how late it may make the stream; GST_CLOCK_TIME_NONE: as it likes */
} GstEffvkMoment;

/* At the start and after a flush: the next frame is classified. */
void gst_effvk_pacer_reset (GstEffvkPacer *pacer);

/* Gives the next frame its time, see gst_effvk_timeline_advance(). */
GstClockTime gst_effvk_pacer_advance (GstEffvkPacer *pacer, const GstSegment *segment,
                                      GstBuffer *buffer, GstClockTime duration, GstClockTime now);

/* Takes what a QOS event says. */
void gst_effvk_pacer_take_qos (GstEffvkPacer *pacer, GstEvent *event);

/* Decides about the next frame. */
GstEffvkSkip gst_effvk_pacer_decide (GstEffvkPacer *pacer, const GstEffvkPace *pace,
                                     const GstEffvkMoment *moment);
