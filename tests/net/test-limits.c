/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network on a device with the least that Vulkan 1.1 lets it have: the plan follows each limit,
 * and the answers stay. The limits are set in what the library knows of the device; tests/devices
 * is for those that the driver tells. */
#include "classifier-helpers.h"
#include "net/net.h"

#include <math.h>

#define CLASSES 10

typedef struct
{
  const char *name;
  EffvkPlan plan;
  void (*limit) (EffvkDeviceCaps *caps);
} Case;

static void
limit_texels (EffvkDeviceCaps *caps)
{
  caps->max_texel_elements = 2048; /* of 65536, as the network is small */
}

static void
limit_buffers (EffvkDeviceCaps *caps)
{
  caps->max_storage_buffers = 4;
}

static void
limit_workgroups (EffvkDeviceCaps *caps)
{
  caps->max_workgroup_invocations = 128;
  caps->max_shared_bytes = 16384;
}

static void
limit_subgroups (EffvkDeviceCaps *caps)
{
  caps->subgroup_size = 1;
  caps->subgroup_shuffle = FALSE;
}

static void
limit_all (EffvkDeviceCaps *caps)
{
  limit_texels (caps);
  limit_buffers (caps);
  limit_workgroups (caps);
  limit_subgroups (caps);
}

static const Case cases[] = {
  { "texels", EFFVK_PLAN_CPU, limit_texels },
  { "buffers", EFFVK_PLAN_GPU, limit_buffers },
  { "buffers-separate", EFFVK_PLAN_GPU_SEPARATE, limit_buffers },
  { "workgroups", EFFVK_PLAN_GPU, limit_workgroups },
  { "subgroups", EFFVK_PLAN_CPU, limit_subgroups },
  { "all-cpu", EFFVK_PLAN_CPU, limit_all },
  { "all-gpu", EFFVK_PLAN_GPU, limit_all },
};

static EffvkDevice *
open_device (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);

  g_assert_no_error (error);
  return device;
}

static EffvkModel *
make_model (void)
{
  g_autoptr (GError) error = NULL;
  EffvkModel *model = effvk_model_new_random ("phi=-8", CLASSES, 7, &error);

  g_assert_no_error (error);
  return model;
}

static void
run (EffvkNet *net, float logits[CLASSES])
{
  EffvkProgram *program = effvk_net_get_program (net);
  const EffvkTensorInfo *in = effvk_program_get_info (program, effvk_net_get_input (net));
  gsize n = (gsize) in->h * in->w * in->c;
  g_autofree float *values = g_new (float, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -2, 2);
  effvk_program_write (program, effvk_net_get_input (net), values, &error);
  g_assert_no_error (error);
  effvk_program_run (program, &error);
  g_assert_no_error (error);
  effvk_program_read (program, effvk_net_get_output (net, EFFVK_NET_LOGITS), logits, &error);
  g_assert_no_error (error);
}

/* No dispatch takes more of the device than it has. */
static void
assert_within (EffvkProgram *program, const EffvkDeviceCaps *caps)
{
  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);
      guint buffers = 0;

      for (guint b = 0; b < EFFVK_MAX_BINDINGS; b++)
        {
          const EffvkTensorInfo *info;

          if (dispatch->shader->bindings[b] == EFFVK_BINDING_NONE)
            continue;
          info = effvk_program_get_info (program, dispatch->bind[b]);
          if (dispatch->shader->bindings[b] == EFFVK_BINDING_STORAGE)
            buffers++;
          else
            g_assert_cmpuint (info->n * info->h * info->w * effvk_c4 (info->c), <=,
                              caps->max_texel_elements);
        }
      g_test_message ("%s %s: %u buffers", dispatch->op, dispatch->kernel, buffers);
      g_assert_cmpuint (buffers, <=, caps->max_storage_buffers);
    }
}

