/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/conv.h"
#include "ops/expand-depthwise.h"
#include "ops/fully-connected.h"
#include "ops/head.h"
#include "ops/pointwise.h"
#include "ops/top-k.h"

/*
 * What every op computes, said as plainly as C can say it, in double precision. Arrays are
 * [N,H,W,C] without padding. Of an op's description only the numbers and the weights are read,
 * never the tensors.
 */
typedef struct
{
  guint n, h, w, c;
} EffvkExtent;

static inline gsize
effvk_extent_size (EffvkExtent extent)
{
  return (gsize) extent.n * extent.h * extent.w * extent.c;
}

double effvk_reference_activate (EffvkActivation activation, double value);

/* @scale is [N,1,1,K] or NULL, @residual has @out's extent or is NULL. */
void effvk_reference_pointwise (const EffvkPointwise *op, EffvkExtent in, const float *input,
                                const float *scale, const float *residual, EffvkExtent out,
                                double *output);

void effvk_reference_conv (const EffvkConv *op, EffvkExtent in, const float *input,
                           const float *residual, EffvkExtent out, double *output);

/* @sums is [N,1,1,C], over all pixels. */
void effvk_reference_depthwise (const EffvkDepthwise *op, EffvkExtent in, const float *input,
                                EffvkExtent out, double *output, double *sums);

/* @in is the extent of the partial sums, [N,1,T,C]; @output is [N,1,1,C]. */
void effvk_reference_squeeze_excite (const EffvkSqueezeExcite *op, EffvkExtent in,
                                     const float *sums, double *output);

/* @output is [N,1,1,@channels]. */
void effvk_reference_head (const EffvkHead *op, EffvkExtent in, const float *input, guint channels,
                           double *output);

/* @input is [@n,1,1,@inputs], @output [@n,1,1,@classes]. */
void effvk_reference_fully_connected (const EffvkFullyConnected *op, guint n, guint inputs,
                                      guint classes, const float *input, double *output);

/* The best @k of @classes logits of one image. Returns whether all logits are finite; otherwise the
 * rest is undefined. */
gboolean effvk_reference_top_k (EffvkOutputActivation activation, const float *logits,
                                guint classes, guint k, guint *indices, double *scores);
