/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

#include <stdio.h>

static const char *const limit_names[]
    = { "maxStorageBufferRange",          "maxTexelBufferElements",
        "maxComputeSharedMemorySize",     "maxPerStageDescriptorStorageBuffers",
        "maxComputeWorkGroupInvocations", "subgroupSize" };

static guint
get_limit (GVariant *limits, const char *name)
{
  guint value = 0;

  g_variant_lookup (limits, name, "u", &value);
  return value;
}

static void
add_limits (GstEffvkJson *json, const EffvkDeviceInfo *info)
{
  g_autoptr (GVariant) limits = effvk_device_info_get_limits (info);

  gst_effvk_json_begin (json, "limits", '{');
  for (guint i = 0; i < G_N_ELEMENTS (limit_names); i++)
    gst_effvk_json_int (json, limit_names[i], get_limit (limits, limit_names[i]));
  gst_effvk_json_end (json, '}');
}

static void
print_limits (const EffvkDeviceInfo *info)
{
  g_autoptr (GVariant) limits = effvk_device_info_get_limits (info);

  printf (
      "    limits  tensors up to %u MiB (maxStorageBufferRange), %u texels of a buffer,\n"
      "            %u KiB of shared memory, %u storage buffers, %u invocations, subgroups of %u\n",
      get_limit (limits, limit_names[0]) >> 20, get_limit (limits, limit_names[1]),
      get_limit (limits, limit_names[2]) >> 10, get_limit (limits, limit_names[3]),
      get_limit (limits, limit_names[4]), get_limit (limits, limit_names[5]));
}

static void
print_json (GPtrArray *devices)
{
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '[');
  for (guint i = 0; i < devices->len; i++)
    {
      const EffvkDeviceInfo *info = devices->pdata[i];
      EffvkDeviceType type = effvk_device_info_get_device_type (info);

      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_int (&json, "index", effvk_device_info_get_index (info));
      gst_effvk_json_string (&json, "name", effvk_device_info_get_name (info));
      gst_effvk_json_string (&json, "type", effvk_device_type_to_string (type));
      gst_effvk_json_string (&json, "driver", effvk_device_info_get_driver (info));
      gst_effvk_json_string (&json, "uuid", effvk_device_info_get_uuid (info));
      gst_effvk_json_string (&json, "problem", effvk_device_info_get_problem (info));
      add_limits (&json, info);
      gst_effvk_json_end (&json, '}');
    }
  gst_effvk_json_end (&json, ']');
  tool_json_print (&json);
}

static void
print_table (GPtrArray *devices)
{
  for (guint i = 0; i < devices->len; i++)
    {
      const EffvkDeviceInfo *info = devices->pdata[i];
      EffvkDeviceType type = effvk_device_info_get_device_type (info);
      const char *problem = effvk_device_info_get_problem (info);

      printf ("%2u  %s\n", effvk_device_info_get_index (info), effvk_device_info_get_name (info));
      printf ("    type    %s\n", effvk_device_type_to_string (type));
      printf ("    driver  %s\n", effvk_device_info_get_driver (info));
      printf ("    UUID    %s\n", effvk_device_info_get_uuid (info));
      print_limits (info);
      if (problem)
        printf ("    cannot be used: %s\n", problem);
    }
}

ToolStatus
tool_devices (char ***argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = { TOOL_JSON_ENTRY (&json), G_OPTION_ENTRY_NULL };
  g_autoptr (GPtrArray) devices = NULL;
  g_autoptr (GError) error = NULL;

  if (!tool_parse ("devices", NULL,
                   "Lists the Vulkan devices, and says which of them cannot be used.", NULL,
                   entries, argv))
    return TOOL_USAGE;
  if (g_strv_length (*argv) > 1)
    return tool_usage_error ("devices", "takes no argument, but has '%s'", (*argv)[1]);

  devices = effvk_device_list (&error);
  if (!devices)
    return tool_fail (error);
  if (json)
    print_json (devices);
  else if (devices->len > 0)
    print_table (devices);
  else
    tool_error ("there is a Vulkan loader, but no device");
  return devices->len > 0 ? TOOL_OK : TOOL_FAILED;
}
