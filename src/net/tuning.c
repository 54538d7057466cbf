/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/tuning.h"

#include "tune/timing.h"

#include <gio/gio.h>

#include <math.h>

/* How often every trial is timed, in turn with the others, so that what else the machine does falls
 * on all of them. */
#define ROUNDS 7

/* A kernel is taken when it is this much faster than the built-in choice: less may be noise. */
#define GAIN 0.97

/* The network with one list of kernels. */
typedef struct
{
  EffvkNet *net;
  EffvkChoices *made;
  double *times; /* ns, of each choice: medians */
  float *logits;
} Trial;

static void
trial_free (gpointer data)
{
  Trial *trial = data;

  effvk_net_free (trial->net);
  effvk_choices_free (trial->made);
  g_free (trial->times);
  g_free (trial->logits);
  g_free (trial);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Trial, trial_free)

/* Whether the caller has changed its mind. */
static gboolean
is_cancelled (GError **error)
{
  return g_cancellable_set_error_if_cancelled (g_cancellable_get_current (), error);
}

static gboolean
run_once (EffvkNet *net, float **logits, GError **error)
{
  EffvkProgram *program = effvk_net_get_program (net);
  const EffvkTensorInfo *in = effvk_program_get_info (program, effvk_net_get_input (net));
  const EffvkTensorInfo *out
      = effvk_program_get_info (program, effvk_net_get_output (net, EFFVK_NET_LOGITS));
  gsize n = (gsize) in->n * in->h * in->w * in->c;
  g_autofree float *values = g_new (float, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -2, 2);
  *logits = g_new (float, (gsize) out->n * out->c);
  return effvk_program_write (program, effvk_net_get_input (net), values, error)
         && effvk_program_run (program, error)
         && effvk_program_read (program, effvk_net_get_output (net, EFFVK_NET_LOGITS), *logits,
                                error);
}

/* Builds the network with the kernels of @wanted and runs it. */
static Trial *
trial_new (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options,
           EffvkChoices *wanted, GError **error)
{
  g_autoptr (Trial) trial = g_new0 (Trial, 1);
  EffvkNetOptions with = *options;

  trial->made = effvk_choices_new ();
  with.choices = wanted;
  with.made = trial->made;
  trial->net = effvk_net_new (device, model, &with, error);
  if (!trial->net || is_cancelled (error) || !run_once (trial->net, &trial->logits, error))
    return NULL;
  trial->times = g_new0 (double, effvk_choices_get_n (trial->made));
  return g_steal_pointer (&trial);
}

