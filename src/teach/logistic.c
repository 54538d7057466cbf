/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/logistic.h"

#include "teach/products.h"

#include <effvk/effvk-teacher.h>
#include <math.h>
#include <string.h>

#ifdef HAVE_LBFGS
#include <lbfgs.h>
#endif

#define BLOCK 64  /* rows whose answers are computed together, while weights are in the cache */
#define FLUSH 256 /* rows after which a gradient of floats is added to that of doubles */
#define MAX_PARTS 8
#define ROWS_A_PART 512
#define MAX_ITERATIONS 300
/* A fit multiplies about this often for its answers, which is minutes on two processors, but turns
 * at least LEAST_ITERATIONS times. */
#define MOST_PRODUCTS 4e12
#define LEAST_ITERATIONS 20

static const float *
get_row (const EffvkExamples *examples, guint row)
{
  return examples->rows + (gsize) row * examples->n_columns;
}

void
effvk_logistic_apply (const EffvkExamples *examples, const double *solution, guint item,
                      float *answers)
{
  guint n = examples->n_columns;
  const float *row = get_row (examples, effvk_embeddings_item (examples->embeddings, item)->first);

  for (guint c = 0; c < examples->n_classes; c++)
    {
      const double *w = solution + (gsize) c * (n + 1);
      double sum = w[n];

      for (guint f = 0; f < n; f++)
        sum += w[f] * examples->stretch * (row[f] - (examples->centre ? examples->centre[f] : 0));
      answers[c] = (float) sum;
    }
}

#ifdef HAVE_LBFGS

/* A solution as the rows are read: answers = weights * row + biases. */
static void
unnormalise (const EffvkExamples *examples, const double *solution, float *weights, float *biases)
{
  guint n = examples->n_columns;

  for (guint c = 0; c < examples->n_classes; c++)
    {
      const double *w = solution + (gsize) c * (n + 1);
      double bias = w[n];

      for (guint f = 0; f < n; f++)
        {
          weights[(gsize) c * n + f] = (float) (w[f] * examples->stretch);
          if (examples->centre)
            bias -= w[f] * examples->stretch * examples->centre[f];
        }
      biases[c] = (float) bias;
    }
}

/* A row to learn from. */
typedef struct
{
  guint row, item;
  double weight; /* a view's share of its item, and the item's of its class */
} Row;

/* A part of the rows, and what it adds to loss and gradient. */
typedef struct
{
  const EffvkLogistic *logistic;
  const float *weights, *biases;
  const Row *rows;
  guint n_rows;
  double loss;
  double *gradient;  /* as a solution, of rows as they are */
  float *sums;       /* [classes][features], of the newest rows */
  double *bias_sums; /* [classes] */
  float *answers;    /* [BLOCK][classes] */
} Part;

/* A row's answers become the loss's derivatives by them. */
static double
derive_multinomial (const EffvkExamples *examples, const Row *row, float *answers)
{
  guint truth = examples->classes[row->item], n = examples->n_classes;
  double weight = row->weight * examples->weights[truth], top = answers[0], sum = 0, loss;

  for (guint c = 1; c < n; c++)
    top = MAX (top, (double) answers[c]);
  loss = top - answers[truth];
  for (guint c = 0; c < n; c++)
    {
      double share = exp (answers[c] - top);

      sum += share;
      answers[c] = (float) share;
    }
  loss = weight * (loss + log (sum));
  for (guint c = 0; c < n; c++)
    answers[c] = (float) (weight * (answers[c] / sum - (c == truth ? 1 : 0)));
  return loss;
}

static double
derive_several (const EffvkExamples *examples, const Row *row, float *answers)
{
  double loss = 0;

  for (guint c = 0; c < examples->n_classes; c++)
    {
      gboolean truth = effvk_examples_is (examples, row->item, c);
      double weight = row->weight * (truth ? examples->weights[c] : examples->weights_of_others[c]);
      double z = truth ? -answers[c] : answers[c]; /* log (1 + exp (z)) */

      loss += weight * (MAX (z, 0) + log1p (exp (-fabs (z))));
      answers[c] = (float) (weight * (truth ? -1 : 1) / (1 + exp (-z)));
    }
  return loss;
}

/* Adds the floats' gradient to that of doubles, where small steps are not lost. */
static void
flush (Part *part)
{
  const EffvkExamples *examples = part->logistic->examples;
  guint n = examples->n_columns;

  for (guint c = 0; c < examples->n_classes; c++)
    for (guint f = 0; f < n; f++)
      part->gradient[(gsize) c * (n + 1) + f] += part->sums[(gsize) c * n + f];
  memset (part->sums, 0, sizeof *part->sums * examples->n_classes * n);
}

