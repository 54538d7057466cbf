/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

EffvkDeviceCaps
effvk_op_get_caps (const EffvkOpContext *context)
{
  EffvkDeviceCaps caps = *effvk_device_get_caps (effvk_program_get_device (context->program));
  const char *plan = g_getenv ("EFFVK_PLAN");

  if (context->plan != EFFVK_PLAN_DEVICE)
    caps.cpu = context->plan == EFFVK_PLAN_CPU;
  else if (plan)
    caps.cpu = strcmp (plan, "cpu") == 0 || (caps.cpu && strcmp (plan, "gpu") != 0);
  return caps;
}

int
effvk_op_choose (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels, guint n,
                 GError **error)
{
  EffvkDeviceCaps caps = effvk_op_get_caps (context);

  for (guint i = 0; i < n; i++)
    {
      if (context->kernel && strcmp (context->kernel, kernels[i].name) != 0)
        continue;
      if (kernels[i].usable (&caps)
          && (context->kernel || !kernels[i].preferred || kernels[i].preferred (&caps)))
        return (int) i;
    }
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
               "%s: no kernel%s%s that this device can run", op, context->kernel ? " named " : "",
               context->kernel ? context->kernel : "");
  return -1;
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
effvk_kernel_on_cpu (const EffvkDeviceCaps *caps)
{
  return caps->cpu;
}
