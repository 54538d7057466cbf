/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "evaluation.h"

#include "thumbnail.h"

#include <math.h>
#include <string.h>

static void
trial_clear (gpointer data)
{
  ToolTrial *trial = data;

  g_free (trial->source);
  g_free (trial->label);
  g_free (trial->heat);
  g_free (trial->thumbnail);
}

ToolEvaluation *
tool_evaluation_new (EffvkModel *model, gboolean pictures)
{
  ToolEvaluation *evaluation = g_new0 (ToolEvaluation, 1);

  evaluation->model = g_object_ref (model);
  evaluation->pictures = pictures;
  evaluation->n_classes = effvk_model_get_n_classes (model);
  evaluation->trials = g_array_new (FALSE, FALSE, sizeof (ToolTrial));
  g_array_set_clear_func (evaluation->trials, trial_clear);
  return evaluation;
}

void
tool_evaluation_free (ToolEvaluation *evaluation)
{
  g_object_unref (evaluation->model);
  g_array_unref (evaluation->trials);
  g_free (evaluation->confusion);
  g_free (evaluation->precision);
  g_free (evaluation->recall);
  g_free (evaluation);
}

static guint
find_class (EffvkModel *model, const char *label)
{
  guint n = effvk_model_get_n_classes (model);

  for (guint c = 0; c < n; c++)
    if (strcmp (effvk_model_get_label (model, c), label) == 0)
      return c;
  return G_MAXUINT;
}

static void
keep_heat (ToolTrial *trial, EffvkResult *result)
{
  const float *heat = effvk_result_get_heatmap (result, &trial->heat_width, &trial->heat_height);
  double *area = trial->heat_area;

  if (heat)
    trial->heat = g_memdup2 (heat, (gsize) trial->heat_width * trial->heat_height * sizeof *heat);
  effvk_result_get_heatmap_area (result, &area[0], &area[1], &area[2], &area[3]);
}

/* A video's frame is gone when the report is written. Its thumbnail is kept while it is among the
 * surest mistakes so far. */
static gboolean
is_to_be_shown (const ToolEvaluation *evaluation, const ToolTrial *trial)
{
  guint n_surer = 0;

  if (!evaluation->pictures || trial->truth == G_MAXUINT)
    return FALSE;
  for (guint i = 0; i < evaluation->trials->len && n_surer < TOOL_N_MISTAKES; i++)
    {
      const ToolTrial *other = &g_array_index (evaluation->trials, ToolTrial, i);

      n_surer += other->thumbnail && other->score >= trial->score;
    }
  return n_surer < TOOL_N_MISTAKES;
}

void
tool_evaluation_add (ToolEvaluation *evaluation, const ToolExample *example, const ToolFrame *frame,
                     EffvkResult *result)
{
  ToolTrial trial = { .source = tool_example_name (example),
                      .time = frame->pts,
                      .label = g_strdup (example->labels[0] ? example->labels[0] : ""),
                      .found = G_MAXUINT,
                      .rank = G_MAXUINT };

  trial.truth = find_class (evaluation->model, trial.label);
  for (guint i = 0; i < effvk_result_get_n_classes (result); i++)
    {
      guint class = effvk_result_get_index (result, i);

      if (i == 0)
        {
          trial.found = class;
          trial.score = (double) effvk_result_get_score (result, 0);
        }
      if (class != trial.truth)
        continue;
      trial.rank = i;
      trial.own = (double) effvk_result_get_score (result, i);
    }
  if (trial.rank != 0)
    keep_heat (&trial, result);
  if (trial.rank != 0 && is_to_be_shown (evaluation, &trial))
    trial.thumbnail = tool_thumbnail_of_frame (example, frame);
  g_array_append_val (evaluation->trials, trial);
}

static void
count_classes (ToolEvaluation *evaluation)
{
  guint n = evaluation->n_classes;
  guint n_right = 0, n_near = 0;

  evaluation->confusion = g_new0 (guint, (gsize) n * n);
  for (guint i = 0; i < evaluation->trials->len; i++)
    {
      const ToolTrial *trial = &g_array_index (evaluation->trials, ToolTrial, i);

      if (trial->truth == G_MAXUINT)
        {
          evaluation->n_unknown++;
          continue;
        }
      evaluation->n_known++;
      n_right += trial->rank == 0;
      n_near += trial->rank < 5;
      if (trial->found != G_MAXUINT)
        evaluation->confusion[(gsize) trial->truth * n + trial->found]++;
    }
  evaluation->top1 = (double) n_right / MAX (evaluation->n_known, 1);
  evaluation->top5 = (double) n_near / MAX (evaluation->n_known, 1);
}

