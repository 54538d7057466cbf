/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-slot.h"

#include "ops/preprocess.h"
#include "ops/resize-taps.h"

#include <effvk/effvk-classifier.h>

static EffvkDevice *
slot_device (EffvkSlot *slot)
{
  return effvk_program_get_device (effvk_net_get_program (slot->net));
}

static const EffvkTensorInfo *
net_info (EffvkSlot *slot, EffvkTensor tensor)
{
  return effvk_program_get_info (effvk_net_get_program (slot->net), tensor);
}

/* Bytes of an output, of all images. */
static gsize
output_size (EffvkSlot *slot, EffvkNetOutput output)
{
  return effvk_tensor_info_size (net_info (slot, effvk_net_get_output (slot->net, output)));
}

/* Finds a place in the read-back buffer for each output that is wanted. Returns the buffer's
   size. */
static gsize
place_outputs (EffvkSlot *slot)
{
  gsize size = 0;

  for (EffvkNetOutput output = 0; output < EFFVK_NET_N_OUTPUTS; output++)
    if (slot->outputs & EFFVK_SLOT_READS (output))
      {
        slot->output_at[output] = size;
        size += output_size (slot, output);
      }
  return size;
}

static void
record_copy (EffvkSlot *slot, EffvkNetOutput output)
{
  EffvkDevice *device = slot_device (slot);
  VkBufferCopy copy = { .dstOffset = slot->output_at[output], .size = output_size (slot, output) };
  gsize offset;
  EffvkBuffer *buffer
      = effvk_program_get_buffer (effvk_net_get_program (slot->net),
                                  effvk_net_get_output (slot->net, output), &offset);

  copy.srcOffset = offset;
  device->vk.vkCmdCopyBuffer (slot->commands, buffer->handle, slot->readback.handle, 1, &copy);
}

static void
record_readback (EffvkSlot *slot)
{
  EffvkDevice *device = slot_device (slot);
  const VkMemoryBarrier computed = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                     .dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT };
  const VkMemoryBarrier copied = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                   .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
                                   .dstAccessMask = VK_ACCESS_HOST_READ_BIT };

  device->vk.vkCmdPipelineBarrier (slot->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                   VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &computed, 0, NULL, 0,
                                   NULL);
  for (EffvkNetOutput output = 0; output < EFFVK_NET_N_OUTPUTS; output++)
    if (slot->outputs & EFFVK_SLOT_READS (output))
      record_copy (slot, output);
  device->vk.vkCmdPipelineBarrier (slot->commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                   VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &copied, 0, NULL, 0, NULL);
}

/* Records what follows the preprocessing. */
static gboolean
record (EffvkSlot *slot, GError **error)
{
  EffvkDevice *device = slot_device (slot);
  VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };

  if (!effvk_device_check (device, device->vk.vkBeginCommandBuffer (slot->commands, &begin),
                           "vkBeginCommandBuffer", error))
    return FALSE;
  effvk_program_record (effvk_net_get_program (slot->net), slot->commands);
  record_readback (slot);
  if (slot->queries)
    device->vk.vkCmdWriteTimestamp (slot->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                    slot->queries, 1);
  return effvk_device_check (device, device->vk.vkEndCommandBuffer (slot->commands),
                             "vkEndCommandBuffer", error);
}

gboolean
effvk_slot_init (EffvkSlot *slot, EffvkNet *net, const EffvkRecipe *recipe, EffvkStorage storage,
                 guint batch, guint outputs, GError **error)
{
  EffvkDevice *device;
  VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                   .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT };
  VkCommandBufferAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 3 };
  VkCommandBuffer commands[3];
  VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  VkQueryPoolCreateInfo queries = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                    .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                    .queryCount = 2 };

  *slot = (EffvkSlot){ .net = net,
                       .recipe = recipe,
                       .storage = storage,
                       .batch = batch,
                       .outputs = outputs | EFFVK_SLOT_READS (EFFVK_NET_TOP_K) };
  slot->written = g_new0 (EffvkSlotItem, batch);
  slot->wanted = g_new0 (EffvkSlotItem, batch);
  device = slot_device (slot);
  pool.queueFamilyIndex = device->queue_family;
  if (!effvk_buffer_init (&slot->readback, device, EFFVK_MEMORY_DOWNLOAD, place_outputs (slot),
                          "results", error)
      || !effvk_device_make (device, vkCreateCommandPool, &pool, &slot->pool, "vkCreateCommandPool",
                             error))
    return FALSE;
  allocate.commandPool = slot->pool;
  if (!effvk_device_check (device,
                           device->vk.vkAllocateCommandBuffers (device->handle, &allocate,
                                                                commands),
                           "vkAllocateCommandBuffers", error)
      || !effvk_device_make (device, vkCreateFence, &fence, &slot->fence, "vkCreateFence", error)
      || (device->caps.timestamps
          && !effvk_device_make (device, vkCreateQueryPool, &queries, &slot->queries,
                                 "vkCreateQueryPool", error)))
    return FALSE;
  slot->copy_commands = commands[0];
  slot->preprocess_commands = commands[1];
  slot->commands = commands[2];
  return record (slot, error);
}

