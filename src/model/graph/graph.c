/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/graph.h"

#include "base/half.h"
#include "model/file.h"
#include "model/json.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

static const struct
{
  guint size;
  const char *name;
} elements[] = { { 0, "an unknown type" }, { 4, "FLOAT" }, { 2, "FLOAT16" }, { 1, "INT8" },
                 { 1, "UINT8" },           { 4, "INT32" }, { 8, "INT64" } };

guint
effvk_element_size (EffvkElement element)
{
  return elements[element].size;
}

const char *
effvk_element_name (EffvkElement element)
{
  return elements[element].name;
}

static void
constant_free (gpointer data)
{
  EffvkConstant *constant = data;
  g_free (constant->name);
  g_free (constant->location);
  g_free (constant->owned);
  g_free (constant);
}

static void
node_clear (gpointer data)
{
  EffvkNode *node = data;
  g_free (node->name);
  g_free (node->type);
}

static void
output_clear (gpointer data)
{
  g_free (((EffvkGraphOutput *) data)->name);
}

static void
value_clear (gpointer data)
{
  g_free (((EffvkGraphValue *) data)->name);
}

void
effvk_graph_init (EffvkGraph *graph)
{
  memset (graph, 0, sizeof *graph);
  graph->constants = g_ptr_array_new_with_free_func (constant_free);
  graph->values = g_array_new (FALSE, TRUE, sizeof (EffvkGraphValue));
  g_array_set_clear_func (graph->values, value_clear);
  graph->nodes = g_array_new (FALSE, TRUE, sizeof (EffvkNode));
  g_array_set_clear_func (graph->nodes, node_clear);
  graph->outputs = g_array_new (FALSE, TRUE, sizeof (EffvkGraphOutput));
  g_array_set_clear_func (graph->outputs, output_clear);
  graph->claimed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  graph->input = graph->output = EFFVK_GRAPH_NONE;
}

void
effvk_graph_clear (EffvkGraph *graph)
{
  g_clear_pointer (&graph->constants, g_ptr_array_unref);
  g_clear_pointer (&graph->values, g_array_unref);
  g_clear_pointer (&graph->nodes, g_array_unref);
  g_clear_pointer (&graph->outputs, g_array_unref);
  g_clear_pointer (&graph->claimed, g_hash_table_unref);
  if (graph->backing)
    graph->backing_free (graph->backing);
  g_free (graph->consumers);
  g_free (graph->metadata);
  g_clear_pointer (&graph->labels, g_bytes_unref);
  g_free (graph->folder);
  memset (graph, 0, sizeof *graph);
}

EffvkConstant *
effvk_graph_add_constant (EffvkGraph *graph, const char *name)
{
  EffvkConstant *constant = g_new0 (EffvkConstant, 1);
  constant->name = effvk_graph_text (name, strlen (name));
  g_ptr_array_add (graph->constants, constant);
  return constant;
}

guint
effvk_graph_add_value (EffvkGraph *graph, const char *name, EffvkConstant *constant)
{
  EffvkGraphValue value = { .constant = constant };
  value.name = effvk_graph_text (name, strlen (name));
  g_array_append_val (graph->values, value);
  return graph->values->len - 1;
}

void
effvk_graph_add_node (EffvkGraph *graph, EffvkNode *node)
{
  g_array_append_val (graph->nodes, *node);
  memset (node, 0, sizeof *node);
}

void
effvk_graph_add_output (EffvkGraph *graph, const char *name, guint value)
{
  EffvkGraphOutput output = { .name = effvk_graph_text (name, strlen (name)), .value = value };

  g_array_append_val (graph->outputs, output);
}

/* Flags the nodes that the output depends on. Nodes come after their inputs. */
static guint8 *
find_needed (const EffvkGraph *graph)
{
  g_autofree guint8 *values = g_new0 (guint8, MAX (graph->values->len, 1));
  guint8 *nodes = g_new0 (guint8, MAX (graph->nodes->len, 1));

  if (graph->output != EFFVK_GRAPH_NONE)
    values[graph->output] = TRUE;
  for (guint i = graph->nodes->len; i-- > 0;)
    {
      const EffvkNode *node = &g_array_index (graph->nodes, EffvkNode, i);
      nodes[i] = values[node->output];
      for (guint j = 0; nodes[i] && j < node->n_inputs; j++)
        if (node->inputs[j] != EFFVK_GRAPH_NONE)
          values[node->inputs[j]] = TRUE;
    }
  return nodes;
}

void
effvk_graph_finish (EffvkGraph *graph)
{
  g_autofree guint8 *needed = find_needed (graph);
  guint total = 0;

  g_clear_pointer (&graph->consumers, g_free);
  for (guint i = 0; i < graph->values->len; i++)
    g_array_index (graph->values, EffvkGraphValue, i).n_consumers = 0;
  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint i = 0; i < graph->nodes->len; i++)
        {
          const EffvkNode *node = &g_array_index (graph->nodes, EffvkNode, i);
          for (guint j = 0; j < node->n_inputs; j++)
            {
              if (node->inputs[j] == EFFVK_GRAPH_NONE || node->kind == EFFVK_NODE_SHAPE
                  || !needed[i])
                continue;
              EffvkGraphValue *value
                  = &g_array_index (graph->values, EffvkGraphValue, node->inputs[j]);
              if (pass)
                graph->consumers[value->first_consumer + value->n_consumers] = i;
              value->n_consumers++;
            }
        }
      if (pass)
        break;
      for (guint i = 0; i < graph->values->len; i++)
        {
          EffvkGraphValue *value = &g_array_index (graph->values, EffvkGraphValue, i);
          value->first_consumer = total;
          total += value->n_consumers;
          value->n_consumers = 0;
        }
      graph->consumers = g_new0 (guint, MAX (total, 1));
    }
}

