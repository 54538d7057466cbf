/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which device a selector chooses on systems that this one need not be like. No Vulkan here. */

#include "vk/selector.h"

#include <string.h>

typedef struct
{
  const char *name;
  EffvkDeviceType type;
  const char *problem;
} Device;

/* Device i has the UUID 0000000i-0000-0000-0000-0000000000a0. */
static GPtrArray *
make_list (const Device *devices, guint n)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_physical_free);

  for (guint i = 0; i < n; i++)
    {
      EffvkPhysical *physical = g_new0 (EffvkPhysical, 1);

      physical->info = g_new0 (EffvkDeviceInfo, 1);
      physical->info->refs = 1;
      physical->info->index = i;
      physical->info->name = g_strdup (devices[i].name);
      physical->info->driver = g_strdup ("a driver");
      physical->info->uuid = g_strdup_printf ("%08x-0000-0000-0000-0000000000a0", i);
      physical->info->type = devices[i].type;
      physical->info->problem = g_strdup (devices[i].problem);
      g_ptr_array_add (list, physical);
    }
  return list;
}

static void
assert_chosen (GPtrArray *list, const char *selector, guint index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chosen = effvk_selector_choose (list, selector, &error);
  const EffvkPhysical *physical;

  g_assert_no_error (error);
  g_assert_nonnull (chosen);
  physical = g_ptr_array_index (chosen, 0);
  g_assert_cmpuint (physical->info->index, ==, index);
}

static void
assert_refused (GPtrArray *list, const char *selector, EffvkDeviceError code, const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (effvk_selector_choose (list, selector, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, (int) code);
  if (strstr (error->message, says) == NULL)
    g_error ("expected \"%s\" in \"%s\"", says, error->message);
}

static const Device workstation[] = {
  { "llvmpipe (LLVM 15)", EFFVK_DEVICE_TYPE_CPU, NULL },
  { "Intel(R) UHD Graphics", EFFVK_DEVICE_TYPE_INTEGRATED_GPU, NULL },
  { "Old Radeon", EFFVK_DEVICE_TYPE_DISCRETE_GPU, "it has Vulkan 1.0, expected 1.1 or later" },
  { "NVIDIA GeForce A", EFFVK_DEVICE_TYPE_DISCRETE_GPU, NULL },
  { "NVIDIA GeForce B", EFFVK_DEVICE_TYPE_DISCRETE_GPU, NULL },
};

static void
test_kinds (void)
{
  g_autoptr (GPtrArray) list = make_list (workstation, G_N_ELEMENTS (workstation));

  assert_chosen (list, "auto", 3); /* the first discrete one that works */
  assert_chosen (list, "gpu", 3);
  assert_chosen (list, "cpu", 0);
  assert_chosen (list, "Auto", 3);

  g_ptr_array_set_size (list, 3);
  assert_chosen (list, "auto", 1); /* better an integrated one than one that does not work */
  assert_chosen (list, "gpu", 1);
}

/* The order in which "auto" and "gpu" pass over devices that cannot run a model; who is named
   stands for itself. */
static void
test_order (void)
{
  g_autoptr (GPtrArray) list = make_list (workstation, G_N_ELEMENTS (workstation));
  static const struct
  {
    const char *selector;
    guint n, order[4];
  } cases[] = { { "auto", 4, { 3, 4, 1, 0 } },
                { "gpu", 3, { 3, 4, 1 } },
                { "cpu", 1, { 0 } },
                { "geforce", 1, { 3 } },
                { "1", 1, { 1 } } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) chosen = effvk_selector_choose (list, cases[i].selector, NULL);

      g_assert_cmpuint (chosen->len, ==, cases[i].n);
      for (guint rank = 0; rank < chosen->len; rank++)
        g_assert_cmpuint (((EffvkPhysical *) chosen->pdata[rank])->info->index, ==,
                          cases[i].order[rank]);
    }
}

