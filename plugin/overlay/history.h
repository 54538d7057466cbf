/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* The labels of a stream's last minutes, in cells of equal length. */
#define GST_EFFVK_HISTORY_CELLS 120

typedef struct
{
  guint32 colors[GST_EFFVK_HISTORY_CELLS]; /* the newest last; 0: nothing was said */
  guint64 cell;                            /* the number of the newest: time / length */
  guint64 length;                          /* ns; 0: empty */
} GstEffvkHistory;

/* The label at @time has @color. A jump in time, or another @duration of the whole, empties it.
 * Returns whether anything changed. */
gboolean gst_effvk_history_add (GstEffvkHistory *history, GstClockTime duration, GstClockTime time,
                                guint32 color);
