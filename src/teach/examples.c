/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/examples.h"

#include "model/json.h"

#include <effvk/effvk-teacher.h>
#include <math.h>
#include <stdlib.h>

#define MIN_ITEMS 2       /* of a class: one to learn from, one to try */
#define MOST_REDUCED 0.75 /* rows for each feature, below which to reduce is worth it */
#define MAX_CLASSES 100000
#define MAX_LABEL 1000 /* bytes */

static gboolean G_GNUC_PRINTF (3, 4)
    refuse (GError **error, EffvkTeacherError code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, EFFVK_TEACHER_ERROR, code, text);
  return FALSE;
}

void
effvk_examples_free (EffvkExamples *examples)
{
  if (!examples)
    return;
  g_ptr_array_unref (examples->labels);
  g_free (examples->counts);
  g_free (examples->classes);
  g_free (examples->truths);
  g_free (examples->weights);
  g_free (examples->weights_of_others);
  g_free (examples->mean);
  effvk_reduction_free (examples->reduction);
  g_free (examples->reduced);
  g_free (examples);
}

static int
compare_labels (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static gboolean
check_label (const char *label, const char *source, GError **error)
{
  if (!g_utf8_validate (label, -1, NULL))
    return refuse (error, EFFVK_TEACHER_ERROR_LABEL, "%s: its label is not UTF-8", source);
  if (!effvk_text_is_plain (label))
    return refuse (error, EFFVK_TEACHER_ERROR_LABEL,
                   "%s: its label has a line end or another control character; a label is one line "
                   "of text",
                   source);
  if (strlen (label) > MAX_LABEL || label[strspn (label, " ")] == 0)
    return refuse (error, EFFVK_TEACHER_ERROR_LABEL,
                   "%s: expected a label of 1 to %d bytes, found %" G_GSIZE_FORMAT, source,
                   MAX_LABEL, strlen (label));
  return TRUE;
}

/* The labels that there are, sorted. */
static gboolean
collect_labels (EffvkExamples *examples, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < examples->n_items; i++)
    {
      const EffvkEmbeddingsItem *item = effvk_embeddings_item (examples->embeddings, i);

      if (!examples->truths && g_strv_length (item->labels) != 1)
        return refuse (error, EFFVK_TEACHER_ERROR_LABEL,
                       "%s: expected one label, found %u; multi-label teaching takes any number",
                       item->source, g_strv_length (item->labels));
      for (guint l = 0; item->labels[l]; l++)
        {
          if (!check_label (item->labels[l], item->source, error))
            return FALSE;
          if (g_hash_table_add (seen, item->labels[l]))
            g_ptr_array_add (examples->labels, item->labels[l]);
        }
    }
  g_ptr_array_sort (examples->labels, compare_labels);
  examples->n_classes = examples->labels->len;
  if (examples->n_classes > MAX_CLASSES)
    return refuse (error, EFFVK_TEACHER_ERROR_LABEL, "expected at most %d classes, found %u",
                   MAX_CLASSES, examples->n_classes);
  return TRUE;
}

static guint
find_label (const EffvkExamples *examples, const char *label)
{
  gpointer found = bsearch (&label, examples->labels->pdata, examples->n_classes, sizeof label,
                            compare_labels);

  return (guint) ((gpointer *) found - examples->labels->pdata);
}

static void
number_classes (EffvkExamples *examples)
{
  examples->counts = g_new0 (guint, examples->n_classes);
  for (guint i = 0; i < examples->n_items; i++)
    {
      GStrv labels = effvk_embeddings_item (examples->embeddings, i)->labels;

      for (guint l = 0; labels[l]; l++)
        {
          guint class = find_label (examples, labels[l]);

          if (l == 0)
            examples->classes[i] = class;
          if (examples->truths)
            {
              guint8 *truth = &examples->truths[(gsize) i * examples->n_classes + class];

              examples->counts[class] += *truth ? 0 : 1;
              *truth = 1;
            }
          else
            examples->counts[class]++;
        }
    }
}

static gboolean
check_counts (const EffvkExamples *examples, GError **error)
{
  if (examples->n_classes < (examples->truths ? 1 : 2))
    return refuse (error, EFFVK_TEACHER_ERROR_TOO_FEW,
                   "expected pictures of two classes at least, found %s%s%s",
                   examples->n_classes ? "only \"" : "no class",
                   examples->n_classes ? (char *) examples->labels->pdata[0] : "",
                   examples->n_classes ? "\"" : "");
  for (guint c = 0; c < examples->n_classes; c++)
    if (examples->counts[c] < MIN_ITEMS)
      return refuse (error, EFFVK_TEACHER_ERROR_TOO_FEW,
                     "class \"%s\" has %u picture; %d are the least, ten or more are better",
                     (char *) examples->labels->pdata[c], examples->counts[c], MIN_ITEMS);
    else if (examples->truths && examples->counts[c] == examples->n_items)
      return refuse (error, EFFVK_TEACHER_ERROR_TOO_FEW,
                     "every picture shows \"%s\"; add pictures that do not",
                     (char *) examples->labels->pdata[c]);
  return TRUE;
}

