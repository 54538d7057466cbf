/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/model-config.h"
#include "classify/request.h"

/*
 * A model on a device that answers the requests of one or several streams. It has a classifier, and
 * a thread that collects results in order. Frames that cannot go to the device at once wait in a
 * line per stream. So nobody who asks waits for the device. Batches are taken from the lines in
 * turn.
 *
 * A batch that is not full waits while the device has other work. Then it waits until every stream
 * has a frame in line, or until the time-out.
 *
 * All functions may be called from any thread.
 */
typedef struct _GstEffvkModelInstance GstEffvkModelInstance;

/* Loads the model, opens the device, builds the classifier. Nobody's frames are waited for yet. */
GstEffvkModelInstance *gst_effvk_model_instance_new (const GstEffvkModelConfig *config,
                                                     GError **error);

/* How many images a submission of such a network holds. One more than can come would cost as
 * much as if it came. */
guint gst_effvk_model_instance_choose_batch_size (const GstEffvkModelConfig *config,
                                                  EffvkDevice *device);

/* Posts why gst_effvk_model_instance_new() or a request failed. */
void gst_effvk_model_instance_post_error (GstElement *element, const GstEffvkModelConfig *config,
                                          const GError *error);

GstEffvkModelInstance *gst_effvk_model_instance_ref (GstEffvkModelInstance *network);

/* With the last reference goes the network, when the device is done with what it has of it. */
void gst_effvk_model_instance_unref (GstEffvkModelInstance *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkModelInstance, gst_effvk_model_instance_unref)

/* Answers a black frame of this kind, as a new network does before it is asked: the first answer
 * takes longer, while the driver compiles. */
void gst_effvk_model_instance_warm (GstEffvkModelInstance *network, const GstVideoInfo *info);

/* One stream more, or one less, whose frames are waited for. */
void gst_effvk_model_instance_add_streams (GstEffvkModelInstance *network, int n);
guint gst_effvk_model_instance_get_n_streams (GstEffvkModelInstance *network);

const GstEffvkModelConfig *gst_effvk_model_instance_get_config (GstEffvkModelInstance *network);

/* The batch size that was chosen for it; the classifier's is smaller where the device cannot do
   that. */
guint gst_effvk_model_instance_get_batch_size (GstEffvkModelInstance *network);
EffvkClassifier *gst_effvk_model_instance_get_classifier (GstEffvkModelInstance *network);
EffvkModel *gst_effvk_model_instance_get_model (GstEffvkModelInstance *network);

/* What it was made with. */
EffvkOutputActivation gst_effvk_model_instance_get_activation (GstEffvkModelInstance *network);

/* Puts a request to the network. When the request is answered the network calls @notify with
 * @waiter, the stream. That may happen before this function returns, in any thread, with the
 * network's lock held. @waiter keeps the network until then, or until the request is cancelled. */
void gst_effvk_model_instance_ask (GstEffvkModelInstance *network, GstEffvkRequest *request,
                                   GDestroyNotify notify, gpointer waiter);

/* Nobody waits for the answer any more: after this nobody is notified. */
void gst_effvk_model_instance_cancel (GstEffvkModelInstance *network, GstEffvkRequest *request);