void
effvk_slot_clear (EffvkSlot *slot)
{
  EffvkDevice *device;

  if (!slot->net)
    return;
  device = slot_device (slot);
  effvk_slot_release (slot);
  effvk_program_free (slot->preprocess);
  effvk_buffer_clear (&slot->staging);
  effvk_buffer_clear (&slot->items);
  effvk_buffer_clear (&slot->readback);
  g_clear_pointer (&slot->memory, effvk_frame_memory_unref);
  g_free (slot->written);
  g_free (slot->wanted);
  if (!effvk_device_is_hung (device)) /* else it may still use them */
    {
      device->vk.vkDestroyQueryPool (device->handle, slot->queries, NULL);
      device->vk.vkDestroyFence (device->handle, slot->fence, NULL);
      device->vk.vkDestroyCommandPool (device->handle, slot->pool, NULL);
    }
  *slot = (EffvkSlot){ 0 };
}

/* The preprocessing, from @frames to the network's input. */
static gboolean
build_preprocess (EffvkSlot *slot, const EffvkBuffer *frames, GError **error)
{
  EffvkDevice *device = slot_device (slot);
  EffvkProgram *net = effvk_net_get_program (slot->net);
  EffvkTensor net_input = effvk_net_get_input (slot->net);
  gsize offset;
  EffvkBuffer *buffer = effvk_program_get_buffer (net, net_input, &offset);
  EffvkOpContext context = { .storage = slot->storage };
  EffvkPreprocess op = { .recipe = slot->recipe, .room = &slot->room, .items = &slot->items };

  slot->preprocess = context.program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  slot->frames = op.frames = effvk_preprocess_add_frames (slot->preprocess, frames);
  op.output
      = effvk_program_add_external (slot->preprocess, net_info (slot, net_input), buffer, offset);
  op.batch = net_info (slot, net_input)->n;
  return effvk_preprocess (&context, &op, error) && effvk_program_compile (slot->preprocess, error);
}

static gboolean
record_preprocess (EffvkSlot *slot, GError **error)
{
  EffvkDevice *device = slot_device (slot);
  VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };

  if (!effvk_device_check (device,
                           device->vk.vkBeginCommandBuffer (slot->preprocess_commands, &begin),
                           "vkBeginCommandBuffer", error))
    return FALSE;
  if (slot->queries)
    {
      device->vk.vkCmdResetQueryPool (slot->preprocess_commands, slot->queries, 0, 2);
      device->vk.vkCmdWriteTimestamp (slot->preprocess_commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                                      slot->queries, 0);
    }
  effvk_program_record (slot->preprocess, slot->preprocess_commands);
  return effvk_device_check (device, device->vk.vkEndCommandBuffer (slot->preprocess_commands),
                             "vkEndCommandBuffer", error);
}

/* Nothing is known of frames: a smaller one may do where another one failed. */
static void
forget (EffvkSlot *slot)
{
  slot->recorded = FALSE;
  slot->needed = slot->room = (EffvkPreprocessRoom){ 0 };
  g_clear_pointer (&slot->preprocess, effvk_program_free);
  g_clear_pointer (&slot->memory, effvk_frame_memory_unref);
  effvk_buffer_clear (&slot->items);
  memset (slot->written, 0, sizeof *slot->written * slot->batch);
}