/* Each class weighs the same, and all items together 1. */
static void
weigh (EffvkExamples *examples)
{
  guint n = examples->n_classes;

  examples->weights = g_new (double, n);
  if (examples->truths)
    examples->weights_of_others = g_new (double, n);
  for (guint c = 0; c < n; c++)
    {
      examples->weights[c] = 1.0 / n / examples->counts[c];
      if (!examples->truths)
        continue;
      examples->weights[c] *= 0.5;
      examples->weights_of_others[c] = 0.5 / n / (examples->n_items - examples->counts[c]);
    }
}

static void
normalise (EffvkExamples *examples)
{
  guint n = examples->embeddings->size, n_rows = examples->embeddings->rows->len / n;
  double square = 0;

  examples->mean = g_new0 (double, n);
  for (guint r = 0; r < n_rows; r++)
    for (guint f = 0; f < n; f++)
      examples->mean[f] += effvk_embeddings_row (examples->embeddings, r)[f];
  for (guint f = 0; f < n; f++)
    examples->mean[f] /= n_rows;
  for (guint r = 0; r < n_rows; r++)
    for (guint f = 0; f < n; f++)
      {
        double d = effvk_embeddings_row (examples->embeddings, r)[f] - examples->mean[f];

        square += d * d;
      }
  examples->scale = square > 0 ? sqrt (n_rows / square) : 1;
}

/* Sets the rows that are fitted. */
static void
make_rows (EffvkExamples *examples)
{
  guint n = examples->embeddings->size, n_rows = examples->embeddings->rows->len / n;
  EffvkReduction *reduction;

  examples->rows = (const float *) examples->embeddings->rows->data;
  examples->n_columns = n;
  examples->centre = examples->mean;
  examples->stretch = examples->scale;
  if (n_rows > MOST_REDUCED * n)
    return;
  reduction = effvk_reduction_new (examples->rows, n_rows, n, examples->mean, examples->scale);
  examples->reduction = reduction;
  examples->n_columns = reduction->rank;
  examples->reduced = g_new (float, (gsize) n_rows * reduction->rank);
  for (guint r = 0; r < n_rows; r++)
    for (guint k = 0; k < reduction->rank; k++)
      examples->reduced[(gsize) r * reduction->rank + k]
          = (float) reduction->lower[(gsize) r * n_rows + k];
  examples->rows = examples->reduced;
  examples->centre = NULL;
  examples->stretch = 1;
}

void
effvk_examples_expand (const EffvkExamples *examples, const double *weights, double *features)
{
  if (examples->reduction)
    effvk_reduction_expand (examples->reduction, (const float *) examples->embeddings->rows->data,
                            examples->mean, examples->scale, weights, features);
  else
    memcpy (features, weights, examples->embeddings->size * sizeof *features);
}

EffvkExamples *
effvk_examples_new (EffvkEmbeddings *embeddings, gboolean several, GError **error)
{
  g_autoptr (EffvkExamples) examples = g_new0 (EffvkExamples, 1);

  examples->embeddings = embeddings;
  examples->n_items = embeddings->items->len;
  examples->labels = g_ptr_array_new ();
  examples->classes = g_new0 (guint, examples->n_items);
  if (examples->n_items == 0)
    {
      refuse (error, EFFVK_TEACHER_ERROR_TOO_FEW, "there is no picture to learn from");
      return NULL;
    }
  if (several) /* a place holder: that there are truths */
    examples->truths = g_malloc0 (1);
  if (!collect_labels (examples, error))
    return NULL;
  if (several)
    {
      gsize size;

      g_clear_pointer (&examples->truths, g_free);
      examples->truths = g_size_checked_mul (&size, examples->n_items, examples->n_classes)
                             ? g_try_malloc0 (MAX (size, 1))
                             : NULL;
      if (!examples->truths)
        {
          refuse (error, EFFVK_TEACHER_ERROR_TOO_FEW, "no memory for %u pictures of %u classes",
                  examples->n_items, examples->n_classes);
          return NULL;
        }
    }
  number_classes (examples);
  if (!check_counts (examples, error))
    return NULL;
  weigh (examples);
  normalise (examples);
  make_rows (examples);
  return g_steal_pointer (&examples);
}
