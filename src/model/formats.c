/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/formats.h"

#include "model/file.h"
#include "model/names/names.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

typedef gboolean (*ReadGraph) (EffvkGraph *graph, const guint8 *data, gsize size, GError **error);

#define SNIFF_SIZE 9

/* NULL: safetensors, whose reader says best what is wrong with a file of no known format. */
static ReadGraph
sniff (const guint8 *data, gsize size)
{
  if (size >= 8 && memcmp (data + 4, "TFL3", 4) == 0)
    return effvk_tflite_read;
  /* An ONNX file begins with the field ir_version; a safetensors file of such a header's length has
   * the header's brace in its ninth byte, after bytes of zero. */
  if (size >= 2 && data[0] == 0x08 && !(size >= 9 && data[7] == 0 && data[8] == '{'))
    return effvk_onnx_read;
  return NULL;
}

static gboolean
read_graph (EffvkSafetensors *file, EffvkFormatFacts *facts, ReadGraph reader, const guint8 *data,
            gsize size, const char *folder, GError **error)
{
  g_autoptr (GArray) layers = g_array_new (FALSE, TRUE, sizeof (EffvkMatchedLayer));
  g_autoptr (GBytes) bytes = NULL;
  EffvkGraph graph;
  gboolean ok;

  effvk_graph_init (&graph);
  graph.folder = g_strdup (folder);
  graph.size = size;
  facts->is_graph = TRUE;
  ok = reader (&graph, data, size, error);
  if (ok)
    {
      effvk_graph_finish (&graph);
      ok = effvk_graph_match (&graph, &facts->facts, layers, error);
    }
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
    return effvk_safetensors_init (file, bytes, error);
  return read_graph (file, facts, reader, data, size, NULL, error);
}

gboolean
effvk_formats_read_file (EffvkSafetensors *file, EffvkFormatFacts *facts, const char *path,
                         GError **error)
{
  g_autofree guint8 *data = NULL;
  g_autofree char *folder = g_path_get_dirname (path);
  guint8 start[SNIFF_SIZE];
  ReadGraph reader = NULL;
  gboolean ok = FALSE;
  guint64 size;
  int fd;

  memset (facts, 0, sizeof *facts);
  fd = effvk_file_open (path, EFFVK_SAFETENSORS_MAX_FILE, &size, EFFVK_MODEL_ERROR_READ, error);
  if (fd < 0)
    return FALSE;
  if (size >= SNIFF_SIZE)
    {
      if (!effvk_file_read (fd, start, SNIFF_SIZE, EFFVK_MODEL_ERROR_READ, error))
        goto fail;
      reader = sniff (start, SNIFF_SIZE);
    }
  if (!reader)
    {
      close (fd);
      return effvk_safetensors_init_file (file, path, error);
    }
  data = g_try_malloc (size);
  if (!data)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ,
                   "no memory for the file's %" G_GUINT64_FORMAT " bytes", size);
      goto fail;
    }
  memcpy (data, start, SNIFF_SIZE);
  ok = effvk_file_read (fd, data + SNIFF_SIZE, size - SNIFF_SIZE, EFFVK_MODEL_ERROR_READ, error)
       && read_graph (file, facts, reader, data, size, folder, error);

fail:
  close (fd);
  return ok;
}

void
effvk_format_facts_clear (EffvkFormatFacts *facts)
{
  effvk_graph_facts_clear (&facts->facts);
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
