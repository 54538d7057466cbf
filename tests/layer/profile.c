/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a profile says, and what becomes of the driver's answers. */

#include "profile.h"

#include <string.h>

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define MAPPED VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT

#define MAX_TYPES 3

/* All lie in what is the driver's first type. */
static const struct
{
  const char *name;
  guint n;
  VkMemoryPropertyFlags types[MAX_TYPES];
} memories[] = {
  { "discrete", 3, { LOCAL, MAPPED | COHERENT, MAPPED | COHERENT | CACHED } },
  { "uncached", 1, { LOCAL | MAPPED | COHERENT } },
  { "non-coherent", 2, { LOCAL | MAPPED | CACHED, MAPPED | COHERENT } },
};

JsonObject *
profile_get (void)
{
  static gsize loaded = 0;
  static JsonObject *profile;

  if (g_once_init_enter (&loaded))
    {
      g_autoptr (JsonParser) parser = json_parser_new ();
      g_autoptr (GError) error = NULL;
      const char *path = g_getenv ("EFFVK_PROFILE");

      if (!path || !json_parser_load_from_file (parser, path, &error))
        g_error ("EFFVK_PROFILE: %s", path ? error->message : "not set");
      profile = json_object_ref (json_node_get_object (json_parser_get_root (parser)));
      g_once_init_leave (&loaded, 1);
    }
  return profile;
}

static gint64
get_int (const char *name, gint64 otherwise)
{
  return json_object_get_int_member_with_default (profile_get (), name, otherwise);
}

static const char *
get_string (const char *name)
{
  return json_object_get_string_member_with_default (profile_get (), name, "");
}

/* The member of "limits", or what the driver says. */
static gint64
get_limit (const char *name, gint64 otherwise)
{
  JsonObject *limits = json_object_get_object_member (profile_get (), "limits");

  return json_object_get_int_member_with_default (limits, name, otherwise);
}

gboolean
profile_is_for (const VkPhysicalDeviceProperties *properties)
{
  const char *only = g_getenv ("EFFVK_PROFILE_ONLY");

  return !only || strstr (properties->deviceName, only);
}

static void
change_limits (VkPhysicalDeviceLimits *limits)
{
#define LOWER(name) limits->name = (guint32) MIN (limits->name, get_limit (#name, limits->name))
#define RAISE(name) limits->name = MAX (limits->name, (VkDeviceSize) get_limit (#name, 0))
  LOWER (maxTexelBufferElements);
  LOWER (maxStorageBufferRange);
  LOWER (maxComputeWorkGroupInvocations);
  LOWER (maxComputeSharedMemorySize);
  LOWER (maxPushConstantsSize);
  LOWER (maxPerStageDescriptorStorageBuffers);
  LOWER (maxPerStageResources);
  LOWER (maxBoundDescriptorSets);
  LOWER (maxMemoryAllocationCount);
  RAISE (minStorageBufferOffsetAlignment);
  RAISE (minTexelBufferOffsetAlignment);
  RAISE (nonCoherentAtomSize);
  for (guint axis = 0; axis < 3; axis++)
    {
      const char *names[]
          = { "maxComputeWorkGroupSizeX", "maxComputeWorkGroupSizeY", "maxComputeWorkGroupSizeZ" };
      guint32 *size = &limits->maxComputeWorkGroupSize[axis];

      *size = (guint32) MIN (*size, get_limit (names[axis], *size));
      limits->maxComputeWorkGroupCount[axis] = MIN (limits->maxComputeWorkGroupCount[axis], 65535);
    }
#undef LOWER
#undef RAISE
  if (get_limit ("timestampValidBits", 64) == 0)
    limits->timestampComputeAndGraphics = VK_FALSE;
}

void
profile_change_properties (VkPhysicalDeviceProperties *properties)
{
  const char *types[] = { "other", "integrated", "discrete", "virtual", "cpu" };
  guint minor = (guint) get_int ("vulkan-minor", 3);

  change_limits (&properties->limits);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (strcmp (get_string ("type"), types[i]) == 0)
      properties->deviceType = (VkPhysicalDeviceType) i;
  properties->apiVersion = MIN (properties->apiVersion, VK_MAKE_API_VERSION (0, 1, minor, 0));
  g_snprintf (properties->deviceName, sizeof properties->deviceName, "%s (a profile)",
              get_string ("name"));
}

