/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "preprocess-oracle.h"

/* That the checks run on. */
extern EffvkDevice *preprocess_device;

/* Random pixels in the case's format. Chroma is kept near grey, so that not every colour is out of
 * gamut. */
EffvkImage *preprocess_make_image (const PreprocessCase *test);
void preprocess_free_image (EffvkImage *image);

/* What the device makes of the images with one kernel, with the normalisation undone: [N,H,W,C] in
 * 0..1. Free with g_free(). */
float *preprocess_run (const PreprocessCase *test, EffvkImage **images, const char *kernel,
                       EffvkStorage storage);

/* Compares every kernel that the device can run, in every storage, with the oracle. */
void preprocess_check (const PreprocessCase *test);
