/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long dispatches take, and what a driver's compiler says of the kernels. */
#include "device-fixture.h"

/* Of drivers whose timestamps do not work. */
static VKAPI_ATTR VkResult VKAPI_CALL
not_ready (VkDevice device, VkQueryPool pool, uint32_t first, uint32_t n, size_t size, void *data,
           VkDeviceSize stride, VkQueryResultFlags flags)
{
  return VK_NOT_READY;
}

static VKAPI_ATTR VkResult VKAPI_CALL
standing_still (VkDevice device, VkQueryPool pool, uint32_t first, uint32_t n, size_t size,
                void *data, VkDeviceSize stride, VkQueryResultFlags flags)
{
  memset (data, 0, size);
  return VK_SUCCESS;
}

/* By both clocks: the device's, and this computer's where a device has none. */
static void
test_profile (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 2);
  g_autoptr (EffvkImage) image = new_image (1, 320, 200);
  gboolean timestamps = fixture->device->caps.timestamps;
  PFN_vkGetQueryPoolResults get_results = fixture->device->vk.vkGetQueryPoolResults;

  for (guint pass = 0; pass < 4; pass++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) profile = NULL, statistics = NULL, dispatches = NULL;
      const char *clock;
      double macs = 0;
      guint n;

      fixture->device->caps.timestamps = timestamps && pass != 1;
      if (pass >= 2)
        fixture->device->vk.vkGetQueryPoolResults = pass == 2 ? not_ready : standing_still;
      profile = effvk_classifier_profile (classifier, image, 2, &error);
      fixture->device->caps.timestamps = timestamps;
      fixture->device->vk.vkGetQueryPoolResults = get_results;
      g_assert_no_error (error);
      g_assert_true (g_variant_lookup (profile, "clock", "&s", &clock));
      g_assert_cmpstr (clock, ==, timestamps && pass == 0 ? "device" : "host");
      dispatches = g_variant_lookup_value (profile, "dispatches", G_VARIANT_TYPE ("aa{sv}"));
      statistics = effvk_classifier_get_statistics (classifier);
      g_variant_lookup (statistics, "dispatches", "u", &n);
      g_assert_cmpuint (g_variant_n_children (dispatches), ==, n);
      for (guint i = 0; i < n; i++)
        {
          g_autoptr (GVariant) dispatch = g_variant_get_child_value (dispatches, i);
          double ns, flops;
          guint64 bytes;

          g_assert_true (g_variant_lookup (dispatch, "time", "d", &ns));
          g_assert_true (g_variant_lookup (dispatch, "flops", "d", &flops));
          g_assert_true (g_variant_lookup (dispatch, "bytes", "t", &bytes));
          g_assert_cmpfloat (ns, >=, 0);
          g_assert_cmpuint (bytes, >, 0);
          macs += flops / 2;
        }
      /* the resize is not counted */
      g_assert_cmpfloat (macs, ==, 2.0 * (double) effvk_model_get_macs (fixture->model));
    }
}

static void
test_profile_busy (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  g_autoptr (EffvkImage) image = new_image (1, 320, 200);
  g_autoptr (GError) error = NULL;

  g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (effvk_classifier_profile (classifier, image, 1, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY);
}

/* A compiler that tells: one executable, four kinds of statistics. */
static VKAPI_ATTR VkResult VKAPI_CALL
list_executables (VkDevice device, const VkPipelineInfoKHR *info, uint32_t *n,
                  VkPipelineExecutablePropertiesKHR *list)
{
  *n = 1;
  if (list)
    {
      g_strlcpy (list->name, "compute", sizeof list->name);
      list->subgroupSize = 16;
    }
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_statistics (VkDevice device, const VkPipelineExecutableInfoKHR *info, uint32_t *n,
                 VkPipelineExecutableStatisticKHR *list)
{
  *n = 2;
  if (list)
    {
      g_strlcpy (list[0].name, "VGPRs", sizeof list[0].name);
      list[0].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR;
      list[0].value.u64 = 64;
      g_strlcpy (list[1].name, "Latency", sizeof list[1].name);
      list[1].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR;
      list[1].value.f64 = 0.5;
    }
  return VK_SUCCESS;
}

static void
set_up_without_validation (Fixture *fixture, gconstpointer data)
{
  g_autofree char *before = g_strdup (g_getenv ("EFFVK_VALIDATION"));

  g_setenv ("EFFVK_VALIDATION", "0", TRUE);
  set_up (fixture, data);
  if (before)
    g_setenv ("EFFVK_VALIDATION", before, TRUE);
  else
    g_unsetenv ("EFFVK_VALIDATION");
}

/* The device seems to tell what it cannot, to which the validation layers would object. */
static void
test_executables (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pipelines = NULL;
  g_autoptr (GVariant) all = effvk_classifier_get_statistics (classifier);
  EffvkDevice *device = fixture->device;
  const EffvkDevice before = *device;
  guint n_dispatches = 0, of_network;

  if (!device->tells_executables)
    {
      g_assert_null (effvk_classifier_get_executables (classifier, &error));
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "VK_KHR_pipeline_executable_properties"));
      g_clear_error (&error);
    }

  device->tells_executables = TRUE;
  device->vk.vkGetPipelineExecutablePropertiesKHR = list_executables;
  device->vk.vkGetPipelineExecutableStatisticsKHR = list_statistics;
  pipelines = effvk_classifier_get_executables (classifier, &error);
  device->tells_executables = before.tells_executables;
  device->vk = before.vk;
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (pipelines), >, 5);
  for (gsize i = 0; i < g_variant_n_children (pipelines); i++)
    {
      g_autoptr (GVariant) pipeline = g_variant_get_child_value (pipelines, i);
      g_autoptr (GVariant) executables
          = g_variant_lookup_value (pipeline, "executables", G_VARIANT_TYPE ("aa{sv}"));
      g_autoptr (GVariant) executable = g_variant_get_child_value (executables, 0);
      g_autoptr (GVariant) statistics
          = g_variant_lookup_value (executable, "statistics", G_VARIANT_TYPE_VARDICT);
      guint64 registers = 0;
      double latency = 0;
      guint n = 0;

      g_assert_true (g_variant_lookup (pipeline, "dispatches", "u", &n));
      n_dispatches += n;
      g_assert_true (g_variant_lookup (statistics, "VGPRs", "t", &registers));
      g_assert_true (g_variant_lookup (statistics, "Latency", "d", &latency));
      g_assert_cmpuint (registers, ==, 64);
      g_assert_cmpfloat (latency, ==, 0.5);
    }
  g_variant_lookup (all, "dispatches", "u", &of_network); /* no frame was seen: no preprocessing */
  g_assert_cmpuint (n_dispatches, ==, of_network);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/profile/clocks", Fixture, NULL, set_up, test_profile, tear_down);
  g_test_add ("/profile/busy", Fixture, NULL, set_up, test_profile_busy, tear_down);
  g_test_add ("/profile/executables", Fixture, NULL, set_up_without_validation, test_executables,
              tear_down);
  return g_test_run ();
}