static void
test_limit (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (EffvkDevice) device = open_device ();
  g_autoptr (EffvkModel) model = make_model ();
  EffvkNetOptions options = { .batch = 1, .top_k = 1, .plan = EFFVK_PLAN_CPU };
  g_autoptr (EffvkNet) usual = NULL;
  g_autoptr (EffvkNet) limited = NULL;
  float expected[CLASSES], got[CLASSES];
  g_autoptr (GError) error = NULL;

  usual = effvk_net_new (device, model, &options, &error);
  g_assert_no_error (error);
  run (usual, expected);

  test->limit (&device->caps);
  options.plan = test->plan;
  limited = effvk_net_new (device, model, &options, &error);
  g_assert_no_error (error);
  assert_within (effvk_net_get_program (limited), &device->caps);
  run (limited, got);
  for (guint i = 0; i < CLASSES; i++)
    g_assert_cmpfloat (fabs ((double) got[i] - expected[i]), <=, 1e-4);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* A CPU device takes a CPU's kernels, also where its registers hold four floats
   (LP_NATIVE_VECTOR_WIDTH=128). */
static void
test_cpu_kernels (void)
{
  static const char *const ops[]
      = { "conv", "pointwise", "squeeze-excite", "head", "fully-connected" };
  g_autoptr (EffvkDevice) device = open_device ();
  g_autoptr (EffvkModel) model = make_model ();
  EffvkNetOptions options = { .batch = 1, .top_k = 1 };
  g_autoptr (EffvkNet) net = NULL;
  g_autoptr (GError) error = NULL;
  const char *width = g_getenv ("LP_NATIVE_VECTOR_WIDTH");

  if (!device->caps.cpu)
    {
      g_test_skip ("no CPU device");
      return;
    }
  if (width && strstr (effvk_device_get_name (device), "llvmpipe"))
    g_assert_cmpuint (device->caps.subgroup_size, ==, (guint) atoi (width) / 32);
  net = effvk_net_new (device, model, &options, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < effvk_program_get_n_dispatches (effvk_net_get_program (net)); i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (effvk_net_get_program (net), i);

      for (guint op = 0; op < G_N_ELEMENTS (ops); op++)
        if (strcmp (dispatch->op, ops[op]) == 0)
          g_assert_cmpstr (dispatch->kernel, ==, "lanes");
    }
}

/* A batch that the device cannot bind is made smaller, and says so. */
static void
test_batch (void)
{
  g_autoptr (EffvkDevice) device = open_device ();
  g_autoptr (EffvkModel) model = make_model ();
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (GBytes) pixels = NULL;
  g_autoptr (EffvkImage) image = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;
  const EffvkImage *images[20];

  device->caps.max_storage_range = 1 << 21;
  effvk_classifier_options_set_batch_size (options, 64);
  g_test_expect_message ("effvk", G_LOG_LEVEL_MESSAGE, "*64 images at once are too many*");
  for (guint n = 32; n > 8; n /= 2)
    g_test_expect_message ("effvk", G_LOG_LEVEL_MESSAGE, "*images at once are too many*");
  classifier = effvk_classifier_new (device, model, options, &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_assert_cmpuint (effvk_classifier_get_batch_size (classifier), ==, 8);

  pixels = g_bytes_new_take (g_malloc0 (64 * 48 * 3), 64 * 48 * 3);
  image = effvk_image_new_from_bytes (EFFVK_FORMAT_RGB, 64, 48, pixels);
  for (guint i = 0; i < G_N_ELEMENTS (images); i++)
    images[i] = image;
  results = effvk_classifier_classify_many (classifier, images, G_N_ELEMENTS (images), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, G_N_ELEMENTS (images));

  /* What is too large as it is says which limit is in the way. */
  device->caps.max_storage_range = 1 << 12;
  effvk_classifier_options_set_batch_size (options, 1);
  g_assert_null (effvk_classifier_new (device, model, options, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "at most 4096 of a buffer (maxStorageBufferRange)"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/limits/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_limit);
    }
  g_test_add_func ("/limits/cpu-kernels", test_cpu_kernels);
  g_test_add_func ("/limits/batch", test_batch);
  return g_test_run ();
}
