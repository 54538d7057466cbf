/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-profile.h"

#include "tune/timing.h"
#include "vk/executables.h"

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

static gboolean
same_pipeline (const EffvkDispatch *a, const EffvkDispatch *b)
{
  return a->shader == b->shader && a->n_spec == b->n_spec
         && memcmp (a->spec, b->spec, a->n_spec * sizeof *a->spec) == 0;
}

/* How many dispatches from @first on take the pipeline of that one; 0: an earlier one does. */
static guint
count_dispatches (EffvkProgram *program, guint first)
{
  const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, first);
  guint n = 0;

  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    if (same_pipeline (effvk_program_get_dispatch (program, i), dispatch))
      {
        if (i < first)
          return 0;
        n++;
      }
  return n;
}

GVariant *
effvk_program_describe_executables (EffvkProgram *program, GError **error)
{
  g_auto (GVariantBuilder) pipelines = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
      const EffvkPipelineKey key = { dispatch->shader, dispatch->spec, dispatch->n_spec };
      guint n = count_dispatches (program, i);
      g_autoptr (GVariant) executables = NULL;
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

      if (n == 0)
        continue;
      executables = effvk_executables_describe (effvk_program_get_device (program), &key, error);
      if (!executables)
        return NULL;
      g_variant_dict_insert (&dict, "op", "s", dispatch->op);
      g_variant_dict_insert (&dict, "kernel", "s", dispatch->kernel);
      g_variant_dict_insert (&dict, "dispatches", "u", n);
      g_variant_dict_insert_value (&dict, "constants",
                                   g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, dispatch->spec,
                                                              dispatch->n_spec,
                                                              sizeof *dispatch->spec));
      g_variant_dict_insert_value (&dict, "executables", executables);
      g_variant_builder_add_value (&pipelines, g_variant_dict_end (&dict));
    }
  return g_variant_ref_sink (g_variant_builder_end (&pipelines));
}
