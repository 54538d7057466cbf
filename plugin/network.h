/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "request.h"

#define EFFVK_DEFAULT_TOP_K 5
#define EFFVK_DEFAULT_BATCH_TIMEOUT (10 * GST_MSECOND)

/* What a network is made of. */
typedef struct
{
  /* NULL or empty: the default */
  char *model_file, *model_overrides, *labels_file, *device;
  char *instance_id;          /* of a network that is shared */
  EffvkDevice *frames_device; /* that frames are in the memory of, rather than device; or NULL */
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  GstClockTime batch_timeout;
  guint top_k, max_in_flight;
  guint batch_size; /* 0: as suits the device and @objects */
  gboolean objects; /* it is to be asked about objects, not frames, when it is made */
} EffvkNetworkConfig;

void effvk_network_config_copy (const EffvkNetworkConfig *config, EffvkNetworkConfig *copy);
void effvk_network_config_clear (EffvkNetworkConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkNetworkConfig, effvk_network_config_clear)

/* Whether a network that is made as @has says is what @wanted asks for. It may report more classes, and
 * has the slots that it has. */
gboolean effvk_network_config_satisfies (const EffvkNetworkConfig *has,
                                         const EffvkNetworkConfig *wanted);

/*
 * A model on a device that answers the requests of one or several streams: a classifier, and a thread
 * that collects its results in order. Frames that cannot go to the device at once wait in a line per
 * stream, so that nobody who asks ever waits for the device; from the lines batches are taken in turn.
 *
 * A batch that is not full waits for others' frames while any can come: until every stream has one in
 * line, or the time-out, and while the device has other work.
 *
 * All functions may be called from any thread.
 */
typedef struct _EffvkNetwork EffvkNetwork;

/* Loads the model, opens the device, builds the classifier. For one stream. */
EffvkNetwork *effvk_network_new (const EffvkNetworkConfig *config, GError **error);

/* Posts why effvk_network_new() or a request failed. */
void effvk_network_post_error (GstElement *element, const EffvkNetworkConfig *config,
                               const GError *error);

EffvkNetwork *effvk_network_ref (EffvkNetwork *network);

/* With the last reference goes the network, when the device is done with what it has of it. */
void effvk_network_unref (EffvkNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkNetwork, effvk_network_unref)

/* Answers a black frame of this kind, as a new network does before it is asked: the first answer takes
 * longer, while the driver compiles. */
void effvk_network_warm (EffvkNetwork *network, const GstVideoInfo *info);

/* One stream more, or one less, whose frames are waited for. */
void effvk_network_add_streams (EffvkNetwork *network, int n);
guint effvk_network_get_n_streams (EffvkNetwork *network);

const EffvkNetworkConfig *effvk_network_get_config (EffvkNetwork *network);
EffvkClassifier *effvk_network_get_classifier (EffvkNetwork *network);
EffvkModel *effvk_network_get_model (EffvkNetwork *network);

/* What it was made with. */
EffvkOutputActivation effvk_network_get_activation (EffvkNetwork *network);

/* Puts a request to the network, which calls @notify with @waiter, the stream, when it is answered: from
 * this call on, from any thread, with the network's lock held. @waiter keeps the network until then, or until
 * the request is cancelled. */
void effvk_network_ask (EffvkNetwork *network, EffvkRequest *request, GDestroyNotify notify,
                        gpointer waiter);

/* Nobody waits for the answer any more: after this nobody is notified. */
void effvk_network_cancel (EffvkNetwork *network, EffvkRequest *request);
