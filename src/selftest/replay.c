/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a device gives the same answer to the last bit, however often and in whatever company it
 * is asked. */

#include "selftest/cases.h"
#include "selftest/chain.h"
#include "vk/queue-families.h"

#include <math.h>

/* Networks of other shapes whose work goes in between. */
#define N_OTHERS 2
#define MAX_QUEUES 8

/* A fault's text, or NULL where the answers are the same. Transfer full. */
static char *
compare (const guint8 *got, const guint8 *expected, gsize size, const char *when)
{
  const float *a = (const float *) (gconstpointer) got;
  const float *b = (const float *) (gconstpointer) expected;
  gsize n = size / sizeof *a, differ = 0, first = 0;

  if (memcmp (got, expected, size) == 0)
    return NULL;
  for (gsize i = n; i-- > 0;)
    if (memcmp (&a[i], &b[i], sizeof *a) != 0)
      {
        differ++;
        first = i;
      }
  return g_strdup_printf ("%s: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                          " values differ, the first is %.9g, expected %.9g",
                          when, differ, n, (double) a[first], (double) b[first]);
}

static void
report (EffvkChain *chain, const char *how, const char *fault)
{
  chain->trial.context.kernel = how;
  effvk_trial_report (&chain->trial, fault ? INFINITY : 0.0, !fault, fault);
}

/* Runs @chain, and behind it and before it @others[i % N_OTHERS]; not waited for in between. */
static gboolean
run_among (EffvkChain *chain, EffvkChain *others, guint i, GError **error)
{
  EffvkChain *other = &others[i % N_OTHERS];
  gboolean behind = i / N_OTHERS % 2;

  if (!behind && !effvk_chain_submit (other, error))
    return FALSE;
  return effvk_chain_submit (chain, error) && (!behind || effvk_chain_submit (other, error))
         && effvk_chain_wait (chain, error) && effvk_chain_wait (other, error);
}

/* @fault receives the first difference, or NULL. */
static gboolean
replay (EffvkChain *chain, EffvkChain *others, guint n, const guint8 *expected, gsize size,
        char **fault, GError **error)
{
  *fault = NULL;
  for (guint i = 0; i < n && !*fault; i++)
    {
      g_autofree char *when = g_strdup_printf ("run %u of %u", i + 1, n);
      g_autofree guint8 *got = NULL;
      gsize got_size;

      if (!effvk_chain_spoil (chain, error) || !run_among (chain, others, i, error))
        return FALSE;
      got = effvk_chain_read (chain, &got_size, error);
      if (!got)
        return FALSE;
      *fault = compare (got, expected, size, when);
    }
  return TRUE;
}

/* All that one queue needs. */
typedef struct
{
  EffvkSelftest test;
  EffvkChain chain, others[N_OTHERS];
  guint n;
  const guint8 *expected;
  gsize size;
  char *fault;
  GError *error;
} Queue;

static gboolean
queue_init (Queue *queue, EffvkDevice *device, const EffvkSelftest *test, guint32 seed, guint index,
            guint n, GError **error)
{
  *queue = (Queue){ .test = *test, .n = n };
  queue->test.device = device;
  for (guint i = 0; i < N_OTHERS; i++)
    if (!effvk_chain_init (&queue->others[i], &queue->test, seed, index + 1 + i, error))
      return FALSE;
  return effvk_chain_init (&queue->chain, &queue->test, seed, index, error);
}

static void
queue_clear (Queue *queue)
{
  effvk_chain_clear (&queue->chain);
  for (guint i = 0; i < N_OTHERS; i++)
    effvk_chain_clear (&queue->others[i]);
  g_free (queue->fault);
  g_clear_error (&queue->error);
}

static gpointer
replay_in_thread (gpointer data)
{
  Queue *queue = data;

  replay (&queue->chain, queue->others, queue->n, queue->expected, queue->size, &queue->fault,
          &queue->error);
  return NULL;
}

/* On all queues at once. */
static gboolean
replay_together (Queue *queues, guint n, GError **error)
{
  GThread *threads[MAX_QUEUES] = { NULL };

  for (guint i = 1; i < n; i++)
    threads[i] = g_thread_try_new ("effvk-selftest", replay_in_thread, &queues[i], NULL);
  replay_in_thread (&queues[0]);
  for (guint i = 1; i < n; i++)
    if (threads[i])
      g_thread_join (threads[i]);
    else
      replay_in_thread (&queues[i]);
  for (guint i = 0; i < n; i++)
    if (queues[i].error)
      {
        g_propagate_error (error, g_steal_pointer (&queues[i].error));
        return FALSE;
      }
  return TRUE;
}

