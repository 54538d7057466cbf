/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices: which one of this system's a selector gives, that open ones are shared, and what a loss
 * does. */

#include "devices.h"

#include <string.h>
#include <unistd.h>

/* Opens @selector and expects the device of @info, or a failure where that is NULL. */
static void
check_selector (const char *selector, const EffvkDeviceInfo *info)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = effvk_device_new (selector, &error);

  if (info == NULL)
    {
      g_assert_null (device);
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NOT_FOUND);
      if (selector[0] != '\0')
        g_assert_nonnull (strstr (error->message, selector));
      return;
    }

  g_assert_no_error (error);
  g_assert_nonnull (device);
  g_assert_false (effvk_device_is_lost (device));
  g_assert_cmpstr (effvk_device_get_uuid (device), ==, effvk_device_info_get_uuid (info));
  g_assert_cmpstr (effvk_device_get_name (device), ==, effvk_device_info_get_name (info));
  g_assert_cmpstr (effvk_device_get_driver (device), ==, effvk_device_info_get_driver (info));
  g_assert_cmpint (effvk_device_get_device_type (device), ==,
                   effvk_device_info_get_device_type (info));
}

static void
test_list (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      EffvkDeviceInfo *info = g_ptr_array_index (list, i);
      g_autoptr (EffvkDeviceInfo) copy = g_boxed_copy (EFFVK_TYPE_DEVICE_INFO, info);
      const char *uuid = effvk_device_info_get_uuid (copy);

      g_assert_cmpuint (effvk_device_info_get_index (copy), ==, i);
      g_assert_cmpstr (effvk_device_info_get_name (copy), !=, "");
      g_assert_cmpstr (effvk_device_info_get_driver (copy), !=, "");
      g_assert_true (
          g_regex_match_simple ("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", uuid, 0, 0));
    }
}

static void
test_type_names (void)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (EFFVK_TYPE_DEVICE_TYPE);

  g_assert_cmpuint (class->n_values, ==, 5);
  g_assert_cmpstr (g_enum_get_value (class, EFFVK_DEVICE_TYPE_CPU)->value_nick, ==, "cpu");
  g_assert_cmpstr (effvk_device_type_to_string (EFFVK_DEVICE_TYPE_DISCRETE_GPU), ==,
                   "discrete GPU");
  g_assert_cmpstr (effvk_device_type_to_string (EFFVK_DEVICE_TYPE_CPU), ==, "CPU");
  g_assert_cmpstr (effvk_device_type_to_string ((EffvkDeviceType) 99), ==, "other");
}

static void
test_select_index (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autofree char *beyond = NULL;

  if (list == NULL)
    return;
  for (guint i = 0; i < list->len; i++)
    {
      g_autofree char *selector = g_strdup_printf ("%u", i);
      const EffvkDeviceInfo *info = g_ptr_array_index (list, i);

      if (effvk_device_info_get_problem (info) == NULL)
        check_selector (selector, info);
    }
  beyond = g_strdup_printf ("%u", list->len);
  check_selector (beyond, NULL);
  check_selector ("4294967296", NULL); /* more than an index holds: a name */
}

static void
test_select_uuid (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autofree char *upper = NULL;
  g_autoptr (GString) bare = NULL;
  const EffvkDeviceInfo *info;

  if (list == NULL)
    return;
  info = first_usable (list);
  upper = g_ascii_strup (effvk_device_info_get_uuid (info), -1);
  bare = g_string_new (effvk_device_info_get_uuid (info));
  g_string_replace (bare, "-", "", 0);

  check_selector (effvk_device_info_get_uuid (info), info);
  check_selector (upper, info);
  check_selector (bare->str, info);
  check_selector ("01234567-89ab-cdef-0123-456789abcdef", NULL);
  check_selector ("01234567890123456789012345678901", NULL); /* digits alone are a UUID as well */
}

static void
test_select_name (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autofree char *upper = NULL;
  g_autofree char *part = NULL;
  const EffvkDeviceInfo *info;
  const char *name;

  if (list == NULL)
    return;
  info = first_usable (list);
  name = effvk_device_info_get_name (info);
  upper = g_ascii_strup (name, -1);
  part = g_strndup (name + 1, strlen (name) - 2);

  check_selector (name, info);
  check_selector (upper, info);
  check_selector (part, info);
  check_selector ("no GPU has this name", NULL);
  check_selector ("\xff\xfe", NULL); /* not UTF-8 */
}