static void
add_block (Part *part, const Row *rows, guint n_rows)
{
  const EffvkExamples *examples = part->logistic->examples;
  guint n = examples->n_columns, n_classes = examples->n_classes;
  const float *features[BLOCK];

  for (guint r = 0; r < n_rows; r++)
    features[r] = get_row (examples, rows[r].row);
  effvk_products_answers (features, n_rows, part->weights, n_classes, n, part->answers);
  for (guint r = 0; r < n_rows; r++)
    {
      float *answers = part->answers + (gsize) r * n_classes;

      for (guint c = 0; c < n_classes; c++)
        answers[c] += part->biases[c];
      part->loss += examples->truths ? derive_several (examples, &rows[r], answers)
                                     : derive_multinomial (examples, &rows[r], answers);
      for (guint c = 0; c < n_classes; c++)
        part->bias_sums[c] += answers[c];
    }
  effvk_products_add_slopes (features, n_rows, part->answers, n_classes, n, part->sums);
}

static gpointer
run_part (gpointer data)
{
  Part *part = data;
  const EffvkExamples *examples = part->logistic->examples;
  gsize n_weights = (gsize) examples->n_classes * examples->n_columns;

  part->loss = 0;
  memset (part->gradient, 0, sizeof *part->gradient * (n_weights + examples->n_classes));
  memset (part->sums, 0, sizeof *part->sums * n_weights);
  memset (part->bias_sums, 0, sizeof *part->bias_sums * examples->n_classes);
  for (guint r = 0; r < part->n_rows; r += BLOCK)
    {
      add_block (part, part->rows + r, MIN (BLOCK, part->n_rows - r));
      if (r % FLUSH == FLUSH - BLOCK)
        flush (part);
    }
  flush (part);
  return NULL;
}

/* What the solver's callbacks see. */
typedef struct
{
  const EffvkLogistic *logistic;
  GArray *rows;
  float *weights, *biases;
  Part parts[MAX_PARTS];
  guint n_parts;
  GCancellable *cancellable;
} Solver;

/* What each item of a class counts, so that a part of the items weighs as much as all of them,
 * class by class. Else a class that misses more of its items would be thought rarer than it is. */
static double *
make_shares (const EffvkLogistic *logistic)
{
  const EffvkExamples *examples = logistic->examples;
  double *shares = g_new0 (double, examples->n_classes);

  for (guint i = 0; i < logistic->n_items; i++)
    shares[examples->classes[logistic->items[i]]]++;
  for (guint c = 0; c < examples->n_classes; c++)
    if (examples->truths)
      shares[c] = (double) examples->n_items / logistic->n_items;
    else if (shares[c] > 0)
      shares[c] = examples->counts[c] / shares[c];
  return shares;
}

static void
solver_init (Solver *solver, const EffvkLogistic *logistic, GCancellable *cancellable)
{
  g_autofree double *shares = make_shares (logistic);
  const EffvkExamples *examples = logistic->examples;
  gsize n_weights = (gsize) examples->n_classes * examples->n_columns;
  guint per_part;

  *solver = (Solver){ .logistic = logistic, .cancellable = cancellable };
  solver->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  for (guint i = 0; i < logistic->n_items; i++)
    {
      const EffvkEmbeddingsItem *item
          = effvk_embeddings_item (examples->embeddings, logistic->items[i]);

      for (guint view = 0; view < item->n_views; view++)
        {
          guint class = logistic->examples->classes[logistic->items[i]];
          Row row = { item->first + view, logistic->items[i], shares[class] / item->n_views };

          g_array_append_val (solver->rows, row);
        }
    }
  solver->weights = g_new (float, n_weights);
  solver->biases = g_new (float, examples->n_classes);
  /* By the number of rows alone, or the result would depend on the machine. */
  solver->n_parts = CLAMP (solver->rows->len / ROWS_A_PART, 1, MAX_PARTS);
  per_part = (solver->rows->len + solver->n_parts - 1) / solver->n_parts;
  for (guint p = 0; p < solver->n_parts; p++)
    {
      Part *part = &solver->parts[p];

      part->logistic = logistic;
      part->weights = solver->weights;
      part->biases = solver->biases;
      part->rows = &g_array_index (solver->rows, Row, p * per_part);
      part->n_rows = MIN (per_part, solver->rows->len - p * per_part);
      part->gradient = g_new (double, n_weights + examples->n_classes);
      part->sums = g_new (float, n_weights);
      part->bias_sums = g_new (double, examples->n_classes);
      part->answers = g_new (float, (gsize) BLOCK * examples->n_classes);
    }
}

static void
solver_clear (Solver *solver)
{
  for (guint p = 0; p < solver->n_parts; p++)
    {
      g_free (solver->parts[p].gradient);
      g_free (solver->parts[p].sums);
      g_free (solver->parts[p].bias_sums);
      g_free (solver->parts[p].answers);
    }
  g_free (solver->weights);
  g_free (solver->biases);
  g_array_unref (solver->rows);
}

static void
run_parts (Solver *solver)
{
  GThread *threads[MAX_PARTS];

  for (guint p = 1; p < solver->n_parts; p++)
    if (solver->logistic->parallel)
      threads[p] = g_thread_new ("effvk-teach", run_part, &solver->parts[p]);
    else
      run_part (&solver->parts[p]);
  run_part (&solver->parts[0]);
  for (guint p = 1; p < solver->n_parts && solver->logistic->parallel; p++)
    g_thread_join (threads[p]);
}

