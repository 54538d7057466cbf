/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/effvkclassify.h"
#include "classify/model-instance.h"

/* The network's settings as they are now. */
void gst_effvk_classify_get_config (GstEffvkClassify *self, GstEffvkModelConfig *config);

/* A reference to the network that runs, or NULL. */
GstEffvkModelInstance *gst_effvk_classify_get_network (GstEffvkClassify *self);

/* A network that takes frames of these caps, from this call on: the one that there is, or
 * another, on the device that the frames are on. FALSE when there can be none, which has been
 * posted. */
gboolean gst_effvk_classify_prepare_network (GstEffvkClassify *self, GstCaps *caps);

/* Makes the network that the settings ask for, or joins it. FALSE when there can be none, which
 * has been posted. */
gboolean gst_effvk_classify_join_network (GstEffvkClassify *self);

/* Whether only frames in Vulkan images can come, whose device is known with them. */
gboolean gst_effvk_classify_expects_vulkan (GstEffvkClassify *self);

/* Posts an element message `effvkclassify-model` about the network that runs now. @model_file:
 * what was asked for, NULL: what the network was made of. @error: why it was not loaded, or
 * NULL. */
void gst_effvk_classify_post_swap (GstEffvkClassify *self, const char *model_file,
                                   const GError *error);

/* Call this when a setting of the network was set. Where the running network does not meet it, a
 * thread loads another one, which takes over between two frames. If that fails, the settings become
 * those of the running network again. An element message `effvkclassify-model` reports the outcome.
 * From any thread. Works only between the two functions below. */
void gst_effvk_classify_check_network (GstEffvkClassify *self);

/* Has gst_effvk_classify_restore() done in the thread that loads networks. */
void gst_effvk_classify_replace_network (GstEffvkClassify *self);

/* When the network runs, and before it goes: waits until nothing is being loaded any more. */
void gst_effvk_classify_begin_swaps (GstEffvkClassify *self);
void gst_effvk_classify_end_swaps (GstEffvkClassify *self);
