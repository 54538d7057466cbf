/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every kernel of every op on random shapes against the reference, in both precisions: with a fixed
 * seed and with a fresh one, which is printed; EFFVK_TEST_SEED=N runs that seed alone. Then: that
 * the self-test sees what a broken kernel does. */

#include "selftest/reference.h"
#include "selftest/selftest.h"
#include "../unit/devices.h"

#include <math.h>
#include <string.h>

#define N_SHAPES 6 /* each op's kernels, sizes and activations come up at least once in two seeds */

static guint32 seeds[2];
static guint n_seeds;

typedef struct
{
  guint index; /* of effvk_selftest_cases */
  EffvkStorage storage;
} Case;

typedef struct
{
  guint n, n_failed;
  double nmse, worst; /* of the last comparison, and of all */
  char *shape;
} Report;

static void
on_comparison (const char *op, const char *kernel, const char *shape, double nmse, gboolean passed,
               gpointer user_data)
{
  Report *report = user_data;

  report->n++;
  report->n_failed += !passed;
  report->nmse = nmse;
  report->worst = MAX (report->worst, nmse);
  g_free (report->shape);
  report->shape = g_strdup (shape);
  g_test_message ("%s %s %s: NMSE %.2g%s", op, kernel, shape, nmse, passed ? "" : ", FAILED");
}

