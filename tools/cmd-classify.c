/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify-output.h"
#include "common.h"
#include "file-list.h"
#include "file-name.h"
#include "heatmap.h"
#include "raw.h"
#include "source.h"
#include "stop.h"
#include "text.h"

#include <math.h>
#include <string.h>

#define IN_FLIGHT 3

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  gint top_k;
  double interval; /* s */
  double unknown_threshold;
  gboolean json, csv, summary, recursive, measures;
  char *allow, *deny, *class_thresholds;
  char *heatmap; /* the file to write it to */
  char *raw_text;
  gboolean raw;
  ToolRawFormat raw_format;
} Options;

typedef struct
{
  const Options *options;
  EffvkClassifier *classifier;
  ToolOutput *output;
  double unknown_threshold;
  EffvkSmoother *chooser; /* of the classes that count; NULL: all do */
  EffvkMeter *meter;      /* NULL: frames are not measured */
  gboolean failed;        /* something went wrong, and was said */
  gboolean abandoned;     /* and nothing more can be done: the device is lost */
} Job;

static void
answer_free (ToolAnswer *answer)
{
  g_clear_pointer (&answer->measures, effvk_measures_free);
  g_free (answer);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolAnswer, answer_free)

static void
report (Job *job, const char *source, const GError *error)
{
  g_autofree char *name = source ? tool_file_shown (source) : NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* the user's wish */
  if (name)
    tool_error ("%s: %s", name, error->message);
  else
    tool_error ("%s", error->message);
  job->failed = TRUE;
}

/* Says once a source what is wrong with it, although it can be classified. */
static void
warn_of_damage (const char *source, const ToolFrame *frame)
{
  g_autofree char *name = tool_file_shown (source);
  g_autofree char *at = frame->pts >= 0 ? tool_format_tenths (frame->pts) : NULL;

  if (at)
    tool_error ("%s: damaged at %s: %s; its classes from there on may be wrong", name, at,
                frame->damage);
  else
    tool_error ("%s: damaged: %s; its classes may be wrong", name, frame->damage);
}

/* What is told of an answer: that it is unknown, or the classes that count. */
static EffvkResult *
choose (Job *job, EffvkResult *result)
{
  if (!job->chooser)
    return effvk_result_apply_unknown (result, job->unknown_threshold);
  effvk_smoother_reset (job->chooser); /* each by itself */
  return effvk_smoother_add (job->chooser, result, 0, NULL);
}

static void
save_heatmap (Job *job, const char *source, EffvkResult *result, EffvkResult *told)
{
#ifdef HAVE_GDK_PIXBUF
  g_autoptr (GError) error = NULL;
  guint width, height;

  if (job->options->heatmap && job->chooser && !effvk_result_get_heatmap (told, &width, &height)
      && effvk_result_get_heatmap (result, &width, &height))
    {
      tool_error ("%s: the heat map is of the network's best class, \"%s\", which does not count",
                  job->options->heatmap, effvk_result_get_label (result, 0));
      job->failed = TRUE;
    }
  if (job->options->heatmap && !job->failed
      && !tool_heatmap_save (source, job->options->heatmap, result, &error))
    report (job, source, error);
#endif
}

/* Takes one answer, waiting for it if @wait. Returns whether there was one. */
static gboolean
collect (Job *job, gboolean wait)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (ToolAnswer) pending = NULL; /* what is known of it before */

  if (effvk_classifier_get_n_in_flight (job->classifier) == 0)
    return FALSE;
  result = effvk_classifier_collect (job->classifier, wait, (gpointer *) &pending, &error);
  if (result)
    {
      g_autoptr (EffvkResult) told = choose (job, result);

      pending->result = told;
      tool_output_add (job->output, pending);
      if (effvk_result_get_n_classes (result) == 0)
        job->failed = TRUE;
      save_heatmap (job, pending->source, result, told);
      return TRUE;
    }
  if (g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING))
    {
      (void) g_steal_pointer (&pending); /* still in flight */
      return FALSE;
    }
  if (!job->abandoned)
    report (job, pending ? pending->source : NULL, error);
  job->abandoned = TRUE;
  return TRUE;
}

