/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "network.h"

/* Elements of one process with the same model-instance-id share one network: the first makes it, with
 * its options, and it goes with the last. An option that a later one sets otherwise is an error. */

/* The network of the config's id, or one for this stream alone where that is NULL or empty. */
EffvkNetwork *effvk_network_join (const EffvkNetworkConfig *config, GError **error);

/* The stream asks no more; takes the reference. */
void effvk_network_leave (EffvkNetwork *network);
