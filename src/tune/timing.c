/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tune/timing.h"

#include "base/percentiles.h"

#include "vk/once.h"

double
effvk_median (double *values, guint n)
{
  static const double middle = 0.5;
  double median;

  effvk_percentiles (values, n, &middle, 1, &median);
  return n % 2 ? median : (values[n / 2 - 1] + median) / 2;
}

/* How often what surrounds a dispatch is timed alone. */
#define EMPTY 9

static double
subtract (double time, double overhead)
{
  return MAX (time - overhead, 0);
}

/* Some drivers have timestamps but never give them, or have a clock that stands still. Then @work
 * is FALSE, and @ticks are of no use. */
static gboolean
read_ticks (EffvkDevice *device, VkQueryPool queries, guint n, guint64 *ticks, gboolean *work,
            GError **error)
{
  VkResult result
      = device->vk.vkGetQueryPoolResults (device->handle, queries, 0, n, n * sizeof *ticks, ticks,
                                          sizeof *ticks, VK_QUERY_RESULT_64_BIT);

  *work = result == VK_SUCCESS && ticks[0] != ticks[n - 1];
  return result == VK_NOT_READY
         || effvk_device_check (device, result, "vkGetQueryPoolResults", error);
}

/* All dispatches in one submission, a timestamp before the first and one after each; before them,
 * timestamps with nothing but a barrier between. @work: whether there were any. */
static gboolean
run_timestamps (EffvkDevice *device, EffvkProgram *const *programs, guint n, guint total,
                VkQueryPool queries, double *times, gboolean *work, GError **error)
{
  const struct VolkDeviceTable *vk = &device->vk;
  g_auto (EffvkOnce) once = { 0 };
  const guint n_ticks = 1 + EMPTY + total;
  const VkMemoryBarrier barrier = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                    .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                    .dstAccessMask = VK_ACCESS_SHADER_READ_BIT };
  g_autofree guint64 *ticks = g_new (guint64, n_ticks);
  double empty[EMPTY], overhead;
  guint at = 0;

  if (!effvk_once_begin (&once, device, error))
    return FALSE;
  vk->vkCmdResetQueryPool (once.commands, queries, 0, n_ticks);
  vk->vkCmdWriteTimestamp (once.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, at++);
  while (at <= EMPTY)
    {
      vk->vkCmdPipelineBarrier (once.commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, NULL, 0,
                                NULL);
      vk->vkCmdWriteTimestamp (once.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, at++);
    }
  for (guint p = 0; p < n; p++)
    for (guint i = 0; i < effvk_program_get_n_dispatches (programs[p]); i++)
      {
        effvk_program_record_range (programs[p], once.commands, i, 1);
        vk->vkCmdWriteTimestamp (once.commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries,
                                 at++);
      }
  if (!effvk_once_submit (&once, error)
      || !read_ticks (device, queries, n_ticks, ticks, work, error))
    return FALSE;
  if (!*work)
    return TRUE;
  for (guint i = 0; i < EMPTY; i++)
    empty[i] = (double) ((ticks[i + 1] - ticks[i]) & device->caps.timestamp_mask);
  overhead = effvk_median (empty, EMPTY);
  for (guint i = 0; i < total; i++)
    {
      const guint64 *begin = ticks + EMPTY + i;

      times[i] = subtract ((double) ((begin[1] - begin[0]) & device->caps.timestamp_mask), overhead)
                 * device->caps.timestamp_period;
    }
  return TRUE;
}

/* ns of one submission: of a dispatch, or of nothing where @program is NULL. */
static gboolean
time_submission (EffvkDevice *device, EffvkProgram *program, guint i, double *ns, GError **error)
{
  g_auto (EffvkOnce) once = { 0 };
  gint64 begin;

  if (!effvk_once_begin (&once, device, error))
    return FALSE;
  if (program)
    effvk_program_record_range (program, once.commands, i, 1);
  begin = g_get_monotonic_time ();
  if (!effvk_once_submit (&once, error))
    return FALSE;
  *ns = (double) (g_get_monotonic_time () - begin) * 1e3;
  return TRUE;
}

static gboolean
run_fences (EffvkDevice *device, EffvkProgram *const *programs, guint n, double *times,
            GError **error)
{
  double empty[EMPTY], overhead;
  guint at = 0;

  for (guint i = 0; i < EMPTY; i++)
    if (!time_submission (device, NULL, 0, &empty[i], error))
      return FALSE;
  overhead = effvk_median (empty, EMPTY);
  for (guint p = 0; p < n; p++)
    for (guint i = 0; i < effvk_program_get_n_dispatches (programs[p]); i++, at++)
      {
        if (!time_submission (device, programs[p], i, &times[at], error))
          return FALSE;
        times[at] = subtract (times[at], overhead);
      }
  return TRUE;
}

gboolean
effvk_programs_time (EffvkProgram *const *programs, guint n, guint runs, double *times,
                     gboolean *device_clock, GError **error)
{
  EffvkDevice *device = effvk_program_get_device (programs[0]);
  VkQueryPoolCreateInfo create
      = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP };
  VkQueryPool queries = VK_NULL_HANDLE;
  g_autofree double *all = NULL;
  guint total = 0;
  gboolean ok = TRUE;

  for (guint p = 0; p < n; p++)
    total += effvk_program_get_n_dispatches (programs[p]);
  all = g_new (double, (gsize) total *(runs + 1));
  *device_clock = device->caps.timestamps;
  create.queryCount = 1 + EMPTY + total;
  if (*device_clock
      && !effvk_device_make (device, vkCreateQueryPool, &create, &queries, "vkCreateQueryPool",
                             error))
    return FALSE;

  for (guint r = 0; r <= runs && ok && *device_clock; r++)
    ok = run_timestamps (device, programs, n, total, queries, all + (gsize) r * total, device_clock,
                         error);
  for (guint r = 0; r <= runs && ok && !*device_clock; r++)
    ok = run_fences (device, programs, n, all + (gsize) r * total, error);
  if (!effvk_device_is_hung (device)) /* else it may still use them */
    device->vk.vkDestroyQueryPool (device->handle, queries, NULL);
  for (guint i = 0; i < total && ok; i++)
    {
      g_autofree double *column = g_new (double, runs);

      for (guint r = 0; r < runs; r++)
        column[r] = all[(gsize) (r + 1) * total + i];
      times[i] = effvk_median (column, runs);
    }
  return ok;
}
