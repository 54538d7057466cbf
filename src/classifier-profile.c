/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-profile.h"

#include "tune/timing.h"

/* "112x112x32", a batch before it where there is one. */
static char *
describe_shape (const EffvkTensorInfo *info)
{
  g_autofree char *shape = g_strdup_printf ("%ux%ux%u", info->h, info->w, info->c);

  return info->n > 1 ? g_strdup_printf ("%ux%s", info->n, shape) : g_steal_pointer (&shape);
}

/* The bytes of all tensors that a dispatch binds. One that is bound twice stands in for one that is
 * not used. */
static guint64
count_bytes (EffvkProgram *program, const EffvkDispatch *dispatch)
{
  guint64 bytes = 0;

  for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
    {
      gboolean counted = dispatch->bind[b] == EFFVK_TENSOR_NONE;

      for (guint earlier = 0; earlier < b; earlier++)
        counted = counted || dispatch->bind[earlier] == dispatch->bind[b];
      if (!counted)
        bytes += effvk_tensor_info_size (effvk_program_get_info (program, dispatch->bind[b]));
    }
  return bytes;
}

static GVariant *
describe (EffvkProgram *program, const EffvkDispatch *dispatch, double ns)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint written = 0;

  while (!(dispatch->writes >> written & 1))
    written++;
  g_variant_dict_insert (&dict, "op", "s", dispatch->op);
  g_variant_dict_insert (&dict, "kernel", "s", dispatch->kernel);
  g_variant_dict_insert_value (&dict, "input",
                               g_variant_new_take_string (describe_shape (
                                   effvk_program_get_info (program, dispatch->bind[0]))));
  g_variant_dict_insert_value (&dict, "output",
                               g_variant_new_take_string (describe_shape (
                                   effvk_program_get_info (program, dispatch->bind[written]))));
  g_variant_dict_insert (&dict, "time", "d", ns);
  g_variant_dict_insert (&dict, "flops", "d", dispatch->flops);
  g_variant_dict_insert (&dict, "bytes", "t", count_bytes (program, dispatch));
  return g_variant_dict_end (&dict);
}

GVariant *
effvk_programs_profile (EffvkProgram *const *programs, guint n, guint runs, GError **error)
{
  g_auto (GVariantBuilder) dispatches = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree double *times = NULL;
  gboolean device_clock;
  guint total = 0, at = 0;

  for (guint p = 0; p < n; p++)
    total += effvk_program_get_n_dispatches (programs[p]);
  times = g_new (double, total);
  if (!effvk_programs_time (programs, n, runs, times, &device_clock, error))
    return NULL;
  for (guint p = 0; p < n; p++)
    for (guint i = 0; i < effvk_program_get_n_dispatches (programs[p]); i++, at++)
      g_variant_builder_add_value (&dispatches,
                                   describe (programs[p],
                                             effvk_program_get_dispatch (programs[p], i),
                                             times[at]));
  g_variant_dict_insert (&dict, "clock", "s", device_clock ? "device" : "host");
  g_variant_dict_insert_value (&dict, "dispatches", g_variant_builder_end (&dispatches));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