/* One time of each choice: @samples, @stride apart. */
static gboolean
sample (const Trial *trial, double *samples, guint stride, GError **error)
{
  EffvkProgram *program = effvk_net_get_program (trial->net);
  guint n = effvk_choices_get_n (trial->made);
  guint n_dispatches = effvk_program_get_n_dispatches (program);
  g_autofree double *times = g_new (double, n_dispatches);
  gboolean device_clock;

  if (!effvk_programs_time (&program, 1, 1, times, &device_clock, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      guint end = i + 1 < n ? effvk_choices_get (trial->made, i + 1)->dispatch : n_dispatches;
      double *to = samples + (gsize) i * stride;

      *to = 0;
      for (guint d = effvk_choices_get (trial->made, i)->dispatch; d < end; d++)
        *to += times[d];
    }
  return TRUE;
}

/* The trials have the same ops in the same order. */
static gboolean
time_trials (Trial *const *trials, guint n_trials, GError **error)
{
  guint n = effvk_choices_get_n (trials[0]->made);
  g_autofree double *samples = g_new (double, (gsize) n_trials *n *ROUNDS);

  for (guint round = 0; round < ROUNDS; round++)
    for (guint t = 0; t < n_trials; t++)
      if (is_cancelled (error)
          || !sample (trials[t], samples + (gsize) t * n * ROUNDS + round, ROUNDS, error))
        return FALSE;
  for (guint t = 0; t < n_trials; t++)
    for (guint i = 0; i < n; i++)
      trials[t]->times[i] = effvk_median (samples + ((gsize) t * n + i) * ROUNDS, ROUNDS);
  return TRUE;
}

/* The built-in kernels, but for each op the @pass-th of the others that it has. NULL when there are
 * none so many. */
static EffvkChoices *
list_others (const EffvkChoices *builtin, guint pass)
{
  g_autoptr (EffvkChoices) others = effvk_choices_new ();
  gboolean any = FALSE;

  for (guint i = 0; i < effvk_choices_get_n (builtin); i++)
    {
      EffvkChoice choice = *effvk_choices_get (builtin, i);
      const char *kernel = choice.kernel;
      guint at = 0;

      for (guint k = 0; choice.usable[k]; k++)
        if (strcmp (choice.usable[k], kernel) != 0 && at++ == pass)
          {
            choice.kernel = choice.usable[k];
            any = TRUE;
          }
      effvk_choices_add (others, &choice);
    }
  return any ? g_steal_pointer (&others) : NULL;
}

/* How far the logits may be from those by the built-in kernels is the storage's to say. */
static gboolean
agrees (const Trial *a, const Trial *b, gsize n, EffvkStorage storage)
{
  double error = 0, power = 0;

  for (gsize i = 0; i < n; i++)
    {
      error += pow ((double) a->logits[i] - b->logits[i], 2);
      power += pow (a->logits[i], 2);
    }
  return error <= effvk_storages[storage].network_nmse * power;
}

/* The fastest kernel for each choice. The first trial is that of the built-in kernels. */
static EffvkChoices *
choose (const GPtrArray *trials)
{
  const Trial *builtin = g_ptr_array_index (trials, 0);
  EffvkChoices *best = effvk_choices_new ();

  for (guint i = 0; i < effvk_choices_get_n (builtin->made); i++)
    {
      EffvkChoice choice = *effvk_choices_get (builtin->made, i);
      double least = builtin->times[i] * GAIN;

      for (guint t = 1; t < trials->len; t++)
        {
          const Trial *trial = g_ptr_array_index (trials, t);

          if (trial->times[i] < least)
            {
              least = trial->times[i];
              choice.kernel = effvk_choices_get (trial->made, i)->kernel;
            }
        }
      effvk_choices_add (best, &choice);
    }
  return best;
}

static double
total (const Trial *trial)
{
  double sum = 0;

  for (guint i = 0; i < effvk_choices_get_n (trial->made); i++)
    sum += trial->times[i];
  return sum;
}

static GVariant *
report (const Trial *before, const Trial *after)
{
  g_auto (GVariantBuilder) changes = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(usssdd)"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  for (guint i = 0; i < effvk_choices_get_n (before->made); i++)
    {
      const EffvkChoice *was = effvk_choices_get (before->made, i);
      const EffvkChoice *is = effvk_choices_get (after->made, i);

      if (strcmp (was->kernel, is->kernel) != 0)
        g_variant_builder_add (&changes, "(usssdd)", i, was->op, was->kernel, is->kernel,
                               before->times[i], after->times[i]);
    }
  g_variant_dict_insert (&dict, "before", "d", total (before));
  g_variant_dict_insert (&dict, "after", "d", total (after));
  g_variant_dict_insert (&dict, "ops", "u", effvk_choices_get_n (before->made));
  g_variant_dict_insert_value (&dict, "changes", g_variant_builder_end (&changes));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
effvk_net_tune (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options,
                GError **error)
{
  g_autoptr (GPtrArray) trials = g_ptr_array_new_with_free_func (trial_free);
  g_autoptr (EffvkChoices) none = effvk_choices_new ();
  g_autoptr (EffvkChoices) best = NULL;
  g_autofree char *key = effvk_net_describe (device, model, options);
  gsize n_logits = (gsize) options->batch * effvk_model_get_n_classes (model);
  Trial *builtin = trial_new (device, model, options, none, error);
  g_autoptr (Trial) tuned = NULL;

  if (!builtin)
    return NULL;
  g_ptr_array_add (trials, builtin);
  for (guint pass = 0;; pass++)
    {
      g_autoptr (EffvkChoices) others = list_others (builtin->made, pass);
      g_autoptr (Trial) trial = NULL;
      g_autoptr (GError) problem = NULL;

      if (!others)
        break;
      if (!is_cancelled (&problem))
        trial = trial_new (device, model, options, others, &problem);
      if (!trial
          && (g_error_matches (problem, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST)
              || g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      if (!trial)
        g_message ("%s cannot build some kernels, which are not used: %s",
                   effvk_device_get_name (device), problem->message);
      else if (agrees (builtin, trial, n_logits, options->storage))
        g_ptr_array_add (trials, g_steal_pointer (&trial));
      else
        g_message ("some kernels change the answers of %s: they are not used",
                   effvk_device_get_name (device));
    }
  if (!time_trials ((Trial *const *) trials->pdata, trials->len, error))
    return NULL;

  best = choose (trials);
  tuned = trial_new (device, model, options, best, error);
  if (!tuned || !time_trials ((Trial *const[]){ builtin, tuned }, 2, error))
    return NULL;
  /* What is faster alone need not be so together. */
  if (!agrees (builtin, tuned, n_logits, options->storage) || total (tuned) >= total (builtin))
    return effvk_choices_save (builtin->made, device, key, error) ? report (builtin, builtin)
                                                                  : NULL;
  return effvk_choices_save (best, device, key, error) ? report (builtin, tuned) : NULL;
}
