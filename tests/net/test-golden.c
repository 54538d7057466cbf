/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network against reference activations: for two images of each shared model, the output of the
 * stem and of every stage, the pooled vector and the logits, as PyTorch computed them in float32.
 */
#include "model/safetensors.h"
#include "net/net.h"

#include <math.h>

static const char *const models[] = {
  "efficientnet_b0_trashbox7",
  "efficientnet_lite0_imagenet1k",
  "efficientnet_v2_b0_imagenet1k_keras",
};

typedef struct
{
  const char *model;
  EffvkStorage storage;
  EffvkPlan plan;
  const char *pointwise; /* the kernel that is forced, or NULL */
} Case;

static double
cosine (const float *a, const float *b, gsize n)
{
  double ab = 0, aa = 0, bb = 0;

  for (gsize i = 0; i < n; i++)
    {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
  return ab / sqrt (aa * bb);
}

/* A golden tensor [2,C,H,W] or [2,C] as [2,H,W,C]. */
static float *
read_golden (const EffvkSafetensors *golden, const char *name, guint *n, guint *pixels, guint *c)
{
  const EffvkSafetensor *tensor = effvk_safetensors_lookup (golden, name);
  g_autofree float *nchw = NULL;
  float *nhwc;

  g_assert_nonnull (tensor);
  *n = (guint) tensor->shape[0];
  *c = (guint) tensor->shape[1];
  *pixels = tensor->rank == 4 ? (guint) (tensor->shape[2] * tensor->shape[3]) : 1;
  nchw = g_new (float, tensor->n);
  nhwc = g_new (float, tensor->n);
  effvk_safetensor_read (golden, tensor, 0, tensor->n, nchw);
  for (guint i = 0; i < *n; i++)
    for (guint p = 0; p < *pixels; p++)
      for (guint k = 0; k < *c; k++)
        nhwc[(i * *pixels + p) * *c + k] = nchw[(i * *c + k) * *pixels + p];
  return nhwc;
}

static void
compare (EffvkNet *net, const EffvkSafetensors *golden, const char *name, EffvkTensor tensor,
         double bound)
{
  EffvkProgram *program = effvk_net_get_program (net);
  const EffvkTensorInfo *info = effvk_program_get_info (program, tensor);
  g_autoptr (GError) error = NULL;
  guint n, pixels, c;
  g_autofree float *expected = read_golden (golden, name, &n, &pixels, &c);
  g_autofree float *got = g_new (float, (gsize) n *pixels *c);
  gsize per_image = (gsize) pixels * c;

  g_assert_cmpuint (info->n, ==, n);
  g_assert_cmpuint (info->h * info->w, ==, pixels);
  g_assert_cmpuint (info->c, ==, c);
  g_assert_true (effvk_program_read (program, tensor, got, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      double cos = cosine (expected + i * per_image, got + i * per_image, per_image);

      g_test_message ("%s of image %u: cosine %.9f", name, i, cos);
      g_assert_cmpfloat (cos, >, bound);
    }
}

/* Builds the network; with the gates left to a pointwise kernel, nothing else may compute them. */
static EffvkNet *
build (const Case *test, EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options)
{
  g_autofree char *kernels = g_strconcat ("pointwise=", test->pointwise, NULL);
  g_autoptr (GError) error = NULL;
  EffvkNet *net;
  EffvkProgram *program;

  if (test->pointwise)
    g_setenv ("EFFVK_KERNELS", kernels, TRUE);
  net = effvk_net_new (device, model, options, &error);
  g_unsetenv ("EFFVK_KERNELS");
  g_assert_no_error (error);
  program = effvk_net_get_program (net);
  for (guint i = 0; i < effvk_program_get_n_dispatches (program) && test->pointwise; i++)
    g_assert_cmpstr (effvk_program_get_dispatch (program, i)->op, !=, "squeeze-excite");
  return net;
}

static void
test_golden (gconstpointer data)
{
  const Case *test = data;
  const char *shared = g_getenv ("EFFVK_SHARED");
  g_autofree char *file = g_strconcat (test->model, ".safetensors", NULL);
  g_autofree char *path = g_build_filename (shared ? shared : "", "data", "weights", file, NULL);
  g_autofree char *golden_path
      = g_build_filename (shared ? shared : "", "data", "golden", file, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (EffvkNet) net = NULL;
  EffvkNetOptions options = { .storage = test->storage,
                              .plan = test->plan,
                              .batch = 2,
                              .top_k = 5,
                              .flags = EFFVK_PROGRAM_SEPARATE };
  EffvkSafetensors golden = { 0 };
  double bound = test->storage == EFFVK_STORAGE_F16 ? 0.999 : 0.9999;
  guint n, pixels, c;
  g_autofree float *input = NULL;
  g_autofree char *contents = NULL;
  EffvkTensor tensor;
  gsize size;

  if (!shared || !g_file_test (golden_path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the reference activations are not here (EFFVK_SHARED)");
      return;
    }
  device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  g_assert_no_error (error);
  model = effvk_model_new_from_file (path, &error);
  g_assert_no_error (error);
  net = build (test, device, model, &options);
  g_file_get_contents (golden_path, &contents, &size, &error);
  g_assert_no_error (error);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_steal_pointer (&contents), size);
  effvk_safetensors_init (&golden, bytes, &error);
  g_assert_no_error (error);

  input = read_golden (&golden, "input", &n, &pixels, &c);
  effvk_program_write (effvk_net_get_program (net), effvk_net_get_input (net), input, &error);
  g_assert_no_error (error);
  effvk_program_run (effvk_net_get_program (net), &error);
  g_assert_no_error (error);

  for (guint stage = 0; (tensor = effvk_net_get_stage (net, stage)); stage++)
    {
      g_autofree char *name = g_strdup_printf ("features.%u", stage);

      compare (net, &golden, name, tensor, bound);
    }
  /* what pictures are compared by, so it has a narrower bound */
  compare (net, &golden, "pooled", effvk_net_get_output (net, EFFVK_NET_POOLED),
           test->storage == EFFVK_STORAGE_F16 ? bound : 0.99999);
  compare (net, &golden, "logits", effvk_net_get_output (net, EFFVK_NET_LOGITS), bound);
  effvk_safetensors_clear (&golden);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

static void
add (const char *model, const char *plan_name, EffvkPlan plan, const char *pointwise)
{
  for (guint fp16 = 0; fp16 < 2; fp16++)
    {
      g_autofree char *path
          = g_strdup_printf ("/net/golden/%s/%s/%s", model, fp16 ? "fp16" : "fp32", plan_name);
      Case *test = g_new (Case, 1);

      *test = (Case){ model, fp16 ? EFFVK_STORAGE_F16 : EFFVK_STORAGE_F32, plan, pointwise };
      g_test_add_data_func_full (path, test, test_golden, g_free);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint m = 0; m < G_N_ELEMENTS (models); m++)
    add (models[m], "cpu", EFFVK_PLAN_CPU, NULL);
  /* With the B0 alone, as a CPU device compiles a GPU's kernels for long. */
  add (models[0], "gpu-fused", EFFVK_PLAN_GPU_FUSED, NULL);
  add (models[0], "gpu-separate", EFFVK_PLAN_GPU_SEPARATE, NULL);
  add (models[0], "plain", EFFVK_PLAN_PLAIN, NULL);
  add (models[0], "gpu-split-excite", EFFVK_PLAN_GPU_SEPARATE, "split-excite");
  add (models[0], "gpu-tile-excite", EFFVK_PLAN_GPU_SEPARATE, "tile-excite");
  return g_test_run ();
}
