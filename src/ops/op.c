/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

#include "ops/matrix.h"

#define MAX_KERNELS 15

EffvkPlan
effvk_plan_resolve (EffvkDevice *device, EffvkPlan plan)
{
  static const char *const names[] = { [EFFVK_PLAN_CPU] = "cpu",
                                       [EFFVK_PLAN_GPU] = "gpu",
                                       [EFFVK_PLAN_GPU_FUSED] = "gpu-fused",
                                       [EFFVK_PLAN_GPU_SEPARATE] = "gpu-separate" };
  const char *wanted = g_getenv ("EFFVK_PLAN");

  if (plan != EFFVK_PLAN_DEVICE)
    return plan;
  for (guint i = EFFVK_PLAN_CPU; i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (wanted, names[i]) == 0)
      return (EffvkPlan) i;
  return effvk_device_get_caps (device)->cpu ? EFFVK_PLAN_CPU : EFFVK_PLAN_GPU;
}

EffvkDeviceCaps
effvk_op_get_storage_caps (EffvkDevice *device, EffvkStorage storage)
{
  EffvkDeviceCaps caps = *effvk_device_get_caps (device);

  caps.matrix = caps.matrix && storage == EFFVK_STORAGE_F16;
  return caps;
}

EffvkDeviceCaps
effvk_op_get_caps (const EffvkOpContext *context)
{
  EffvkDevice *device = effvk_program_get_device (context->program);
  EffvkDeviceCaps caps = effvk_op_get_storage_caps (device, context->storage);

  caps.cpu = effvk_plan_resolve (device, context->plan) == EFFVK_PLAN_CPU;
  return caps;
}

/* The kernel that EFFVK_KERNELS names for the op, or NULL. */
static char *
kernel_from_environment (const char *op)
{
  const char *variable = g_getenv ("EFFVK_KERNELS");
  g_auto (GStrv) pairs = variable ? g_strsplit (variable, ",", -1) : NULL;
  gsize length = strlen (op);

  for (guint i = 0; pairs && pairs[i]; i++)
    if (strncmp (pairs[i], op, length) == 0 && pairs[i][length] == '=')
      return g_strdup (pairs[i] + length + 1);
  return NULL;
}

char *
effvk_op_get_forced (const EffvkOpContext *context, const char *op)
{
  return context->kernel ? g_strdup (context->kernel) : kernel_from_environment (op);
}

int
effvk_op_choose_for_shape (const EffvkOpContext *context, const char *op,
                           const EffvkKernel *kernels, guint n, int favourite, GError **error)
{
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  g_autofree char *forced = effvk_op_get_forced (context, op);
  const char *wanted = context->choices ? effvk_choices_take (context->choices, op) : NULL;
  const char *usable[MAX_KERNELS + 1] = { NULL };
  int chosen = favourite >= 0 && !forced && kernels[favourite].usable (&caps) ? favourite : -1;
  guint n_usable = 0;

  for (guint i = 0; i < n; i++)
    {
      gboolean preferred = !kernels[i].preferred || kernels[i].preferred (&caps);

      if (!kernels[i].usable (&caps))
        continue;
      if (n_usable < MAX_KERNELS)
        usable[n_usable++] = kernels[i].name;
      if (forced ? strcmp (kernels[i].name, forced) == 0
                 : g_strcmp0 (kernels[i].name, wanted) == 0 || (chosen < 0 && preferred))
        chosen = (int) i;
    }
  if (chosen < 0)
    g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                 "%s: no kernel%s%s that this device can run", op, forced ? " named " : "",
                 forced ? forced : "");
  else if (context->made)
    effvk_choices_add (context->made, &(EffvkChoice){ .op = op,
                                                      .kernel = kernels[chosen].name,
                                                      .usable = usable,
                                                      .dispatch = effvk_program_get_n_dispatches (
                                                          context->program) });
  return chosen;
}

int
effvk_op_choose (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels, guint n,
                 GError **error)
{
  return effvk_op_choose_for_shape (context, op, kernels, n, -1, error);
}

gboolean
effvk_kernel_anywhere (const EffvkDeviceCaps *caps G_GNUC_UNUSED)
{
  return TRUE;
}

gboolean
effvk_kernel_has_lanes (const EffvkDeviceCaps *caps)
{
  return caps->subgroup_shuffle && caps->subgroup_size >= 8;
}

gboolean
effvk_kernel_has_matrix (const EffvkDeviceCaps *caps)
{
  return caps->matrix && caps->max_shared_bytes >= EFFVK_MATRIX_SHARED_BYTES
         && caps->max_workgroup_invocations >= EFFVK_MATRIX_MAX_SUBGROUPS * caps->subgroup_size;
}

gboolean
effvk_kernel_on_cpu (const EffvkDeviceCaps *caps)
{
  return caps->cpu;
}