/* FALSE: the device is lost. */
static gboolean
measure (Job *job, ToolAnswer *answer, const ToolFrame *frame)
{
  g_autoptr (GError) error = NULL;

  answer->measures = effvk_meter_measure (job->meter, frame->image, &error);
  if (answer->measures)
    return TRUE;
  report (job, answer->source, error);
  job->abandoned |= effvk_device_is_lost (effvk_classifier_get_device (job->classifier));
  return !job->abandoned;
}

/* Gives a frame to the device, and takes what is ready. Returns whether the source may go on. */
static gboolean
submit (Job *job, const char *source, const ToolFrame *frame)
{
  g_autoptr (ToolAnswer) pending = g_new0 (ToolAnswer, 1);
  gboolean submitted = FALSE;

  *pending = (ToolAnswer){ source, frame->number, frame->pts, frame->damage != NULL, NULL, NULL };
  if (job->meter && !measure (job, pending, frame))
    return FALSE;
  while (!submitted)
    {
      g_autoptr (GError) error = NULL;

      submitted = effvk_classifier_submit (job->classifier, frame->image, pending, &error);
      if (submitted)
        (void) g_steal_pointer (&pending);
      else if (g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY))
        collect (job, TRUE);
      else
        {
          report (job, source, error);
          job->abandoned |= effvk_device_is_lost (effvk_classifier_get_device (job->classifier));
          return FALSE;
        }
      if (job->abandoned)
        return FALSE;
    }
  while (collect (job, FALSE) && !job->abandoned)
    ;
  return !job->abandoned && !tool_stopped ();
}

static ToolSource *
open_source (const Options *options, const char *source, GError **error)
{
  if (options->raw)
    return tool_raw_open (source, &options->raw_format, error);
  return tool_source_open (source, error);
}

static void
classify_source (Job *job, const char *name)
{
  gint64 interval = (gint64) (job->options->interval * 1e9), due = G_MININT64;
  gint64 duration = -1;
  gboolean warned = FALSE;
  g_autoptr (GError) error = NULL;
  g_autoptr (ToolSource) source = open_source (job->options, name, &error);
  ToolFrame frame;

  if (job->meter)
    effvk_meter_reset (job->meter);
  while (source && source->next (source, &frame, &error))
    {
      if (duration < 0 && frame.number % 32 == 0)
        duration = frame.pts < 0 ? -1 : source->get_duration (source);
      tool_output_progress (job->output, name, frame.pts, duration);
      if (frame.damage && !warned)
        warn_of_damage (name, &frame);
      warned |= frame.damage != NULL;
      if (frame.pts >= 0 && frame.pts < due)
        continue;
      if (frame.pts >= 0)
        due = frame.pts + interval;
      if (!submit (job, name, &frame))
        return;
    }
  if (error)
    report (job, name, error);
}

static gboolean
has_filter (const Options *options)
{
  return options->allow || options->deny || options->class_thresholds;
}

/* FALSE: the classes that count are not those of the model. */
static gboolean
make_chooser (Job *job, GError **error)
{
  const Options *options = job->options;
  EffvkModel *model = effvk_classifier_get_model (job->classifier);
  g_autoptr (EffvkClassFilter) filter = NULL;

  if (!has_filter (options))
    return TRUE;
  filter = effvk_class_filter_new (model, options->allow, options->deny, options->class_thresholds,
                                   error);
  if (!filter)
    return FALSE;
  job->chooser = effvk_smoother_new (model, EFFVK_OUTPUT_ACTIVATION_AUTO);
  effvk_smoother_set_unknown (job->chooser, job->unknown_threshold, 0);
  effvk_smoother_set_filter (job->chooser, filter);
  return TRUE;
}

static EffvkClassifier *
make_classifier (const Options *options, GError **error)
{
  g_autoptr (EffvkClassifierOptions) classifier_options = effvk_classifier_options_new ();
  g_autoptr (EffvkModel) model = tool_load_model (&options->target, error);

  if (!model)
    return NULL;
  effvk_classifier_options_set_precision (classifier_options, options->precision);
  effvk_classifier_options_set_top_k (classifier_options, (guint) options->top_k);
  effvk_classifier_options_set_max_in_flight (classifier_options, IN_FLIGHT);
  effvk_classifier_options_set_heatmaps (classifier_options, options->heatmap != NULL);
  effvk_classifier_options_set_logits (classifier_options, has_filter (options));
  return effvk_classifier_new_for_selector (options->target.device, model, classifier_options,
                                            error);
}

