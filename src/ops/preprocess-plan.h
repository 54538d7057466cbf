/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "model/recipe.h"
#include "ops/resize-taps.h"

/*
 * How one item of a batch is preprocessed: where its frame's planes lie, the filters' taps, the
 * colour matrix. The shaders read that from a buffer which the CPU writes ("items"), so that an
 * item can be any part of any frame without new commands.
 */
typedef struct _EffvkPreprocessPlan EffvkPreprocessPlan;

/* Never fails: a layout and a recipe are always valid. @layout's crop is the part that is taken. */
EffvkPreprocessPlan *effvk_preprocess_plan_new (const EffvkFrameLayout *layout,
                                                const EffvkRecipe *recipe);
void effvk_preprocess_plan_free (EffvkPreprocessPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkPreprocessPlan, effvk_preprocess_plan_free)

#define EFFVK_ROWS_N_SHAPES (1 + EFFVK_TAPS_WITHOUT_LOOP / 4)

/* The most that an item of a batch needs, which is what buffers and grids are sized for. */
typedef struct
{
  /* texels of a row of each plane, by a quarter of its taps; 0: of more than
     EFFVK_TAPS_WITHOUT_LOOP */
  guint columns[EFFVK_ROWS_N_SHAPES][EFFVK_IMAGE_MAX_PLANES];
  guint narrow_columns, narrow_rows;        /* texels and rows of what resize-narrow makes */
  guint rows;                               /* texels of what resize-rows makes */
  guint width, height;                      /* outputs along the frame's rows and columns */
  guint row_taps, column_taps, narrow_taps; /* texels of the tables */
  guint gathers; /* bit i: resize-gather makes some, with effvk_gather_shapes[i] */
} EffvkPreprocessRoom;

gboolean effvk_preprocess_room_fits (const EffvkPreprocessRoom *room,
                                     const EffvkPreprocessPlan *plan);
void effvk_preprocess_room_grow (EffvkPreprocessRoom *room, const EffvkPreprocessPlan *plan);

/* The items buffer of a batch: per item its geometry; then the taps of all items' rows, then of
 * their columns, then of resize-narrow. Offsets in bytes, multiples of 256. */
typedef struct
{
  gsize row_taps, column_taps, narrow_taps, size;
} EffvkPreprocessItems;

EffvkPreprocessItems effvk_preprocess_items (const EffvkPreprocessRoom *room, guint batch);

/* Writes item @i into a mapped items buffer of @batch items. Its frame begins @offset bytes after
 * the first one, a multiple of 256. @plan fits into @room. */
void effvk_preprocess_plan_write (const EffvkPreprocessPlan *plan, const EffvkPreprocessRoom *room,
                                  guint batch, guint i, gsize offset, guint8 *items);

/* Lets item @i of a mapped items buffer have no pixels: nothing is read and computed for it. */
void effvk_preprocess_items_clear (guint8 *items, guint i);
