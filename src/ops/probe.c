/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a device can do at most, measured: a kernel that only computes and one that only reads. */

#include "ops/op.h"
#include "ops/shader.h"
#include "tune/timing.h"

#include "probe_arithmetic_storage_f32.spv.h"
#include "probe_memory_storage_f32.spv.h"
#include "probe_memory_texel_f32.spv.h"

#define RUNS 8
#define ARITHMETIC_THREADS 64
#define ROUNDS 1024
#define FLOPS_PER_ROUND (2 * 4 * 3) /* four channels, 3 chains */
#define MEMORY_THREADS 64
#define TEXELS 64

/* Long enough that a clock's steps and the start of a dispatch do not count, ns. */
#define ENOUGH 2e6
#define MAX_GROUPS 65535

/* More than a GPU's caches hold, and than a core's own. */
#define MEMORY_BYTES(cpu) ((guint64) ((cpu) ? 64 : 256) << 20)

static const EffvkShader arithmetic
    = EFFVK_SHADER (probe_arithmetic_storage_f32, 0, EFFVK_S, EFFVK_S);
static const EffvkShader memory[] = {
  EFFVK_SHADER (probe_memory_texel_f32, 0, EFFVK_T, EFFVK_S),
  EFFVK_SHADER (probe_memory_storage_f32, 0, EFFVK_S, EFFVK_S),
};

/* The least ns of one dispatch of @groups workgroups, @texels of input and @threads of output each;
 * negative with @error set on failure. */
static double
run (EffvkDevice *device, const EffvkShader *shader, guint threads, guint constant, guint texels,
     guint groups, GError **error)
{
  g_autoptr (EffvkProgram) program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  EffvkTensorInfo in = { "probe input", EFFVK_STORAGE_F32, 1, 1, texels, 4 };
  EffvkTensorInfo out = { "probe output", EFFVK_STORAGE_F32, 1, groups, threads, 4 };
  EffvkDispatch dispatch
      = { .shader = shader,
          .op = "probe",
          .kernel = "probe",
          .spec = { [SPEC_PROBE_THREADS] = threads, [SPEC_PROBE_AMOUNT] = constant },
          .n_spec = SPEC_PROBE_N,
          .writes = 1u << 1,
          .groups = { groups, 1, 1 } };
  g_autofree float *values = g_new (float, (gsize) texels * 4);
  gboolean device_clock;
  double best = G_MAXDOUBLE, ns;

  /* Neither zeros, which a device may have no memory for, nor what grows beyond all numbers. */
  for (gsize i = 0; i < (gsize) texels * 4; i++)
    values[i] = 0.25f + (float) (i % 64) / 128;
  dispatch.bind[0] = effvk_program_add_persistent (program, &in);
  dispatch.bind[1] = effvk_program_add_persistent (program, &out);
  effvk_program_add_dispatch (program, &dispatch);
  if (!effvk_program_compile (program, error)
      || !effvk_program_write (program, dispatch.bind[0], values, error))
    return -1;
  /* Peaks: whatever else the device does meanwhile only takes away from them. */
  for (guint i = 0; i < RUNS; i++)
    {
      if (!effvk_programs_time (&program, 1, 1, &ns, &device_clock, error))
        return -1;
      best = MIN (best, ns);
    }
  return MAX (best, 1);
}

static gboolean
measure_arithmetic (EffvkDevice *device, double *flops, GError **error)
{
  for (guint groups = 64;; groups = MIN (groups * 4, MAX_GROUPS))
    {
      double ns = run (device, &arithmetic, ARITHMETIC_THREADS, ROUNDS, 1, groups, error);

      if (ns < 0)
        return FALSE;
      *flops = (double) groups * ARITHMETIC_THREADS * ROUNDS * FLOPS_PER_ROUND * 1e9 / ns;
      if (ns >= ENOUGH || groups == MAX_GROUPS)
        return TRUE;
    }
}

static gboolean
measure_memory (EffvkDevice *device, double *bytes, GError **error)
{
  const EffvkDeviceCaps *caps = effvk_device_get_caps (device);
  const guint per_group = MEMORY_THREADS * TEXELS;
  guint64 size = MIN (MEMORY_BYTES (caps->cpu), caps->max_storage_range);
  guint groups = (guint) (MIN (size / 16, caps->max_texel_elements) / per_group);
  double ns = run (device, &memory[caps->cpu ? 0 : 1], MEMORY_THREADS, TEXELS, groups * per_group,
                   groups, error);

  if (ns < 0)
    return FALSE;
  *bytes = (double) groups * (per_group + MEMORY_THREADS) * 16 * 1e9 / ns;
  return TRUE;
}

gboolean
effvk_device_measure_peaks (EffvkDevice *device, double *flops, double *bytes, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_DEVICE (device) && flops && bytes, FALSE);

  return measure_arithmetic (device, flops, error) && measure_memory (device, bytes, error);
}
