/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size >= 8 && memcmp (data + 4, "TFL3", 4) == 0)
    fuzz_model (data, size);
  return 0;
}
