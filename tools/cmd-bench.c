/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-compare.h"
#include "bench-executables.h"
#include "bench-profile.h"
#include "bench-start.h"
#include "stop.h"
#include "terminal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define IN_FLIGHT 3

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  gint batch, frames, warmup, streams;
  gboolean json, layers, executables, start_only;
  char *compare, *onnxruntime; /* NULL: none; NULL: the usual places */
} Options;

typedef struct
{
  double median_ms, p90_ms, p99_ms, fps, cold_start_ms, warm_start_ms, peak_rss_mb;
  double gpu_ms;  /* NaN where the device has no timestamps */
  guint n_frames; /* whose latency was measured: fewer than asked for where it was stopped */
  guint dispatches;
  guint64 memory, weights, arena; /* bytes of the device's memory, of one classifier */
} Figures;

/* A frame of noise, at the size of the model's input: nothing about it can be guessed or skipped.
 */
static EffvkImage *
make_noise (EffvkModel *model)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (GBytes) bytes = NULL;
  guint width, height;
  guint32 *pixels;
  gsize n;

  effvk_model_get_input_size (model, &width, &height);
  n = (gsize) width * height;
  pixels = g_new (guint32, n);
  for (gsize i = 0; i < n; i++)
    pixels[i] = g_rand_int (rand);
  bytes = g_bytes_new_take (pixels, n * sizeof *pixels);
  return effvk_image_new_from_bytes (EFFVK_FORMAT_RGBA, width, height, bytes);
}

/* The most memory that this process ever had, MB. The rusage of a process begins with that of the
 * one that started it, so the kernel's other count is better where it is. */
static double
peak_rss (void)
{
  g_autofree char *status = NULL;
  struct rusage usage;
  const char *line;

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL)
      && (line = strstr (status, "VmHWM:")))
    return (double) g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) / 1024;
  getrusage (RUSAGE_SELF, &usage);
  return (double) usage.ru_maxrss / 1024;
}