static void
test_op (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < n_seeds; i++)
    {
      Report report = { 0 };
      EffvkSelftest selftest = {
        .device = device, .storage = test->storage, .func = on_comparison, .user_data = &report
      };
      guint usable = 0;

      for (guint k = 0; k < *effvk_selftest_cases[test->index].n_kernels; k++)
        usable += effvk_selftest_can_run (&selftest, &effvk_selftest_cases[test->index].kernels[k]);
      g_test_message ("seed %u", seeds[i]);
      g_assert_true (effvk_selftest_run_case (&selftest, test->index, seeds[i], N_SHAPES, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (usable, >, 0);
      g_assert_cmpuint (report.n, >=, usable * N_SHAPES);
      g_assert_cmpuint (report.n_failed, ==, 0);
      g_assert_cmpuint (selftest.n_failed, ==, 0);
      /* The bounds leave room for others' kernels. Ours keep sums in 32 bits and round once, when
       * they store: halves by 2^-10 at most, whichever way the device rounds. */
      g_assert_cmpfloat (report.worst, <=, test->storage == EFFVK_STORAGE_F16 ? 0x1p-20 : 1e-10);
      g_free (report.shape);
    }
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

static void
on_any (const char *op, const char *kernel, const char *shape, double nmse, gboolean passed,
        gpointer user_data)
{
  g_autofree char *line = g_strdup_printf ("%s %s %s %g %d", op, kernel, shape, nmse, passed);

  g_ptr_array_add (user_data, g_steal_pointer (&line));
}

/* The public function: all ops, both precisions, the same answers for the same seed. */
static void
test_run (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  GPtrArray *lines[3];
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < 3; i++)
    {
      guint n_failed = G_MAXUINT;

      lines[i] = g_ptr_array_new_with_free_func (g_free);
      g_assert_true (effvk_selftest_run (device,
                                         i == 2 ? EFFVK_PRECISION_FP16 : EFFVK_PRECISION_AUTO, 7, 1,
                                         on_any, lines[i], &n_failed, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (n_failed, ==, 0);
    }
  g_assert_cmpuint (lines[0]->len, ==, lines[1]->len);
  for (guint i = 0; i < lines[0]->len; i++)
    g_assert_cmpstr (lines[0]->pdata[i], ==, lines[1]->pdata[i]);
  for (guint i = 0; i < effvk_selftest_n_cases; i++)
    {
      guint found = 0;

      for (guint j = 0; j < lines[2]->len; j++)
        found += g_str_has_prefix (lines[2]->pdata[j], effvk_selftest_cases[i].name);
      g_assert_cmpuint (found, >, 0);
    }
  for (guint i = 0; i < 3; i++)
    g_ptr_array_unref (lines[i]);
  g_assert_true (effvk_selftest_run (device, EFFVK_PRECISION_FP32, 7, 1, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* A kernel that writes [2,1,5,6] rightly, for test_faults() to spoil. */
static const EffvkTensorInfo fault_input = { "input", EFFVK_STORAGE_F16, 2, 1, 5, 3 };
static const EffvkTensorInfo fault_output = { "output", EFFVK_STORAGE_F16, 2, 1, 5, 6 };

static EffvkTensor
run_good_kernel (EffvkTrial *trial, double *expected)
{
  EffvkTrialInput input = effvk_trial_add_input (trial, &fault_input, -1, 1);
  EffvkPointwise op = { .input = input.tensor };
  g_autoptr (GError) error = NULL;

  op.weight = effvk_trial_weights (trial, 6 * 3, 3);
  op.bias = effvk_trial_weights (trial, 6, 0);
  op.output = effvk_trial_add_output (trial, &fault_output, &error);
  g_assert_no_error (error);
  effvk_pointwise (&trial->context, &op, &error);
  g_assert_no_error (error);
  effvk_trial_run (trial, &error);
  g_assert_no_error (error);
  effvk_reference_pointwise (&op, (EffvkExtent){ 2, 1, 5, 3 }, input.values, NULL, NULL,
                             (EffvkExtent){ 2, 1, 5, 6 }, expected);
  return op.output;
}

/* What a broken kernel would have left in the buffer, by hand: each must be found. */
static void
test_faults (void)
{
  static const struct
  {
    const char *fault; /* a part of what must be said; NULL: nothing is wrong */
    gssize at;         /* the half of the output that is overwritten; negative: before it */
    guint16 half;
  } faults[] = {
    { NULL, 0, 0 },
    { "value 13 of 60 is 2", 2 * 8 + 1, 0x4000 },
    { "value 59 of 60 is NaN", 9 * 8 + 5, 0xffff }, /* not written */
    { "padding channel 6 of pixel 0 is NaN", 6, 0xffff },
    { "padding channel 7 of pixel 9 is 1", 79, 0x3c00 },
    { "it wrote before", -1, 0 },
    { "it wrote beyond", 80, 0 },
    { "it wrote beyond", 200, 0 },
  };
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_auto (EffvkTrial) trial = { 0 };
      Report report = { 0 };
      EffvkSelftest selftest = {
        .device = device, .storage = EFFVK_STORAGE_F16, .func = on_comparison, .user_data = &report
      };
      double expected[60];
      EffvkTensor output;
      EffvkBuffer *buffer;
      gsize offset;

      effvk_trial_init (&trial, &selftest, "pointwise", "tile", 1, 0, 0);
      output = run_good_kernel (&trial, expected);
      buffer = effvk_program_get_buffer (trial.context.program, output, &offset);
      if (faults[i].fault)
        effvk_buffer_upload (buffer, (gsize) ((gssize) offset + 2 * faults[i].at), &faults[i].half,
                             2, &error);
      g_assert_no_error (error);
      effvk_trial_compare (&trial, output, expected, EFFVK_PADDING_CHANNELS_ZERO, &error);
      g_assert_no_error (error);

      g_assert_cmpuint (report.n, ==, 1);
      g_assert_cmpuint (report.n_failed, ==, faults[i].fault != NULL);
      g_assert_cmpuint (selftest.n_failed, ==, faults[i].fault != NULL);
      if (faults[i].fault && !strstr (report.shape, faults[i].fault))
        g_error ("expected \"%s\" in \"%s\"", faults[i].fault, report.shape);
      g_free (report.shape);
    }
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* The bound, and what the mean would hide. */
static void
test_bounds (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autofree double *expected = g_new (double, 100000);
  g_autofree float *got = g_new (float, 100000);

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < 4; i++)
    {
      g_auto (EffvkTrial) trial = { 0 };
      EffvkStorage storage = i / 2 ? EFFVK_STORAGE_F16 : EFFVK_STORAGE_F32;
      double bound = i / 2 ? 1e-4 : 1e-7, off = 1 + (i % 2 ? 1.01 : 0.99) * sqrt (bound);
      Report report = { 0 };
      EffvkSelftest selftest
          = { .device = device, .storage = storage, .func = on_comparison, .user_data = &report };

      effvk_trial_init (&trial, &selftest, "op", "kernel", 1, 0, 0);
      for (guint j = 0; j < 100000; j++)
        {
          expected[j] = j % 2 ? 1.0 : -1.0;
          got[j] = (float) (expected[j] * off);
        }
      effvk_trial_compare_values (&trial, got, expected, 100000, NULL);
      g_assert_cmpfloat_with_epsilon (report.nmse, bound, 0.03 * bound);
      g_assert_cmpuint (report.n_failed, ==, i % 2);

      /* One value of many: far too small an NMSE to see. */
      for (guint j = 0; j < 100000; j++)
        got[j] = (float) expected[j];
      got[77] += 0.2f;
      effvk_trial_compare_values (&trial, got, expected, 100000, NULL);
      g_assert_cmpfloat (report.nmse, <, 1e-6);
      g_assert_cmpuint (report.n_failed, ==, i % 2 + 1);
      g_assert_nonnull (strstr (report.shape, "value 77 of 100000 is 1.2, expected 1"));

      /* Nothing but zeros is no excuse. */
      memset (expected, 0, 1000 * sizeof (double));
      memset (got, 0, 1000 * sizeof (float));
      effvk_trial_compare_values (&trial, got, expected, 1000, NULL);
      g_assert_cmpuint (report.n_failed, ==, i % 2 + 1);
      got[5] = 1.0f;
      effvk_trial_compare_values (&trial, got, expected, 1000, NULL);
      g_assert_cmpuint (report.n_failed, ==, i % 2 + 2);
      g_free (report.shape);
    }
}

/* Gates for which a pointwise kernel has no room in shared memory are computed in a dispatch of
 * their own, whoever asks for that kernel; and what is written down is the kernel that runs. */
static void
test_no_room (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < 8; i++)
    {
      const char *kernel = i / 2 % 2 ? "split-excite" : "tile-excite";
      gboolean forced = i / 4;
      guint most = effvk_device_get_caps (device)->max_shared_bytes / 16; /* texels */
      guint channels = i % 2 ? 4 * (most / 2 + 1) : 64;
      g_auto (EffvkTrial) trial = { 0 };
      EffvkSelftest selftest = { .device = device, .storage = EFFVK_STORAGE_F32 };
      EffvkSqueezeExcite squeeze = { .pixels = 1, .squeezed = 1 };
      EffvkPointwise op = { .squeeze_excite = &squeeze };
      EffvkTensorInfo in = { "input", EFFVK_STORAGE_F32, 1, 1, 1, channels };
      EffvkTensorInfo out = { "output", EFFVK_STORAGE_F32, 1, 1, 1, 4 };
      g_autoptr (EffvkChoices) tuned = effvk_choices_new (), made = effvk_choices_new ();
      EffvkProgram *program;

      effvk_trial_init (&trial, &selftest, "pointwise", forced ? kernel : NULL, 1, 0, 0);
      program = trial.context.program;
      effvk_choices_add (tuned, &(EffvkChoice){ .op = "pointwise", .kernel = kernel });
      trial.context.choices = tuned;
      trial.context.made = made;
      op.input = effvk_trial_add_input (&trial, &in, -1, 1).tensor;
      squeeze.sums = effvk_trial_add_input (&trial, &in, -1, 1).tensor;
      squeeze.squeeze_weight = squeeze.excite_weight = effvk_trial_weights (&trial, channels, 1);
      squeeze.squeeze_bias = squeeze.excite_bias = effvk_trial_weights (&trial, channels, 0);
      op.weight = effvk_trial_weights (&trial, 4 * (gsize) channels, channels);
      op.bias = effvk_trial_weights (&trial, 4, 0);
      op.output = effvk_trial_add_output (&trial, &out, &error);
      g_assert_no_error (error);
      g_assert_true (effvk_pointwise (&trial.context, &op, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (effvk_program_get_n_dispatches (program), ==, 1 + i % 2);
      g_assert_cmpstr (effvk_program_get_dispatch (program, i % 2)->op, ==, "pointwise");
      g_assert_cmpuint (effvk_choices_get_n (made), ==, 1);
      g_assert_cmpstr (effvk_choices_get (made, 0)->kernel, ==,
                       effvk_program_get_dispatch (program, i % 2)->kernel);
      g_assert_true (effvk_trial_run (&trial, &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* A head over so many pixels and inputs, and a squeeze over so many sums, that a kernel which goes
 * over all of them in one loop would be cut short. */
static gboolean
run_large_head (EffvkTrial *trial, GError **error)
{
  EffvkTensorInfo in = { "input", EFFVK_STORAGE_F32, 1, 96, 96, 800 };
  EffvkTensorInfo out = { "output", EFFVK_STORAGE_F32, 1, 1, 1, 8 };
  EffvkTrialInput input = effvk_trial_add_input (trial, &in, -1, 1);
  EffvkHead op = { .input = input.tensor };
  double expected[8];

  op.weight = effvk_trial_weights (trial, 8 * 800, 800);
  op.bias = effvk_trial_weights (trial, 8, 0);
  op.output = effvk_trial_add_output (trial, &out, error);
  effvk_reference_head (&op, (EffvkExtent){ 1, 96, 96, 800 }, input.values, 8, expected);
  return effvk_head (&trial->context, &op, error) && effvk_trial_run (trial, error)
         && effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}

static gboolean
run_large_squeeze (EffvkTrial *trial, GError **error)
{
  EffvkTensorInfo in = { "sums", EFFVK_STORAGE_F32, 1, 1, 70000, 32 };
  EffvkTensorInfo out = { "gates", EFFVK_STORAGE_F32, 1, 1, 1, 32 };
  EffvkTrialInput input = effvk_trial_add_input (trial, &in, -1, 2);
  EffvkSqueezeExcite op = { .sums = input.tensor, .pixels = 70000, .squeezed = 8 };
  double expected[32];

  op.squeeze_weight = effvk_trial_weights (trial, 8 * 32, 32);
  op.squeeze_bias = effvk_trial_weights (trial, 8, 0);
  op.excite_weight = effvk_trial_weights (trial, 8 * 32, 8);
  op.excite_bias = effvk_trial_weights (trial, 32, 0);
  op.output = effvk_trial_add_output (trial, &out, error);
  effvk_reference_squeeze_excite (&op, (EffvkExtent){ 1, 1, 70000, 32 }, input.values, expected);
  return effvk_squeeze_excite (&trial->context, &op, error) && effvk_trial_run (trial, error)
         && effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_FINITE, error);
}

static void
test_large (void)
{
  gboolean (*runs[]) (EffvkTrial *, GError **) = { run_large_head, run_large_squeeze };
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      g_auto (EffvkTrial) trial = { 0 };
      Report report = { 0 };
      EffvkSelftest selftest = {
        .device = device, .storage = EFFVK_STORAGE_F32, .func = on_comparison, .user_data = &report
      };

      effvk_trial_init (&trial, &selftest, i ? "squeeze-excite" : "head", NULL, 1, 0, i);
      g_assert_true (runs[i](&trial, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (report.n, ==, 1);
      g_assert_cmpuint (report.n_failed, ==, 0);
      g_free (report.shape);
    }
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* The means of more channels than shared memory has room for are found a part at a time. */
static void
test_parts (void)
{
  g_autoptr (GPtrArray) list = devices_or_skip ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!list)
    return;
  device = open_usable (list);
  device->caps.max_shared_bytes = 16384; /* the least that Vulkan has */
  for (guint i = 0; i < 3; i++)
    {
      static const guint channels[] = { 3840, 6001, 1000 }, squeezed[] = { 160, 9, 40 };
      EffvkExtent out = { 2, 1, 1, channels[i] }, in = { 2, 1, 3, channels[i] };
      EffvkTensorInfo in_info = { "sums", EFFVK_STORAGE_F32, 2, 1, 3, channels[i] };
      EffvkTensorInfo out_info = { "gates", EFFVK_STORAGE_F32, 2, 1, 1, channels[i] };
      g_autofree double *expected = g_new (double, effvk_extent_size (out));
      EffvkSelftest selftest = { .device = device, .storage = EFFVK_STORAGE_F32 };
      EffvkSqueezeExcite op
          = { .pixels = 3, .squeezed = squeezed[i], .activation = EFFVK_ACTIVATION_SILU };
      gsize n = (gsize) squeezed[i] * channels[i];
      g_auto (EffvkTrial) trial = { 0 };
      EffvkTrialInput sums;

      effvk_trial_init (&trial, &selftest, "squeeze-excite", "storage", 1, 0, i);
      sums = effvk_trial_add_input (&trial, &in_info, -1, 1);
      op.sums = sums.tensor;
      op.squeeze_weight = effvk_trial_weights (&trial, n, channels[i]);
      op.squeeze_bias = effvk_trial_weights (&trial, squeezed[i], 0);
      op.excite_weight = effvk_trial_weights (&trial, n, squeezed[i]);
      op.excite_bias = effvk_trial_weights (&trial, channels[i], 0);
      op.output = effvk_trial_add_output (&trial, &out_info, &error);
      g_assert_no_error (error);
      effvk_squeeze_excite (&trial.context, &op, &error);
      g_assert_no_error (error);
      effvk_trial_run (&trial, &error);
      g_assert_no_error (error);
      effvk_reference_squeeze_excite (&op, in, sums.values, expected);
      effvk_trial_compare (&trial, op.output, expected, EFFVK_PADDING_CHANNELS_FINITE, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (selftest.n_failed, ==, 0);
    }
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

int
main (int argc, char **argv)
{
  static Case cases[2 * 16];
  const char *seed = g_getenv ("EFFVK_TEST_SEED");

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (2 * effvk_selftest_n_cases, <=, G_N_ELEMENTS (cases));
  if (!seed)
    seeds[n_seeds++] = 1;
  seeds[n_seeds++] = seed ? (guint32) g_ascii_strtoull (seed, NULL, 10) : g_random_int ();

  for (guint i = 0; i < 2 * effvk_selftest_n_cases; i++)
    {
      g_autofree char *path = g_strdup_printf ("/ops/%s/%s", effvk_selftest_cases[i / 2].name,
                                               i % 2 ? "fp16" : "fp32");

      cases[i] = (Case){ i / 2, i % 2 ? EFFVK_STORAGE_F16 : EFFVK_STORAGE_F32 };
      g_test_add_data_func (path, &cases[i], test_op);
    }
  g_test_add_func ("/ops/pointwise/no-room", test_no_room);
  g_test_add_func ("/ops/large", test_large);
  g_test_add_func ("/ops/squeeze-excite/parts", test_parts);
  g_test_add_func ("/selftest/run", test_run);
  g_test_add_func ("/selftest/faults", test_faults);
  g_test_add_func ("/selftest/bounds", test_bounds);
  return g_test_run ();
}