/* Another queue of each family that computes, each of a device of its own, beside @first, which has
 * the expected answer. */
static gboolean
run_queues (Queue *first, guint32 seed, guint index, GError **error)
{
  g_autoptr (GPtrArray) devices = effvk_device_open_queues (first->test.device, MAX_QUEUES - 1);
  Queue queues[MAX_QUEUES] = { 0 };
  gboolean ok = TRUE;

  for (guint i = 0; i < devices->len && ok; i++)
    {
      ok = queue_init (&queues[i], devices->pdata[i], &first->test, seed, index, first->n, error);
      queues[i].expected = first->expected;
      queues[i].size = first->size;
    }
  ok = ok && (devices->len == 0 || replay_together (queues, devices->len, error));
  for (guint i = 0; i < devices->len; i++)
    {
      if (ok)
        report (&queues[i].chain, "queues", queues[i].fault);
      first->test.n_failed += ok && queues[i].fault;
      queue_clear (&queues[i]);
    }
  return ok;
}

/* One network, in all ways. */
static gboolean
run_network (EffvkSelftest *test, guint32 seed, guint index, guint n, GError **error)
{
  Queue queue;
  g_autofree guint8 *expected = NULL;
  g_autofree char *fault = NULL;
  gboolean ok = queue_init (&queue, test->device, test, seed, index, n, error)
                && effvk_chain_spoil (&queue.chain, error)
                && effvk_chain_run_apart (&queue.chain, error);

  queue.test.n_failed = 0;
  expected = ok ? effvk_chain_read (&queue.chain, &queue.size, error) : NULL;
  queue.expected = expected;
  ok = expected && replay (&queue.chain, queue.others, n, expected, queue.size, &fault, error);
  if (ok)
    report (&queue.chain, "replayed", fault);
  ok = ok && run_queues (&queue, seed, index, error);
  test->n_failed += queue.test.n_failed;
  queue_clear (&queue);
  return ok;
}

/* Bytes to the device and back, from and to places that are aligned to nothing. */
static gboolean
run_memory (EffvkSelftest *test, EffvkMemoryKind kind, const char *name, guint32 seed,
            GError **error)
{
  static const gsize sizes[] = { 1, 3, 63, 65, 255, 4097, 70001 };
  g_auto (EffvkTrial) trial = { 0 };
  gboolean ok = TRUE;

  effvk_trial_init (&trial, test, "memory", name, seed, effvk_selftest_n_cases + 1, kind);
  for (guint i = 0; i < G_N_ELEMENTS (sizes) && ok; i++)
    {
      g_autofree char *fault = NULL;

      ok = effvk_trial_copy_around (&trial, kind, sizes[i], &fault, error);
      g_string_printf (trial.shape, "%" G_GSIZE_FORMAT " bytes", sizes[i]);
      if (ok)
        effvk_trial_report (&trial, fault ? INFINITY : 0.0, !fault, fault);
    }
  return ok;
}

gboolean
effvk_selftest_replay (EffvkDevice *device, EffvkPrecision precision, guint32 seed, guint n_replays,
                       EffvkSelftestFunc func, gpointer user_data, guint *n_failed, GError **error)
{
  EffvkSelftest test = {
    .device = device,
    .storage = effvk_storage_of_precision (precision),
    .func = func,
    .user_data = user_data,
  };
  gboolean ran;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), FALSE);
  g_return_val_if_fail (n_replays >= 1 && n_replays <= 1000000, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  ran = run_memory (&test, EFFVK_MEMORY_UPLOAD, "mapped", seed, error)
        && (!effvk_device_has_incoherent_memory (device)
            || run_memory (&test, EFFVK_MEMORY_INCOHERENT, "not-coherent", seed, error));
  for (guint i = 0; i < 3 && ran; i++)
    ran = run_network (&test, seed, 3 * i, n_replays, error);
  if (n_failed)
    *n_failed = test.n_failed;
  return ran;
}
