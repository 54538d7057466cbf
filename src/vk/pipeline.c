/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/pipeline.h"

typedef struct
{
  const EffvkShader *shader;
  guint32 spec[EFFVK_MAX_SPEC];
  guint n_spec;
  EffvkPipeline pipeline;
} Entry;

static guint
entry_hash (gconstpointer p)
{
  const Entry *entry = p;
  guint hash = g_direct_hash (entry->shader);

  for (guint i = 0; i < entry->n_spec; i++)
    hash = hash * 31 + entry->spec[i];
  return hash;
}

static gboolean
entry_equal (gconstpointer p, gconstpointer q)
{
  const Entry *a = p, *b = q;

  return a->shader == b->shader && a->n_spec == b->n_spec
         && memcmp (a->spec, b->spec, a->n_spec * sizeof (guint32)) == 0;
}

void
effvk_pipeline_clear (EffvkDevice *device, EffvkPipeline *pipeline)
{
  device->vk.vkDestroyPipeline (device->handle, pipeline->handle, NULL);
  device->vk.vkDestroyPipelineLayout (device->handle, pipeline->layout, NULL);
  device->vk.vkDestroyDescriptorSetLayout (device->handle, pipeline->set_layout, NULL);
  *pipeline = (EffvkPipeline){ 0 };
}

static void
entry_free (EffvkDevice *device, Entry *entry)
{
  effvk_pipeline_clear (device, &entry->pipeline);
  g_free (entry);
}

static gboolean
create_layouts (EffvkDevice *device, const EffvkShader *shader, EffvkPipeline *pipeline,
                GError **error)
{
  VkDescriptorSetLayoutBinding bindings[EFFVK_MAX_BINDINGS];
  VkDescriptorSetLayoutCreateInfo set
      = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .pBindings = bindings };
  VkPushConstantRange push
      = { .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = shader->push_size };
  VkPipelineLayoutCreateInfo layout = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                        .setLayoutCount = 1,
                                        .pSetLayouts = &pipeline->set_layout,
                                        .pushConstantRangeCount = shader->push_size > 0,
                                        .pPushConstantRanges = &push };

  for (guint i = 0; i < EFFVK_MAX_BINDINGS; i++)
    if (shader->bindings[i] != EFFVK_BINDING_NONE)
      bindings[set.bindingCount++] = (VkDescriptorSetLayoutBinding){
        .binding = i,
        .descriptorType = shader->bindings[i] == EFFVK_BINDING_STORAGE
                              ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                              : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
        .descriptorCount = 1,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
      };
  return effvk_device_make (device, vkCreateDescriptorSetLayout, &set, &pipeline->set_layout,
                            "vkCreateDescriptorSetLayout", error)
         && effvk_device_make (device, vkCreatePipelineLayout, &layout, &pipeline->layout,
                               "vkCreatePipelineLayout", error);
}

static gboolean
create_pipeline (EffvkDevice *device, Entry *entry, VkPipelineCreateFlags flags,
                 VkPipelineCache cache, GError **error)
{
  const EffvkShader *shader = entry->shader;
  VkShaderModuleCreateInfo code = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                    .codeSize = shader->code_size,
                                    .pCode = shader->code };
  VkSpecializationMapEntry map[EFFVK_MAX_SPEC];
  VkSpecializationInfo spec = { .mapEntryCount = entry->n_spec,
                                .pMapEntries = map,
                                .dataSize = entry->n_spec * sizeof (guint32),
                                .pData = entry->spec };
  VkComputePipelineCreateInfo create
      = { .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
          .flags = flags,
          .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                     .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                     .pName = "main",
                     .pSpecializationInfo = &spec } };
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup
      = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
          .requiredSubgroupSize = device->caps.subgroup_size };
  gboolean ok;

  if (shader->full_subgroups)
    {
      create.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
      create.stage.pNext = &subgroup;
    }
  if (!create_layouts (device, shader, &entry->pipeline, error))
    return FALSE;
  for (guint i = 0; i < entry->n_spec; i++)
    map[i] = (VkSpecializationMapEntry){ .constantID = i,
                                         .offset = i * sizeof (guint32),
                                         .size = sizeof (guint32) };
  if (!effvk_device_make (device, vkCreateShaderModule, &code, &create.stage.module,
                          "vkCreateShaderModule", error))
    return FALSE;
  create.layout = entry->pipeline.layout;
  ok = effvk_device_check_made (device,
                                device->vk.vkCreateComputePipelines (device->handle, cache, 1,
                                                                     &create, NULL,
                                                                     &entry->pipeline.handle),
                                &entry->pipeline.handle, "vkCreateComputePipelines", error);
  device->vk.vkDestroyShaderModule (device->handle, create.stage.module, NULL);
  if (ok)
    effvk_device_name (device, VK_OBJECT_TYPE_PIPELINE, (guint64) (guintptr) entry->pipeline.handle,
                       shader->name);
  else
    g_prefix_error (error, "%s: ", shader->name);
  return ok;
}

