/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/onnx-private.h"

#include <string.h>

/* Exporters write the padding of a convolution as a small computation. torch's makes eight numbers
 * from four. It uses Shape, Gather, Mul, Sub, ConstantOfShape, Concat, Reshape, Slice, Transpose
 * and Cast. */
#define MAX_NUMBERS 64

typedef struct
{
  guint rank; /* 0 to 2 */
  guint64 shape[2];
  guint n;
  gint64 numbers[MAX_NUMBERS];
} Small;

static gboolean
load (const EffvkConstant *constant, Small *small)
{
  if (!constant || !constant->data || constant->rank > 2 || constant->n > MAX_NUMBERS
      || (constant->rank == 2 && !constant->n)
      || (constant->element != EFFVK_ELEMENT_I64 && constant->element != EFFVK_ELEMENT_I32))
    return FALSE;
  small->rank = constant->rank;
  small->n = (guint) constant->n;
  memcpy (small->shape, constant->shape, sizeof small->shape);
  for (guint i = 0; i < small->n; i++)
    {
      guint64 wide;
      if (constant->element == EFFVK_ELEMENT_I32)
        small->numbers[i] = (gint64) effvk_constant_get (constant, i);
      else
        {
          memcpy (&wide, constant->data + 8 * i, 8);
          small->numbers[i] = (gint64) GUINT64_FROM_LE (wide);
        }
    }
  return TRUE;
}

static EffvkConstant *
store (EffvkGraph *graph, const char *name, const Small *small)
{
  EffvkConstant *constant = effvk_graph_add_constant (graph, name);
  guint64 *out = constant->owned = g_new0 (guint64, MAX (small->n, 1));

  constant->element = EFFVK_ELEMENT_I64;
  constant->rank = small->rank;
  memcpy (constant->shape, small->shape, sizeof small->shape);
  constant->n = small->n;
  for (guint i = 0; i < small->n; i++)
    out[i] = GUINT64_TO_LE ((guint64) small->numbers[i]);
  constant->data = constant->owned;
  return constant;
}

static gboolean
fill (EffvkGraph *graph, const OnnxNode *node, const Small *shape, Small *out)
{
  const OnnxAttribute *value = effvk_onnx_attribute (node, "value");
  Small of = { .n = 1 };

  if (shape->n != 1 || shape->numbers[0] < 0 || shape->numbers[0] > MAX_NUMBERS)
    return FALSE;
  if (value && value->t)
    {
      const EffvkConstant *constant = effvk_onnx_add_tensor (graph, value->t, "", NULL);
      if (!load (constant, &of) || of.n != 1)
        return FALSE;
    }
  out->rank = 1;
  out->n = (guint) shape->numbers[0];
  out->shape[0] = out->n;
  for (guint i = 0; i < out->n; i++)
    out->numbers[i] = of.numbers[0];
  return TRUE;
}

static gboolean
concatenate (const Small *inputs, guint n_inputs, Small *out)
{
  out->rank = 1;
  for (guint i = 0; i < n_inputs; i++)
    {
      if (inputs[i].rank > 1 || out->n + inputs[i].n > MAX_NUMBERS)
        return FALSE;
      memcpy (out->numbers + out->n, inputs[i].numbers, inputs[i].n * sizeof *out->numbers);
      out->n += inputs[i].n;
    }
  out->shape[0] = out->n;
  return TRUE;
}

static gboolean
reshape (const Small *in, const Small *shape, Small *out)
{
  guint64 known = 1;
  gint open = -1;

  if (shape->n < 1 || shape->n > 2)
    return FALSE;
  *out = *in;
  out->rank = shape->n;
  for (guint i = 0; i < shape->n; i++)
    {
      if (shape->numbers[i] == -1 && open < 0)
        {
          open = (gint) i;
          continue;
        }
      if (shape->numbers[i] < 1 || shape->numbers[i] > MAX_NUMBERS)
        return FALSE;
      out->shape[i] = (guint64) shape->numbers[i];
      known *= out->shape[i];
    }
  if (open >= 0)
    out->shape[open] = in->n / known;
  return open >= 0 ? in->n % known == 0 : known == in->n;
}

/* Of one axis; a negative step reverses, which is what torch does with the order of its pads. */
static gboolean
slice (const Small *inputs, guint n_inputs, Small *out)
{
  const Small *in = &inputs[0];
  gint64 start, end, axis = 0, step = 1, size;
  gint64 rows = in->rank == 2 ? (gint64) in->shape[0] : (gint64) in->n;
  gint64 columns = in->rank == 2 ? (gint64) in->shape[1] : 1;

  for (guint i = 1; i < n_inputs; i++)
    if (inputs[i].n != 1)
      return FALSE;
  if (n_inputs < 3 || n_inputs > 5 || !in->rank)
    return FALSE;
  start = inputs[1].numbers[0];
  end = inputs[2].numbers[0];
  if (n_inputs > 3)
    axis = inputs[3].numbers[0];
  if (n_inputs > 4)
    step = inputs[4].numbers[0];
  if ((axis != 0 && axis != -(gint64) in->rank) || (step != 1 && step != -1))
    return FALSE;
  size = rows;
  start = CLAMP (start < 0 ? MAX (start, -2 * MAX_NUMBERS) + size : start, step < 0 ? -1 : 0,
                 step < 0 ? size - 1 : size);
  end = CLAMP (end < 0 ? MAX (end, -4 * MAX_NUMBERS) + size : end, step < 0 ? -1 : 0, size);
  out->rank = in->rank;
  out->shape[1] = in->shape[1];
  for (gint64 i = start; step > 0 ? i < end : i > end; i += step)
    {
      memcpy (out->numbers + out->n, in->numbers + i * columns, (gsize) columns * 8);
      out->n += (guint) columns;
      out->shape[0]++;
    }
  return TRUE;
}

