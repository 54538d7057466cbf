/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer, or replay.c, calls with each input. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Loads a model from memory; when that succeeds, asks for everything that it can tell. */
void fuzz_model (const uint8_t *data, size_t size);
/* The same with a file, beside which others may lie. */
void fuzz_model_file (const char *path);
