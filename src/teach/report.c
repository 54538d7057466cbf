/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/report.h"

#include "model/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_OFFENDERS 10
#define SAME 0.98       /* cosine of pictures that are nearly the same, seen from the mean of all */
#define NEIGHBOURS 2000 /* pictures that each is compared with, those nearest along one direction */

/* How often each class was right, wrong, and missed. */
typedef struct
{
  guint *found_right, *found, *truths; /* of each class */
  guint *confusion;                    /* [classes][classes], or NULL */
  guint n_right;
} Counts;

typedef struct
{
  guint item, truth, found;
  double own, other; /* scores */
} Offender;

static guint
find_best (const double *scores, guint n, guint but)
{
  guint best = but == 0 ? 1 : 0;

  for (guint c = 0; c < n; c++)
    if (c != but && scores[c] > scores[best])
      best = c;
  return best;
}

static void
count_one (Counts *counts, const EffvkExamples *examples, guint item, const double *scores)
{
  guint n = examples->n_classes, best = find_best (scores, n, G_MAXUINT);
  gboolean right = TRUE;

  for (guint c = 0; c < n; c++)
    {
      gboolean truth = effvk_examples_is (examples, item, c);
      gboolean found = examples->truths ? scores[c] > 0.5 : c == best;

      counts->truths[c] += truth ? 1 : 0;
      counts->found[c] += found ? 1 : 0;
      counts->found_right[c] += truth && found ? 1 : 0;
      right = right && truth == found;
    }
  counts->n_right += right ? 1 : 0;
  if (counts->confusion)
    counts->confusion[(gsize) examples->classes[item] * n + best]++;
}

/* How much an item looks labelled wrong: by its best class that it is not labelled with, and the
 * worst of those that it is. */
static Offender
judge (const EffvkExamples *examples, guint item, const double *scores)
{
  Offender offender = { .item = item, .truth = G_MAXUINT, .found = G_MAXUINT };

  for (guint c = 0; c < examples->n_classes; c++)
    {
      if (effvk_examples_is (examples, item, c))
        {
          if (offender.truth == G_MAXUINT || scores[c] < offender.own)
            {
              offender.truth = c;
              offender.own = scores[c];
            }
        }
      else if (offender.found == G_MAXUINT || scores[c] > offender.other)
        {
          offender.found = c;
          offender.other = scores[c];
        }
    }
  return offender;
}

static double
badness (const EffvkExamples *examples, const Offender *offender)
{
  if (!examples->truths)
    return offender->other - offender->own;
  return MAX (offender->other - 0.5,
              offender->truth == G_MAXUINT ? -1 : 0.5 - offender->own); /* either is wrong */
}

/* Keeps the worst of those that are wrong, the worst first. */
static void
add_offender (const EffvkExamples *examples, GArray *offenders, const Offender *offender)
{
  double bad = badness (examples, offender);
  guint at = offenders->len;

  while (at > 0 && badness (examples, &g_array_index (offenders, Offender, at - 1)) < bad)
    at--;
  if (bad <= 0 || at >= N_OFFENDERS)
    return;
  g_array_insert_val (offenders, at, *offender);
  if (offenders->len > N_OFFENDERS)
    g_array_set_size (offenders, N_OFFENDERS);
}

static GVariant *
describe_offenders (const EffvkExamples *examples, const GArray *offenders)
{
  GVariantBuilder out = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ussdd)"));

  for (guint i = 0; i < offenders->len; i++)
    {
      const Offender *o = &g_array_index (offenders, Offender, i);

      g_variant_builder_add (&out, "(ussdd)", o->item,
                             o->truth == G_MAXUINT ? ""
                                                   : (char *) examples->labels->pdata[o->truth],
                             o->found == G_MAXUINT ? ""
                                                   : (char *) examples->labels->pdata[o->found],
                             o->own, o->other);
    }
  return g_variant_builder_end (&out);
}

/* An item, and where it lies along the direction in which they are sorted. */
typedef struct
{
  double at;
  guint item;
} Place;