/* Makes everything that depends on the frames' size anew, with the room that is needed. */
static gboolean
rebuild (EffvkSlot *slot, const EffvkBuffer *frames, GError **error)
{
  EffvkPreprocessRoom needed = slot->needed;

  forget (slot);
  slot->needed = slot->room = needed;
  if (!effvk_buffer_init (&slot->items, slot_device (slot), EFFVK_MEMORY_UPLOAD,
                          effvk_preprocess_items (&slot->room, slot->batch).size, "items", error))
    return FALSE;
  memset (slot->items.map, 0, slot->items.size); /* items that are never written have no pixels */
  return build_preprocess (slot, frames, error);
}

static gboolean
refuse (GError **error)
{
  g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                       "The submission has no room for a larger frame");
  return FALSE;
}

/* Staging for @frame bytes more, in a slot that has @first items: what @kind says, or mapped. */
static gboolean
make_staging (EffvkSlot *slot, EffvkMemoryKind kind, gsize frame, guint first, GError **error)
{
  gsize size;

  slot->largest = MAX (slot->largest, frame);
  size = first ? slot->staged + frame
               : MAX (frame, MIN (slot->largest * slot->batch,
                                  effvk_preprocess_get_max_frames (slot_device (slot))));
  if (size <= slot->staging.size && (kind == EFFVK_MEMORY_DEVICE || slot->staging.map))
    return TRUE;
  if (first > 0)
    return refuse (error);
  if (!slot->memory) /* the commands read what goes now */
    slot->recorded = FALSE;
  effvk_buffer_clear (&slot->staging);
  if (effvk_buffer_init (&slot->staging, slot_device (slot), kind, size, "staging", error))
    return TRUE;
  slot->largest = 0;
  return FALSE;
}

/* A frame was refused for want of room. */
static gboolean
is_outgrown (EffvkSlot *slot)
{
  return memcmp (&slot->room, &slot->needed, sizeof slot->room) != 0;
}

static gboolean
items_equal (const EffvkSlotItem *a, const EffvkSlotItem *b, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!a[i].valid || !b[i].valid || a[i].offset != b[i].offset
        || !effvk_frame_layout_equal (&a[i].layout, &b[i].layout))
      return FALSE;
  return TRUE;
}

/* Writes the wanted items @first and on. */
static gboolean
write_items (EffvkSlot *slot, const EffvkBuffer *frames, guint n, guint first, GError **error)
{
  g_autoptr (GPtrArray) plans
      = g_ptr_array_new_full (n, (GDestroyNotify) effvk_preprocess_plan_free);
  gboolean fits = slot->preprocess != NULL;

  for (guint i = 0; i < n; i++)
    {
      EffvkPreprocessPlan *plan
          = effvk_preprocess_plan_new (&slot->wanted[first + i].layout, slot->recipe);

      g_ptr_array_add (plans, plan);
      fits = fits && effvk_preprocess_room_fits (&slot->room, plan);
      effvk_preprocess_room_grow (&slot->needed, plan);
    }
  if (!fits && first > 0)
    return refuse (error);
  if ((!fits || (first == 0 && is_outgrown (slot))) && !rebuild (slot, frames, error))
    {
      forget (slot);
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      EffvkSlotItem *item = &slot->wanted[first + i];

      effvk_preprocess_plan_write (g_ptr_array_index (plans, i), &slot->room, slot->batch,
                                   first + i, item->offset, slot->items.map);
      slot->written[first + i] = *item;
    }
  return effvk_buffer_flush (&slot->items, error);
}

/* Lets the commands read @frames, which lie in @memory or, with NULL, in the staging. */
static gboolean
read_from (EffvkSlot *slot, const EffvkBuffer *frames, EffvkFrameMemory *memory, GError **error)
{
  if (slot->recorded && slot->memory == memory)
    return TRUE;
  if (!effvk_program_rebind (slot->preprocess, slot->frames, frames, error)
      || !record_preprocess (slot, error))
    {
      forget (slot);
      return FALSE;
    }
  slot->recorded = TRUE;
  g_clear_pointer (&slot->memory, effvk_frame_memory_unref);
  slot->memory = memory ? effvk_frame_memory_ref (memory) : NULL;
  return TRUE;
}

static gboolean
place_frame (EffvkSlot *slot, EffvkDeviceFrame *frame, const EffvkImage *image,
             EffvkFrameLayout *layout, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (effvk_device_frame_place (frame, image, slot_device (slot), layout, &problem))
    return TRUE;
  g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
               "The image cannot be read: %s", problem->message);
  return FALSE;
}