void
profile_change_subgroup (VkPhysicalDeviceSubgroupProperties *subgroup)
{
  subgroup->subgroupSize = (guint32) get_int ("subgroup-size", subgroup->subgroupSize);
  if (!json_object_get_boolean_member_with_default (profile_get (), "subgroup-operations", TRUE))
    subgroup->supportedOperations = VK_SUBGROUP_FEATURE_BASIC_BIT;
}

gboolean
profile_lists_queue_families (void)
{
  return json_object_has_member (profile_get (), "queue-families");
}

static VkQueueFlags
get_queue_flags (JsonObject *object)
{
  static const struct
  {
    const char *name;
    VkQueueFlags flag;
  } flags[] = { { "graphics", VK_QUEUE_GRAPHICS_BIT },
                { "compute", VK_QUEUE_COMPUTE_BIT },
                { "transfer", VK_QUEUE_TRANSFER_BIT },
                { "sparse", VK_QUEUE_SPARSE_BINDING_BIT } };
  JsonArray *names = json_object_get_array_member (object, "flags");
  VkQueueFlags all = 0;

  for (guint i = 0; i < json_array_get_length (names); i++)
    {
      guint f = 0;

      while (f < G_N_ELEMENTS (flags)
             && strcmp (flags[f].name, json_array_get_string_element (names, i)) != 0)
        f++;
      if (f == G_N_ELEMENTS (flags))
        g_error ("EFFVK_PROFILE: no queue has the flag \"%s\"",
                 json_array_get_string_element (names, i));
      all |= flags[f].flag;
    }
  return all;
}

/* What is left of the driver's. */
static void
change_queue_family (VkQueueFamilyProperties *family, JsonObject *object)
{
  gint64 bits = get_limit ("timestampValidBits", 64);

  if (object)
    {
      family->queueFlags &= get_queue_flags (object);
      family->queueCount
          = (guint32) json_object_get_int_member_with_default (object, "count", family->queueCount);
      bits = json_object_get_int_member_with_default (object, "timestampValidBits", bits);
    }
  family->timestampValidBits = (guint32) MIN (bits, family->timestampValidBits);
}

void
profile_change_queue_families (GArray *families)
{
  VkQueueFamilyProperties *first = (VkQueueFamilyProperties *) (gpointer) families->data;
  VkQueueFamilyProperties drivers;
  JsonArray *list;

  if (!profile_lists_queue_families ())
    {
      for (guint i = 0; i < families->len; i++)
        change_queue_family (&first[i], NULL);
      return;
    }
  list = json_object_get_array_member (profile_get (), "queue-families");
  drivers = first[0];
  g_array_set_size (families, 0);
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      VkQueueFamilyProperties family = drivers;

      change_queue_family (&family, json_array_get_object_element (list, i));
      family.queueCount = MIN (family.queueCount, drivers.queueCount);
      g_array_append_val (families, family);
    }
}

gboolean
profile_is_portability_subset (void)
{
  return json_object_get_boolean_member_with_default (profile_get (), "portability-subset", FALSE);
}

gboolean
profile_has_extension (const char *name)
{
  JsonArray *list = json_object_get_array_member (profile_get (), "extensions");

  for (guint i = 0; i < json_array_get_length (list); i++)
    if (strcmp (json_array_get_string_element (list, i), name) == 0)
      return TRUE;
  return FALSE;
}

/* The index in memories; G_N_ELEMENTS: the driver's own types. */
static guint
find_memory (void)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (memories) && strcmp (memories[i].name, get_string ("memory")) != 0)
    i++;
  return i;
}

int
profile_get_memory_type (void)
{
  return find_memory () < G_N_ELEMENTS (memories) ? 0 : -1;
}

guint32
profile_get_memory_bits (gboolean mapped)
{
  guint i = find_memory ();
  guint32 bits = 0;

  for (guint type = 0; type < memories[i].n; type++)
    if (!mapped || memories[i].types[type] & MAPPED)
      bits |= 1u << type;
  return bits;
}

void
profile_change_memory (VkPhysicalDeviceMemoryProperties *memory)
{
  guint i = find_memory ();

  if (i == G_N_ELEMENTS (memories))
    return;
  memory->memoryTypeCount = memories[i].n;
  for (guint type = 0; type < memories[i].n; type++)
    memory->memoryTypes[type] = (VkMemoryType){ memories[i].types[type], 0 };
}
