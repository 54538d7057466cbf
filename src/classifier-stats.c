/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-stats.h"

#include "base/percentiles.h"

void
effvk_stats_add_submission (EffvkStats *stats, const EffvkSlotFrames *frames)
{
  stats->submissions++;
  stats->copied_bytes += frames->bytes;
  stats->frames_copied += frames->copied;
  stats->frames_in_place += frames->in_place;
  stats->frames_by_device += frames->by_device;
  stats->frames_imported += frames->imported;
}

void
effvk_stats_add (EffvkStats *stats, guint64 gpu_time, guint64 total_time, gboolean finite)
{
  guint i = stats->collected++ % EFFVK_STATS_WINDOW;

  stats->gpu_times[i] = gpu_time;
  stats->total_times[i] = total_time;
  if (!finite)
    stats->not_finite++;
}

static void
describe_times (const guint64 *times, guint n, const char *name, GVariantDict *dict)
{
  static const double shares[] = { 0.50, 0.95, 0.99 };
  double values[EFFVK_STATS_WINDOW], found[G_N_ELEMENTS (shares)];

  for (guint i = 0; i < n; i++)
    values[i] = (double) times[i];
  effvk_percentiles (values, n, shares, G_N_ELEMENTS (shares), found);
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      g_autofree char *key = g_strdup_printf ("%s-p%.0f", name, shares[i] * 100);

      g_variant_dict_insert (dict, key, "t", (guint64) found[i]);
    }
}

void
effvk_stats_describe (const EffvkStats *stats, GVariantDict *dict)
{
  guint n = (guint) MIN (stats->collected, EFFVK_STATS_WINDOW);

  g_variant_dict_insert (dict, "images", "t", stats->images);
  g_variant_dict_insert (dict, "submissions", "t", stats->submissions);
  g_variant_dict_insert (dict, "copied-bytes", "t", stats->copied_bytes);
  g_variant_dict_insert (dict, "frames-copied", "t", stats->frames_copied);
  g_variant_dict_insert (dict, "frames-in-place", "t", stats->frames_in_place);
  g_variant_dict_insert (dict, "frames-by-device", "t", stats->frames_by_device);
  g_variant_dict_insert (dict, "frames-imported", "t", stats->frames_imported);
  g_variant_dict_insert (dict, "not-finite", "t", stats->not_finite);
  describe_times (stats->gpu_times, n, "gpu-time", dict);
  describe_times (stats->total_times, n, "total-time", dict);
}
