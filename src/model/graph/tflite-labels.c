/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/tflite-labels.h"

#include "model/zip.h"

#include <effvk/effvk-model.h>

#define MAX_LABELS ((gsize) 16 << 20)
#define MAX_FILES 64

/* The schemas of TFLite and of its metadata, by field numbers. */
enum
{
  MODEL_BUFFERS = 4,
  MODEL_METADATA = 6,
  BUFFER_DATA = 0,
  METADATA_NAME = 0,
  METADATA_BUFFER = 1,
  ABOUT_SUBGRAPHS = 3,
  ABOUT_FILES = 6,
  SUBGRAPH_OUTPUTS = 3,
  SUBGRAPH_FILES = 4,
  TENSOR_FILES = 6,
  FILE_NAME = 0,
  FILE_TYPE = 2,
  FILE_LOCALE = 3,
  TYPE_LABELS = 2,
};

static char *
get_string (EffvkFlat *flat, const EffvkFlatTable *table, guint field)
{
  EffvkFlatVector text = effvk_flat_get_vector (flat, table, field, 1);

  return text.n ? g_strndup ((const char *) flat->data + text.at, MIN (text.n, 255)) : NULL;
}

/* Of @table's files, the one with the labels: that of no language before those of one. */
static char *
find_in_files (EffvkFlat *flat, const EffvkFlatTable *table, guint field)
{
  EffvkFlatVector files = effvk_flat_get_vector (flat, table, field, 4);
  g_autofree char *best = NULL;

  for (guint64 i = 0; i < MIN (files.n, MAX_FILES); i++)
    {
      EffvkFlatTable file = effvk_flat_table_at (flat, files, i);
      g_autofree char *locale = get_string (flat, &file, FILE_LOCALE);

      if (effvk_flat_get_int (flat, &file, FILE_TYPE, 1, 0) != TYPE_LABELS || (best && locale))
        continue;
      g_free (best);
      best = get_string (flat, &file, FILE_NAME);
      if (!locale)
        break;
    }
  return g_steal_pointer (&best);
}

/* The name that the metadata gives, of the output's labels or of the network's; NULL: none. */
static char *
find_named (EffvkFlat *flat, const EffvkFlatTable *model)
{
  EffvkFlatVector entries = effvk_flat_get_vector (flat, model, MODEL_METADATA, 4);
  EffvkFlatVector buffers = effvk_flat_get_vector (flat, model, MODEL_BUFFERS, 4);
  char *found = NULL;

  for (guint64 i = 0; i < MIN (entries.n, MAX_FILES) && !found; i++)
    {
      EffvkFlatTable entry = effvk_flat_table_at (flat, entries, i);
      g_autofree char *name = get_string (flat, &entry, METADATA_NAME);
      guint64 number = effvk_flat_get_uint (flat, &entry, METADATA_BUFFER, 4, 0);
      EffvkFlatTable buffer = effvk_flat_table_at (flat, buffers, number);
      EffvkFlatVector data = effvk_flat_get_vector (flat, &buffer, BUFFER_DATA, 1);
      EffvkFlat inner = { .data = flat->data + data.at, .size = data.n };

      if (g_strcmp0 (name, "TFLITE_METADATA") != 0 || !data.n)
        continue;
      EffvkFlatTable about = effvk_flat_root (&inner);
      EffvkFlatVector graphs = effvk_flat_get_vector (&inner, &about, ABOUT_SUBGRAPHS, 4);
      EffvkFlatTable graph = effvk_flat_table_at (&inner, graphs, 0);
      EffvkFlatVector outputs = effvk_flat_get_vector (&inner, &graph, SUBGRAPH_OUTPUTS, 4);
      EffvkFlatTable output = effvk_flat_table_at (&inner, outputs, 0);
      found = find_in_files (&inner, &output, TENSOR_FILES);
      found = found ? found : find_in_files (&inner, &graph, SUBGRAPH_FILES);
      found = found ? found : find_in_files (&inner, &about, ABOUT_FILES);
    }
  return found;
}

static gboolean
has_name (const EffvkZipMember *member, const char *name)
{
  return member->name_length == strlen (name) && effvk_zip_name_ends (member, name);
}

/* "labels.txt", "labelmap.txt", "label_map.txt", also in a folder */
static gboolean
is_called_labels (const EffvkZipMember *member)
{
  g_autofree char *name = g_strndup (member->name, member->name_length);
  g_autofree char *base = g_path_get_basename (name);

  return g_ascii_strncasecmp (base, "label", 5) == 0;
}

/* Without metadata: the only text, or the only one of several that is called so. */
static gboolean
find_text (const EffvkZip *zip, EffvkZipMember *found)
{
  EffvkZipMember member = { 0 }, called = { 0 };
  guint texts = 0, n_called = 0;

  for (guint i = 0; i < zip->n_members && effvk_zip_next (zip, &member); i++)
    {
      if (!effvk_zip_name_ends (&member, ".txt"))
        continue;
      *found = member;
      texts++;
      if (is_called_labels (&member))
        {
          called = member;
          n_called++;
        }
    }
  if (texts > 1 && n_called == 1)
    *found = called;
  return texts == 1 || n_called == 1;
}

static gboolean
find_member (const EffvkZip *zip, const char *name, EffvkZipMember *found)
{
  memset (found, 0, sizeof *found);
  for (guint i = 0; i < zip->n_members && effvk_zip_next (zip, found); i++)
    if (has_name (found, name))
      return TRUE;
  return FALSE;
}

gboolean
effvk_tflite_read_labels (EffvkFlat *flat, const EffvkFlatTable *model, EffvkGraph *graph,
                          GError **error)
{
  g_autofree char *named = find_named (flat, model);
  EffvkZipMember member = { 0 };
  EffvkZip zip;
  gboolean archive = effvk_zip_init (&zip, flat->data, flat->size, 0);

  if (archive && (named ? find_member (&zip, named, &member) : find_text (&zip, &member)))
    graph->labels = effvk_zip_read (&zip, &member, MAX_LABELS);
  graph->labels_named = named != NULL;
  if (!named || graph->labels)
    return TRUE;
  g_autofree char *text = effvk_graph_text (named, strlen (named));
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
               "the metadata names the labels \"%s\": expected that file in the zip archive behind "
               "the model, whole, of at most 16 MiB and not encrypted",
               text);
  return FALSE;
}
