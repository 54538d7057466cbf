/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay/history.h"

#include <string.h>

gboolean
gst_effvk_history_add (GstEffvkHistory *history, GstClockTime duration, GstClockTime time,
                       guint32 color)
{
  guint64 length = MAX (1, duration / GST_EFFVK_HISTORY_CELLS), cell, moved;
  guint32 *newest = &history->colors[GST_EFFVK_HISTORY_CELLS - 1];

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return FALSE;
  cell = time / length;
  if (history->length != length)
    *history = (GstEffvkHistory){ .cell = cell, .length = length };
  moved = cell > history->cell ? cell - history->cell : 0; /* where time falls back it goes on */
  if (moved >= GST_EFFVK_HISTORY_CELLS)
    memset (history->colors, 0, sizeof history->colors);
  else if (moved > 0)
    {
      memmove (history->colors, history->colors + moved,
               (GST_EFFVK_HISTORY_CELLS - moved) * sizeof *history->colors);
      /* Between two frames the label was the older one's. */
      for (guint64 i = 0; i < moved; i++)
        history->colors[GST_EFFVK_HISTORY_CELLS - 1 - i]
            = history->colors[GST_EFFVK_HISTORY_CELLS - 1 - moved];
    }
  history->cell = cell;
  if (moved == 0 && *newest == color)
    return FALSE;
  *newest = color;
  return TRUE;
}
