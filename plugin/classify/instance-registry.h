/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/model-instance.h"

/* Elements of one process with the same model-instance-id share one network: the first makes it, with
 * its options, and it goes with the last. An option that a later one sets otherwise is an error. */

/* The network of the config's id, or one for this stream alone where that is NULL or empty. */
GstEffvkModelInstance *gst_effvk_model_instance_join (const GstEffvkModelConfig *config,
                                                      GError **error);

/* Whether a network is what @wanted asks for, or, where it is shared, does not contradict it. */
gboolean gst_effvk_model_instance_suffices (GstEffvkModelInstance *network,
                                            const GstEffvkModelConfig *wanted);

/* The stream asks no more; takes the reference. */
void gst_effvk_model_instance_leave (GstEffvkModelInstance *network);
