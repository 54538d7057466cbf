/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate/pre-roll.h"

typedef struct
{
  GstMiniObject *object;
  GstClockTime time;
  gsize size; /* of a buffer */
} Item;

void
gst_effvk_pre_roll_init (GstEffvkPreRoll *roll)
{
  *roll = (GstEffvkPreRoll){ 0 };
  g_queue_init (&roll->items);
}

void
gst_effvk_pre_roll_add (GstEffvkPreRoll *roll, GstMiniObject *object, GstClockTime time)
{
  Item *item = g_new0 (Item, 1);

  if (GST_IS_BUFFER (object))
    {
      GstBuffer *buffer = GST_BUFFER_CAST (object);

      if (buffer->pool)
        {
          object = GST_MINI_OBJECT_CAST (gst_buffer_copy_deep (buffer));
          gst_buffer_unref (buffer);
        }
      item->size = gst_buffer_get_size (GST_BUFFER_CAST (object));
    }
  item->object = object;
  item->time = time;
  roll->bytes += item->size;
  g_queue_push_tail (&roll->items, item);
}

GstMiniObject *
gst_effvk_pre_roll_pop (GstEffvkPreRoll *roll)
{
  Item *item = g_queue_pop_head (&roll->items);
  GstMiniObject *object = item ? item->object : NULL;

  if (item)
    roll->bytes -= item->size;
  g_free (item);
  return object;
}

gboolean
gst_effvk_pre_roll_is_empty (const GstEffvkPreRoll *roll)
{
  return roll->items.length == 0;
}

static gboolean
is_keyframe (const Item *item)
{
  return GST_IS_BUFFER (item->object)
         && !GST_BUFFER_FLAG_IS_SET (item->object, GST_BUFFER_FLAG_DELTA_UNIT);
}

/* Whether the stream from the second keyframe on is as long as is asked for. */
static gboolean
is_too_old (const GstEffvkPreRoll *roll, GstClockTime now, GstClockTime duration)
{
  GList *link = roll->items.head->next;
  GstClockTime time;

  while (link && !is_keyframe (link->data))
    link = link->next;
  time = link ? ((Item *) link->data)->time : GST_CLOCK_TIME_NONE;
  return GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (now) && now >= time
         && now - time >= duration;
}

/* Lets the oldest picture and all that depend on it go. */
static void
leave_group (GstEffvkPreRoll *roll, GstEffvkPreRollLeave leave, gpointer user_data)
{
  do
    leave (gst_effvk_pre_roll_pop (roll), user_data);
  while (roll->items.head && !is_keyframe (roll->items.head->data));
}

void
gst_effvk_pre_roll_trim (GstEffvkPreRoll *roll, GstClockTime now, GstClockTime duration,
                         guint64 most, GstEffvkPreRollLeave leave, gpointer user_data)
{
  while (roll->items.head
         && (!is_keyframe (roll->items.head->data) || roll->bytes > most
             || is_too_old (roll, now, duration)))
    leave_group (roll, leave, user_data);
}

void
gst_effvk_pre_roll_clear (GstEffvkPreRoll *roll)
{
  GstMiniObject *object;

  while ((object = gst_effvk_pre_roll_pop (roll)))
    gst_mini_object_unref (object);
}
