/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "examples.h"
#include "look.h"
#include "stop.h"

#include <stdio.h>

typedef struct
{
  ToolLookOptions look;
  char *like;
  gint top;
  gboolean json;
} Options;

typedef struct
{
  ToolLook look;
  EffvkEmbeddings *embeddings;
} Job;

static void
job_clear (Job *job)
{
  tool_look_clear (&job->look);
  g_clear_object (&job->embeddings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Job, job_clear)

static gboolean
add_one (const ToolExample *example, const ToolFrame *frame, gpointer user_data, GError **error)
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
  if (effvk_embeddings_add (job->embeddings, values, n, name, frame->pts, NULL))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                       "there is no room for more embeddings");
  return FALSE;
}

/* The picture that is looked for: the first frame, where it is a video. */
static gboolean
take_like (const ToolExample *example, const ToolFrame *frame, gpointer user_data, GError **error)
{
  Job *job = user_data;

  g_clear_object (&job->embeddings);
  job->embeddings = effvk_embeddings_new (job->look.model);
  return add_one (example, frame, job, error);
}

static float *
look_at_like (Job *job, const char *like, gsize *n, GError **error)
{
  char *arguments[] = { (char *) like, NULL };
  g_autoptr (GPtrArray) examples = tool_examples_from_arguments (arguments, error);
  float *values = NULL;

  if (!examples)
    return NULL;
  if (examples->len != 1)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: expected one picture", like);
  else if (!tool_example_look (examples->pdata[0], 1e9, take_like, job, error))
    g_prefix_error (error, "%s: ", like);
  else
    {
      const float *first = effvk_embeddings_get_values (job->embeddings, 0, n);

      values = g_memdup2 (first, *n * sizeof *first);
    }
  g_clear_object (&job->embeddings);
  return values;
}

/* The pictures to search: an index, or what is looked at now. */
static gboolean
collect (Job *job, const Options *options, char *const *sources, gboolean *failed, GError **error)
{
  g_autoptr (GPtrArray) examples = NULL;
  guint n_looked, n_failed;

  if (!sources[1] && g_str_has_suffix (sources[0], ".safetensors"))
    {
      job->embeddings = effvk_embeddings_new_from_file (sources[0], error);
      if (!job->embeddings || effvk_embeddings_is_of (job->embeddings, job->look.model))
        return job->embeddings != NULL;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "%s: its embeddings are of another model; give the one that made them with "
                   "--model",
                   sources[0]);
      return FALSE;
    }
  job->embeddings = effvk_embeddings_new (job->look.model);
  examples = tool_examples_from_arguments (sources, error);
  if (!examples
      || !tool_examples_look (examples, options->look.interval, add_one, job, &n_looked, &n_failed,
                              error))
    return FALSE;
  *failed = n_failed > 0;
  if (n_looked > 0)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no picture to search");
  return FALSE;
}

static void
print_text (Job *job, GVariant *found)
{
  for (gsize i = 0; i < g_variant_n_children (found); i++)
    {
      g_autofree char *at = NULL;
      gint64 time;
      double cosine;
      guint item;

      g_variant_get_child (found, i, "(ud)", &item, &cosine);
      time = effvk_embeddings_get_time (job->embeddings, item);
      if (time >= 0)
        at = g_strdup_printf ("  at %.3f s", (double) time / 1e9);
      printf ("%6.3f  %s%s\n", cosine, effvk_embeddings_get_source (job->embeddings, item),
              at ? at : "");
    }
}

static void
print_json (Job *job, const char *like, GVariant *found)
{
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "like", like);
  gst_effvk_json_begin (&json, "found", '[');
  for (gsize i = 0; i < g_variant_n_children (found); i++)
    {
      double cosine;
      gint64 time;
      guint item;

      g_variant_get_child (found, i, "(ud)", &item, &cosine);
      time = effvk_embeddings_get_time (job->embeddings, item);
      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_string (&json, "source", effvk_embeddings_get_source (job->embeddings, item));
      if (time >= 0)
        gst_effvk_json_int (&json, "time", time);
      else
        gst_effvk_json_null (&json, "time");
      gst_effvk_json_double (&json, "similarity", "%.6f", cosine);
      gst_effvk_json_end (&json, '}');
    }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}

static ToolStatus
find (const Options *options, char *const *sources)
{
  g_auto (Job) job = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) found = NULL;
  g_autofree float *like = NULL;
  gboolean failed = FALSE;
  gsize n = 0;

  if (!tool_look_init (&job.look, &options->look, TOOL_LOOK_EMBEDDINGS, 1, &error)
      || !(like = look_at_like (&job, options->like, &n, &error))
      || !collect (&job, options, sources, &failed, &error))
    return tool_fail (error);
  found = effvk_embeddings_find (job.embeddings, like, n, (guint) options->top);
  if (options->json)
    print_json (&job, options->like, found);
  else
    print_text (&job, found);
  return failed ? TOOL_FAILED : TOOL_OK;
}

ToolStatus
tool_find (char ***argv)
{
  Options options = { .look = TOOL_LOOK_DEFAULTS, .top = 10 };
  const GOptionEntry entries[] = { { "like", 0, 0, G_OPTION_ARG_FILENAME, &options.like,
                                     "The picture to look for", "IMAGE" },
                                   { "top", 'n', 0, G_OPTION_ARG_INT, &options.top,
                                     "How many to print, 1 to 100000 (default: 10)", "N" },
                                   TOOL_MODEL_ENTRY (&options.look.target),
                                   TOOL_OVERRIDES_ENTRY (&options.look.target),
                                   TOOL_GRAPH_OUTPUT_ENTRY (&options.look.target),
                                   TOOL_DEVICE_ENTRY (&options.look.target),
                                   TOOL_PRECISION_ENTRY (&options.look.target),
                                   TOOL_INTERVAL_ENTRY (&options.look.interval),
                                   TOOL_JSON_ENTRY (&options.json),
                                   G_OPTION_ENTRY_NULL };
  ToolStatus status = TOOL_USAGE;

  tool_stop_watch ();
  if (tool_parse (
          "find", "FOLDER|FILE…|INDEX.safetensors",
          "Finds the pictures, and the moments of videos, that look most like a picture.",
          "The first column is the cosine of the angle between the embeddings: 1 is the same "
          "picture.\nAn index is a file that effvk embed wrote. With it, effvk find need not look "
          "at the\npictures again.",
          entries, argv)
      && tool_look_check (&options.look, "find")
      && tool_check_range ("find", "top", options.top, 1, 100000))
    {
      if (!options.like)
        tool_usage_error ("find", "--like is needed: the picture to look for");
      else if (g_strv_length (*argv) < 2)
        tool_usage_error ("find", "takes a folder, files, or an index to search");
      else
        status = find (&options, *argv + 1);
    }
  tool_look_options_clear (&options.look);
  g_free (options.like);
  return status;
}