static int
compare_places (gconstpointer a, gconstpointer b)
{
  const Place *x = a, *y = b;

  if (x->at != y->at)
    return x->at < y->at ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

static gboolean
share_a_class (const EffvkExamples *examples, guint a, guint b)
{
  for (guint c = 0; c < examples->n_classes; c++)
    if (effvk_examples_is (examples, a, c) != effvk_examples_is (examples, b, c))
      return FALSE;
  return TRUE;
}

/* How far an item is from the mean of all. */
static double
measure_length (const EffvkExamples *examples, guint item)
{
  const EffvkEmbeddingsItem *of_item = effvk_embeddings_item (examples->embeddings, item);
  const float *values = effvk_embeddings_row (examples->embeddings, of_item->first);
  double square = 0;

  for (guint f = 0; f < examples->embeddings->size; f++)
    {
      double d = values[f] - examples->mean[f];

      square += d * d;
    }
  return sqrt (square);
}

/* The cosine of two items as seen from the mean. What all pictures have in common says nothing of
 * two of them. Most pairs differ much: for these it stops early, with any value below SAME. */
static double
compare_pair (const EffvkExamples *examples, const float *a, double length_a, const float *b,
              double length_b)
{
  const double most = 2 - 2 * SAME + 1e-9; /* the square distance of unit vectors */
  double square = 0;

  if (length_a == 0 || length_b == 0)
    return length_a == length_b;
  for (guint f = 0; f < examples->embeddings->size && square <= most;)
    for (guint end = MIN (f + 32, examples->embeddings->size); f < end; f++)
      {
        double d = (a[f] - examples->mean[f]) / length_a - (b[f] - examples->mean[f]) / length_b;

        square += d * d;
      }
  return 1 - square / 2;
}

static double
compare_items (const EffvkExamples *examples, const double *lengths, guint a, guint b)
{
  EffvkEmbeddings *embeddings = examples->embeddings;

  return compare_pair (
      examples, effvk_embeddings_row (embeddings, effvk_embeddings_item (embeddings, a)->first),
      lengths[a], effvk_embeddings_row (embeddings, effvk_embeddings_item (embeddings, b)->first),
      lengths[b]);
}

/* Pairs of different classes that are nearly the same. Those that are lie side by side along any
 * direction, here that of the mean, so that not all pairs need be compared. */
static GVariant *
find_duplicates (const EffvkExamples *examples)
{
  EffvkEmbeddings *embeddings = examples->embeddings;
  GVariantBuilder out = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(uud)"));
  g_autofree Place *places = g_new (Place, examples->n_items);
  g_autofree float *mean = g_new (float, examples->embeddings->size);
  g_autofree double *lengths = g_new (double, examples->n_items);

  for (guint f = 0; f < examples->embeddings->size; f++)
    mean[f] = (float) examples->mean[f];
  for (guint i = 0; i < examples->n_items; i++)
    lengths[i] = measure_length (examples, i);
  for (guint i = 0; i < examples->n_items; i++)
    places[i] = (Place){
      effvk_embeddings_cosine (effvk_embeddings_row (embeddings,
                                                     effvk_embeddings_item (embeddings, i)->first),
                               mean, examples->embeddings->size),
      i,
    };
  qsort (places, examples->n_items, sizeof *places, compare_places);
  for (guint i = 0; i < examples->n_items; i++)
    for (guint j = i + 1; j < MIN (examples->n_items, i + NEIGHBOURS); j++)
      {
        guint a = MIN (places[i].item, places[j].item), b = MAX (places[i].item, places[j].item);
        double cosine;

        if (share_a_class (examples, a, b))
          continue;
        cosine = compare_items (examples, lengths, a, b);
        if (cosine >= SAME)
          g_variant_builder_add (&out, "(uud)", a, b, cosine);
      }
  return g_variant_builder_end (&out);
}

/* Where the true share lies with 95 %, by Wilson. */
static GVariant *
find_interval (guint right, guint n)
{
  const double z = 1.959964;
  double p = (double) right / n, middle = p + z * z / (2 * n);
  double half = z * sqrt (p * (1 - p) / n + z * z / (4.0 * n * n)), whole = 1 + z * z / n;

  return g_variant_new ("(dd)", MAX (0, (middle - half) / whole), MIN (1, (middle + half) / whole));
}

static GVariant *
make_shares (const guint *parts, const guint *wholes, guint n)
{
  g_autofree double *shares = g_new (double, n);

  for (guint c = 0; c < n; c++)
    shares[c] = wholes[c] ? (double) parts[c] / wholes[c] : NAN;
  return g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, shares, n, sizeof *shares);
}

static GVariant *
make_matrix (const Counts *counts, guint n)
{
  GVariantBuilder out = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aau"));

  for (guint c = 0; c < n && counts->confusion; c++)
    g_variant_builder_add_value (&out, g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32,
                                                                  counts->confusion + (gsize) c * n,
                                                                  n, sizeof (guint)));
  return g_variant_builder_end (&out);
}

