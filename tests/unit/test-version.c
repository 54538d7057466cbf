/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <effvk/effvk.h>

/* Of the headers and of the library: both know what is older and what is newer than themselves. */
static void
test_check (void)
{
  const int here[] = { EFFVK_MAJOR_VERSION, EFFVK_MINOR_VERSION, EFFVK_MICRO_VERSION };

  for (guint part = 0; part < G_N_ELEMENTS (here); part++)
    for (int step = -1; step <= 1; step++)
      {
        int v[] = { here[0], here[1], here[2] };

        if (step < 0 && v[part] == 0)
          continue;
        v[part] += step;
        /* What stands behind the part that differs says nothing. */
        for (guint i = part + 1; step && i < G_N_ELEMENTS (v); i++)
          v[i] = step < 0 ? 99 : 0;
        g_assert_cmpint (EFFVK_CHECK_VERSION (v[0], v[1], v[2]), ==, step <= 0);
        g_assert_cmpint (effvk_check_version ((guint) v[0], (guint) v[1], (guint) v[2]), ==,
                         step <= 0);
      }
}

static void
test_string (void)
{
  g_autofree char *expected
      = g_strdup_printf ("%d.%d.%d", EFFVK_MAJOR_VERSION, EFFVK_MINOR_VERSION, EFFVK_MICRO_VERSION);

  g_assert_cmpstr (effvk_version_string (), ==, expected);
}

#if !EFFVK_CHECK_VERSION(0, 1, 0) || EFFVK_CHECK_VERSION(99, 0, 0)
#error "the preprocessor evaluates EFFVK_CHECK_VERSION"
#endif

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/version/check", test_check);
  g_test_add_func ("/version/string", test_string);
  return g_test_run ();
}
