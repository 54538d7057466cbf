/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

#define MAX_KERNELS 15

gboolean
effvk_plan_is_cpu (EffvkDevice *device, EffvkPlan plan)
{
  gboolean cpu = effvk_device_get_caps (device)->cpu;
  const char *wanted = g_getenv ("EFFVK_PLAN");

  if (plan != EFFVK_PLAN_DEVICE)
    return plan == EFFVK_PLAN_CPU;
  if (wanted)
    return strcmp (wanted, "cpu") == 0 || (cpu && strcmp (wanted, "gpu") != 0);
  return cpu;
}

EffvkDeviceCaps
effvk_op_get_caps (const EffvkOpContext *context)
{
  EffvkDevice *device = effvk_program_get_device (context->program);
  EffvkDeviceCaps caps = *effvk_device_get_caps (device);

  caps.cpu = effvk_plan_is_cpu (device, context->plan);
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

int
effvk_op_choose (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels, guint n,
                 GError **error)
{
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  g_autofree char *environment = context->kernel ? NULL : kernel_from_environment (op);
  const char *forced = context->kernel ? context->kernel : environment;
  const char *wanted = context->choices ? effvk_choices_take (context->choices, op) : NULL;
  const char *usable[MAX_KERNELS + 1] = { NULL };
  int chosen = -1;
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
