/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/latency.h"

/* Where the caps say no frame rate. */
#define DEFAULT_FRAME (GST_SECOND / 30)

gboolean
gst_effvk_latency_reset (GstEffvkLatency *latency, const GstVideoInfo *info, guint max_in_flight)
{
  GstClockTime before = latency->n_frames * latency->frame;
  int n = info ? GST_VIDEO_INFO_FPS_N (info) : 0, d = info ? GST_VIDEO_INFO_FPS_D (info) : 1;

  latency->frame = n > 0 && d > 0 ? gst_util_uint64_scale_int (GST_SECOND, d, n) : DEFAULT_FRAME;
  latency->n_frames = 1;
  latency->max = latency->n_warming = max_in_flight;
  return latency->frame != before;
}

gboolean
gst_effvk_latency_set_max (GstEffvkLatency *latency, guint max_in_flight)
{
  gboolean changed = latency->max != max_in_flight;

  latency->max = max_in_flight;
  latency->n_frames = MIN (latency->n_frames, max_in_flight);
  return changed;
}

gboolean
gst_effvk_latency_measure (GstEffvkLatency *latency, GstClockTime time)
{
  guint64 n = MIN (time / latency->frame + 1, latency->max);

  if (latency->n_warming > 0)
    latency->n_warming--;
  else if (n > latency->n_frames)
    {
      latency->n_frames = (guint) n;
      return TRUE;
    }
  return FALSE;
}

void
gst_effvk_latency_take_liveness (GstEffvkLatency *latency, GstQuery *query)
{
  gst_query_parse_latency (query, &latency->live, NULL, NULL);
  latency->asked = TRUE;
}

void
gst_effvk_latency_answer (GstEffvkLatency *latency, GstQuery *query)
{
  GstClockTime min, max;

  gst_effvk_latency_take_liveness (latency, query);
  if (!latency->live)
    return;
  gst_query_parse_latency (query, NULL, &min, &max);
  min += latency->n_frames * latency->frame;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += latency->max * latency->frame;
  gst_query_set_latency (query, TRUE, min, max);
}
