/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "net/net.h"
#include "ops/preprocess-plan.h"
#include "result.h"
#include "vk/host-frame.h"
#include "vk/frame-copies.h"

/* An item of the batch: the layout's crop of a frame. */
typedef struct
{
  EffvkFrameLayout layout;
  gsize offset; /* of the frame in the buffer that holds all */
  gboolean valid;
} EffvkSlotItem;

/* How the frames of a submission got where the shaders read them. */
typedef struct
{
  guint copied, in_place, by_device;
  guint imported; /* of the last two, those in memory of somebody else's */
  gsize bytes;    /* that the CPU copied */
} EffvkSlotFrames;

/*
 * One submission: frames, the commands
 *
 *   frames → [preprocess] → [network] → [top-k] → read-back
 *
 * recorded once and replayed, and a fence. An item of the batch is a frame or a part of one, of any
 * layout. The items are data, not commands. The slot copies frames to its staging; the device does
 * so when they are in its images. A frame that is alone in its submission is read where it lies, if
 * the device sees it there. When a second one comes, both are copied. The preprocessing has
 * commands of its own. They are recorded anew for another memory and for larger frames than before.
 * A frame that is refused because it is larger finds room in the next submission. Not thread-safe.
 */
typedef struct
{
  EffvkNet *net; /* not owned; shared by all slots, which run one after the other on one queue */
  const EffvkRecipe *recipe;
  EffvkStorage storage;
  guint batch;
  guint outputs;                        /* which are read back: EFFVK_SLOT_READS of each */
  gsize output_at[EFFVK_NET_N_OUTPUTS]; /* bytes, in readback */

  EffvkBuffer staging;        /* frames, one after the other */
  gsize staged;               /* bytes of it that this submission's frames take */
  EffvkFrameCopies copies;    /* to the staging, by the device */
  EffvkFrameMemory *memory;   /* what is read in place; NULL: the staging is read */
  EffvkImage *alone;          /* the frame that is read in place, as long as another one may come */
  EffvkSlotFrames n_frames;   /* of this submission */
  gsize largest;              /* bytes of a frame for which the staging is to have room */
  EffvkPreprocessRoom needed; /* by the frames that there were, also by one that was refused */
  EffvkPreprocessRoom room;
  EffvkBuffer items;        /* how each is preprocessed, see ops/preprocess-plan.h */
  EffvkSlotItem *written;   /* what is in items */
  EffvkSlotItem *wanted;    /* what is to be there */
  EffvkProgram *preprocess; /* preprocess */
  EffvkTensor frames;       /* what it reads: the staging, or memory */
  gboolean recorded;        /* preprocess_commands are right */
  EffvkBuffer readback;
  VkCommandPool pool;
  /* copies; preprocess; all that follows */
  VkCommandBuffer copy_commands, preprocess_commands, commands;
  VkFence fence;
  VkQueryPool queries; /* two timestamps; VK_NULL_HANDLE where the device has none */
} EffvkSlot;

/* Of a set of outputs: the one. */
#define EFFVK_SLOT_READS(output) (1u << (output))

/* @outputs: what is read back besides the top-k classes. */
gboolean effvk_slot_init (EffvkSlot *slot, EffvkNet *net, const EffvkRecipe *recipe,
                          EffvkStorage storage, guint batch, guint outputs, GError **error);

/* The device must be done with the slot. */
void effvk_slot_clear (EffvkSlot *slot);

/* Adds a frame: items @first to @first + @n_crops - 1 become these parts of it. On failure it
 * returns FALSE with @error set and adds no item. EFFVK_CLASSIFIER_ERROR_BUSY means that this
 * submission is too full, or was made for smaller frames. Pixels in memory that the device sees
 * must not change until the device is done. */
gboolean effvk_slot_add (EffvkSlot *slot, const EffvkImage *image, const EffvkRectangle *crops,
                         guint n_crops, guint first, GError **error);

/* @n: items that were added; the others of the batch have no pixels. */
gboolean effvk_slot_submit (EffvkSlot *slot, guint n, GError **error);

/* When the device is done, or never had it: lets go of frames in images. */
void effvk_slot_release (EffvkSlot *slot);

/* Waits at most @timeout ns. Returns 1 when the device is done, and -1 with @error set on failure.
 * A time-out is a failure, and marks the device lost. Only with a @timeout of 0 it returns 0: not
 * yet. */
int effvk_slot_wait (EffvkSlot *slot, guint64 timeout, GError **error);

/* After a successful wait: ns that the device worked, or 0 where it cannot tell. */
guint64 effvk_slot_get_gpu_time (EffvkSlot *slot);

/* After a successful wait: the classes of image @i. @classes has room for the network's top-k.
 * Returns how many there are; 0 when the logits were not finite. */
guint effvk_slot_read (EffvkSlot *slot, guint i, EffvkClass *classes);

/* The same of another output: a pointer into the slot, or NULL where it is not read back. */
const float *effvk_slot_get_output (EffvkSlot *slot, guint i, EffvkNetOutput output);

/* The same of the heat map, in the order in which the image's pixels lie; free its cells with
 * g_free(). FALSE: there is none. */
gboolean effvk_slot_read_heatmap (EffvkSlot *slot, guint i, EffvkHeatmapOfImage *heatmap);
