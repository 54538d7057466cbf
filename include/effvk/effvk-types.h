/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Everything public is marked with this; the library hides all other symbols. */
#ifndef EFFVK_API
#if defined(__GNUC__) && defined(EFFVK_COMPILATION)
#define EFFVK_API __attribute__ ((visibility ("default")))
#else
#define EFFVK_API
#endif
#endif

/**
 * EffvkPrecision:
 * @EFFVK_PRECISION_AUTO: fp16 on a GPU that computes the same answers with it, else fp32
 * @EFFVK_PRECISION_FP32: weights and activations stored in 32 bits
 * @EFFVK_PRECISION_FP16: weights and activations stored in 16 bits, sums kept in 32
 *
 * How weights and activations are stored. Sums are always kept in 32 bits.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_PRECISION_AUTO,
  EFFVK_PRECISION_FP32,
  EFFVK_PRECISION_FP16,
} EffvkPrecision;

EFFVK_API GType effvk_precision_get_type (void);
#define EFFVK_TYPE_PRECISION (effvk_precision_get_type ())

/**
 * EffvkOutputActivation:
 * @EFFVK_OUTPUT_ACTIVATION_AUTO: what the model says; where it says nothing, sigmoid for one class
 *   and softmax for more
 * @EFFVK_OUTPUT_ACTIVATION_SOFTMAX: one class an image: the scores of all classes sum to 1
 * @EFFVK_OUTPUT_ACTIVATION_SIGMOID: any number of classes an image: each score is a probability
 * @EFFVK_OUTPUT_ACTIVATION_NONE: the scores are the network's raw answers, of any sign
 *
 * What makes scores of the network's answers.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_OUTPUT_ACTIVATION_AUTO,
  EFFVK_OUTPUT_ACTIVATION_SOFTMAX,
  EFFVK_OUTPUT_ACTIVATION_SIGMOID,
  EFFVK_OUTPUT_ACTIVATION_NONE,
} EffvkOutputActivation;

EFFVK_API GType effvk_output_activation_get_type (void);
#define EFFVK_TYPE_OUTPUT_ACTIVATION (effvk_output_activation_get_type ())

G_END_DECLS
