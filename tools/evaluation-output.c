/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "evaluation.h"
#include "matrix-view.h"

#include <math.h>
#include <stdio.h>

#define MANY_CLASSES 50 /* of which only those that were tried are printed */
#define N_MISTAKES 10

static guint
count_class (const ToolEvaluation *evaluation, guint class)
{
  guint n = 0;

  for (guint c = 0; c < evaluation->n_classes; c++)
    n += evaluation->confusion[(gsize) class * evaluation->n_classes + c];
  return n;
}

static void
print_share (double share, guint width)
{
  if (isnan (share))
    printf ("%*s", (int) width, "–");
  else
    printf ("%*.0f %%", (int) width - 2, share * 100);
}

static void
print_classes (const ToolEvaluation *evaluation)
{
  printf ("Class                     pictures  recognised  right when named\n");
  for (guint c = 0; c < evaluation->n_classes; c++)
    {
      guint n = count_class (evaluation, c);

      if (n == 0 && evaluation->n_classes > MANY_CLASSES)
        continue;
      printf ("  ");
      tool_print_column (effvk_model_get_label (evaluation->model, c), 24, FALSE);
      printf ("%8u", n);
      print_share (evaluation->recall[c], 12);
      print_share (evaluation->precision[c], 18);
      printf ("\n");
    }
}

static const char **
get_labels (const ToolEvaluation *evaluation)
{
  const char **labels = g_new0 (const char *, evaluation->n_classes + 1);

  for (guint c = 0; c < evaluation->n_classes; c++)
    labels[c] = effvk_model_get_label (evaluation->model, c);
  return labels;
}

static const char *
name_class (const ToolEvaluation *evaluation, guint class)
{
  return class == G_MAXUINT ? "nothing" : effvk_model_get_label (evaluation->model, class);
}

static void
print_mistakes (const ToolEvaluation *evaluation)
{
  g_autoptr (GPtrArray) mistakes = tool_evaluation_find_mistakes (evaluation);

  if (mistakes->len)
    printf ("\nThe surest mistakes:\n");
  for (guint i = 0; i < MIN (mistakes->len, N_MISTAKES); i++)
    {
      const ToolTrial *trial = mistakes->pdata[i];
      g_autofree char *at = trial->time < 0
                                ? g_strdup ("")
                                : g_strdup_printf (" at %.3f s", (double) trial->time / 1e9);

      printf ("  %s%s: %s, taken for %s (%.0f %%)\n", trial->source, at, trial->label,
              name_class (evaluation, trial->found), trial->score * 100);
    }
}

static void
print_curve (const ToolEvaluation *evaluation)
{
  printf ("\nWhat a threshold for unknown would do:\n"
          "  threshold  accepted  right of those%s\n",
          evaluation->n_unknown ? "  accepted of what is unknown" : "");
  for (guint t = 0; t < TOOL_N_THRESHOLDS; t += 2)
    {
      printf ("  %9.2f", (double) t / TOOL_N_THRESHOLDS);
      print_share (evaluation->curve[t][0], 10);
      print_share (evaluation->curve[t][1], 16);
      if (evaluation->n_unknown)
        print_share (evaluation->curve[t][2], 29);
      printf ("\n");
    }
  if (effvk_model_get_unknown_threshold (evaluation->model) > 0)
    printf ("  The model's own is %.2f.\n", effvk_model_get_unknown_threshold (evaluation->model));
}

void
tool_evaluation_print (const ToolEvaluation *evaluation)
{
  g_autofree const char **labels = get_labels (evaluation);

  print_classes (evaluation);
  printf ("\n%.1f %% of %u pictures are right", evaluation->top1 * 100, evaluation->n_known);
  if (evaluation->n_classes > 5)
    printf (", %.1f %% among the five best classes", evaluation->top5 * 100);
  printf (".\nScores are off by %.1f points on average (calibration error).\n",
          evaluation->calibration_error * 100);
  if (evaluation->n_unknown)
    printf ("%u pictures have a label that the model does not know: they count as unknown.\n",
            evaluation->n_unknown);
  if (evaluation->n_failed)
    printf ("%u file%s could not be read.\n", evaluation->n_failed,
            evaluation->n_failed == 1 ? "" : "s");
  printf ("\nWhat pictures of each class (the rows) were taken for:\n");
  tool_matrix_print (labels, evaluation->confusion, evaluation->n_classes);
  print_mistakes (evaluation);
  print_curve (evaluation);
}

static void
classes_to_json (GstEffvkJson *json, const ToolEvaluation *evaluation)
{
  gst_effvk_json_begin (json, "classes", '[');
  for (guint c = 0; c < evaluation->n_classes; c++)
    {
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "label", effvk_model_get_label (evaluation->model, c));
      gst_effvk_json_int (json, "images", count_class (evaluation, c));
      gst_effvk_json_double (json, "precision", "%.4f", evaluation->precision[c]);
      gst_effvk_json_double (json, "recall", "%.4f", evaluation->recall[c]);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

static void
mistakes_to_json (GstEffvkJson *json, const ToolEvaluation *evaluation)
{
  g_autoptr (GPtrArray) mistakes = tool_evaluation_find_mistakes (evaluation);

  gst_effvk_json_begin (json, "mistakes", '[');
  for (guint i = 0; i < mistakes->len; i++)
    {
      const ToolTrial *trial = mistakes->pdata[i];

      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "source", trial->source);
      if (trial->time >= 0)
        gst_effvk_json_int (json, "time", trial->time);
      else
        gst_effvk_json_null (json, "time");
      gst_effvk_json_string (json, "label", trial->label);
      gst_effvk_json_string (json, "found",
                             trial->found == G_MAXUINT
                                 ? NULL
                                 : effvk_model_get_label (evaluation->model, trial->found));
      gst_effvk_json_double (json, "score", "%.4f", trial->score);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

static void
curve_to_json (GstEffvkJson *json, const ToolEvaluation *evaluation)
{
  gst_effvk_json_begin (json, "thresholds", '[');
  for (guint t = 0; t < TOOL_N_THRESHOLDS; t++)
    {
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_double (json, "threshold", "%.2f", (double) t / TOOL_N_THRESHOLDS);
      gst_effvk_json_double (json, "accepted", "%.4f", evaluation->curve[t][0]);
      gst_effvk_json_double (json, "accuracy", "%.4f", evaluation->curve[t][1]);
      gst_effvk_json_double (json, "unknown_accepted", "%.4f", evaluation->curve[t][2]);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

void
tool_evaluation_print_json (const ToolEvaluation *evaluation)
{
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_int (&json, "images", evaluation->n_known);
  gst_effvk_json_int (&json, "unknown", evaluation->n_unknown);
  gst_effvk_json_int (&json, "failed", evaluation->n_failed);
  gst_effvk_json_double (&json, "top1", "%.4f", evaluation->top1);
  gst_effvk_json_double (&json, "top5", "%.4f", evaluation->top5);
  gst_effvk_json_double (&json, "calibration_error", "%.4f", evaluation->calibration_error);
  classes_to_json (&json, evaluation);
  tool_matrix_to_json (&json, "confusion", evaluation->confusion, evaluation->n_classes);
  mistakes_to_json (&json, evaluation);
  curve_to_json (&json, evaluation);
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}
