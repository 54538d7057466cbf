/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/formats.h"

#include "model/file.h"
#include "model/foreign.h"
#include "model/labels.h"
#include "model/names/names.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

typedef gboolean (*ReadGraph) (EffvkGraph *graph, const guint8 *data, gsize size, GError **error);

/* A protocol buffer may have no more, nor may a FlatBuffer. */
#define MAX_GRAPH ((guint64) 2 << 30)
/* Of a zip archive's end, for what it holds. */
#define MAX_END ((gsize) 1 << 20)

static gboolean
is_safetensors (const guint8 *data, gsize size)
{
  static const guint8 zeros[4];

  /* The length of the header, which is below 2^32, and the header's brace. */
  return size >= 9 && memcmp (data + 4, zeros, 4) == 0 && data[8] == '{';
}

/* NULL: safetensors, or no model. */
static ReadGraph
sniff (const guint8 *data, gsize size)
{
  if (is_safetensors (data, size))
    return NULL;
  if (size >= 8 && memcmp (data + 4, "TFL3", 4) == 0)
    return effvk_tflite_read;
  /* An ONNX file begins with the field ir_version. */
  if (size >= 3 && data[0] == 0x08 && memcmp (data, "\x08\x01\x12", 3) != 0)
    return effvk_onnx_read;
  return NULL;
}

/* Says what @start is the beginning of, where that is known and no safetensors file. */
static gboolean
check_foreign (const guint8 *start, gsize start_size, const guint8 *end, gsize end_size,
               guint64 before, GError **error)
{
  g_autofree char *what = NULL;

  if (!is_safetensors (start, start_size))
    what = effvk_foreign_describe (start, start_size, end, end_size, before);
  if (what)
    g_set_error_literal (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, what);
  return !what;
}

/* The file's own labels. Where it was only guessed that a text is the labels, another number of
 * lines shows that it is not. */
static gboolean
read_labels (const EffvkGraph *graph, EffvkFormatFacts *facts, GError **error)
{
  g_autoptr (GError) problem = NULL;
  const char *text;
  gsize length;

  if (!graph->labels)
    return TRUE;
  text = g_bytes_get_data (graph->labels, &length);
  facts->labels = effvk_labels_parse (text ? text : "", length, facts->facts.classes, &problem);
  if (facts->labels || !graph->labels_named)
    return TRUE;
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
               "the labels in the zip archive behind the model: %s", problem->message);
  return FALSE;
}

static gboolean
read_graph (EffvkSafetensors *file, EffvkFormatFacts *facts, ReadGraph reader, const guint8 *data,
            gsize size, const char *folder, const char *output, GError **error)
{
  const char *taken;
  g_autoptr (GArray) layers = g_array_new (FALSE, TRUE, sizeof (EffvkMatchedLayer));
  g_autoptr (GBytes) bytes = NULL;
  EffvkGraph graph;
  gboolean ok;

  effvk_graph_init (&graph);
  graph.folder = g_strdup (folder);
  graph.size = size;
  facts->is_graph = TRUE;
  ok = reader (&graph, data, size, error);
  taken = ok ? effvk_graph_match_output (&graph, output, &facts->facts, layers, error) : NULL;
  ok = taken != NULL;
  facts->output = graph.outputs->len > 1 ? g_strdup (taken) : NULL;
  facts->quantised = graph.quantised;
  ok = ok && read_labels (&graph, facts, error);
  if (ok)
    bytes = effvk_graph_to_safetensors (&graph, &facts->facts, layers, error);
  effvk_graph_clear (&graph);
  return bytes && effvk_safetensors_init (file, bytes, error);
}

gboolean
effvk_formats_read_bytes (EffvkSafetensors *file, EffvkFormatFacts *facts, GBytes *bytes,
                          GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  ReadGraph reader = sniff (data, size);

  memset (facts, 0, sizeof *facts);
  if (!reader)
    return check_foreign (data, MIN (size, EFFVK_FOREIGN_START), data, size, 0, error)
           && effvk_safetensors_init (file, bytes, error);
  return read_graph (file, facts, reader, data, size, NULL, NULL, error);
}

/* The file's last bytes, where it may be an archive whose table of contents is there. */
static gboolean
read_end (int fd, guint64 size, guint8 **end, gsize *end_size, GError **error)
{
  *end_size = (gsize) MIN (size, MAX_END);
  *end = g_malloc (MAX (*end_size, 1));
  if (lseek (fd, (off_t) (size - *end_size), SEEK_SET) < 0)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ, "cannot be read: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return effvk_file_read (fd, *end, *end_size, EFFVK_MODEL_ERROR_READ, error);
}

/* Takes @fd. */
static gboolean
read_safetensors (EffvkSafetensors *file, int fd, guint64 size, const guint8 *start,
                  gsize start_size, GError **error)
{
  g_autofree guint8 *end = NULL;
  gsize end_size = 0;
  gboolean zip = start_size >= 2 && memcmp (start, "PK", 2) == 0;

  if ((zip && !read_end (fd, size, &end, &end_size, error))
      || !check_foreign (start, start_size, end, end_size, size - end_size, error)
      || lseek (fd, 0, SEEK_SET) < 0)
    {
      close (fd);
      return FALSE;
    }
  return effvk_safetensors_init_header (file, fd, size, error);
}

static gboolean
read_whole_graph (EffvkSafetensors *file, EffvkFormatFacts *facts, ReadGraph reader, int fd,
                  guint64 size, const char *folder, const char *output, GError **error)
{
  g_autofree guint8 *data = NULL;

  if (size > MAX_GRAPH)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
                   "expected an ONNX or TFLite file of at most 2 GiB, found %" G_GUINT64_FORMAT
                   " bytes",
                   size);
      return FALSE;
    }
  data = g_try_malloc (size);
  if (!data || lseek (fd, 0, SEEK_SET) < 0)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "no memory for the file's %" G_GUINT64_FORMAT " bytes", size);
      return FALSE;
    }
  return effvk_file_read (fd, data, size, EFFVK_MODEL_ERROR_READ, error)
         && read_graph (file, facts, reader, data, size, folder, output, error);
}

