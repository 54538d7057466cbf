/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kernels that are wrong, as a driver's compiler may make them; see fault.h. */

#include "fault-layer.h"

#include <string.h>

/* Of SPIR-V. */
enum
{
  HEADER_WORDS = 5,
  BOUND = 3, /* the word of the header */
  OP_NOP = 0,
  OP_EXT_INST = 12,
  OP_TYPE_FLOAT = 22,
  OP_TYPE_VECTOR = 23,
  OP_F_ADD = 129,
  OP_CONTROL_BARRIER = 224,
  PACK_HALF_2X16 = 58, /* of GLSL.std.450 */
};

/* Doublings: what is above 1/2 is beyond a half's range then. */
#define DOUBLINGS 17

static const char *const names[] = { "none", "barrier", "overflow", "stride", NULL };
static gint broken; /* atomic: an index of the above */

void
fault_kernels_break (const char *how)
{
  guint i = 0;

  while (how && names[i] && strcmp (names[i], how) != 0)
    i++;
  g_atomic_int_set (&broken, how && names[i] ? (gint) i : 0);
}

static gboolean
is_broken (const char *how)
{
  return strcmp (names[g_atomic_int_get (&broken)], how) == 0;
}

static guint
opcode_of (guint32 word)
{
  return word & 0xffff;
}

/* The type of two floats, or 0. */
static guint32
find_pair_type (const guint32 *code, gsize n)
{
  guint32 single = 0;

  for (gsize i = HEADER_WORDS; i < n && code[i] >> 16; i += code[i] >> 16)
    if (opcode_of (code[i]) == OP_TYPE_FLOAT && code[i + 2] == 32)
      single = code[i + 1];
    else if (opcode_of (code[i]) == OP_TYPE_VECTOR && code[i + 2] == single && code[i + 3] == 2)
      return code[i + 1];
  return 0;
}

/* Doubles what the instruction at @from packs to halves, again and again, and packs that. */
static void
append_overflow (GArray *out, const guint32 *from, guint32 pair, guint32 *bound)
{
  guint32 value = from[5], pack[6];

  for (guint i = 0; i < DOUBLINGS; i++)
    {
      const guint32 doubled[] = { 5u << 16 | OP_F_ADD, pair, *bound, value, value };

      g_array_append_vals (out, doubled, G_N_ELEMENTS (doubled));
      value = (*bound)++;
    }
  memcpy (pack, from, sizeof pack);
  pack[5] = value;
  g_array_append_vals (out, pack, G_N_ELEMENTS (pack));
}

static void
append (GArray *out, const guint32 *from, guint words, guint32 pair, guint32 *bound)
{
  const guint32 nop = 1u << 16 | OP_NOP;

  if (is_broken ("barrier") && opcode_of (*from) == OP_CONTROL_BARRIER)
    for (guint i = 0; i < words; i++)
      g_array_append_val (out, nop);
  else if (is_broken ("overflow") && opcode_of (*from) == OP_EXT_INST && words == 6
           && from[4] == PACK_HALF_2X16 && pair)
    append_overflow (out, from, pair, bound);
  else
    g_array_append_vals (out, from, words);
}

GArray *
fault_kernels_rewrite (const guint32 *code, gsize size)
{
  gsize n = size / sizeof *code;
  GArray *out;
  guint32 pair, bound;

  if (!is_broken ("barrier") && !is_broken ("overflow"))
    return NULL;
  out = g_array_sized_new (FALSE, FALSE, sizeof *code, (guint) n);
  pair = find_pair_type (code, n);
  bound = code[BOUND];
  g_array_append_vals (out, code, HEADER_WORDS);
  for (gsize i = HEADER_WORDS; i < n && code[i] >> 16; i += code[i] >> 16)
    append (out, &code[i], code[i] >> 16, pair, &bound);
  g_array_index (out, guint32, BOUND) = bound;
  return out;
}

/* Depthwise kernels have their size and stride as their first two constants, and several more. */
gboolean
fault_kernels_misspecialize (guint32 *constants, guint n)
{
  if (!is_broken ("stride") || n < 6 || (constants[0] != 3 && constants[0] != 5) || constants[1] < 1
      || constants[1] > 2)
    return FALSE;
  constants[1] = 3 - constants[1];
  return TRUE;
}