static void
test_ranks (void)
{
  const EffvkDeviceType types[]
      = { EFFVK_DEVICE_TYPE_CPU, EFFVK_DEVICE_TYPE_OTHER, EFFVK_DEVICE_TYPE_VIRTUAL_GPU,
          EFFVK_DEVICE_TYPE_INTEGRATED_GPU, EFFVK_DEVICE_TYPE_DISCRETE_GPU };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      for (guint j = i + 1; j < G_N_ELEMENTS (types); j++)
        {
          const Device devices[] = { { "a", types[i], NULL }, { "b", types[j], NULL } };
          const Device reversed[] = { { "b", types[j], NULL }, { "a", types[i], NULL } };
          g_autoptr (GPtrArray) list = make_list (devices, 2);
          g_autoptr (GPtrArray) other = make_list (reversed, 2);

          assert_chosen (list, "auto", 1);
          assert_chosen (list, "gpu", 1);
          assert_chosen (other, "auto", 0);
          assert_chosen (other, "gpu", 0);
        }
    }
}

static void
test_named (void)
{
  g_autoptr (GPtrArray) list = make_list (workstation, G_N_ELEMENTS (workstation));

  assert_chosen (list, "4", 4);
  assert_chosen (list, "geforce", 3); /* the first, not the best */
  assert_chosen (list, "GeForce B", 4);
  assert_chosen (list, "uhd", 1);
  assert_chosen (list, "00000004-0000-0000-0000-0000000000A0", 4);
  assert_chosen (list, "000000030000000000000000000000a0", 3);
  assert_chosen (list, "(", 0); /* a part of a name, no pattern */

  assert_refused (list, "5", EFFVK_DEVICE_ERROR_NOT_FOUND, "4: \"NVIDIA GeForce B\"");
  assert_refused (list, "-1", EFFVK_DEVICE_ERROR_NOT_FOUND, "\"-1\"");
  assert_refused (list, "Mali", EFFVK_DEVICE_ERROR_NOT_FOUND, "\"Mali\"");
  assert_refused (list, "00000009-0000-0000-0000-0000000000a0", EFFVK_DEVICE_ERROR_NOT_FOUND,
                  "00000009");
}

/* One that is asked for and cannot be used is not replaced by another. */
static void
test_unusable (void)
{
  g_autoptr (GPtrArray) list = make_list (workstation, G_N_ELEMENTS (workstation));
  const Device old[] = { { "Old", EFFVK_DEVICE_TYPE_DISCRETE_GPU, "it is old" } };
  g_autoptr (GPtrArray) only_old = make_list (old, 1);

  assert_refused (list, "2", EFFVK_DEVICE_ERROR_UNSUPPORTED, "Vulkan 1.0");
  assert_refused (list, "radeon", EFFVK_DEVICE_ERROR_UNSUPPORTED, "\"Old Radeon\"");
  assert_refused (list, "00000002-0000-0000-0000-0000000000a0", EFFVK_DEVICE_ERROR_UNSUPPORTED,
                  "Vulkan 1.0");
  assert_refused (only_old, "auto", EFFVK_DEVICE_ERROR_UNSUPPORTED, "it is old");
  assert_refused (only_old, "gpu", EFFVK_DEVICE_ERROR_UNSUPPORTED, "it is old");
  assert_refused (only_old, "cpu", EFFVK_DEVICE_ERROR_NOT_FOUND, "\"Old\" (discrete GPU)");
}

static void
test_cpu_only (void)
{
  g_autoptr (GPtrArray) list = make_list (workstation, 1);

  assert_chosen (list, "auto", 0);
  assert_chosen (list, "cpu", 0);
  assert_refused (list, "gpu", EFFVK_DEVICE_ERROR_NOT_FOUND, "(CPU)");
}

static void
test_none (void)
{
  g_autoptr (GPtrArray) list = make_list (NULL, 0);

  assert_refused (list, "auto", EFFVK_DEVICE_ERROR_NO_DRIVER, "install");
  assert_refused (list, "0", EFFVK_DEVICE_ERROR_NO_DRIVER, "install");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/selector/kinds", test_kinds);
  g_test_add_func ("/selector/order", test_order);
  g_test_add_func ("/selector/ranks", test_ranks);
  g_test_add_func ("/selector/named", test_named);
  g_test_add_func ("/selector/unusable", test_unusable);
  g_test_add_func ("/selector/cpu-only", test_cpu_only);
  g_test_add_func ("/selector/none", test_none);

  return g_test_run ();
}
