/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/graph/flatbuffer.h"
#include "model/graph/graph.h"

/* Labels in a zip archive behind a TFLite file, as TensorFlow Lite's metadata has them. Sets the
 * graph's labels where there are some. False with @error set where the metadata names a file of
 * labels that cannot be read. */
gboolean effvk_tflite_read_labels (EffvkFlat *flat, const EffvkFlatTable *model, EffvkGraph *graph,
                                   GError **error);
