/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "network.h"

/* Elements of one process with the same model-instance-id share one network: the first makes it, with
 * its options, and it goes with the last. An option that a later one sets otherwise is an error. */

gboolean effvk_network_config_is_shared (const EffvkNetworkConfig *config);

/* The network of the config's id, or one for this stream alone where that is NULL or empty. */
EffvkNetwork *effvk_network_join (const EffvkNetworkConfig *config, GError **error);

/* Whether a network is what @wanted asks for, or, where it is shared, does not contradict it. */
gboolean effvk_network_suffices (EffvkNetwork *network, const EffvkNetworkConfig *wanted);

/* The stream asks no more; takes the reference. */
void effvk_network_leave (EffvkNetwork *network);