static void
insert_counts (GVariantDict *dict, const Counts *counts, const EffvkExamples *examples,
               guint n_tried)
{
  guint n = examples->n_classes;

  g_variant_dict_insert (dict, "tried", "u", n_tried);
  g_variant_dict_insert (dict, "accuracy", "d", (double) counts->n_right / n_tried);
  g_variant_dict_insert_value (dict, "accuracy-interval", find_interval (counts->n_right, n_tried));
  g_variant_dict_insert_value (dict, "precision",
                               make_shares (counts->found_right, counts->found, n));
  g_variant_dict_insert_value (dict, "recall",
                               make_shares (counts->found_right, counts->truths, n));
  g_variant_dict_insert_value (dict, "confusion", make_matrix (counts, n));
}

GVariant *
effvk_report_new (const EffvkExamples *examples, const EffvkValidation *validation,
                  double unknown_threshold)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  guint n = examples->n_classes;
  g_autofree double *scores = g_new (double, n);
  g_autofree guint *numbers = g_new0 (guint, 3 * (gsize) n);
  g_autofree guint *confusion = examples->truths || n > 2000 ? NULL : g_new0 (guint, (gsize) n * n);
  g_autoptr (GArray) offenders = g_array_new (FALSE, FALSE, sizeof (Offender));
  Counts counts = { .found_right = numbers,
                    .found = numbers + n,
                    .truths = numbers + 2 * (gsize) n,
                    .confusion = confusion };

  for (guint i = 0; i < validation->n_items; i++)
    {
      Offender offender;

      effvk_validation_score (validation, examples, i, scores);
      count_one (&counts, examples, validation->items[i], scores);
      offender = judge (examples, validation->items[i], scores);
      add_offender (examples, offenders, &offender);
    }
  g_variant_dict_insert_value (&dict, "classes",
                               g_variant_new_strv ((const char *const *) examples->labels->pdata,
                                                   n));
  g_variant_dict_insert_value (&dict, "counts",
                               g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, examples->counts,
                                                          n, sizeof (guint)));
  insert_counts (&dict, &counts, examples, validation->n_items);
  g_variant_dict_insert_value (&dict, "offenders", describe_offenders (examples, offenders));
  g_variant_dict_insert_value (&dict, "duplicates", find_duplicates (examples));
  g_variant_dict_insert (&dict, "log-loss", "d", validation->loss);
  g_variant_dict_insert (&dict, "temperature", "d", validation->temperature);
  g_variant_dict_insert (&dict, "l2", "d", validation->l2);
  g_variant_dict_insert (&dict, "unknown-threshold", "d", unknown_threshold);
  g_variant_dict_insert (&dict, "folds", "u", validation->n_folds);
  return g_variant_dict_end (&dict);
}

static void
append_number (GString *out, GVariant *report, const char *key, const char *name)
{
  double value = 0;

  g_variant_lookup (report, key, "d", &value);
  g_string_append_printf (out, ",\"%s\":", name);
  effvk_json_append_float (out, (float) value);
}

char *
effvk_report_describe (GVariant *report, const EffvkExamples *examples, guint n_views, guint32 seed)
{
  GString *out = g_string_new (NULL);
  double low = 0, high = 0;
  guint folds = 0;

  g_variant_lookup (report, "accuracy-interval", "(dd)", &low, &high);
  g_variant_lookup (report, "folds", "u", &folds);
  g_string_append_printf (out, "{\"pictures\":%u,\"classes\":{", examples->n_items);
  for (guint c = 0; c < examples->n_classes; c++)
    {
      if (c)
        g_string_append_c (out, ',');
      effvk_json_append_string (out, examples->labels->pdata[c]);
      g_string_append_printf (out, ":%u", examples->counts[c]);
    }
  g_string_append_c (out, '}');
  append_number (out, report, "accuracy", "accuracy");
  g_string_append (out, ",\"accuracy_interval\":[");
  effvk_json_append_float (out, (float) low);
  g_string_append_c (out, ',');
  effvk_json_append_float (out, (float) high);
  g_string_append_c (out, ']');
  append_number (out, report, "log-loss", "log_loss");
  append_number (out, report, "temperature", "temperature");
  append_number (out, report, "l2", "l2");
  g_string_append_printf (out, ",\"views\":%u,\"folds\":%u,\"seed\":%u}", n_views, folds, seed);
  return g_string_free (out, FALSE);
}
