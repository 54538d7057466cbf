/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach-output.h"

#include "common.h"
#include "matrix-view.h"

#include <math.h>
#include <stdio.h>

#define FEW 10 /* pictures of a class, of which more help */
#define N_DUPLICATES 20

/* What both kinds of output read of the report. */
typedef struct
{
  const char **labels; /* the strings are the variant's */
  const guint *counts;
  const double *recall, *precision;
  guint *confusion; /* NULL: of several labels */
  guint n, n_pictures;
  double accuracy, low, high, threshold;
  GVariant *kept[4];
} Facts;

static const void *
borrow (Facts *facts, guint at, GVariant *report, const char *key, gsize size)
{
  gsize n;

  facts->kept[at] = g_variant_lookup_value (report, key, NULL);
  return g_variant_get_fixed_array (facts->kept[at], &n, size);
}

static void
facts_init (Facts *facts, GVariant *report)
{
  g_autoptr (GVariant) confusion = g_variant_lookup_value (report, "confusion", NULL);
  gsize n;

  *facts = (Facts){ 0 };
  facts->kept[0] = g_variant_lookup_value (report, "classes", NULL);
  facts->labels = g_variant_get_strv (facts->kept[0], &n);
  facts->n = (guint) n;
  facts->counts = borrow (facts, 1, report, "counts", sizeof (guint));
  facts->recall = borrow (facts, 2, report, "recall", sizeof (double));
  facts->precision = borrow (facts, 3, report, "precision", sizeof (double));
  g_variant_lookup (report, "accuracy", "d", &facts->accuracy);
  g_variant_lookup (report, "accuracy-interval", "(dd)", &facts->low, &facts->high);
  g_variant_lookup (report, "unknown-threshold", "d", &facts->threshold);
  for (guint c = 0; c < facts->n; c++)
    facts->n_pictures += facts->counts[c];
  if (g_variant_n_children (confusion) != facts->n)
    return;
  facts->confusion = g_new (guint, n * n);
  for (gsize r = 0; r < n; r++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (confusion, r);
      gsize length;

      memcpy (facts->confusion + r * n, g_variant_get_fixed_array (row, &length, sizeof (guint)),
              n * sizeof (guint));
    }
}