/* @may_stay: no other frame is in the submission. */
static gboolean
add_frame (EffvkSlot *slot, const EffvkImage *image, const EffvkRectangle *crops, guint n_crops,
           guint first, gboolean may_stay, GError **error)
{
  EffvkFrameLayout layout = image->layout;
  EffvkDeviceFrame *frame = effvk_device_frame_of (image);
  EffvkHostFrame *in_place
      = may_stay ? effvk_host_frame_of (image, slot_device (slot), &layout) : NULL;
  EffvkBuffer *frames = in_place ? &in_place->buffer : &slot->staging;
  gsize offset = first ? slot->staged : 0;

  if (frame && !place_frame (slot, frame, image, &layout, error))
    return FALSE;
  if (!in_place
      && !make_staging (slot, frame ? EFFVK_MEMORY_DEVICE : EFFVK_MEMORY_UPLOAD, layout.size, first,
                        error))
    return FALSE;
  for (guint i = 0; i < n_crops; i++)
    {
      slot->wanted[first + i] = (EffvkSlotItem){ layout, offset, TRUE };
      if (crops)
        slot->wanted[first + i].layout.crop = crops[i];
    }
  if ((!items_equal (&slot->written[first], &slot->wanted[first], n_crops)
       || (first == 0 && is_outgrown (slot)))
      && !write_items (slot, frames, n_crops, first, error))
    return FALSE;
  if (!read_from (slot, frames, in_place ? &in_place->memory : NULL, error))
    return FALSE;
  if (in_place)
    {
      if (!effvk_buffer_flush (frames, error))
        return FALSE;
      if (n_crops < slot->batch)
        slot->alone = effvk_image_copy (image);
      slot->n_frames.in_place++;
      slot->n_frames.imported += in_place->memory.imported ? 1 : 0;
    }
  else if (frame)
    {
      effvk_frame_copies_add (&slot->copies, frame, &layout, offset);
      slot->n_frames.by_device++;
      slot->n_frames.imported += frame->memory.imported ? 1 : 0;
    }
  else
    {
      slot->n_frames.bytes += effvk_image_copy_to (image, slot->staging.map + offset);
      slot->n_frames.copied++;
    }
  slot->staged = offset + layout.size;
  return TRUE;
}

/* One buffer holds all frames of a submission: the first one, items 0 to @n - 1, is not the only
 * one any more. */
static gboolean
move_to_staging (EffvkSlot *slot, guint n, GError **error)
{
  g_autoptr (EffvkImage) image = g_steal_pointer (&slot->alone);
  g_autofree EffvkRectangle *crops = g_new (EffvkRectangle, n);

  for (guint i = 0; i < n; i++)
    crops[i] = slot->wanted[i].layout.crop;
  if (!add_frame (slot, image, crops, n, 0, FALSE, error))
    {
      slot->alone = g_steal_pointer (&image);
      return FALSE;
    }
  slot->n_frames.in_place--;
  slot->n_frames.imported -= image->memory->imported ? 1 : 0;
  return TRUE;
}

gboolean
effvk_slot_add (EffvkSlot *slot, const EffvkImage *image, const EffvkRectangle *crops,
                guint n_crops, guint first, GError **error)
{
  if (first == 0)
    {
      effvk_slot_release (slot);
      slot->n_frames = (EffvkSlotFrames){ 0 };
    }
  else if (slot->alone && !move_to_staging (slot, first, error))
    return FALSE;
  return add_frame (slot, image, crops, n_crops, first, first == 0, error);
}

/* Items of an earlier submission would be read where nothing may lie any more. */
static gboolean
clear_items (EffvkSlot *slot, guint first, GError **error)
{
  for (guint i = first; i < slot->batch; i++)
    if (slot->written[i].valid)
      {
        effvk_preprocess_items_clear (slot->items.map, i);
        slot->written[i].valid = FALSE;
      }
  return effvk_buffer_flush (&slot->items, error);
}

