/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* By its first byte a file is ONNX. */
  if (size > 1 && data[0] == 0x08)
    fuzz_model (data, size);
  return 0;
}
