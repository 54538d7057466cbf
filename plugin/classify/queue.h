/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/model-instance.h"
#include "classify/objects.h"

/* A frame or a serialized event on its way from the sink pad to the source pad. */
typedef struct
{
  GstMiniObject *object; /* GstBuffer or GstEvent */

  /* Of a frame: */
  GstEffvkModelInstance *network; /* that was asked; NULL: the frame passes as it is */
  GstEffvkRequest *request;       /* NULL: all objects are known already */
  GArray *objects;     /* GstEffvkObject: that are classified; or NULL: the frame alone is */
  gboolean and_frame;  /* and the frame, which is the last image of the request */
  guint width, height; /* of the picture */
  GstClockTime time;   /* of the timeline */
  gint64 arrived, admitted, asked; /* us of the monotonic clock: at the pad, in the queue, with
                                      its request at the network */
} GstEffvkItem;

GstEffvkItem *gst_effvk_item_new (GstMiniObject *object);
void gst_effvk_item_free (GstEffvkItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkItem, gst_effvk_item_free)

/*
 * What lies between the pads, in order. One thread (the sink pad's) puts in, one (the source pad's
 * task) takes out, any may flush. A frame can be taken out when its request is answered.
 *
 * Its lock is the innermost: nothing is called while it is held.
 */
typedef struct
{
  GMutex lock; /* what follows */
  GCond changed;
  GQueue items; /* GstEffvkItem */
  guint n_frames;
  gboolean flushing; /* nobody waits, nothing goes in or out */
  gboolean busy;     /* something was taken out, and is not gone yet */
  guint n_asked;     /* requests without an answer */
  gint64 waited, blocked, answering,
      since;          /* us: as in gst_effvk_queue_get_times(); of the monotonic clock */
  GstFlowReturn flow; /* what became of the last frame */
  gboolean told;      /* upstream or the application knows of it */
} GstEffvkQueue;

/* It begins flushing. */
void gst_effvk_queue_init (GstEffvkQueue *queue);

/* Both pads must be inactive. */
void gst_effvk_queue_clear (GstEffvkQueue *queue);

/* Waits until fewer than @max frames are in the queue. Returns what upstream is to be told:
 * anything but GST_FLOW_OK: put nothing in. */
GstFlowReturn gst_effvk_queue_wait_for_room (GstEffvkQueue *queue, guint max);

/* Times in us since the start. @waited: the queue waited for room, and for answers. @blocked: it
 * waited for room while a frame was on its way downstream. @answering: there were requests without
 * an answer. */
void gst_effvk_queue_get_times (GstEffvkQueue *queue, gint64 *waited, gint64 *blocked,
                                gint64 *answering);

/* Waits until all that was put in has left through the source pad. FALSE: flushing. */
gboolean gst_effvk_queue_drain (GstEffvkQueue *queue);

/* Takes the item, also when it returns FALSE: flushing. If it has a request it is put to its
 * network. */
gboolean gst_effvk_queue_put (GstEffvkQueue *queue, GstEffvkItem *item);

/* Waits for the oldest item, and for the answer to its request; gst_effvk_queue_done() says that
 * it is gone. @flow: what became of the last frame. Returns NULL when flushing. */
GstEffvkItem *gst_effvk_queue_take (GstEffvkQueue *queue, GstFlowReturn *flow);
void gst_effvk_queue_done (GstEffvkQueue *queue);

/* What became of the frame that was taken last. @told: the application knows why. */
void gst_effvk_queue_set_flow (GstEffvkQueue *queue, GstFlowReturn flow, gboolean told);

/* Why frames were refused, for good, when nobody was told yet; else GST_FLOW_OK. */
GstFlowReturn gst_effvk_queue_get_untold (GstEffvkQueue *queue);

/* Ends all waiting, until gst_effvk_queue_restart(). */
void gst_effvk_queue_set_flushing (GstEffvkQueue *queue);

/* Empties a queue that is flushing. Sticky events that other elements would miss are stored on
 * @pad. */
void gst_effvk_queue_discard (GstEffvkQueue *queue, GstPad *pad);

/* Begins anew. */
void gst_effvk_queue_restart (GstEffvkQueue *queue);

/* The source pad was linked anew, or a new stream begins: what was @flow may go well now. */
void gst_effvk_queue_forgive (GstEffvkQueue *queue, GstFlowReturn flow);
