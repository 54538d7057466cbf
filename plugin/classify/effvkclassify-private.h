/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/canary.h"
#include "classify/device-loss.h"
#include "classify/effvkclassify.h"
#include "common/orientation-tags.h"
#include "memory/frame.h"
#include "classify/latency.h"
#include "classify/network.h"
#include "classify/queue.h"
#include "classify/report.h"
#include "classify/settings.h"
#include "classify/statistics.h"
#include "classify/tensor-caps.h"
#include "memory/vulkan.h"

/*
 *            chain, serialized events                  the source pad's task
 *   sink pad ───────────────────────▶ queue ───────────────────────────────▶ source pad
 *                       │               ▲            reporter
 *                       ╰──▶ network ───╯ answers
 *
 * Locks, from the outermost: the sink pad's stream lock, the source pad's (its task); the
 * network's; the queue's. The object lock is taken inside none and around none of the last two.
 */
struct _GstEffvkClassify
{
  GstElement parent_instance;
  GstPad *sink, *src;
  GstEffvkQueue queue;

  /* under the object lock */
  GstEffvkSettings settings;
  GstEffvkCounters counters;
  GstEffvkLatency latency;
  GstEffvkPacer pacer;
  GstEffvkModelInstance *network; /* from start to stop; the registry writes it */
  GstEffvkModelConfig accepted;   /* the settings that it met; likewise */
  gboolean declared;              /* the registry counts the settings: from READY on */
  gboolean lost;                  /* the device, until the next start; has been reported */
  gboolean restoring;             /* the device was lost, and another one is being opened */
  GstEffvkRestarts restarts;
  GThread *loader; /* of another network; NULL: has not been one yet */
  gboolean may_load, loading;
  gboolean load_again; /* settings were set since it began */
  GstVideoInfo info;   /* of the caps; the sink pad's thread writes it */
  GstEffvkVulkan vulkan;

  /* sink pad */
  GstSegment segment;
  EffvkImage *image; /* for frames of info, as large as the last of them lay in memory */
  GstEffvkOrientationTags turned;
  GstEffvkFramesPlace place;
  gboolean regions_outside; /* some lie outside of the picture, and that was told */
  const char *way;          /* how the last frame's pixels get to the device */
  gint64 asking, held;      /* us, see decide.c */
  GstEffvkTracks *tracks;   /* of the objects in the stream; the reporter has it too */
  GstEffvkCanary canary;

  GstEffvkTeaching *teaching; /* has a lock of its own, taken inside all others */

  /* source pad's task */
  GstEffvkReporter reporter;
  GstCaps *caps;            /* as upstream gave them; NULL before the first */
  GstEffvkLogitsShape told; /* what downstream's say of the logits beside that */
};

GST_DEBUG_CATEGORY_EXTERN (gst_effvk_classify_debug);

/* Says that the answer to a LATENCY query has changed. */
void gst_effvk_classify_post_latency (GstEffvkClassify *self);

/* decide.c: whether a frame is classified, or passes as it is. Sets the item's time. */
gboolean gst_effvk_classify_decide (GstEffvkClassify *self, const GstEffvkPace *pace,
                                    GstEffvkItem *item, GstBuffer *buffer);

/* source.c: the logits that frames get of @network, as the settings are now. */
GstEffvkLogitsShape gst_effvk_classify_get_logits (GstEffvkClassify *self,
                                                   GstEffvkModelInstance *network);
/* Whether they are in the caps, once there is a network. */
gboolean gst_effvk_classify_tells_logits (GstEffvkClassify *self);

/* sink.c */
void gst_effvk_classify_add_sink (GstEffvkClassify *self);

/* source.c: the pad, and its task, with the element as data. */
void gst_effvk_classify_add_source (GstEffvkClassify *self);
void gst_effvk_classify_loop (gpointer data);