EffvkConstant *
effvk_graph_constant (const EffvkGraph *graph, guint value)
{
  return value == EFFVK_GRAPH_NONE ? NULL
                                   : g_array_index (graph->values, EffvkGraphValue, value).constant;
}

gboolean
effvk_constant_measure (EffvkConstant *constant, guint64 limit)
{
  guint64 size = MAX (1, effvk_element_size (constant->element)), n = 1;

  for (guint i = 0; i < constant->rank; i++)
    {
      if (constant->shape[i] && n > limit / size / constant->shape[i])
        return FALSE;
      n *= constant->shape[i];
    }
  constant->n = n;
  return n <= limit / size;
}

static double
get_raw (const EffvkConstant *constant, const guint8 *at)
{
  guint16 half;
  guint32 bits;
  guint64 wide;
  float value;

  switch (constant->element)
    {
    case EFFVK_ELEMENT_F32:
      memcpy (&bits, at, 4);
      bits = GUINT32_FROM_LE (bits);
      memcpy (&value, &bits, 4);
      return value;
    case EFFVK_ELEMENT_F16:
      memcpy (&half, at, 2);
      return effvk_half_to_float (GUINT16_FROM_LE (half));
    case EFFVK_ELEMENT_I8:
      return (gint8) *at;
    case EFFVK_ELEMENT_U8:
      return *at;
    case EFFVK_ELEMENT_I32:
      memcpy (&bits, at, 4);
      return (gint32) GUINT32_FROM_LE (bits);
    case EFFVK_ELEMENT_I64:
      memcpy (&wide, at, 8);
      return (double) (gint64) GUINT64_FROM_LE (wide);
    default:
      return 0;
    }
}

double
effvk_constant_get (const EffvkConstant *constant, guint64 i)
{
  return get_raw (constant, constant->data + i * effvk_element_size (constant->element));
}

static void
convert (const EffvkConstant *constant, const guint8 *data, float *out)
{
  guint size = effvk_element_size (constant->element);
  guint64 inner = 1;

  if (!constant->n_scales)
    {
      for (guint64 i = 0; i < constant->n; i++)
        out[i] = (float) get_raw (constant, data + i * size);
      return;
    }
  for (guint i = constant->axis + 1; i < constant->rank; i++)
    inner *= constant->shape[i];
  for (guint64 i = 0; i < constant->n; i++)
    {
      guint64 k = constant->n_scales == 1 ? 0 : i / inner % constant->n_scales;
      guint32 bits;
      guint64 zero = 0;
      float scale;
      memcpy (&bits, constant->scales + 4 * k, 4);
      bits = GUINT32_FROM_LE (bits);
      memcpy (&scale, &bits, 4);
      if (constant->zero_points)
        memcpy (&zero, constant->zero_points + 8 * k, 8);
      out[i] = (float) (scale
                        * (get_raw (constant, data + i * size)
                           - (double) (gint64) GUINT64_FROM_LE (zero)));
    }
}

gboolean
effvk_constant_read (const EffvkGraph *graph, const EffvkConstant *constant, float *out,
                     GError **error)
{
  guint64 bytes = constant->n * effvk_element_size (constant->element), size;
  g_autofree char *path = NULL;
  g_autofree guint8 *data = NULL;
  gboolean ok = FALSE;

  if (!constant->location)
    {
      convert (constant, constant->data, out);
      return TRUE;
    }
  path = g_build_filename (graph->folder, constant->location, NULL);
  int fd = effvk_file_open_named (path, (guint64) 4 << 30, &size, EFFVK_MODEL_ERROR_READ, error);
  if (fd < 0)
    goto fail;
  if (constant->offset > size || bytes > size - constant->offset)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
                   "expected %" G_GUINT64_FORMAT " bytes from %" G_GUINT64_FORMAT
                   ", found a file of %" G_GUINT64_FORMAT,
                   bytes, constant->offset, size);
      goto fail;
    }
  data = g_try_malloc (MAX (bytes, 1));
  if (!data || lseek (fd, (off_t) constant->offset, SEEK_SET) < 0)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "cannot be read: no memory, or no such place in the file");
      goto fail;
    }
  if (!effvk_file_read (fd, data, bytes, EFFVK_MODEL_ERROR_READ, error))
    goto fail;
  convert (constant, data, out);
  ok = TRUE;

fail:
  if (fd >= 0)
    close (fd);
  if (!ok)
    g_prefix_error (error, "tensor \"%s\", in \"%s\": ", constant->name, constant->location);
  return ok;
}

char *
effvk_constant_describe (const EffvkConstant *constant)
{
  g_autofree char *shape = effvk_shape_describe (constant->shape, constant->rank);
  return g_strconcat (effvk_element_name (constant->element), " ", shape, NULL);
}

char *
effvk_graph_text (const char *text, gsize length)
{
  char *copy = g_utf8_make_valid (text, (gssize) MIN (length, 120));
  gboolean plain = effvk_text_is_plain (copy);
  for (char *c = copy; *c; c++)
    if ((guchar) *c < 32 || *c == 127 || (!plain && (guchar) *c > 127))
      *c = '?';
  return copy;
}
