/* SPDX-License-Identifier: LGPL-2.1-or-later */
#version 450

/* Copies 64 words, one an invocation. Driven by test-validation.c, which runs it twice in a row.
 *
 *   source[64] → target[64] */

layout (local_size_x = 64) in;

layout (std430, set = 0, binding = 0) readonly buffer Source
{
  uint source[];
};

layout (std430, set = 0, binding = 1) writeonly buffer Target
{
  uint target[];
};

void
main ()
{
  target[gl_GlobalInvocationID.x] = source[gl_GlobalInvocationID.x];
}
