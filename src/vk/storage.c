/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/storage.h"

#include "base/half.h"

static void
write_floats (const float *values, gsize n, gpointer numbers)
{
  if (n > 0)
    memcpy (numbers, values, n * sizeof (float));
}

static void
read_floats (gconstpointer numbers, gsize n, float *values)
{
  if (n > 0)
    memcpy (values, numbers, n * sizeof (float));
}

static void
write_halves (const float *values, gsize n, gpointer numbers)
{
  guint16 *halves = numbers;

  for (gsize i = 0; i < n; i++)
    halves[i] = effvk_float_to_half (values[i]);
}

static void
read_halves (gconstpointer numbers, gsize n, float *values)
{
  const guint16 *halves = numbers;

  for (gsize i = 0; i < n; i++)
    values[i] = effvk_half_to_float (halves[i]);
}

const EffvkStorageInfo effvk_storages[] = {
  [EFFVK_STORAGE_F32] = {
    .name = "fp32",
    .precision = EFFVK_PRECISION_FP32,
    .texel_size = 16,
    .texel_format = VK_FORMAT_R32G32B32A32_SFLOAT,
    .kernel_nmse = 1e-7,
    .network_nmse = 1e-7,
    .write = write_floats,
    .read = read_floats,
  },
  [EFFVK_STORAGE_F16] = {
    .name = "fp16",
    .precision = EFFVK_PRECISION_FP16,
    .texel_size = 8,
    .texel_format = VK_FORMAT_R16G16B16A16_SFLOAT,
    .matrix = TRUE,
    .kernel_nmse = 1e-4,
    .network_nmse = 1e-3,
    .write = write_halves,
    .read = read_halves,
  },
};
G_STATIC_ASSERT (G_N_ELEMENTS (effvk_storages) == EFFVK_N_STORAGES);

gsize
effvk_storage_texel_size (EffvkStorage storage)
{
  return storage == EFFVK_STORAGE_U32 ? 4 * sizeof (guint32) : effvk_storages[storage].texel_size;
}

VkFormat
effvk_storage_texel_format (EffvkStorage storage)
{
  return storage == EFFVK_STORAGE_U32 ? VK_FORMAT_R32G32B32A32_UINT
                                      : effvk_storages[storage].texel_format;
}

EffvkStorage
effvk_storage_of_precision (EffvkPrecision precision)
{
  for (guint i = 0; i < EFFVK_N_STORAGES; i++)
    if (effvk_storages[i].precision == precision)
      return (EffvkStorage) i;
  return EFFVK_STORAGE_F32;
}

void
effvk_storage_round (EffvkStorage storage, float *values, gsize n)
{
  guint32 number[4];

  for (gsize i = 0; i < n; i++)
    {
      effvk_storages[storage].write (&values[i], 1, number);
      effvk_storages[storage].read (number, 1, &values[i]);
    }
}