static ToolStatus
classify (const Options *options, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkClassifier) classifier = make_classifier (options, &error);
  g_autoptr (GPtrArray) sources = NULL;
  g_autoptr (ToolOutput) output = NULL;
  gboolean complete = TRUE;
  Job job = { 0 };

  if (!classifier)
    return tool_fail (error);
  sources = tool_file_list_new (arguments, options->raw, options->recursive, &complete);
  output = tool_output_new (options->json  ? TOOL_OUTPUT_JSON
                            : options->csv ? TOOL_OUTPUT_CSV
                                           : TOOL_OUTPUT_TABLE,
                            options->summary);
  job = (Job){
    .options = options, .classifier = classifier, .output = output, .failed = !complete
  };
  job.unknown_threshold = tool_choose_unknown_threshold (options->unknown_threshold,
                                                         effvk_classifier_get_model (classifier));
  if (!make_chooser (&job, &error))
    return tool_fail (error);
  if (options->measures)
    job.meter = effvk_meter_new (effvk_classifier_get_device (classifier));
  /* The last frames of a source are still in flight while the next one is opened. */
  for (guint i = 0; i < sources->len && !job.abandoned && !tool_stopped (); i++)
    classify_source (&job, sources->pdata[i]);
  while (collect (&job, TRUE))
    ;
  g_clear_object (&job.chooser);
  g_clear_object (&job.meter);
  return job.failed ? TOOL_FAILED : TOOL_OK;
}

static gboolean
is_same_file (const char *a, const char *b)
{
  g_autofree char *one = g_canonicalize_filename (a, NULL);
  g_autofree char *other = g_canonicalize_filename (b, NULL);

  return strcmp (one, other) == 0;
}

/* --heatmap, with all of the command line. */
static ToolStatus
check_heatmap (const Options *options, char **argv)
{
#ifndef HAVE_GDK_PIXBUF
  return tool_usage_error ("classify", "--heatmap needs an effvk that was built with gdk-pixbuf");
#endif
  if (options->raw || g_strv_length (argv) != 2)
    return tool_usage_error ("classify", "--heatmap is for one still picture");
  if (is_same_file (options->heatmap, argv[1]))
    return tool_usage_error ("classify", "--heatmap would overwrite the picture");
  return tool_check_replaceable (options->heatmap) ? TOOL_OK : TOOL_USAGE;
}

/* What is read, and what is printed. */
static ToolStatus
check_formats (Options *options)
{
  options->raw = options->raw_text != NULL;
  if (options->raw && !tool_raw_parse (options->raw_text, &options->raw_format))
    return tool_usage_error ("classify",
                             "--raw takes a format and a size such as NV12:640x480, not '%s'",
                             options->raw_text);
  if (options->measures && (!options->json || options->summary))
    return tool_usage_error ("classify",
                             "--measures needs --json without --summary: it adds to the "
                             "line of each frame");
  if (options->json && options->csv)
    return tool_usage_error ("classify", "--json and --csv are two formats: choose one");
  if (options->raw && options->recursive)
    return tool_usage_error ("classify",
                             "--recursive is for folders of pictures and videos, and not "
                             "for --raw");
  if (options->raw && options->interval > 0)
    return tool_usage_error ("classify", "--interval needs timestamps, which raw frames lack");
#if !defined(HAVE_GSTREAMER) && !defined(HAVE_GDK_PIXBUF)
  if (!options->raw)
    return tool_usage_error ("classify",
                             "this effvk was built without GStreamer and gdk-pixbuf and reads only "
                             "raw frames; --raw is needed");
#endif
  return TOOL_OK;
}

