/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "examples.h"
#include "look.h"
#include "stop.h"
#include "teach-output.h"

typedef struct
{
  ToolLookOptions look;
  char *output, *list, *add;
  gboolean multi_label, keep_embeddings, json;
  gint views;
  gint64 seed;
} Options;

static void
options_clear (Options *options)
{
  tool_look_options_clear (&options->look);
  g_free (options->output);
  g_free (options->list);
  g_free (options->add);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
learn_one (const ToolExample *example, const ToolFrame *frame, gpointer user_data, GError **error)
{
  g_autofree char *name = tool_example_name (example);

  return effvk_teacher_add_example (user_data, frame->image, name, frame->pts,
                                    (const char *const *) example->labels, error);
}

/* What the model that is added to was taught with. */
static gboolean
add_old (EffvkTeacher *teacher, const char *model, GError **error)
{
  g_autofree char *path = effvk_teacher_get_embeddings_path (model);
  g_autoptr (EffvkEmbeddings) old = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "%s is not there: --add needs the embeddings that effvk teach "
                   "--keep-embeddings leaves beside a model",
                   path);
      return FALSE;
    }
  old = effvk_embeddings_new_from_file (path, error);
  if (old && effvk_teacher_add_embeddings (teacher, old, error))
    return TRUE;
  if (old)
    g_prefix_error (error, "%s: ", path);
  return FALSE;
}

static EffvkTeacher *
make_teacher (const Options *options, GError **error)
{
  g_autoptr (EffvkModel) backbone = tool_load_model (&options->look.target, error);
  g_autoptr (EffvkDevice) device
      = backbone ? effvk_device_new (options->look.target.device, error) : NULL;
  g_autoptr (EffvkTeacher) teacher = device ? effvk_teacher_new (device, backbone, error) : NULL;

  if (!teacher || (options->add && !add_old (teacher, options->add, error)))
    return NULL;
  effvk_teacher_set_multi_label (teacher, options->multi_label);
  effvk_teacher_set_n_views (teacher, (guint) options->views);
  effvk_teacher_set_seed (teacher, (guint32) options->seed);
  return g_steal_pointer (&teacher);
}

static gboolean
save (const Options *options, EffvkTeacher *teacher, EffvkModel *model, GError **error)
{
  return options->keep_embeddings || options->add
             ? effvk_teacher_save (teacher, model, options->output, error)
             : effvk_model_save (model, options->output, error);
}

static gboolean
teach (const Options *options, const char *folder, ToolTeaching *teaching, EffvkTeacher **teacher,
       GError **error)
{
  gint64 began = g_get_monotonic_time (), fitting;
  g_autoptr (GPtrArray) examples
      = options->list ? tool_examples_from_list (options->list, options->multi_label, error)
                      : tool_examples_from_folder (folder, error);
  g_autoptr (EffvkModel) model = NULL;
  guint n_looked;

  *teacher = examples ? make_teacher (options, error) : NULL;
  if (!*teacher
      || !tool_examples_look (examples, options->look.interval, learn_one, *teacher, &n_looked,
                              &teaching->n_failed, error))
    return FALSE;
  fitting = g_get_monotonic_time ();
  model = effvk_teacher_fit (*teacher, tool_stop_cancellable (), NULL, NULL, error);
  if (!model)
    return FALSE;
  teaching->fit_seconds = (double) (g_get_monotonic_time () - fitting) / 1e6;
  if (!save (options, *teacher, model, error))
    return FALSE;
  teaching->report = effvk_teacher_get_report (*teacher);
  teaching->embeddings = effvk_teacher_get_embeddings (*teacher);
  teaching->output = options->output;
  teaching->seconds = (double) (g_get_monotonic_time () - began) / 1e6;
  return TRUE;
}

static ToolStatus
run (const Options *options, const char *folder)
{
  g_autoptr (EffvkTeacher) teacher = NULL;
  g_autoptr (GError) error = NULL;
  ToolTeaching teaching = { 0 };

  if (!teach (options, folder, &teaching, &teacher, &error))
    return tool_fail (error);
  if (options->json)
    tool_teaching_print_json (&teaching);
  else
    tool_teaching_print (&teaching);
  g_variant_unref (teaching.report);
  return TOOL_OK;
}

