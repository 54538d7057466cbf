/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "evaluation.h"
#include "look.h"
#include "stop.h"

typedef struct
{
  ToolLookOptions look;
  char *list, *report;
  gboolean json;
} Options;

typedef struct
{
  ToolLook look;
  ToolEvaluation *evaluation;
} Job;

static void
job_clear (Job *job)
{
  g_clear_pointer (&job->evaluation, tool_evaluation_free);
  tool_look_clear (&job->look);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

static gboolean
try_one (const ToolExample *example, const ToolFrame *frame, gpointer user_data, GError **error)
{
  Job *job = user_data;
  g_autoptr (EffvkResult) result
      = effvk_classifier_classify (job->look.classifier, frame->image, error);

  if (result)
    tool_evaluation_add (job->evaluation, example, frame, result);
  return result != NULL;
}

static gboolean
evaluate (const Options *options, const char *folder, Job *job, GError **error)
{
  g_autoptr (GPtrArray) examples = options->list
                                       ? tool_examples_from_list (options->list, FALSE, error)
                                       : tool_examples_from_folder (folder, error);
  guint n_looked;

  if (!examples
      || !tool_look_init (&job->look, &options->look,
                          options->report ? TOOL_LOOK_HEATMAPS : TOOL_LOOK_CLASSES, 1000, error))
    return FALSE;
  job->evaluation = tool_evaluation_new (job->look.model, options->report != NULL);
  return tool_examples_look (examples, options->look.interval, try_one, job, &n_looked,
                             &job->evaluation->n_failed, error)
         && tool_evaluation_finish (job->evaluation, error)
         && (!options->report
             || tool_evaluation_write_report (job->evaluation, options->report, error));
}

static ToolStatus
run (const Options *options, const char *folder)
{
  g_auto (Job) job = { 0 };
  g_autoptr (GError) error = NULL;

  if (options->report && !tool_check_output (&options->look.target, options->report))
    return TOOL_FAILED;
  if (!evaluate (options, folder, &job, &error))
    return tool_fail (error);
  if (options->json)
    tool_evaluation_print_json (job.evaluation);
  else
    tool_evaluation_print (job.evaluation);
  return TOOL_OK;
}

ToolStatus
tool_evaluate (char ***argv)
{
  Options options = { .look = TOOL_LOOK_DEFAULTS };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.look.target),
          { "list", 0, 0, G_OPTION_ARG_FILENAME, &options.list,
            "A CSV file instead of a folder: source,label[,start,end[,x,y,width,height]]", "FILE" },
          { "report", 0, 0, G_OPTION_ARG_FILENAME, &options.report,
            "Write a page with the matrix and the worst mistakes as well", "OUT.html" },
          TOOL_OVERRIDES_ENTRY (&options.look.target),
          TOOL_GRAPH_OUTPUT_ENTRY (&options.look.target),
          TOOL_LABELS_ENTRY (&options.look.target),
          TOOL_DEVICE_ENTRY (&options.look.target),
          TOOL_PRECISION_ENTRY (&options.look.target),
          TOOL_INTERVAL_ENTRY (&options.look.interval),
          TOOL_JSON_ENTRY (&options.json),
          G_OPTION_ENTRY_NULL };
  ToolStatus status = TOOL_USAGE;

  tool_stop_watch ();
  if (tool_parse (
          "evaluate", "FOLDER",
          "Says how good a model is. It tries the model on pictures whose labels are known. Each\n"
          "class has a folder of them.",
          "Pictures with a label that the model does not know count as unknown. They show what a\n"
          "threshold keeps out. A file that cannot be read does not stop the others.",
          entries, argv)
      && tool_look_check (&options.look, "evaluate"))
    {
      if (options.list ? g_strv_length (*argv) != 1 : g_strv_length (*argv) != 2)
        tool_usage_error ("evaluate", options.list
                                          ? "takes --list or a folder, not both"
                                          : "takes a folder that has a folder for each class, or "
                                            "--list");
      else
        status = run (&options, (*argv)[1]);
    }
  tool_look_options_clear (&options.look);
  g_free (options.list);
  g_free (options.report);
  return status;
}
