/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-classifier.h>
#include <gst/gst.h>

/* Adds effvk_classifier_get_statistics() to @stats, a field each. */
void effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier);