/* Which model to start from. */
static gboolean
choose_backbone (Options *options)
{
  const char *wanted = g_getenv ("EFFVK_MODEL");

  if (options->add && options->look.target.model)
    {
      tool_usage_error ("teach", "--add names the model to go on from; --model is not needed");
      return FALSE;
    }
  if (options->add)
    options->look.target.model = g_strdup (options->add);
  else if (!options->look.target.model && wanted && *wanted)
    options->look.target.model = g_strdup (wanted);
  if (options->look.target.model)
    return TRUE;
  tool_usage_error ("teach",
                    "needs a model to start from, --model FILE or EFFVK_MODEL: any EfficientNet "
                    "trained on ImageNet; effvk's documentation says where to get one "
                    "(docs/models.md)");
  return FALSE;
}

static gboolean
check (Options *options, guint n_arguments)
{
  if (!tool_look_check (&options->look, "teach")
      || !tool_check_range ("teach", "views", options->views, 1, 16)
      || !tool_check_range ("teach", "seed", options->seed, 0, G_MAXUINT32))
    return FALSE;
  if (!options->output)
    tool_usage_error ("teach", "--output is needed: the model to write");
  else if (options->list ? n_arguments != 0 : n_arguments != 1)
    tool_usage_error ("teach", options->list
                                   ? "takes --list or a folder, not both"
                                   : "takes a folder that has a folder for each class, or --list");
  else if (!effvk_teacher_is_built_in ())
    tool_usage_error ("teach", "this effvk was built without liblbfgs and cannot teach; build it "
                               "anew with liblbfgs's development files installed (Debian: "
                               "liblbfgs-dev)");
  else
    return choose_backbone (options);
  return FALSE;
}

ToolStatus
tool_teach (char ***argv)
{
  g_auto (Options) options = { .look = TOOL_LOOK_DEFAULTS, .views = 4 };
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options.look.target.model,
      "The network to teach, a file or a folder (default: what EFFVK_MODEL names)", "FILE" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "The model to write",
      "OUT.safetensors" },
    { "list", 0, 0, G_OPTION_ARG_FILENAME, &options.list,
      "A CSV file instead of a folder: source,label[,start,end[,x,y,width,height]]", "FILE" },
    { "add", 0, 0, G_OPTION_ARG_FILENAME, &options.add,
      "Go on from a model that was taught with --keep-embeddings", "MODEL" },
    { "keep-embeddings", 0, 0, G_OPTION_ARG_NONE, &options.keep_embeddings,
      "Write OUT.embeddings.safetensors as well, for --add", NULL },
    { "multi-label", 0, 0, G_OPTION_ARG_NONE, &options.multi_label,
      "A picture may show several classes (\"cat|dog\" in the list) or none", NULL },
    { "views", 0, 0, G_OPTION_ARG_INT, &options.views,
      "How often each picture is looked at: as it is, mirrored, in crops; 1 where left and right "
      "matter (default: 4)",
      "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &options.seed,
      "Chooses crops and cross-validation; the same seed makes the same model (default: 0)", "N" },
    TOOL_OVERRIDES_ENTRY (&options.look.target),
    TOOL_DEVICE_ENTRY (&options.look.target),
    TOOL_INTERVAL_ENTRY (&options.look.interval),
    TOOL_JSON_ENTRY (&options.json),
    G_OPTION_ENTRY_NULL
  };

  tool_stop_watch ();
  if (!tool_parse (
          "teach", "FOLDER",
          "Teaches a model classes of your own. Each class has a folder with ten pictures or more.",
          "At the end it says how good the model is on pictures that it had not seen, which "
          "pictures\n"
          "look wrongly labelled, and what would help. A file that cannot be read does not stop "
          "the\n"
          "others.",
          entries, argv)
      || !check (&options, g_strv_length (*argv) - 1))
    return TOOL_USAGE;
  return run (&options, (*argv)[1]);
}
