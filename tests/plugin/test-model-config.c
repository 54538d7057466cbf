/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of the network's properties: whatever is set there, a network that was made without
 * it does not do. */
#include "classify/model-config.h"

#include <string.h>

/* Another value than the default. */
static void
choose_value (GParamSpec *spec, GValue *value)
{
  g_value_init (value, spec->value_type);
  if (G_IS_PARAM_SPEC_STRING (spec))
    g_value_set_string (value, "something");
  else if (G_IS_PARAM_SPEC_UINT (spec))
    g_value_set_uint (value, G_PARAM_SPEC_UINT (spec)->default_value + 2);
  else if (G_IS_PARAM_SPEC_UINT64 (spec))
    g_value_set_uint64 (value, G_PARAM_SPEC_UINT64 (spec)->default_value + 2);
  else
    g_value_set_enum (value, G_PARAM_SPEC_ENUM (spec)->enum_class->values[1].value);
  g_assert_false (g_param_value_defaults (spec, value));
}

static void
set_default (GstEffvkModelConfig *config, guint number)
{
  GParamSpec *spec = gst_effvk_model_config_get_spec (number);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, spec->value_type);
  g_param_value_set_default (spec, &value);
  gst_effvk_model_config_set (config, number, &value);
}

static gboolean
is (guint number, const char *name)
{
  return strcmp (gst_effvk_model_config_get_spec (number)->name, name) == 0;
}

static void
test_satisfies (void)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    for (guint only_set = 0; only_set < 2; only_set++)
      {
        GParamSpec *spec = gst_effvk_model_config_get_spec (i);
        g_auto (GstEffvkModelConfig) has = { 0 };
        g_auto (GstEffvkModelConfig) wanted = { 0 };
        g_auto (GstEffvkModelConfig) copy = { 0 };
        g_auto (GValue) value = G_VALUE_INIT;
        g_auto (GValue) read = G_VALUE_INIT;

        gst_effvk_model_config_init (&has);
        gst_effvk_model_config_init (&wanted);
        g_assert_true (gst_effvk_model_config_satisfies (&has, &wanted, only_set));
        choose_value (spec, &value);
        gst_effvk_model_config_set (&wanted, i, &value);
        if (gst_effvk_model_config_satisfies (&has, &wanted, only_set))
          g_error ("%s was set, but is not asked for", spec->name);
        /* a network with more is right for those who do not ask, and with more classes for all */
        g_assert_cmpint (gst_effvk_model_config_satisfies (&wanted, &has, only_set), ==,
                         only_set || is (i, "top-k"));

        gst_effvk_model_config_copy (&wanted, &copy);
        g_assert_true (gst_effvk_model_config_satisfies (&copy, &wanted, only_set));
        g_value_init (&read, spec->value_type);
        gst_effvk_model_config_get (&copy, i, &read);
        g_assert_cmpint (g_param_values_cmp (spec, &value, &read), ==, 0);
      }
}

/* Two that set a property contradict each other where the values differ; the default takes it
 * back, but where it is a value like others. More classes are right for both. */
static void
test_contradiction (void)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      GParamSpec *spec = gst_effvk_model_config_get_spec (i);
      g_auto (GstEffvkModelConfig) a = { 0 };
      g_auto (GstEffvkModelConfig) b = { 0 };
      g_auto (GstEffvkModelConfig) merged = { 0 };
      g_auto (GValue) value = G_VALUE_INIT;
      gboolean may_differ = is (i, "top-k");

      gst_effvk_model_config_init (&a);
      gst_effvk_model_config_init (&b);
      choose_value (spec, &value);
      gst_effvk_model_config_set (&a, i, &value);
      g_assert_null (gst_effvk_model_config_find_contradiction (&a, &b));
      gst_effvk_model_config_copy (&b, &merged);
      gst_effvk_model_config_merge (&merged, &a);
      g_assert_true (gst_effvk_model_config_satisfies (&merged, &a, FALSE));
      gst_effvk_model_config_set (&b, i, &value);
      g_assert_null (gst_effvk_model_config_find_contradiction (&a, &b));

      set_default (&b, i);
      if (may_differ || !is (i, "batch-timeout"))
        g_assert_null (gst_effvk_model_config_find_contradiction (&a, &b));
      else
        g_assert_true (gst_effvk_model_config_find_contradiction (&a, &b) == spec);

      if (G_VALUE_HOLDS_STRING (&value))
        g_value_set_string (&value, "something else");
      else if (G_VALUE_HOLDS_UINT (&value))
        g_value_set_uint (&value, g_value_get_uint (&value) + 1);
      else if (G_VALUE_HOLDS_ENUM (&value))
        g_value_set_enum (&value, g_value_get_enum (&value) + 1);
      gst_effvk_model_config_set (&b, i, &value);
      if (G_VALUE_HOLDS_UINT64 (&value))
        continue;
      if (may_differ)
        g_assert_null (gst_effvk_model_config_find_contradiction (&a, &b));
      else
        {
          g_autofree char *text = gst_effvk_model_config_print (&b, spec);

          g_assert_true (gst_effvk_model_config_find_contradiction (&a, &b) == spec);
          g_assert_true (gst_effvk_model_config_find_contradiction (&b, &a) == spec);
          g_assert_cmpuint (strlen (text), >, 0);
        }
    }
}

/* NULL and "" are both what is not set. */
static void
test_empty (void)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      g_auto (GstEffvkModelConfig) a = { 0 };
      g_auto (GstEffvkModelConfig) b = { 0 };
      g_auto (GValue) value = G_VALUE_INIT;

      if (!G_IS_PARAM_SPEC_STRING (gst_effvk_model_config_get_spec (i)))
        continue;
      gst_effvk_model_config_init (&a);
      gst_effvk_model_config_init (&b);
      g_value_init (&value, G_TYPE_STRING);
      g_value_set_string (&value, "");
      gst_effvk_model_config_set (&a, i, &value);
      g_assert_true (gst_effvk_model_config_satisfies (&a, &b, FALSE));
      g_assert_true (gst_effvk_model_config_satisfies (&b, &a, FALSE));
      g_value_set_string (&value, NULL);
      gst_effvk_model_config_set (&a, i, &value);
      g_assert_true (gst_effvk_model_config_satisfies (&b, &a, FALSE));
      g_assert_cmpuint (a.set, ==, 0);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model-config/satisfies", test_satisfies);
  g_test_add_func ("/model-config/contradiction", test_contradiction);
  g_test_add_func ("/model-config/empty", test_empty);
  return g_test_run ();
}