static void
facts_clear (Facts *facts)
{
  g_free (facts->labels);
  g_free (facts->confusion);
  for (guint i = 0; i < G_N_ELEMENTS (facts->kept); i++)
    g_variant_unref (facts->kept[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Facts, facts_clear)

/* "clips/a.mp4 at 3.200 s" */
static char *
describe_item (EffvkEmbeddings *embeddings, guint item)
{
  const char *source = effvk_embeddings_get_source (embeddings, item);
  gint64 time = effvk_embeddings_get_time (embeddings, item);

  return time < 0 ? g_strdup (source)
                  : g_strdup_printf ("%s at %.3f s", source, (double) time / 1e9);
}

static void
print_classes (const Facts *facts)
{
  printf ("Class                     pictures  recognised  right when named\n");
  for (guint c = 0; c < facts->n; c++)
    {
      printf ("  ");
      tool_print_column (facts->labels[c], 24, FALSE);
      printf ("%8u", facts->counts[c]);
      if (isnan (facts->recall[c]))
        printf ("%12s", "–");
      else
        printf ("%9.0f %%", facts->recall[c] * 100);
      if (isnan (facts->precision[c]))
        printf ("%18s\n", "–");
      else
        printf ("%16.0f %%\n", facts->precision[c] * 100);
    }
}

static void
print_offenders (const ToolTeaching *teaching)
{
  g_autoptr (GVariant) offenders = g_variant_lookup_value (teaching->report, "offenders", NULL);
  gsize n = g_variant_n_children (offenders);

  if (n)
    printf ("\nMost likely labelled wrong, or misleading:\n");
  for (gsize i = 0; i < n; i++)
    {
      const char *label, *found;
      double own, other;
      guint item;
      g_autofree char *name = NULL;

      g_variant_get_child (offenders, i, "(u&s&sdd)", &item, &label, &found, &own, &other);
      name = describe_item (teaching->embeddings, item);
      printf ("  %s: labelled %s (%.0f %%), looks like %s (%.0f %%)\n", name,
              *label ? label : "nothing", own * 100, *found ? found : "nothing", other * 100);
    }
}

static void
print_duplicates (const ToolTeaching *teaching)
{
  g_autoptr (GVariant) duplicates = g_variant_lookup_value (teaching->report, "duplicates", NULL);
  gsize n = g_variant_n_children (duplicates);

  if (n)
    printf ("\nThe same or nearly the same picture under different labels:\n");
  for (gsize i = 0; i < MIN (n, N_DUPLICATES); i++)
    {
      g_autofree char *one = NULL, *other = NULL, *of_one = NULL, *of_other = NULL;
      guint a, b;

      g_variant_get_child (duplicates, i, "(uud)", &a, &b, NULL);
      one = describe_item (teaching->embeddings, a);
      other = describe_item (teaching->embeddings, b);
      of_one = g_strjoinv (", ", (GStrv) effvk_embeddings_get_labels (teaching->embeddings, a));
      of_other = g_strjoinv (", ", (GStrv) effvk_embeddings_get_labels (teaching->embeddings, b));
      printf ("  %s (%s) and %s (%s)\n", one, of_one, other, of_other);
    }
  if (n > N_DUPLICATES)
    printf ("  and %" G_GSIZE_FORMAT " more pairs\n", n - N_DUPLICATES);
}

/* The class that more pictures would help most: the smallest where it is small, else the worst. */
static void
advise_class (const Facts *facts, gboolean *advised)
{
  guint fewest = 0, worst = 0;

  for (guint c = 1; c < facts->n; c++)
    {
      if (facts->counts[c] < facts->counts[fewest])
        fewest = c;
      if (!(facts->recall[c] >= facts->recall[worst]))
        worst = c;
    }
  if (facts->counts[fewest] < FEW)
    printf ("  \"%s\" has %u pictures: more would help most.\n", facts->labels[fewest],
            facts->counts[fewest]);
  else if (facts->recall[worst] < 0.8)
    printf (
        "  Only %.0f %% of \"%s\" are recognised: more pictures of it, of all the ways in which "
        "it can look, would help most.\n",
        facts->recall[worst] * 100, facts->labels[worst]);
  else
    return;
  *advised = TRUE;
}

static void
advise (const ToolTeaching *teaching, const Facts *facts)
{
  g_autoptr (GVariant) duplicates = g_variant_lookup_value (teaching->report, "duplicates", NULL);
  gboolean advised = FALSE;
  guint a, b, mistaken;

  printf ("\nWhat would help:\n");
  if (g_variant_n_children (duplicates))
    {
      printf ("  Keep each picture under one label only.\n");
      advised = TRUE;
    }
  advise_class (facts, &advised);
  mistaken = facts->confusion ? tool_matrix_find_worst (facts->confusion, facts->n, &a, &b) : 0;
  if (mistaken)
    {
      printf ("  \"%s\" and \"%s\" are mistaken for each other most (%u of %u): look at those "
              "pictures, and add some in which the difference is plain.\n",
              facts->labels[a], facts->labels[b], mistaken, facts->counts[a] + facts->counts[b]);
      advised = TRUE;
    }
  if (!advised)
    printf ("  Nothing stands out. Try it on pictures that are not among these "
            "(effvk evaluate).\n");
}

void
tool_teaching_print (const ToolTeaching *teaching)
{
  g_auto (Facts) facts = { 0 };

  facts_init (&facts, teaching->report);
  print_classes (&facts);
  printf ("\n%.0f %% of pictures that it had not seen were right (cross-validation; with 95 %% "
          "certainty %.0f to %.0f %%).\n",
          facts.accuracy * 100, facts.low * 100, facts.high * 100);
  if (facts.confusion)
    {
      printf ("\nWhat pictures of each class (the rows) were taken for:\n");
      tool_matrix_print (facts.labels, facts.confusion, facts.n);
    }
  print_offenders (teaching);
  print_duplicates (teaching);
  advise (teaching, &facts);
  if (teaching->n_failed)
    printf ("\n%u file%s could not be read and %s passed over.\n", teaching->n_failed,
            teaching->n_failed == 1 ? "" : "s", teaching->n_failed == 1 ? "was" : "were");
  printf ("\nA score below %.2f is reported as unknown.\n%s written, %.1f s (the fit %.1f s).\n",
          facts.threshold, teaching->output, teaching->seconds, teaching->fit_seconds);
}

static void
offenders_to_json (GstEffvkJson *json, const ToolTeaching *teaching)
{
  g_autoptr (GVariant) offenders = g_variant_lookup_value (teaching->report, "offenders", NULL);

  gst_effvk_json_begin (json, "offenders", '[');
  for (gsize i = 0; i < g_variant_n_children (offenders); i++)
    {
      const char *label, *found;
      double own, other;
      guint item;

      g_variant_get_child (offenders, i, "(u&s&sdd)", &item, &label, &found, &own, &other);
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "source",
                             effvk_embeddings_get_source (teaching->embeddings, item));
      if (effvk_embeddings_get_time (teaching->embeddings, item) >= 0)
        gst_effvk_json_int (json, "time", effvk_embeddings_get_time (teaching->embeddings, item));
      else
        gst_effvk_json_null (json, "time");
      gst_effvk_json_string (json, "label", label);
      gst_effvk_json_string (json, "found", found);
      gst_effvk_json_double (json, "score", "%.4f", own);
      gst_effvk_json_double (json, "found_score", "%.4f", other);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

static void
duplicates_to_json (GstEffvkJson *json, const ToolTeaching *teaching)
{
  g_autoptr (GVariant) duplicates = g_variant_lookup_value (teaching->report, "duplicates", NULL);

  gst_effvk_json_begin (json, "duplicates", '[');
  for (gsize i = 0; i < g_variant_n_children (duplicates); i++)
    {
      double cosine;
      guint a, b;

      g_variant_get_child (duplicates, i, "(uud)", &a, &b, &cosine);
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "one", effvk_embeddings_get_source (teaching->embeddings, a));
      gst_effvk_json_string (json, "other", effvk_embeddings_get_source (teaching->embeddings, b));
      gst_effvk_json_double (json, "similarity", "%.4f", cosine);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

void
tool_teaching_print_json (const ToolTeaching *teaching)
{
  g_auto (Facts) facts = { 0 };
  g_auto (GstEffvkJson) json = { 0 };

  facts_init (&facts, teaching->report);
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_begin (&json, "classes", '[');
  for (guint c = 0; c < facts.n; c++)
    {
      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_string (&json, "label", facts.labels[c]);
      gst_effvk_json_int (&json, "images", facts.counts[c]);
      gst_effvk_json_double (&json, "recall", "%.4f", facts.recall[c]);
      gst_effvk_json_double (&json, "precision", "%.4f", facts.precision[c]);
      gst_effvk_json_end (&json, '}');
    }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_int (&json, "images", effvk_embeddings_get_n_items (teaching->embeddings));
  gst_effvk_json_int (&json, "failed", teaching->n_failed);
  gst_effvk_json_double (&json, "accuracy", "%.4f", facts.accuracy);
  gst_effvk_json_begin (&json, "accuracy_interval", '[');
  gst_effvk_json_double (&json, NULL, "%.4f", facts.low);
  gst_effvk_json_double (&json, NULL, "%.4f", facts.high);
  gst_effvk_json_end (&json, ']');
  if (facts.confusion)
    tool_matrix_to_json (&json, "confusion", facts.confusion, facts.n);
  else
    gst_effvk_json_null (&json, "confusion");
  offenders_to_json (&json, teaching);
  duplicates_to_json (&json, teaching);
  gst_effvk_json_double (&json, "unknown_threshold", "%.4f", facts.threshold);
  gst_effvk_json_double (&json, "seconds", "%.3f", teaching->seconds);
  gst_effvk_json_double (&json, "fit_seconds", "%.3f", teaching->fit_seconds);
  gst_effvk_json_string (&json, "output", teaching->output);
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}
