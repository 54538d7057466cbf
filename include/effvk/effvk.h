/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * effvk: EfficientNet image classification on Vulkan compute.
 *
 *   EffvkDevice ──┐
 *                 ├─▶ EffvkClassifier ◀── EffvkImage (a raw frame)
 *   EffvkModel  ──┘          └──────────▶ EffvkResult (its classes) ──▶ EffvkSmoother (steady ones)
 *
 * Nothing here needs Vulkan or GStreamer headers.
 */

#include <effvk/effvk-class-filter.h>
#include <effvk/effvk-classifier.h>
#include <effvk/effvk-device.h>
#include <effvk/effvk-embeddings.h>
#include <effvk/effvk-format.h>
#include <effvk/effvk-frame-memory.h>
#include <effvk/effvk-image.h>
#include <effvk/effvk-meter.h>
#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>
#include <effvk/effvk-selftest.h>
#include <effvk/effvk-signal.h>
#include <effvk/effvk-smoother.h>
#include <effvk/effvk-teacher.h>
#include <effvk/effvk-types.h>
#include <effvk/effvk-version.h>
