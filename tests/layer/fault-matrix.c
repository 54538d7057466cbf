/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-matrix.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_OF_CALL 40
#define MAX_SECONDS 120

/* Of Vulkan, by number; VK_SUCCESS is 0. */
enum
{
  TIMEOUT = 2,
  OUT_OF_HOST_MEMORY = -1,
  INITIALIZATION_FAILED = -3,
  DEVICE_LOST = -4,
};

static char current[128]; /* what fails, for whoever reads the log of a crash */

const FaultControl *
fault_get_control (void)
{
  /* kept open: the loader closes it with each instance, and what was counted would be lost */
  static void *layer;

  if (!layer)
    layer = dlopen (g_getenv ("EFFVK_FAULT_LAYER"), RTLD_NOW | RTLD_LOCAL);
  if (!layer)
    g_error ("EFFVK_FAULT_LAYER: %s", dlerror ());
  return dlsym (layer, FAULT_CONTROL_SYMBOL);
}

void
fault_outcome_answer (FaultOutcome *outcome, const char *asked, char *answer)
{
  const char *known = g_hash_table_lookup (outcome->answers, asked);

  if (known && strcmp (known, answer) != 0)
    g_error ("%s: %s is \"%s\", and \"%s\" before", current, asked, answer, known);
  g_hash_table_insert (outcome->answers, g_strdup (asked), answer);
}

static void
say (FaultOutcome *outcome, const char *text)
{
  g_free (outcome->said);
  outcome->said = g_strdup (text);
}

void
fault_outcome_error (FaultOutcome *outcome, const char *text)
{
  outcome->n_errors++;
  say (outcome, text);
}

void
fault_outcome_warning (FaultOutcome *outcome, const char *text)
{
  outcome->n_warnings++;
  say (outcome, text);
}

static void
outcome_init (FaultOutcome *outcome)
{
  *outcome = (FaultOutcome){
    .answers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
}

static void
outcome_clear (FaultOutcome *outcome)
{
  g_hash_table_unref (outcome->answers);
  g_free (outcome->said);
}

/* Names the fault, and dies as it would have. */
static void
on_signal (int number)
{
  static const char text[] = "\n# died or hung while this failed: ";
  ssize_t written = write (STDERR_FILENO, text, sizeof text - 1)
                    + write (STDERR_FILENO, current, strlen (current))
                    + write (STDERR_FILENO, "\n", 1);

  (void) written;
  signal (number, SIG_DFL);
  raise (number);
}

static void
watch (void)
{
  const int signals[] = { SIGALRM, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGFPE };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], on_signal);
}

static void
check (const FaultOutcome *outcome, guint expected, const FaultOutcome *right)
{
  GHashTableIter iter;
  gpointer asked, answer;

  g_hash_table_iter_init (&iter, outcome->answers);
  while (g_hash_table_iter_next (&iter, &asked, &answer))
    {
      const char *known = g_hash_table_lookup (right->answers, asked);

      if (g_strcmp0 (known, answer) != 0)
        g_error ("%s: %s is \"%s\", expected \"%s\"", current, (char *) asked, (char *) answer,
                 known ? known : "nothing");
    }
  if (outcome->n_errors > 1)
    g_error ("%s: %u errors, the last one is \"%s\"", current, outcome->n_errors, outcome->said);
  if (outcome->n_errors + outcome->n_warnings == 0
      && g_hash_table_size (outcome->answers) != expected)
    g_error ("%s: %u of %u answers, but no error", current, g_hash_table_size (outcome->answers),
             expected);
  if (outcome->said && strlen (outcome->said) < 20)
    g_error ("%s: \"%s\" says little", current, outcome->said);
}

static void
run_fault (const FaultTest *test, guint call, guint n, int result, guint expected,
           const FaultOutcome *right)
{
  const FaultControl *control = fault_get_control ();
  guint before = control->count_objects ();
  FaultOutcome outcome;

  outcome_init (&outcome);
  g_snprintf (current, sizeof current, "%s number %u with %d", control->calls[call], n, result);
  control->arm (call, n, result);
  alarm (MAX_SECONDS);
  test->run (&outcome, test->user_data);
  alarm (0);
  check (&outcome, expected, right);
  if (result != TIMEOUT && control->count_objects () != before)
    g_error ("%s: %d objects of Vulkan are left", current,
             (int) (control->count_objects () - before));
  if (g_test_verbose ())
    g_test_message ("%s: %u answers, %s", current, g_hash_table_size (outcome.answers),
                    outcome.said             ? outcome.said
                    : control->has_failed () ? "nothing was said"
                                             : "it was not called");
  outcome_clear (&outcome);
}

/* Returns how many faults that were. */
static guint
run_call (const FaultTest *test, guint call, guint count, gboolean few, guint expected,
          const FaultOutcome *right)
{
  const int results[] = { OUT_OF_HOST_MEMORY, INITIALIZATION_FAILED, DEVICE_LOST, TIMEOUT };
  const char *name = fault_get_control ()->calls[call];
  guint n_results = strcmp (name, "vkWaitForFences") == 0 ? 4 : 3; /* what may time out */
  guint n = MIN (count, few ? 2 : MAX_OF_CALL), faults = 0;
  gboolean each = !few && n <= 4; /* else the failures take turns */

  for (guint i = 0; i < n; i++)
    {
      guint at = n == 1 ? 1 : 1 + i * (count - 1) / (n - 1);

      for (guint r = 0; r < (each ? n_results : 1); r++, faults++)
        run_fault (test, call, at, results[(call + i + r) % n_results], expected, right);
    }
  return faults;
}

void
fault_matrix_run (const FaultTest *test, gboolean few)
{
  const FaultControl *control = fault_get_control ();
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (guint));
  guint expected, n_faults = 0, n_calls = g_strv_length ((char **) control->calls);
  FaultOutcome right;
  guint left = control->count_objects (); /* by waits that timed out, of an earlier matrix */

  watch ();
  outcome_init (&right);
  g_strlcpy (current, "nothing", sizeof current);
  control->arm (0, 0, 0);
  test->run (&right, test->user_data); /* caches are filled */
  g_assert_cmpuint (right.n_errors + right.n_warnings, ==, 0);
  g_assert_cmpuint (control->count_objects (), ==, left);
  expected = g_hash_table_size (right.answers);
  g_assert_cmpuint (expected, >, 0);
  control->arm (0, 0, 0);
  test->run (&right, test->user_data);
  for (guint call = 0; call < n_calls; call++)
    {
      guint count = control->count (call);

      g_array_append_val (counts, count);
    }
  if (test->find_answers)
    test->find_answers (&right, test->user_data);
  for (guint call = 0; call < n_calls; call++)
    n_faults += run_call (test, call, g_array_index (counts, guint, call), few, expected, &right);
  control->arm (0, 0, 0);
  g_test_message ("%u faults", n_faults);
  outcome_clear (&right);
}
