/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/effvkclassify.h"
#include "classify/model-instance.h"

/*
 * Who uses which network. Elements of one process with the same model-instance-id share one. The
 * registry makes it of what any of them sets, from READY on, in whatever order they start. Two that
 * set a property differently contradict each other. When the running network does not meet the
 * settings of an element that joins, the registry makes another. It takes over in all of them,
 * between two frames.
 *
 * The registry alone writes an element's network, and what it accepted of its settings.
 */

/* The element is in READY or above, or its settings have changed: what they set counts for the
 * network that others make. Does nothing where its own network is not what they ask for, which
 * is to be joined first. */
void gst_effvk_registry_declare (GstEffvkClassify *self);
void gst_effvk_registry_withdraw (GstEffvkClassify *self);

/* Gives the element a network that @config asks for: the one of the config's id, or one for this
 * stream alone where that is NULL or empty. FALSE: it keeps what it has. */
gboolean gst_effvk_registry_join (GstEffvkClassify *self, const GstEffvkModelConfig *config,
                                  GError **error);

/* Whether a network is what @wanted asks for. */
gboolean gst_effvk_registry_suffices (GstEffvkModelInstance *network,
                                      const GstEffvkModelConfig *wanted);

/* The element asks no more, and has no network any more. */
void gst_effvk_registry_leave (GstEffvkClassify *self);
