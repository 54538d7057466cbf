/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* The last seconds of a stream, bounded by time and by bytes: buffers, and the serialized events
 * between them. In a stream with delta units it begins with a keyframe. Where it has no keyframe,
 * it is empty. A function takes what leaves at the old end: it drops buffers, passes events. */
typedef struct
{
  GQueue items; /* of Item */
  guint64 bytes;
} GstEffvkPreRoll;

/* Takes the object. */
typedef void (*GstEffvkPreRollLeave) (GstMiniObject *object, gpointer user_data);

void gst_effvk_pre_roll_init (GstEffvkPreRoll *roll);

/* Takes a buffer, or an event, which waits behind the buffers that came before it. @time: the
 * buffer's running time, or GST_CLOCK_TIME_NONE. Buffers of a pool are copied, so that upstream has
 * its memory back. */
void gst_effvk_pre_roll_add (GstEffvkPreRoll *roll, GstMiniObject *object, GstClockTime time);

/* Lets go of what is older than @duration at the running time @now, or more than @most bytes: whole
 * groups of pictures. */
void gst_effvk_pre_roll_trim (GstEffvkPreRoll *roll, GstClockTime now, GstClockTime duration,
                              guint64 most, GstEffvkPreRollLeave leave, gpointer user_data);

/* The oldest object, or NULL. */
GstMiniObject *gst_effvk_pre_roll_pop (GstEffvkPreRoll *roll);
gboolean gst_effvk_pre_roll_is_empty (const GstEffvkPreRoll *roll);

/* Frees all of it. */
void gst_effvk_pre_roll_clear (GstEffvkPreRoll *roll);
