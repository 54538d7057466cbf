/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

#include "ops/lanes.h"
#include "ops/matrix.h"

#define MAX_KERNELS 15

EffvkPlan
effvk_plan_resolve (EffvkDevice *device, EffvkPlan plan)
{
  static const char *const names[] = { [EFFVK_PLAN_CPU] = "cpu",
                                       [EFFVK_PLAN_GPU] = "gpu",
                                       [EFFVK_PLAN_GPU_FUSED] = "gpu-fused",
                                       [EFFVK_PLAN_GPU_SEPARATE] = "gpu-separate",
                                       [EFFVK_PLAN_PLAIN] = "plain" };
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

  caps.matrix = caps.matrix && effvk_storages[storage].matrix;
  return caps;
}

EffvkDeviceCaps
effvk_op_get_caps (const EffvkOpContext *context)
{
  EffvkDevice *device = effvk_program_get_device (context->program);
  EffvkDeviceCaps caps = effvk_op_get_storage_caps (device, context->storage);
  EffvkPlan plan = effvk_plan_resolve (device, context->plan);

  caps.cpu = plan == EFFVK_PLAN_CPU;
  caps.matrix = caps.matrix && plan != EFFVK_PLAN_PLAIN;
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

gboolean
effvk_op_is_cut_short (const EffvkOpContext *context, guint64 turns)
{
  EffvkDevice *device = effvk_program_get_device (context->program);

  return effvk_device_get_caps (device)->cpu && turns > EFFVK_MAX_TURNS;
}

/* Of a table's kernels those that can run here and compute the shape: a bit each. */
static guint
find_usable (const EffvkDeviceCaps *caps, const EffvkKernel *kernels, guint n, guint unfit)
{
  guint usable = 0;

  for (guint i = 0; i < n; i++)
    if (!(unfit & 1u << i) && kernels[i].usable (caps))
      usable |= 1u << i;
  return usable;
}

/* The index of the kernel of that name, or -1. */
static int
find_named (const EffvkKernel *kernels, guint n, const char *name)
{
  for (guint i = 0; name && i < n; i++)
    if (strcmp (kernels[i].name, name) == 0)
      return (int) i;
  return -1;
}

/* The first usable kernel that is the choice on such a device, or -1. */
static int
find_preferred (const EffvkDeviceCaps *caps, const EffvkKernel *kernels, guint n, guint usable)
{
  for (guint i = 0; i < n; i++)
    if ((usable & 1u << i) && (!kernels[i].preferred || kernels[i].preferred (caps)))
      return (int) i;
  return -1;
}

static void
record_choice (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels, guint n,
               guint usable, int chosen)
{
  EffvkChoice choice = { .op = op,
                         .kernel = kernels[chosen].name,
                         .dispatch = effvk_program_get_n_dispatches (context->program) };
  const char *names[MAX_KERNELS + 1] = { NULL };
  guint n_names = 0;

  for (guint i = 0; i < n && n_names < MAX_KERNELS; i++)
    if (usable & 1u << i)
      names[n_names++] = kernels[i].name;
  choice.usable = names;
  effvk_choices_add (context->made, &choice);
}

int
effvk_op_choose_for_shape (const EffvkOpContext *context, const char *op,
                           const EffvkKernel *kernels, guint n, EffvkShapeChoice shape,
                           GError **error)
{
  EffvkDevice *device = effvk_program_get_device (context->program);
  gboolean plain = effvk_plan_resolve (device, context->plan) == EFFVK_PLAN_PLAIN;
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  guint usable = find_usable (&caps, kernels, n, shape.unfit);
  g_autofree char *forced = effvk_op_get_forced (context, op);
  const char *wanted = context->choices ? effvk_choices_take (context->choices, op) : NULL;
  int named = find_named (kernels, n, forced), tuned = find_named (kernels, n, wanted), chosen;

  if (forced && (named < 0 || !kernels[named].usable (&caps)))
    chosen = -1;
  else if (forced && (usable & 1u << named))
    chosen = named;
  else if (!plain && tuned >= 0 && (usable & 1u << tuned))
    chosen = tuned;
  else if (!plain && shape.favourite >= 0 && (usable & 1u << shape.favourite))
    chosen = shape.favourite;
  else
    chosen = find_preferred (&caps, kernels, n, usable);

  if (chosen >= 0 && context->made)
    record_choice (context, op, kernels, n, usable, chosen);
  if (chosen < 0)
    g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                 "%s: no kernel%s%s that this device can run%s", op, forced ? " named " : "",
                 forced ? forced : "",
                 shape.unfit ? " with a layer as large as this: a smaller input may help" : "");
  return chosen;
}

int
effvk_op_choose (const EffvkOpContext *context, const char *op, const EffvkKernel *kernels, guint n,
                 GError **error)
{
  const EffvkShapeChoice any = { .favourite = -1 };

  return effvk_op_choose_for_shape (context, op, kernels, n, any, error);
}

guint64
effvk_op_count_texels (const EffvkOpContext *context, EffvkTensor tensor)
{
  const EffvkTensorInfo *info;

  if (tensor == EFFVK_TENSOR_NONE)
    return 0;
  info = effvk_program_get_info (context->program, tensor);
  return (guint64) info->n * info->h * info->w * effvk_c4 (info->c);
}

gboolean
effvk_op_fits_texels (const EffvkOpContext *context, guint64 texels)
{
  return texels <= effvk_op_get_caps (context).max_texel_elements;
}

gboolean
effvk_kernel_anywhere (const EffvkDeviceCaps *caps G_GNUC_UNUSED)
{
  return TRUE;
}

gboolean
effvk_kernel_has_lanes (const EffvkDeviceCaps *caps)
{
  return caps->subgroup_shuffle && caps->subgroup_size >= EFFVK_LANES_MIN;
}

gboolean
effvk_kernel_has_matrix (const EffvkDeviceCaps *caps)
{
  return caps->matrix && effvk_matrix_has_slices (caps, 1)
         && caps->max_shared_bytes >= effvk_matrix_shared_bytes (1, EFFVK_MATRIX_MAX_N, 1);
}

gboolean
effvk_kernel_on_cpu (const EffvkDeviceCaps *caps)
{
  return caps->cpu;
}