/* The gradient by weights over normalised features, and the regularisation. */
static double
join_parts (const Solver *solver, const double *solution, double *gradient)
{
  const EffvkExamples *examples = solver->logistic->examples;
  guint n = examples->n_columns;
  double l2 = solver->logistic->l2, loss = 0;

  for (guint p = 0; p < solver->n_parts; p++)
    loss += solver->parts[p].loss;
  for (guint c = 0; c < examples->n_classes; c++)
    {
      const double *w = solution + (gsize) c * (n + 1);
      double *g = gradient + (gsize) c * (n + 1);

      g[n] = 0;
      for (guint p = 0; p < solver->n_parts; p++)
        g[n] += solver->parts[p].bias_sums[c];
      for (guint f = 0; f < n; f++)
        {
          double sum = 0;

          for (guint p = 0; p < solver->n_parts; p++)
            sum += solver->parts[p].gradient[(gsize) c * (n + 1) + f];
          if (examples->centre)
            sum -= g[n] * examples->centre[f];
          g[f] = examples->stretch * sum + l2 * w[f];
          loss += 0.5 * l2 * w[f] * w[f];
        }
    }
  return loss;
}

static lbfgsfloatval_t
evaluate (void *data, const lbfgsfloatval_t *solution, lbfgsfloatval_t *gradient,
          const int n G_GNUC_UNUSED, const lbfgsfloatval_t step G_GNUC_UNUSED)
{
  Solver *solver = data;

  unnormalise (solver->logistic->examples, solution, solver->weights, solver->biases);
  run_parts (solver);
  return join_parts (solver, solution, gradient);
}

static int
on_progress (void *data, const lbfgsfloatval_t *x G_GNUC_UNUSED,
             const lbfgsfloatval_t *g G_GNUC_UNUSED, const lbfgsfloatval_t fx G_GNUC_UNUSED,
             const lbfgsfloatval_t xnorm G_GNUC_UNUSED, const lbfgsfloatval_t gnorm G_GNUC_UNUSED,
             const lbfgsfloatval_t step G_GNUC_UNUSED, int n G_GNUC_UNUSED, int k G_GNUC_UNUSED,
             int ls G_GNUC_UNUSED)
{
  return g_cancellable_is_cancelled (((Solver *) data)->cancellable);
}

gboolean
effvk_logistic_fit (const EffvkLogistic *logistic, double *solution, GCancellable *cancellable,
                    GError **error)
{
  const EffvkExamples *examples = logistic->examples;
  gsize n = (gsize) examples->n_classes * (examples->n_columns + 1);
  lbfgs_parameter_t parameters;
  Solver solver;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (n > G_MAXINT)
    {
      g_set_error (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_TOO_FEW,
                   "%u classes of %u columns are too many to fit", examples->n_classes,
                   examples->n_columns);
      return FALSE;
    }
  lbfgs_parameter_init (&parameters);
  parameters.epsilon = 1e-5;
  parameters.past = 3;
  parameters.delta = 1e-5;
  solver_init (&solver, logistic, cancellable);
  parameters.max_iterations = (int) CLAMP (MOST_PRODUCTS / ((double) solver.rows->len * (double) n),
                                           LEAST_ITERATIONS, MAX_ITERATIONS);
  /* What it returns when a line search ends early is as near as it gets: what counts is whether the
   * answers are right, which is measured. */
  lbfgs ((int) n, solution, NULL, evaluate, on_progress, &solver, &parameters);
  solver_clear (&solver);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

double *
effvk_logistic_new_solution (const EffvkExamples *examples)
{
  gsize n = (gsize) examples->n_classes * (examples->n_columns + 1);
  double *solution = lbfgs_malloc ((int) MIN (n, G_MAXINT));

  if (!solution)
    g_error ("no memory for a classifier of %u classes", examples->n_classes);
  memset (solution, 0, n * sizeof *solution);
  return solution;
}

void
effvk_logistic_free_solution (double *solution)
{
  lbfgs_free (solution);
}

#else

gboolean
effvk_logistic_fit (const EffvkLogistic *logistic G_GNUC_UNUSED, double *solution G_GNUC_UNUSED,
                    GCancellable *cancellable G_GNUC_UNUSED, GError **error)
{
  g_set_error_literal (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_NOT_BUILT_IN,
                       "this effvk was built without liblbfgs and cannot teach; build it anew with "
                       "liblbfgs's development files installed (Debian: liblbfgs-dev)");
  return FALSE;
}

double *
effvk_logistic_new_solution (const EffvkExamples *examples)
{
  return g_new0 (double, (gsize) examples->n_classes *(examples->n_columns + 1));
}

void
effvk_logistic_free_solution (double *solution)
{
  g_free (solution);
}

#endif
