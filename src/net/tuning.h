/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/net.h"

/* Times every kernel that the device can run for each op of the network, and keeps the fastest on
 * disk, where effvk_net_new() finds them. Kernels whose network answers differently are left out.
 * What effvk_classifier_tune() documents. */
GVariant *effvk_net_tune (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options,
                          GError **error);