gboolean
effvk_formats_read_file (EffvkSafetensors *file, EffvkFormatFacts *facts, const char *path,
                         const char *output, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  guint8 start[EFFVK_FOREIGN_START];
  gsize start_size;
  ReadGraph reader;
  gboolean ok;
  guint64 size;
  int fd;

  memset (facts, 0, sizeof *facts);
  fd = effvk_file_open (path, EFFVK_SAFETENSORS_MAX_FILE, &size, EFFVK_MODEL_ERROR_READ, error);
  if (fd < 0)
    return FALSE;
  start_size = (gsize) MIN (size, sizeof start);
  if (!effvk_file_read (fd, start, start_size, EFFVK_MODEL_ERROR_READ, error))
    {
      close (fd);
      return FALSE;
    }
  reader = sniff (start, start_size);
  if (!reader && output && is_safetensors (start, start_size))
    {
      close (fd);
      return effvk_unsupported (error,
                                "output: expected a graph with outputs to choose from (ONNX, "
                                "TFLite), found a safetensors file");
    }
  if (!reader)
    return read_safetensors (file, fd, size, start, start_size, error);
  ok = read_whole_graph (file, facts, reader, fd, size, folder, output, error);
  close (fd);
  return ok;
}

void
effvk_format_facts_clear (EffvkFormatFacts *facts)
{
  effvk_graph_facts_clear (&facts->facts);
  g_clear_pointer (&facts->labels, g_strfreev);
  g_clear_pointer (&facts->output, g_free);
}

void
effvk_format_facts_take_labels (EffvkFormatFacts *facts, char ***labels, EffvkSources *sources)
{
  if (!facts->labels || sources->labels >= EFFVK_SOURCE_METADATA)
    return;
  g_strfreev (*labels);
  *labels = g_steal_pointer (&facts->labels);
  sources->labels = EFFVK_SOURCE_METADATA;
}

static gboolean
check_strides (const EffvkGraphFacts *facts, const EffvkArch *arch, GError **error)
{
  for (guint i = 0; i < arch->blocks->len && i < facts->blocks->len; i++)
    {
      const EffvkBlock *found = &g_array_index (facts->blocks, EffvkBlock, i);
      const EffvkBlock *expected = &g_array_index (arch->blocks, EffvkBlock, i);
      if (found->stride != expected->stride || found->residual != expected->residual)
        return effvk_unsupported (error,
                                  "block %u, of stage %u: expected stride %u %s residual, found "
                                  "stride %u %s",
                                  i, expected->stage, expected->stride,
                                  expected->residual ? "with" : "without", found->stride,
                                  found->residual ? "with" : "without");
    }
  return TRUE;
}

gboolean
effvk_format_facts_apply (const EffvkFormatFacts *format, EffvkArch *arch, EffvkRecipe *recipe,
                          EffvkSources *sources, GError **error)
{
  const EffvkGraphFacts *facts = &format->facts;

  if (!format->is_graph)
    return TRUE;
  if (!check_strides (facts, arch, error))
    return FALSE;
  arch->activation = facts->activation;
  sources->activation = EFFVK_SOURCE_TENSORS;
  if (facts->output != EFFVK_OUTPUT_ACTIVATION_AUTO)
    {
      arch->output = facts->output;
      sources->output = EFFVK_SOURCE_TENSORS;
    }
  if (facts->symmetric != facts->same)
    {
      arch->padding = facts->same ? EFFVK_PADDING_SAME : EFFVK_PADDING_SYMMETRIC;
      sources->padding = EFFVK_SOURCE_TENSORS;
    }
  if (facts->bn_eps >= 0)
    {
      arch->bn_eps = facts->bn_eps;
      sources->bn_eps = EFFVK_SOURCE_TENSORS;
    }
  if (facts->width && facts->height)
    {
      guint64 old = MIN (recipe->width, recipe->height),
              shorter = MIN (facts->width, facts->height);
      recipe->resize_size = (guint) MAX (shorter, (shorter * recipe->resize_size + old / 2) / old);
      recipe->width = arch->width = facts->width;
      recipe->height = arch->height = facts->height;
      sources->size = EFFVK_SOURCE_TENSORS;
    }
  if (facts->normalises)
    {
      memcpy (recipe->mean, facts->mean, sizeof recipe->mean);
      memcpy (recipe->std, facts->std, sizeof recipe->std);
      sources->mean = sources->std = EFFVK_SOURCE_TENSORS;
    }
  return TRUE;
}

gboolean
effvk_format_facts_check (const EffvkFormatFacts *format, const EffvkArch *arch, GError **error)
{
  const EffvkGraphFacts *facts = &format->facts;

  if (!format->is_graph)
    return TRUE;
  if (arch->activation != facts->activation)
    return effvk_unsupported (error, "metadata activation: contradicts the graph's");
  if (arch->padding == EFFVK_PADDING_SAME ? !facts->same : !facts->symmetric)
    return effvk_unsupported (error, "metadata padding: contradicts the graph, whose padding is %s",
                              facts->same ? "same" : "symmetric");
  if (facts->bn_eps >= 0 && fabs (arch->bn_eps - facts->bn_eps) > 1e-3 * facts->bn_eps)
    return effvk_unsupported (error, "metadata bn_eps: expected the graph's %g, found %g",
                              facts->bn_eps, arch->bn_eps);
  return TRUE;
}
