/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the tests that need a device, whichever. */

#include "vk/device.h"

/* The system's devices, or NULL after the test was skipped for want of a usable one. */
static inline GPtrArray *
devices_or_skip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = effvk_device_list (&error);
  guint usable = 0;

  if (list == NULL)
    {
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER);
      g_test_skip (error->message);
      return NULL;
    }
  for (guint i = 0; i < list->len; i++)
    usable += effvk_device_info_get_problem (g_ptr_array_index (list, i)) == NULL;
  if (usable == 0)
    {
      g_test_skip ("no Vulkan device here that effvk can use");
      return NULL;
    }
  return g_steal_pointer (&list);
}

static inline const EffvkDeviceInfo *
first_usable (GPtrArray *list)
{
  for (guint i = 0; i < list->len; i++)
    {
      const EffvkDeviceInfo *info = g_ptr_array_index (list, i);

      if (effvk_device_info_get_problem (info) == NULL)
        return info;
    }
  g_assert_not_reached ();
}

static inline EffvkDevice *
open_usable (GPtrArray *list)
{
  g_autofree char *selector
      = g_strdup_printf ("%u", effvk_device_info_get_index (first_usable (list)));
  GError *error = NULL;
  EffvkDevice *device = effvk_device_new (selector, &error);

  g_assert_no_error (error);
  g_assert_nonnull (device);
  return device;
}
