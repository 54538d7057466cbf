/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "examples.h"
#include "look.h"
#include "stop.h"

#include <string.h>

typedef struct
{
  ToolLook look;
  EffvkEmbeddings *embeddings; /* NULL: printed at once */
  GstEffvkJson json;
} Job;

static void
job_clear (Job *job)
{
  tool_look_clear (&job->look);
  g_clear_object (&job->embeddings);
  gst_effvk_json_clear (&job->json);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

static void
print_embedding (GstEffvkJson *json, const char *source, gint64 time, const float *values, guint n)
{
  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "source", source);
  if (time >= 0)
    gst_effvk_json_int (json, "time", time);
  else
    gst_effvk_json_null (json, "time");
  gst_effvk_json_begin (json, "embedding", '[');
  for (guint i = 0; i < n; i++)
    gst_effvk_json_double (json, NULL, "%.7g", (double) values[i]);
  gst_effvk_json_end (json, ']');
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

static gboolean
embed_one (const ToolExample *example, const ToolFrame *frame, gpointer user_data, GError **error)
{
  Job *job = user_data;
  g_autofree char *name = tool_example_name (example);
  g_autoptr (EffvkResult) result
      = effvk_classifier_classify (job->look.classifier, frame->image, error);
  const float *values;
  guint n;

  if (!result)
    return FALSE;
  values = effvk_result_get_embedding (result, &n);
  if (!job->embeddings)
    print_embedding (&job->json, name, frame->pts, values, n);
  else if (!effvk_embeddings_add (job->embeddings, values, n, name, frame->pts, NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                           "there is no room for more embeddings");
      return FALSE;
    }
  return TRUE;
}

static ToolStatus
embed (const ToolLookOptions *options, const char *output, char *const *sources)
{
  g_auto (Job) job = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) examples = tool_examples_from_arguments (sources, &error);
  gboolean print = strcmp (output, "-") == 0;
  guint n_looked, n_failed;

  gst_effvk_json_init (&job.json);
  if (!examples || !tool_look_init (&job.look, options, TOOL_LOOK_EMBEDDINGS, 1, &error))
    return tool_fail (error);
  if (!print)
    job.embeddings = effvk_embeddings_new (job.look.model);
  if (!tool_examples_look (examples, options->interval, embed_one, &job, &n_looked, &n_failed,
                           &error))
    /* What was printed is not taken back. */
    return print && n_looked > 0 && tool_stopped () ? TOOL_OK : tool_fail (error);
  if (n_looked == 0)
    {
      tool_error ("there is no picture to write the embedding of; nothing was written");
      return TOOL_FAILED;
    }
  if (!print && !effvk_embeddings_save (job.embeddings, output, &error))
    return tool_fail (error);
  return n_failed ? TOOL_FAILED : TOOL_OK;
}

ToolStatus
tool_embed (char ***argv)
{
  g_auto (ToolLookOptions) options = TOOL_LOOK_DEFAULTS;
  g_autofree char *output = NULL;
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.target),
          TOOL_OVERRIDES_ENTRY (&options.target),
          TOOL_DEVICE_ENTRY (&options.target),
          TOOL_PRECISION_ENTRY (&options.target),
          TOOL_INTERVAL_ENTRY (&options.interval),
          { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
            "What to write: OUT.safetensors, OUT.npy (with OUT.npy.json beside it), or - for JSON "
            "lines",
            "OUT" },
          G_OPTION_ENTRY_NULL };

  tool_stop_watch ();
  if (!tool_parse (
          "embed", "FILE|FOLDER|URI…",
          "Writes the embeddings of pictures and videos: the features that a model's\n"
          "classifier reads. Pictures that look alike have similar embeddings.",
          "A file that fails does not stop the others. effvk find searches what is written "
          "as safetensors.",
          entries, argv)
      || !tool_look_check (&options, "embed"))
    return TOOL_USAGE;
  if (!output)
    return tool_usage_error ("embed", "--output is needed");
  if (g_strv_length (*argv) < 2)
    return tool_usage_error ("embed", "takes at least one file, folder or URI");
  return embed (&options, output, *argv + 1);
}