static void
test_select_kind (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  const EffvkDeviceType order[]
      = { EFFVK_DEVICE_TYPE_DISCRETE_GPU, EFFVK_DEVICE_TYPE_INTEGRATED_GPU,
          EFFVK_DEVICE_TYPE_VIRTUAL_GPU, EFFVK_DEVICE_TYPE_OTHER, EFFVK_DEVICE_TYPE_CPU };
  const EffvkDeviceInfo *best = NULL, *gpu, *cpu = NULL;

  if (list == NULL)
    return;
  for (guint k = 0; k < G_N_ELEMENTS (order); k++)
    {
      for (guint i = 0; i < list->len; i++)
        {
          const EffvkDeviceInfo *info = g_ptr_array_index (list, i);

          if (effvk_device_info_get_device_type (info) != order[k]
              || effvk_device_info_get_problem (info) != NULL)
            continue;
          if (best == NULL)
            best = info;
          if (cpu == NULL && order[k] == EFFVK_DEVICE_TYPE_CPU)
            cpu = info;
        }
    }
  gpu = best != cpu ? best : NULL;

  check_selector ("auto", best);
  check_selector (NULL, best);
  check_selector ("", best);
  check_selector ("gpu", gpu);
  check_selector ("GPU", gpu);
  check_selector ("cpu", cpu);
}

/* "auto" says that it fell back to the CPU, and says so once; "cpu" does not. */
static void
test_cpu_message (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();

  if (list == NULL)
    return;
  if (g_test_subprocess ())
    {
      const char *selectors[] = { "cpu", "auto", "auto" };

      for (guint i = 0; i < G_N_ELEMENTS (selectors); i++)
        {
          g_autoptr (EffvkDevice) device = effvk_device_new (selectors[i], NULL);

          g_assert_nonnull (device);
          g_printerr ("[%s opened]", selectors[i]);
        }
      return;
    }

  for (guint i = 0; i < list->len; i++)
    {
      const EffvkDeviceInfo *info = g_ptr_array_index (list, i);

      if (effvk_device_info_get_problem (info) == NULL
          && effvk_device_info_get_device_type (info) != EFFVK_DEVICE_TYPE_CPU)
        {
          g_test_skip ("this system has a GPU");
          return;
        }
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*[cpu opened]*no GPU: running on the CPU device*[auto opened]*");
  g_test_trap_assert_stderr_unmatched ("*no GPU*no GPU*");
  g_test_trap_assert_stderr_unmatched ("*no GPU*[cpu opened]*");
}

static void
test_shared (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) a = NULL;
  g_autoptr (EffvkDevice) b = NULL;
  g_autoptr (EffvkDevice) c = NULL;
  gpointer gone;

  if (list == NULL)
    return;
  a = open_usable (list);
  b = open_usable (list);
  c = effvk_device_new (effvk_device_get_uuid (a), NULL);
  g_assert_true (a == b);
  g_assert_true (a == c);

  gone = a;
  g_object_add_weak_pointer (G_OBJECT (a), &gone);
  g_clear_object (&a);
  g_clear_object (&b);
  g_assert_nonnull (gone);
  g_clear_object (&c);
  g_assert_null (gone);

  a = open_usable (list);
  g_assert_false (effvk_device_is_lost (a));
}

