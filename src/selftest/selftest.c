/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/selftest.h"

gboolean
effvk_selftest_can_run (const EffvkSelftest *test, const EffvkKernel *kernel)
{
  EffvkDeviceCaps caps = effvk_op_get_storage_caps (test->device, test->storage);

  return kernel->usable (&caps);
}

gboolean
effvk_selftest_run_case (EffvkSelftest *test, guint index, guint32 seed, guint n_shapes,
                         GError **error)
{
  const EffvkSelftestCase *op = &effvk_selftest_cases[index];

  for (guint k = 0; k < *op->n_kernels; k++)
    {
      if (!effvk_selftest_can_run (test, &op->kernels[k]))
        continue;
      for (guint i = 0; i < n_shapes; i++)
        {
          g_auto (EffvkTrial) trial = { 0 };

          effvk_trial_init (&trial, test, op->name, op->kernels[k].name, seed, index, i);
          /* The seed chooses where a short series begins in the op's variants. */
          if (!op->run (&trial, seed % 4 * 3 + i, error))
            {
              g_prefix_error (error, "%s %s: ", op->name, op->kernels[k].name);
              return FALSE;
            }
        }
    }
  return TRUE;
}

gboolean
effvk_selftest_run (EffvkDevice *device, EffvkPrecision precision, guint32 seed, guint n_shapes,
                    EffvkSelftestFunc func, gpointer user_data, guint *n_failed, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  EffvkSelftest test = {
    .device = device,
    .storage = effvk_storage_of_precision (precision),
    .func = func,
    .user_data = user_data,
  };
  gboolean ran = TRUE;

  for (guint i = 0; i < effvk_selftest_n_cases && ran; i++)
    ran = effvk_selftest_run_case (&test, i, seed, n_shapes, error);
  if (n_failed)
    *n_failed = test.n_failed;
  return ran;
}