static gboolean
transpose (const Small *in, Small *out)
{
  *out = *in;
  if (in->rank < 2)
    return TRUE;
  guint rows = (guint) in->shape[0], columns = (guint) in->shape[1];
  out->shape[0] = columns;
  out->shape[1] = rows;
  for (guint i = 0; i < rows; i++)
    for (guint j = 0; j < columns; j++)
      out->numbers[j * rows + i] = in->numbers[i * columns + j];
  return TRUE;
}

static void
shape_of (const EffvkConstant *constant, Small *out)
{
  out->rank = 1;
  out->shape[0] = out->n = constant->rank;
  for (guint i = 0; i < constant->rank; i++)
    out->numbers[i] = (gint64) constant->shape[i];
}

static gboolean
gather (const Small *in, const Small *indices, Small *out)
{
  out->rank = indices->rank;
  out->n = indices->n;
  memcpy (out->shape, indices->shape, sizeof out->shape);
  for (guint i = 0; i < indices->n; i++)
    {
      gint64 index = indices->numbers[i];
      if (index < -(gint64) in->n || index >= (gint64) in->n)
        return FALSE;
      out->numbers[i] = in->numbers[index < 0 ? index + in->n : index];
    }
  return in->rank == 1;
}

/* Element by element; a single number serves for all. */
static gboolean
calculate (const char *type, const Small *a, const Small *b, Small *out)
{
  const Small *larger = a->n >= b->n ? a : b;

  if (a->rank > 1 || b->rank > 1 || (a->n != b->n && a->n != 1 && b->n != 1) || !a->n || !b->n)
    return FALSE;
  *out = *larger;
  out->rank = MAX (a->rank, b->rank);
  out->shape[0] = out->n;
  for (guint i = 0; i < out->n; i++)
    {
      gint64 x = a->numbers[a->n == 1 ? 0 : i], y = b->numbers[b->n == 1 ? 0 : i],
             *z = &out->numbers[i];
      gboolean overflow = *type == 'A'   ? __builtin_add_overflow (x, y, z)
                          : *type == 'S' ? __builtin_sub_overflow (x, y, z)
                                         : __builtin_mul_overflow (x, y, z);
      if (overflow)
        return FALSE;
    }
  return TRUE;
}

EffvkConstant *
effvk_onnx_evaluate (EffvkGraph *graph, const OnnxNode *node, EffvkConstant *const *constants,
                     guint n_inputs)
{
  Small inputs[EFFVK_GRAPH_MAX_INPUTS] = { 0 }, out = { 0 };
  const char *type = node->op_type;
  gboolean ok = FALSE;

  if (strcmp (type, "Shape") == 0 && n_inputs == 1 && constants[0] && !node->n_attribute)
    {
      shape_of (constants[0], &out);
      return store (graph, node->output[0], &out);
    }
  for (guint i = 0; i < n_inputs; i++)
    if (!load (constants[i], &inputs[i]))
      return NULL;
  if (strcmp (type, "ConstantOfShape") == 0)
    ok = fill (graph, node, &inputs[0], &out);
  else if (strcmp (type, "Concat") == 0)
    ok = concatenate (inputs, n_inputs, &out);
  else if (strcmp (type, "Reshape") == 0 && n_inputs == 2)
    ok = reshape (&inputs[0], &inputs[1], &out);
  else if (strcmp (type, "Slice") == 0)
    ok = slice (inputs, n_inputs, &out);
  else if (strcmp (type, "Gather") == 0 && n_inputs == 2)
    ok = gather (&inputs[0], &inputs[1], &out);
  else if (n_inputs == 2
           && (strcmp (type, "Add") == 0 || strcmp (type, "Sub") == 0 || strcmp (type, "Mul") == 0))
    ok = calculate (type, &inputs[0], &inputs[1], &out);
  else if (strcmp (type, "Transpose") == 0)
    ok = transpose (&inputs[0], &out);
  else if (strcmp (type, "Cast") == 0)
    {
      gint64 to = effvk_onnx_int (node, "to", 0);
      out = inputs[0];
      ok = to == 6 || to == 7;
    }
  return ok ? store (graph, node->output[0], &out) : NULL;
}