gboolean
effvk_slot_submit (EffvkSlot *slot, guint n, GError **error)
{
  EffvkDevice *device = slot_device (slot);
  const VkCommandBuffer commands[] = { slot->preprocess_commands, slot->commands };

  if (!slot->recorded) /* what failed for another frame took this one's commands along */
    {
      g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_FAILED,
                           "The submission's preprocessing could not be made anew");
      return FALSE;
    }
  if (!clear_items (slot, n, error)
      || (!slot->memory && !effvk_buffer_flush (&slot->staging, error))
      || !effvk_device_check (device, device->vk.vkResetFences (device->handle, 1, &slot->fence),
                              "vkResetFences", error))
    return FALSE;
  if (effvk_frame_copies_is_empty (&slot->copies))
    return effvk_device_submit (device, commands, G_N_ELEMENTS (commands), slot->fence, error);
  return effvk_frame_copies_submit (&slot->copies, &slot->staging, slot->copy_commands, commands,
                                    G_N_ELEMENTS (commands), slot->fence, error);
}

void
effvk_slot_release (EffvkSlot *slot)
{
  effvk_frame_copies_clear (&slot->copies);
  g_clear_pointer (&slot->alone, effvk_image_free);
}

int
effvk_slot_wait (EffvkSlot *slot, guint64 timeout, GError **error)
{
  int done = effvk_device_wait (slot_device (slot), slot->fence, timeout, error);

  return done > 0 && !effvk_buffer_invalidate (&slot->readback, error) ? -1 : done;
}

guint64
effvk_slot_get_gpu_time (EffvkSlot *slot)
{
  EffvkDevice *device = slot_device (slot);
  guint64 ticks[2];

  if (!slot->queries
      || device->vk.vkGetQueryPoolResults (device->handle, slot->queries, 0, 2, sizeof ticks, ticks,
                                           sizeof ticks[0], VK_QUERY_RESULT_64_BIT)
             != VK_SUCCESS)
    return 0;
  return (guint64) ((double) ((ticks[1] - ticks[0]) & device->caps.timestamp_mask)
                    * device->caps.timestamp_period);
}

const float *
effvk_slot_get_output (EffvkSlot *slot, guint i, EffvkNetOutput output)
{
  if (!(slot->outputs & EFFVK_SLOT_READS (output)))
    return NULL;
  return (const float *) (slot->readback.map + slot->output_at[output]
                          + i * (output_size (slot, output) / slot->batch));
}

guint
effvk_slot_read (EffvkSlot *slot, guint i, EffvkClass *classes)
{
  guint k = net_info (slot, effvk_net_get_output (slot->net, EFFVK_NET_TOP_K))->w;
  const float *best = effvk_slot_get_output (slot, i, EFFVK_NET_TOP_K);

  if (best[2] != 1.0f) /* not finite */
    return 0;
  for (guint rank = 0; rank < k; rank++)
    classes[rank] = (EffvkClass){ (guint) best[rank * 4], best[rank * 4 + 1] };
  return k;
}

/* Which part of the picture an axis of the input covers, in shares of @size pixels from @first
   on. */
static void
set_area (const EffvkAxis *axis, double first, double size, double *from, double *length)
{
  *from = (axis->origin - first) / size;
  *length = axis->n * axis->step / size;
}

gboolean
effvk_slot_read_heatmap (EffvkSlot *slot, guint i, EffvkHeatmapOfImage *heatmap)
{
  const float *seen = effvk_slot_get_output (slot, i, EFFVK_NET_HEATMAP);
  const EffvkFrameLayout *layout = &slot->written[i].layout;
  EffvkTurn turn = effvk_turn_from_orientation (layout->orientation);
  guint across, down;
  EffvkAxis x, y;

  if (!seen)
    return FALSE;
  effvk_net_get_heatmap_size (slot->net, &across, &down);
  heatmap->width = turn.turned ? down : across;
  heatmap->height = turn.turned ? across : down;
  heatmap->cells = g_new (float, (gsize) across *down);
  for (guint row = 0; row < heatmap->height; row++)
    for (guint column = 0; column < heatmap->width; column++)
      {
        guint u = turn.mirrored_x ? heatmap->width - 1 - column : column;
        guint v = turn.mirrored_y ? heatmap->height - 1 - row : row;

        heatmap->cells[row * heatmap->width + column]
            = turn.turned ? seen[u * across + v] : seen[v * across + u];
      }
  effvk_axes_init (&x, &y, layout, slot->recipe);
  set_area (&x, layout->crop.x, layout->crop.width, &heatmap->area[0], &heatmap->area[2]);
  set_area (&y, layout->crop.y, layout->crop.height, &heatmap->area[1], &heatmap->area[3]);
  return TRUE;
}