static void
judge_classes (ToolEvaluation *evaluation)
{
  guint n = evaluation->n_classes;

  evaluation->precision = g_new (double, n);
  evaluation->recall = g_new (double, n);
  for (guint c = 0; c < n; c++)
    {
      guint found = 0, shown = 0, right = evaluation->confusion[(gsize) c * n + c];

      for (guint other = 0; other < n; other++)
        {
          shown += evaluation->confusion[(gsize) c * n + other];
          found += evaluation->confusion[(gsize) other * n + c];
        }
      evaluation->precision[c] = found ? (double) right / found : NAN;
      evaluation->recall[c] = shown ? (double) right / shown : NAN;
    }
}

static void
calibrate (ToolEvaluation *evaluation)
{
  for (guint i = 0; i < evaluation->trials->len; i++)
    {
      const ToolTrial *trial = &g_array_index (evaluation->trials, ToolTrial, i);
      double *bin;

      if (trial->truth == G_MAXUINT)
        continue;
      bin = evaluation->bins[CLAMP ((int) (trial->score * TOOL_N_BINS), 0, TOOL_N_BINS - 1)];
      bin[0]++;
      bin[1] += trial->score;
      bin[2] += trial->rank == 0;
    }
  for (guint b = 0; b < TOOL_N_BINS; b++)
    {
      double *bin = evaluation->bins[b];

      if (bin[0] == 0)
        continue;
      bin[1] /= bin[0];
      bin[2] /= bin[0];
      evaluation->calibration_error += fabs (bin[1] - bin[2]) * bin[0] / evaluation->n_known;
    }
}

static void
draw_curve (ToolEvaluation *evaluation)
{
  for (guint t = 0; t < TOOL_N_THRESHOLDS; t++)
    {
      double threshold = (double) t / TOOL_N_THRESHOLDS;
      double *point = evaluation->curve[t];
      guint n_accepted = 0, n_right = 0, n_fooled = 0;

      for (guint i = 0; i < evaluation->trials->len; i++)
        {
          const ToolTrial *trial = &g_array_index (evaluation->trials, ToolTrial, i);

          if (trial->score < threshold)
            continue;
          n_fooled += trial->truth == G_MAXUINT;
          n_accepted += trial->truth != G_MAXUINT;
          n_right += trial->rank == 0;
        }
      point[0] = (double) n_accepted / evaluation->n_known;
      point[1] = n_accepted ? (double) n_right / n_accepted : NAN;
      point[2] = evaluation->n_unknown ? (double) n_fooled / evaluation->n_unknown : NAN;
    }
}

gboolean
tool_evaluation_finish (ToolEvaluation *evaluation, GError **error)
{
  count_classes (evaluation);
  if (evaluation->n_known == 0)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "no picture has a label that the model knows: its classes are \"%s\" to \"%s\"%s%s%s",
          effvk_model_get_label (evaluation->model, 0),
          effvk_model_get_label (evaluation->model, evaluation->n_classes - 1),
          evaluation->trials->len ? ", a picture's label is \"" : "",
          evaluation->trials->len ? g_array_index (evaluation->trials, ToolTrial, 0).label : "",
          evaluation->trials->len ? "\"" : "");
      return FALSE;
    }
  judge_classes (evaluation);
  calibrate (evaluation);
  draw_curve (evaluation);
  return TRUE;
}

static int
compare_mistakes (gconstpointer a, gconstpointer b)
{
  const ToolTrial *x = *(const ToolTrial *const *) a, *y = *(const ToolTrial *const *) b;

  if (x->score != y->score)
    return x->score > y->score ? -1 : 1;
  return strcmp (x->source, y->source);
}

GPtrArray *
tool_evaluation_find_mistakes (const ToolEvaluation *evaluation)
{
  GPtrArray *mistakes = g_ptr_array_new ();

  for (guint i = 0; i < evaluation->trials->len; i++)
    {
      ToolTrial *trial = &g_array_index (evaluation->trials, ToolTrial, i);

      if (trial->truth != G_MAXUINT && trial->rank != 0)
        g_ptr_array_add (mistakes, trial);
    }
  g_ptr_array_sort (mistakes, compare_mistakes);
  return mistakes;
}
