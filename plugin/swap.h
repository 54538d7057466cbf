/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "effvkclassify.h"

/* When a setting of the network was set: if the network that runs is not made so, another one is loaded
 * beside it, in a thread, and takes its place between two frames; or the settings become those of
 * the one that runs again. An element message `effvkclassify-model` tells which. From any thread; does
 * nothing but between the two below. */
void effvk_classify_check_network (EffvkClassify *self);

/* When the network runs, and before it goes: waits until nothing is being loaded any more. */
void effvk_classify_begin_swaps (EffvkClassify *self);
void effvk_classify_end_swaps (EffvkClassify *self);
