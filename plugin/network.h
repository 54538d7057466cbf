/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* What a network is made of. Where they fail they have posted one error, and return NULL. */
EffvkModel *effvk_network_load_model (GstElement *element, const char *model_file,
                                      const char *overrides, const char *labels_file);
EffvkDevice *effvk_network_open_device (GstElement *element, const char *selector);
