/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the driver's compiler says of pipelines: registers, spills, instructions. */

#include "vk/executables.h"

#include "vk/instance.h"

gboolean
effvk_executables_are_supported (VkPhysicalDevice physical, const VkExtensionProperties *extensions,
                                 guint n)
{
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR };
  VkPhysicalDeviceFeatures2 features
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &feature };

  if (!effvk_has_extension (extensions, n, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME))
    return FALSE;
  vkGetPhysicalDeviceFeatures2 (physical, &features);
  return feature.pipelineExecutableInfo;
}

static GVariant *
make_value (const VkPipelineExecutableStatisticKHR *statistic)
{
  switch (statistic->format)
    {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
      return g_variant_new_boolean (statistic->value.b32 != VK_FALSE);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
      return g_variant_new_int64 (statistic->value.i64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR:
      return g_variant_new_double (statistic->value.f64);
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
    default:
      return g_variant_new_uint64 (statistic->value.u64);
    }
}

/* What a driver writes need not be text. */
static char *
copy_name (const char name[VK_MAX_DESCRIPTION_SIZE])
{
  return g_utf8_make_valid (name, (gssize) strnlen (name, VK_MAX_DESCRIPTION_SIZE));
}

static GVariant *
get_statistics (EffvkDevice *device, VkPipeline pipeline, guint32 index, GError **error)
{
  const VkPipelineExecutableInfoKHR info
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
          .pipeline = pipeline,
          .executableIndex = index };
  g_autofree VkPipelineExecutableStatisticKHR *list = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint32 n = 0;

  if (!effvk_device_check (device,
                           device->vk.vkGetPipelineExecutableStatisticsKHR (device->handle, &info,
                                                                            &n, NULL),
                           "vkGetPipelineExecutableStatisticsKHR", error))
    return NULL;
  list = g_new0 (VkPipelineExecutableStatisticKHR, n + 1);
  for (guint32 i = 0; i < n; i++)
    list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  if (!effvk_device_check (device,
                           device->vk.vkGetPipelineExecutableStatisticsKHR (device->handle, &info,
                                                                            &n, list),
                           "vkGetPipelineExecutableStatisticsKHR", error))
    return NULL;
  for (guint32 i = 0; i < n; i++)
    {
      g_autofree char *name = copy_name (list[i].name);

      g_variant_dict_insert_value (&dict, name, make_value (&list[i]));
    }
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_all (EffvkDevice *device, VkPipeline pipeline, GError **error)
{
  const VkPipelineInfoKHR info
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline };
  g_auto (GVariantBuilder) all = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autofree VkPipelineExecutablePropertiesKHR *list = NULL;
  guint32 n = 0;

  if (!effvk_device_check (device,
                           device->vk.vkGetPipelineExecutablePropertiesKHR (device->handle, &info,
                                                                            &n, NULL),
                           "vkGetPipelineExecutablePropertiesKHR", error))
    return NULL;
  list = g_new0 (VkPipelineExecutablePropertiesKHR, n + 1);
  for (guint32 i = 0; i < n; i++)
    list[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR;
  if (!effvk_device_check (device,
                           device->vk.vkGetPipelineExecutablePropertiesKHR (device->handle, &info,
                                                                            &n, list),
                           "vkGetPipelineExecutablePropertiesKHR", error))
    return NULL;
  for (guint32 i = 0; i < n; i++)
    {
      GVariant *statistics = get_statistics (device, pipeline, i, error);
      g_autofree char *name = copy_name (list[i].name);
      g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

      if (!statistics)
        return NULL;
      g_variant_dict_insert (&dict, "name", "s", name);
      g_variant_dict_insert (&dict, "subgroup-size", "u", list[i].subgroupSize);
      g_variant_dict_insert_value (&dict, "statistics", statistics);
      g_variant_builder_add_value (&all, g_variant_dict_end (&dict));
    }
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

GVariant *
effvk_executables_describe (EffvkDevice *device, const EffvkPipelineKey *key, GError **error)
{
  EffvkPipeline pipeline = { 0 };
  GVariant *described = NULL;

  if (!device->tells_executables)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "the driver of \"%s\" does not describe compiled shaders: it has no "
                   "VK_KHR_pipeline_executable_properties",
                   effvk_device_get_name (device));
      return NULL;
    }
  if (effvk_pipeline_capture (device, key, &pipeline, error))
    described = describe_all (device, pipeline.handle, error);
  effvk_pipeline_clear (device, &pipeline);
  return described;
}