static gboolean
submit_batch (EffvkClassifier *classifier, const EffvkImage *image, guint batch, GError **error)
{
  for (guint i = 0; i < batch; i++)
    if (!effvk_classifier_submit (classifier, image, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
collect_batch (EffvkClassifier *classifier, guint batch, guint64 *gpu_ns, GError **error)
{
  for (guint i = 0; i < batch; i++)
    {
      g_autoptr (EffvkResult) result = effvk_classifier_collect (classifier, TRUE, NULL, error);

      if (!result)
        return FALSE;
      if (gpu_ns)
        *gpu_ns = effvk_result_get_gpu_time (result);
    }
  return TRUE;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* The smallest value that a share of all values does not exceed. Sorts them. */
static double
percentile (double *values, guint n, double share)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return values[MIN (n - 1, (guint) ceil (share * n) - 1)];
}

/* What it does now, on a terminal. */
static void
show (ToolLive *live, const char *what, guint done, guint n)
{
  static gint64 last;
  gint64 now = g_get_monotonic_time ();
  g_autofree char *text = NULL;

  if (!live->live || (done > 0 && now - last < G_USEC_PER_SEC / 10))
    return;
  text = n ? g_strdup_printf ("%s, %u of %u", what, done, n) : g_strdup (what);
  tool_live_show (live, text);
  last = now;
}

/* One batch at a time, from the submit to the last result; fewer than @n when it is stopped. */
static gboolean
measure_latency (EffvkClassifier *classifier, const EffvkImage *image, guint batch, guint n,
                 Figures *figures, ToolLive *live, GError **error)
{
  g_autofree double *total = g_new (double, n), *gpu = g_new (double, n);
  guint done;

  for (done = 0; done < n && !tool_stopped (); done++)
    {
      gint64 begin = g_get_monotonic_time ();
      guint64 gpu_ns = 0;

      show (live, "latency: images one after the other", done * batch, n * batch);
      if (!submit_batch (classifier, image, batch, error)
          || !collect_batch (classifier, batch, &gpu_ns, error))
        return FALSE;
      total[done] = (double) (g_get_monotonic_time () - begin) / 1e3;
      gpu[done] = (double) gpu_ns / 1e6;
    }
  figures->n_frames = done * batch;
  if (done == 0)
    return !g_cancellable_set_error_if_cancelled (tool_stop_cancellable (), error);
  figures->median_ms = percentile (total, done, 0.5);
  figures->p90_ms = percentile (total, done, 0.9);
  figures->p99_ms = percentile (total, done, 0.99);
  figures->gpu_ms = percentile (gpu, done, 0.5);
  if (figures->gpu_ms <= 0)
    figures->gpu_ms = NAN;
  return TRUE;
}

/* One of the classifiers that share the device, each fed by a thread of its own. */
typedef struct
{
  EffvkClassifier *classifier;
  const EffvkImage *image;
  guint batch, n;
  guint collected;
  GError *error;
} Stream;

/* As many batches as the classifier takes at once. When it is stopped, what was submitted is
   collected. */
static gpointer
run_stream (gpointer data)
{
  Stream *stream = data;
  guint submitted = 0, *collected = &stream->collected;

  do
    {
      for (; submitted < stream->n && submitted - *collected < IN_FLIGHT && !tool_stopped ();
           submitted++)
        if (!submit_batch (stream->classifier, stream->image, stream->batch, &stream->error))
          return NULL;
      if (*collected == submitted
          || !collect_batch (stream->classifier, stream->batch, NULL, &stream->error))
        return NULL;
    }
  while (++*collected < stream->n);
  return NULL;
}

/* @n batches through each classifier, all at the same time; fewer when it is stopped. */
static gboolean
measure_throughput (GPtrArray *classifiers, const EffvkImage *image, guint batch, guint n,
                    double *fps, GError **error)
{
  g_autofree Stream *streams = g_new0 (Stream, classifiers->len);
  g_autofree GThread **threads = g_new0 (GThread *, classifiers->len);
  gint64 begin = g_get_monotonic_time ();
  guint64 done = 0;
  gboolean ok = TRUE;

  for (guint i = 0; i < classifiers->len; i++)
    {
      streams[i] = (Stream){ g_ptr_array_index (classifiers, i), image, batch, n, 0, NULL };
      threads[i] = g_thread_new ("effvk-bench", run_stream, &streams[i]);
    }
  for (guint i = 0; i < classifiers->len; i++)
    {
      g_thread_join (threads[i]);
      done += streams[i].collected;
    }
  *fps = done ? (double) (done * batch) * 1e6 / (double) MAX (g_get_monotonic_time () - begin, 1)
              : NAN;
  for (guint i = 0; i < classifiers->len; i++)
    {
      if (!streams[i].error)
        continue;
      if (ok)
        g_propagate_error (error, streams[i].error);
      else
        g_error_free (streams[i].error);
      ok = FALSE;
    }
  return ok;
}

static EffvkClassifier *
make_classifier (EffvkDevice *device, EffvkModel *model, const Options *options, GError **error)
{
  g_autoptr (EffvkClassifierOptions) classifier_options = effvk_classifier_options_new ();

  effvk_classifier_options_set_precision (classifier_options, options->precision);
  effvk_classifier_options_set_batch_size (classifier_options, (guint) options->batch);
  effvk_classifier_options_set_max_in_flight (classifier_options, IN_FLIGHT);
  return effvk_classifier_new (device, model, classifier_options, error);
}

static gboolean
measure (GPtrArray *classifiers, const EffvkImage *image, const Options *options, Figures *figures,
         ToolLive *live, GError **error)
{
  EffvkClassifier *first = g_ptr_array_index (classifiers, 0);
  g_autoptr (GVariant) statistics = NULL;
  guint batch = (guint) options->batch;
  guint n = ((guint) options->frames + batch - 1) / batch;
  guint n_warmup = MAX (((guint) options->warmup + batch - 1) / batch, IN_FLIGHT);

  /* Every slot of the ring, so that none is recorded while the clock runs. */
  show (live, "warming up", 0, 0);
  if (!measure_throughput (classifiers, image, batch, n_warmup, &figures->fps, error)
      || !measure_latency (first, image, batch, n, figures, live, error))
    return FALSE;
  show (live, "throughput: images side by side", 0, 0);
  if (!measure_throughput (classifiers, image, batch, n, &figures->fps, error))
    return FALSE;
  statistics = effvk_classifier_get_statistics (first);
  g_variant_lookup (statistics, "dispatches", "u", &figures->dispatches);
  g_variant_lookup (statistics, "memory-bytes", "t", &figures->memory);
  g_variant_lookup (statistics, "weights-bytes", "t", &figures->weights);
  g_variant_lookup (statistics, "arena-bytes", "t", &figures->arena);
  figures->peak_rss_mb = peak_rss ();
  return TRUE;
}

static void
print_json (EffvkClassifier *classifier, const Options *options, const Figures *figures,
            const ToolProfile *profile, const ToolComparison *comparison)
{
  EffvkDevice *device = effvk_classifier_get_device (classifier);
  EffvkModel *model = effvk_classifier_get_model (classifier);
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "model", effvk_model_get_name (model));
  gst_effvk_json_string (&json, "variant", effvk_model_get_variant (model));
  gst_effvk_json_string (&json, "device", effvk_device_get_name (device));
  gst_effvk_json_string (&json, "driver", effvk_device_get_driver (device));
  gst_effvk_json_string (&json, "precision",
                         tool_precision_to_string (effvk_classifier_get_precision (classifier)));
  gst_effvk_json_int (&json, "batch", options->batch);
  gst_effvk_json_int (&json, "streams", options->streams);
  gst_effvk_json_double (&json, "median_ms", "%.3f", figures->median_ms);
  gst_effvk_json_double (&json, "p90_ms", "%.3f", figures->p90_ms);
  gst_effvk_json_double (&json, "p99_ms", "%.3f", figures->p99_ms);
  gst_effvk_json_double (&json, "gpu_ms", "%.3f", figures->gpu_ms);
  gst_effvk_json_double (&json, "fps", "%.2f", figures->fps);
  gst_effvk_json_int (&json, "dispatches", figures->dispatches);
  gst_effvk_json_double (&json, "cold_start_ms", "%.1f", figures->cold_start_ms);
  gst_effvk_json_double (&json, "warm_start_ms", "%.1f", figures->warm_start_ms);
  gst_effvk_json_double (&json, "peak_rss_mb", "%.1f", figures->peak_rss_mb);
  gst_effvk_json_int (&json, "device_bytes", (gint64) figures->memory);
  gst_effvk_json_int (&json, "weights_bytes", (gint64) figures->weights);
  gst_effvk_json_int (&json, "arena_bytes", (gint64) figures->arena);
  if (tool_stopped ())
    {
      gst_effvk_json_boolean (&json, "stopped", TRUE);
      gst_effvk_json_int (&json, "frames", figures->n_frames);
    }
  if (profile->profile)
    tool_profile_to_json (profile, options->layers, &json);
  if (comparison->name)
    tool_comparison_to_json (comparison, &json);
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}

static void
print_table (EffvkClassifier *classifier, const Options *options, const Figures *figures,
             const ToolProfile *profile, const ToolComparison *comparison)
{
  EffvkDevice *device = effvk_classifier_get_device (classifier);
  EffvkModel *model = effvk_classifier_get_model (classifier);

  printf ("%-12s %s", "model", effvk_model_get_name (model));
  if (strcmp (effvk_model_get_name (model), effvk_model_get_variant (model)) != 0)
    printf (", %s", effvk_model_get_variant (model));
  printf ("\n");
  printf ("%-12s %s\n", "device", effvk_device_get_name (device));
  printf ("%-12s %s\n", "driver", effvk_device_get_driver (device));
  printf ("%-12s %s, batch %d, %u dispatches\n", "network",
          tool_precision_to_string (effvk_classifier_get_precision (classifier)), options->batch,
          figures->dispatches);
  printf ("%-12s median %.2f ms, 90 %% within %.2f ms, 99 %% within %.2f ms\n", "latency",
          figures->median_ms, figures->p90_ms, figures->p99_ms);
  if (isfinite (figures->gpu_ms))
    printf ("%-12s %.2f ms\n", "on the device", figures->gpu_ms);
  if (isfinite (figures->fps))
    printf ("%-12s %.1f frames/s with %d stream%s of %d batches in flight\n", "throughput",
            figures->fps, options->streams, options->streams == 1 ? "" : "s", IN_FLIGHT);
  printf ("%-12s cold %.0f ms, warm %.0f ms to the first result\n", "start", figures->cold_start_ms,
          figures->warm_start_ms);
  printf ("%-12s %.0f MB at most; from the device %.1f MB (weights %.1f, activations %.1f)\n",
          "memory", figures->peak_rss_mb, (double) figures->memory / 1e6,
          (double) figures->weights / 1e6, (double) figures->arena / 1e6);
  if (profile->profile)
    tool_profile_print (profile, options->layers);
  if (comparison->name)
    tool_comparison_print (comparison);
  if (tool_stopped ())
    printf ("\n%-12s after %u of %d images\n", "stopped", figures->n_frames, options->frames);
}

/* The process that tool_measure_starts() runs. */
static gboolean
start_only (EffvkClassifier *classifier, const Options *options, GError **error)
{
  g_autoptr (EffvkImage) image = make_noise (effvk_classifier_get_model (classifier));
  guint batch = (guint) options->batch;

  if (!submit_batch (classifier, image, batch, error)
      || !collect_batch (classifier, batch, NULL, error))
    return FALSE;
  tool_report_start ();
  return TRUE;
}

/* Where each kernel's time goes, and another runtime's time. What is not done when it is stopped is
 * left out. */
static gboolean
measure_more (EffvkClassifier *classifier, const EffvkImage *image, const Options *options,
              ToolProfile *profile, ToolComparison *comparison, ToolLive *live, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (tool_stopped ())
    return TRUE;
  show (live, "every kernel by itself", 0, 0);
  if (!tool_profile_measure (profile, classifier, image, error))
    return FALSE;
  if (!options->compare || tool_stopped ())
    return TRUE;
  show (live, "in turn with ONNX Runtime", 0, 0);
  if (tool_compare (comparison, effvk_classifier_get_device (classifier),
                    effvk_classifier_get_model (classifier), options->precision,
                    (guint) options->frames, options->onnxruntime, &problem))
    return TRUE;
  tool_comparison_clear (comparison);
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
bench (Options *options, ToolLive *live, GError **error)
{
  g_autoptr (EffvkModel) model = tool_load_model (&options->target, error);
  g_autoptr (EffvkDevice) device = model ? effvk_device_new (options->target.device, error) : NULL;
  g_autoptr (GPtrArray) classifiers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (EffvkImage) image = NULL;
  g_auto (ToolProfile) profile = { 0 };
  g_auto (ToolComparison) comparison = { 0 };
  Figures figures = { 0 };

  if (!device)
    return FALSE;
  /* Before this process has work of its own for the device. */
  if (!options->start_only && !options->executables)
    show (live, "the start of a process, with empty caches and with filled ones", 0, 0);
  if ((!options->start_only && !options->executables
       && !tool_measure_starts (&options->target, effvk_device_get_uuid (device),
                                options->precision, (guint) options->batch, &figures.cold_start_ms,
                                &figures.warm_start_ms, error)))
    return FALSE;

  for (gint i = 0; i < options->streams; i++)
    {
      EffvkClassifier *classifier = make_classifier (device, model, options, error);

      if (!classifier)
        return FALSE;
      g_ptr_array_add (classifiers, classifier);
    }
  if (options->start_only)
    return start_only (classifiers->pdata[0], options, error);
  if (options->executables)
    return tool_executables_print (classifiers->pdata[0], options->json, error);
  image = make_noise (model);
  if (!measure (classifiers, image, options, &figures, live, error)
      || !measure_more (classifiers->pdata[0], image, options, &profile, &comparison, live, error))
    return FALSE;
  tool_live_hide (live);
  if (options->json)
    print_json (classifiers->pdata[0], options, &figures, &profile, &comparison);
  else
    print_table (classifiers->pdata[0], options, &figures, &profile, &comparison);
  return TRUE;
}

static ToolStatus
parse (Options *options, char ***argv)
{
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options->target),
          TOOL_OVERRIDES_ENTRY (&options->target),
          TOOL_GRAPH_OUTPUT_ENTRY (&options->target),
          TOOL_DEVICE_ENTRY (&options->target),
          TOOL_PRECISION_ENTRY (&options->target),
          { "batch", 'b', 0, G_OPTION_ARG_INT, &options->batch,
            "Images in one submission to the device, 1 to 64 (default: 1)", "N" },
          { "frames", 'n', 0, G_OPTION_ARG_INT, &options->frames, "Images to time (default: 100)",
            "N" },
          { "warmup", 'w', 0, G_OPTION_ARG_INT, &options->warmup,
            "Images before that (default: 10)", "N" },
          { "streams", 's', 0, G_OPTION_ARG_INT, &options->streams,
            "Classifiers that share the device, for frames per second, 1 to 64 (default: 1)", "N" },
          { "layers", 'L', 0, G_OPTION_ARG_NONE, &options->layers,
            "The time of every dispatch, not only of every kernel", NULL },
          { "executables", 0, 0, G_OPTION_ARG_NONE, &options->executables,
            "Print only what the driver's compiler says of each kernel: registers, spills", NULL },
          { "compare", 'c', 0, G_OPTION_ARG_STRING, &options->compare,
            "Another runtime to time in turn with effvk: onnxruntime", "RUNTIME" },
          { "onnxruntime", 0, 0, G_OPTION_ARG_FILENAME, &options->onnxruntime,
            "Where it is: a node_modules, or a folder of Python packages", "DIR" },
          TOOL_JSON_ENTRY (&options->json),
          { "start-only", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->start_only,
            "Say when the first result is there, and end", NULL },
          G_OPTION_ENTRY_NULL };

  if (!tool_parse (
          "bench", NULL,
          "Times a model on a device. It prints the latency of one batch from submit to result,\n"
          "frames per second with 3 batches in flight, and the time from a process's start to its\n"
          "first result, with empty shader caches and with filled ones. Then it prints the time "
          "of\n"
          "every kernel. Two probes measure the most that the device could do, to compare with.",
          NULL, entries, argv)
      || !tool_check_precision ("bench", options->target.precision, &options->precision)
      || !tool_check_range ("bench", "batch", options->batch, 1, 64)
      || !tool_check_range ("bench", "streams", options->streams, 1, 64)
      || !tool_check_range ("bench", "frames", options->frames, 1, 1000000)
      || !tool_check_range ("bench", "warmup", options->warmup, 0, 1000000))
    return TOOL_USAGE;
  if (options->compare && strcmp (options->compare, "onnxruntime") != 0)
    return tool_usage_error ("bench", "--compare takes onnxruntime, not '%s'", options->compare);
  if (g_strv_length (*argv) > 1)
    return tool_usage_error ("bench", "takes no argument, but has '%s'", (*argv)[1]);
  return TOOL_OK;
}

ToolStatus
tool_bench (char ***argv)
{
  Options options = { .batch = 1, .frames = 100, .warmup = 10, .streams = 1 };
  g_autoptr (GError) error = NULL;
  ToolStatus status = parse (&options, argv);
  ToolLive live;

  if (!options.start_only)
    tool_stop_watch ();
  tool_live_init (&live, stderr);
  if (status == TOOL_OK && !bench (&options, &live, &error))
    status = tool_fail (error);
  tool_target_clear (&options.target);
  g_free (options.compare);
  g_free (options.onnxruntime);
  return status;
}
