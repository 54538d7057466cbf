/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "request.h"

/* What a network is made of. */
typedef struct
{
  char *model_file, *model_overrides, *labels_file, *device; /* NULL or empty: the default */
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  guint top_k, max_in_flight, batch_size;
} EffvkNetworkConfig;

void effvk_network_config_copy (const EffvkNetworkConfig *config, EffvkNetworkConfig *copy);
void effvk_network_config_clear (EffvkNetworkConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkNetworkConfig, effvk_network_config_clear)

/*
 * A model on a device that answers requests: a classifier, and a thread that collects its results in
 * order. Frames that find no free slot wait in a line of their own, so that nobody who asks ever
 * waits for the device.
 *
 * All functions may be called from any thread.
 */
typedef struct _EffvkNetwork EffvkNetwork;

/* Loads the model, opens the device, builds the classifier. */
EffvkNetwork *effvk_network_new (const EffvkNetworkConfig *config, GError **error);

/* Posts why effvk_network_new() or a request failed. */
void effvk_network_post_error (GstElement *element, const EffvkNetworkConfig *config,
                               const GError *error);

EffvkNetwork *effvk_network_ref (EffvkNetwork *network);

/* With the last reference goes the network, when the device is done with what it has of it. */
void effvk_network_unref (EffvkNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkNetwork, effvk_network_unref)

EffvkClassifier *effvk_network_get_classifier (EffvkNetwork *network);
EffvkModel *effvk_network_get_model (EffvkNetwork *network);

/* What it was made with. */
EffvkOutputActivation effvk_network_get_activation (EffvkNetwork *network);

/* Puts a request to the network, which calls @notify with @waiter when it is answered: from this call
 * on, from any thread, with the network's lock held. @waiter keeps the network until then, or until
 * the request is cancelled. */
void effvk_network_ask (EffvkNetwork *network, EffvkRequest *request, GDestroyNotify notify,
                        gpointer waiter);

/* Nobody waits for the answer any more: after this nobody is notified. */
void effvk_network_cancel (EffvkNetwork *network, EffvkRequest *request);