gboolean
effvk_pipeline_capture (EffvkDevice *device, const EffvkPipelineKey *key, EffvkPipeline *pipeline,
                        GError **error)
{
  Entry entry = { .shader = key->shader, .n_spec = key->n_spec };
  gboolean ok;

  memcpy (entry.spec, key->spec, key->n_spec * sizeof (guint32));
  ok = create_pipeline (device, &entry, VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
                        VK_NULL_HANDLE, error);
  *pipeline = entry.pipeline;
  return ok;
}

typedef struct
{
  EffvkDevice *device;
  GPtrArray *entries; /* (element-type Entry) */
  gint next;          /* atomic: the first that nobody has taken */
  GMutex lock;
  GError *error; /* under lock: the first failure */
} Build;

static gpointer
build_entries (gpointer data)
{
  Build *build = data;
  guint i;

  while ((i = (guint) g_atomic_int_add (&build->next, 1)) < build->entries->len)
    {
      GError *error = NULL;

      if (create_pipeline (build->device, g_ptr_array_index (build->entries, i), 0,
                           build->device->pipeline_cache, &error))
        continue;
      g_mutex_lock (&build->lock);
      if (build->error)
        g_error_free (error);
      else
        build->error = error;
      g_mutex_unlock (&build->lock);
    }
  return NULL;
}

/* Builds pipelines on all processors. On failure every entry must still be freed. */
static gboolean
build_all (EffvkDevice *device, GPtrArray *entries, GError **error)
{
  Build build = { .device = device, .entries = entries };
  guint n_threads = MIN (g_get_num_processors (), entries->len);
  g_autofree GThread **threads = g_new0 (GThread *, n_threads + 1);

  g_mutex_init (&build.lock);
  /* Where no thread is to be had, this one does all the work. */
  for (guint i = 1; i < n_threads; i++)
    threads[i] = g_thread_try_new ("effvk-pipelines", build_entries, &build, NULL);
  build_entries (&build);
  for (guint i = 1; i < n_threads; i++)
    if (threads[i])
      g_thread_join (threads[i]);
  g_mutex_clear (&build.lock);
  if (!build.error)
    return TRUE;
  g_propagate_error (error, build.error);
  return FALSE;
}

gboolean
effvk_pipelines_get (EffvkDevice *device, const EffvkPipelineKey *keys, guint n,
                     EffvkPipeline **pipelines, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&device->pipelines_lock);
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();

  if (!device->pipelines)
    device->pipelines = g_hash_table_new (entry_hash, entry_equal);
  for (guint i = 0; i < n; i++)
    {
      Entry key = { .shader = keys[i].shader, .n_spec = keys[i].n_spec };
      Entry *entry;

      memcpy (key.spec, keys[i].spec, key.n_spec * sizeof (guint32));
      entry = g_hash_table_lookup (device->pipelines, &key);
      if (!entry)
        {
          entry = g_memdup2 (&key, sizeof key);
          g_hash_table_add (device->pipelines, entry);
          g_ptr_array_add (missing, entry);
        }
      pipelines[i] = &entry->pipeline;
    }
  if (build_all (device, missing, error))
    return TRUE;
  for (guint i = 0; i < missing->len; i++)
    {
      g_hash_table_remove (device->pipelines, g_ptr_array_index (missing, i));
      entry_free (device, g_ptr_array_index (missing, i));
    }
  return FALSE;
}

void
effvk_pipelines_free (EffvkDevice *device)
{
  GHashTableIter iter;
  gpointer entry;

  if (!device->pipelines)
    return;
  g_hash_table_iter_init (&iter, device->pipelines);
  while (g_hash_table_iter_next (&iter, &entry, NULL))
    entry_free (device, entry);
  g_clear_pointer (&device->pipelines, g_hash_table_unref);
}