static gpointer
open_and_close (gpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (EffvkDevice) a = effvk_device_new (data, NULL);
      g_autoptr (EffvkDevice) b = effvk_device_new (data, NULL);

      g_assert_nonnull (a);
      g_assert_true (a == b);
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  GThread *threads[4];
  char *uuid;

  if (list == NULL)
    return;
  uuid = (char *) effvk_device_info_get_uuid (first_usable (list));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("open", open_and_close, uuid);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_check (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  const struct
  {
    VkResult result;
    EffvkDeviceError code;
    const char *name;
  } cases[] = {
    { VK_ERROR_OUT_OF_HOST_MEMORY, EFFVK_DEVICE_ERROR_OUT_OF_MEMORY,
      "VK_ERROR_OUT_OF_HOST_MEMORY: the system has no memory left for it" },
    { VK_ERROR_OUT_OF_DEVICE_MEMORY, EFFVK_DEVICE_ERROR_OUT_OF_MEMORY,
      "VK_ERROR_OUT_OF_DEVICE_MEMORY: the device has no memory left for it" },
    { VK_ERROR_MEMORY_MAP_FAILED, EFFVK_DEVICE_ERROR_FAILED, "VK_ERROR_MEMORY_MAP_FAILED" },
    { (VkResult) -1000999000, EFFVK_DEVICE_ERROR_FAILED, "VkResult -1000999000" },
  };

  if (list == NULL)
    return;
  device = open_usable (list);
  g_assert_true (effvk_device_check (device, VK_SUCCESS, "vkAny", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *message = g_strdup_printf ("vkAny: %s", cases[i].name);

      g_assert_false (effvk_device_check (device, cases[i].result, "vkAny", &error));
      g_assert_error (error, EFFVK_DEVICE_ERROR, (int) cases[i].code);
      g_assert_cmpstr (error->message, ==, message);
      g_assert_false (effvk_device_check (device, cases[i].result, "vkAny", NULL));
    }
  g_assert_false (effvk_device_is_lost (device));
}

static void
test_lost (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (EffvkDevice) again = NULL;
  g_autoptr (EffvkDevice) third = NULL;
  g_autoptr (GError) error = NULL;

  if (list == NULL)
    return;
  device = open_usable (list);
  g_assert_false (effvk_device_check (device, VK_ERROR_DEVICE_LOST, "vkWaitForFences", &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST);
  g_clear_error (&error);
  g_assert_true (effvk_device_is_lost (device));
  g_assert_false (effvk_device_is_hung (device));

  g_assert_false (effvk_device_submit (device, NULL, 0, VK_NULL_HANDLE, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST);

  again = open_usable (list);
  g_assert_true (again != device);
  g_assert_false (effvk_device_is_lost (again));

  /* the end of the old one does not take the new one out of the table */
  g_assert_true (effvk_device_is_lost (device));
  g_clear_object (&device);
  third = open_usable (list);
  g_assert_true (third == again);
}

/* A device that timed out may still use what it was given, and so its end frees nothing. */
static void
test_hung (void)
{
  gpointer left;
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (EffvkDevice) again = NULL;
  g_autoptr (GError) error = NULL;

  if (list == NULL)
    return;
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr ("*still does not answer*");
      return;
    }

  device = open_usable (list);
  left = device->handle;
  g_assert_nonnull (left);
  g_assert_false (effvk_device_check (device, VK_TIMEOUT, "vkWaitForFences", &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_TIMEOUT);
  g_assert_true (effvk_device_is_lost (device));
  g_assert_true (effvk_device_is_hung (device));
  g_clear_object (&device);

  again = open_usable (list);
  g_assert_true (again->handle != left);
  _exit (0); /* leaks are the point here, so no leak checker */
}

static void
test_no_driver (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EffvkDevice) device = NULL;
      g_autoptr (GPtrArray) list = NULL;

      g_setenv ("VK_ICD_FILENAMES", "/nonexistent.json", TRUE);
      g_setenv ("VK_DRIVER_FILES", "/nonexistent.json", TRUE);
      device = effvk_device_new (NULL, &error);
      g_assert_null (device);
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER);
      g_assert_nonnull (strstr (error->message, "install"));

      /* a loader that makes an instance without drivers has an empty list */
      g_clear_error (&error);
      list = effvk_device_list (&error);
      if (list == NULL)
        g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER);
      else
        g_assert_cmpuint (list->len, ==, 0);
      return;
    }

  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("EFFVK_CACHE_DIR", "", TRUE); /* the user's is not for tests */

  g_test_add_func ("/device/list", test_list);
  g_test_add_func ("/device/type-names", test_type_names);
  g_test_add_func ("/device/select/index", test_select_index);
  g_test_add_func ("/device/select/uuid", test_select_uuid);
  g_test_add_func ("/device/select/name", test_select_name);
  g_test_add_func ("/device/select/kind", test_select_kind);
  g_test_add_func ("/device/cpu-message", test_cpu_message);
  g_test_add_func ("/device/shared", test_shared);
  g_test_add_func ("/device/threads", test_threads);
  g_test_add_func ("/device/check", test_check);
  g_test_add_func ("/device/lost", test_lost);
  g_test_add_func ("/device/hung", test_hung);
  g_test_add_func ("/device/no-driver", test_no_driver);

  return g_test_run ();
}
