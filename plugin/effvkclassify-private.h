/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "effvkclassify.h"
#include "frame.h"
#include "latency.h"
#include "queue.h"
#include "report.h"
#include "settings.h"
#include "statistics.h"
#include "vulkan.h"

/*
 *            chain, serialized events                  the source pad's task
 *   sink pad ───────────────────────▶ queue ───────────────────────────────▶ source pad
 *                       │               ▲            reporter
 *                       ╰──▶ network ───╯ answers
 *
 * Locks, from the outermost: the sink pad's stream lock, the source pad's (its task); the network's;
 * the queue's. The object lock is taken inside none and around none of the last two.
 */
struct _EffvkClassify
{
  GstElement parent_instance;
  GstPad *sink, *src;
  EffvkQueue queue;

  /* under the object lock */
  EffvkSettings settings;
  EffvkCounters counters;
  EffvkLatency latency;
  EffvkPacer pacer;
  EffvkNetwork *network; /* from start to stop */
  gboolean lost;         /* the device, until the next start; has been reported */
  GThread *loader;       /* of another network; NULL: has not been one yet */
  gboolean may_load, loading;
  gboolean load_again; /* settings were set since it began */
  GstVideoInfo info;   /* of the caps; the sink pad's thread writes it */
  EffvkVulkan vulkan;

  /* sink pad */
  GstSegment segment;
  EffvkImage *image; /* for frames of info, as large as the last of them lay in memory */
  EffvkTurned turned;
  EffvkFramesPlace place;
  EffvkTracks *tracks; /* of the objects in the stream; the reporter has it too */

  /* source pad's task */
  EffvkReporter reporter;
};

GST_DEBUG_CATEGORY_EXTERN (effvk_classify_debug);

/* The network's settings as they are now. */
void effvk_classify_get_config (EffvkClassify *self, EffvkNetworkConfig *config);

/* A reference to the network that runs, or NULL. */
EffvkNetwork *effvk_classify_get_network (EffvkClassify *self);

/* A network that takes frames of these caps, from this call on: the one that there is, or another, on the
 * device that the frames are on. FALSE when there can be none, which has been posted. */
gboolean effvk_classify_prepare_network (EffvkClassify *self, GstCaps *caps);

/* Says that the answer to a LATENCY query has changed. */
void effvk_classify_post_latency (EffvkClassify *self);

/* sink.c */
void effvk_classify_add_sink (EffvkClassify *self);

/* source.c: the pad, and its task, with the element as data. */
void effvk_classify_add_source (EffvkClassify *self);
void effvk_classify_loop (gpointer data);