static ToolStatus
parse (Options *options, char ***argv)
{
  const GOptionEntry entries[] = {
    TOOL_MODEL_ENTRY (&options->target),
    TOOL_OVERRIDES_ENTRY (&options->target),
    TOOL_GRAPH_OUTPUT_ENTRY (&options->target),
    TOOL_LABELS_ENTRY (&options->target),
    TOOL_DEVICE_ENTRY (&options->target),
    TOOL_PRECISION_ENTRY (&options->target),
    { "top-k", 'k', 0, G_OPTION_ARG_INT, &options->top_k,
      "How many classes to report, 1 to 1000 (default: 5)", "K" },
    { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &options->interval,
      "Classify a frame only every so many seconds of a video", "SECONDS" },
    TOOL_UNKNOWN_ENTRY (&options->unknown_threshold),
    { "allow", 0, 0, G_OPTION_ARG_STRING, &options->allow,
      "Report only these classes: labels or indices, separated by commas; \\, is a comma in a "
      "label",
      "CLASSES" },
    { "deny", 0, 0, G_OPTION_ARG_STRING, &options->deny, "Do not report these classes", "CLASSES" },
    { "class-thresholds", 0, 0, G_OPTION_ARG_STRING, &options->class_thresholds,
      "Report a class only from this score on, for instance cat=0.4,dog=0.7", "CLASS=SCORE" },
    { "recursive", 'r', 0, G_OPTION_ARG_NONE, &options->recursive,
      "Look into the folders in a folder, too", NULL },
    { "raw", 'R', 0, G_OPTION_ARG_STRING, &options->raw_text,
      "The files are raw frames, for instance I420:640x480; - is the standard input",
      "FORMAT:WxH" },
    { "heatmap", 0, 0, G_OPTION_ARG_FILENAME, &options->heatmap,
      "Write the picture, and where in it the first class was seen, to this PNG file", "FILE" },
    TOOL_JSON_ENTRY (&options->json),
    { "csv", 'c', 0, G_OPTION_ARG_NONE, &options->csv,
      "Print comma-separated values, for spreadsheets", NULL },
    { "measures", 0, 0, G_OPTION_ARG_NONE, &options->measures,
      "With --json: also what was measured of each frame at full resolution", NULL },
    { "summary", 's', 0, G_OPTION_ARG_NONE, &options->summary,
      "A line for each video: how much of its time it shows each class", NULL },
    G_OPTION_ENTRY_NULL
  };

  if (!tool_parse (
          "classify", "FILE|FOLDER|URI…",
#ifdef HAVE_GSTREAMER
          "Says what images and videos show, of any format that GStreamer decodes.",
#else
          "Says what raw frames show (built without GStreamer: --raw is needed).",
#endif
          "A folder stands for the pictures and videos in it. An image has its best classes in "
          "the\n"
          "table. A video has a line for each stretch in which its first class stays the same, "
          "with\nthe class's mean probability. With --json every image and every frame has a line. "
          "A\nfile that fails does not stop the others.",
          entries, argv)
      || !tool_check_precision ("classify", options->target.precision, &options->precision)
      || !tool_check_range ("classify", "top-k", options->top_k, 1, 1000)
      || !tool_check_unknown_threshold ("classify", options->unknown_threshold))
    return TOOL_USAGE;
  if (!isfinite (options->interval) || options->interval < 0 || options->interval > 1e6)
    return tool_usage_error ("classify", "--interval takes 0 to 1000000 seconds, not %g",
                             options->interval);
  if (check_formats (options) != TOOL_OK)
    return TOOL_USAGE;
  if (options->heatmap && check_heatmap (options, *argv) != TOOL_OK)
    return TOOL_USAGE;
  if (g_strv_length (*argv) < 2)
    return tool_usage_error ("classify", "takes at least one file, folder or URI");
  return TOOL_OK;
}

ToolStatus
tool_classify (char ***argv)
{
  Options options = { .top_k = 5, .unknown_threshold = TOOL_MODELS_THRESHOLD };
  ToolStatus status = parse (&options, argv);

  tool_stop_watch ();
  if (status == TOOL_OK)
    status = classify (&options, *argv + 1);
  tool_target_clear (&options.target);
  g_free (options.raw_text);
  g_free (options.heatmap);
  g_free (options.allow);
  g_free (options.deny);
  g_free (options.class_thresholds);
  return status;
}
