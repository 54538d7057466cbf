/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-compare.h"

#include "install-paths.h"

#include "stop.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "ONNX Runtime"

/* Inferences of one side before it is the other's turn; the first, with cold caches, does not
   count. */
#define TURN 6

/* Between turns: a runtime's threads spin a while for work that may come. */
#define PAUSE_US 50000

/* Of the largest logit; sums are made in another order, and fp16 rounds activations. */
#define LIMIT_FP32 1e-3
#define LIMIT_FP16 3e-2

/* Exit status of the runners that have no runtime. */
#define NO_RUNTIME 3

typedef struct
{
  GSubprocess *process;
  GDataInputStream *out;
  GOutputStream *in;
} Runner;

static void
runner_clear (Runner *runner)
{
  if (runner->in)
    g_output_stream_close (runner->in, NULL, NULL); /* the end of its input ends it */
  if (runner->process && tool_stopped ())
    tool_stop_child (runner->process);
  g_clear_object (&runner->out);
  g_clear_object (&runner->process);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Runner, runner_clear)

/* The script beside this program when that is not installed, else where it is installed. */
static char *
find_script (const char *name)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (self ? self : "");
  g_autofree char *beside = g_build_filename (folder, name, NULL);

  return g_file_test (beside, G_FILE_TEST_EXISTS) ? g_steal_pointer (&beside)
                                                  : g_build_filename (TOOL_PKGDATADIR, name, NULL);
}

/* A line of the runner's, or NULL with @error set. */
static char *
read_line (Runner *runner, GError **error)
{
  g_autoptr (GError) problem = NULL;
  char *line
      = g_data_input_stream_read_line (runner->out, NULL, tool_stop_cancellable (), &problem);

  if (line)
    return line;
  if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, NAME " ended without an answer");
  return NULL;
}

static char *
ask (Runner *runner, const char *question, GError **error)
{
  return g_output_stream_write_all (runner->in, question, strlen (question), NULL,
                                    tool_stop_cancellable (), error)
             ? read_line (runner, error)
             : NULL;
}

/* Whether the runner has a runtime; @error is set when it has one that fails. */
static gboolean
start (Runner *runner, const char *interpreter, const char *script, const char *variable,
       const char *directory, char **arguments, char **name, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *path = find_script (script);
  g_autofree char *line = NULL;
  const char *argv[]
      = { interpreter, path, arguments[0], arguments[1], arguments[2], arguments[3], NULL };

  if (directory)
    {
      const char *old = g_getenv (variable);
      g_autofree char *both = old ? g_strconcat (directory, ":", old, NULL) : NULL;

      g_subprocess_launcher_setenv (launcher, variable, both ? both : directory, TRUE);
    }
  tool_stop_bind_child (launcher);
  runner->process = g_subprocess_launcher_spawnv (launcher, argv, NULL);
  if (!runner->process)
    return FALSE;
  runner->out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (runner->process));
  runner->in = g_subprocess_get_stdin_pipe (runner->process);
  line = g_data_input_stream_read_line (runner->out, NULL, tool_stop_cancellable (), NULL);
  if (line && g_str_has_prefix (line, "ready "))
    {
      *name = g_strstrip (g_strdup (line + strlen ("ready ")));
      return TRUE;
    }
  if (g_cancellable_set_error_if_cancelled (tool_stop_cancellable (), error))
    return FALSE; /* the runner is ended with what it has */
  g_subprocess_wait (runner->process, NULL, NULL);
  if (!g_subprocess_get_if_exited (runner->process)
      || g_subprocess_get_exit_status (runner->process) != NO_RUNTIME)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, NAME " cannot run the exported model ('%s')",
                 path);
  runner_clear (runner);
  runner->in = NULL;
  return FALSE;
}

static gboolean
start_any (Runner *runner, const char *directory, char **arguments, char **name, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (start (runner, "node", "onnxruntime-runner.js", "NODE_PATH", directory, arguments, name,
             &problem)
      || (!problem
          && start (runner, "python3", "onnxruntime-runner.py", "PYTHONPATH", directory, arguments,
                    name, &problem)))
    return TRUE;
  if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                         NAME " was not found: 'npm install onnxruntime-node', then pass "
                              "--onnxruntime=.../node_modules or set NODE_PATH; or 'pip install "
                              "onnxruntime' for python3");
  return FALSE;
}

/* What the network sees of an image that needs no resize. */
typedef struct
{
  guint image_width, image_height; /* of the image that we are given */
  guint x, y, width, height;       /* its part that the network sees */
  guint channels;
  double mean[3], std[3];
} Recipe;

static gboolean
read_recipe (EffvkModel *model, Recipe *recipe, GError **error)
{
  g_autofree char *text = effvk_model_inspect (model);
  g_autoptr (JsonNode) root = json_from_string (text, error);
  JsonObject *input;

  if (!root)
    return FALSE;
  input = json_object_get_object_member (json_node_get_object (root), "input");
  effvk_model_get_input_size (model, &recipe->width, &recipe->height);
  recipe->channels = (guint) json_object_get_int_member (input, "channels");
  for (guint i = 0; i < 3; i++)
    {
      recipe->mean[i]
          = json_array_get_double_element (json_object_get_array_member (input, "mean"), i);
      recipe->std[i]
          = json_array_get_double_element (json_object_get_array_member (input, "std"), i);
    }
  recipe->image_width = recipe->width;
  recipe->image_height = recipe->height;
  if (strcmp (json_object_get_string_member (input, "crop"), "center") == 0)
    {
      /* The image whose shorter side is what the resize would make it. */
      guint side = (guint) json_object_get_int_member (input, "resize");

      recipe->image_width = MAX (side, recipe->width);
      recipe->image_height = MAX (side, recipe->height);
      if (MIN (recipe->image_width, recipe->image_height) != side)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       "cannot compare: expected a resize to at least the input's %ux%u, found %u",
                       recipe->width, recipe->height, side);
          return FALSE;
        }
      recipe->x = (guint) rint ((recipe->image_width - recipe->width) / 2.0);
      recipe->y = (guint) rint ((recipe->image_height - recipe->height) / 2.0);
    }
  return TRUE;
}

/* Gray noise where the network wants one channel: then its luma is the same. */
static guint8 *
make_pixels (const Recipe *recipe)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  gsize n = (gsize) recipe->image_width * recipe->image_height;
  guint8 *pixels = g_new (guint8, n * 4);

  for (gsize i = 0; i < n; i++)
    {
      for (guint c = 0; c < 4; c++)
        pixels[4 * i + c] = (guint8) g_rand_int_range (rand, 0, 256);
      if (recipe->channels == 1)
        pixels[4 * i + 1] = pixels[4 * i + 2] = pixels[4 * i];
    }
  return pixels;
}

static float *
normalise (const Recipe *recipe, const guint8 *pixels, gsize *bytes)
{
  gsize plane = (gsize) recipe->width * recipe->height;
  float *out = g_new (float, plane * recipe->channels);

  for (guint c = 0; c < recipe->channels; c++)
    for (guint y = 0; y < recipe->height; y++)
      for (guint x = 0; x < recipe->width; x++)
        {
          gsize at = (gsize) (y + recipe->y) * recipe->image_width + x + recipe->x;

          out[c * plane + (gsize) y * recipe->width + x]
              = (float) ((pixels[4 * at + c] / 255.0 - recipe->mean[c]) / recipe->std[c]);
        }
  *bytes = plane * recipe->channels * sizeof (float);
  return out;
}

static gboolean
compare_logits (Runner *runner, EffvkClassifier *classifier, const EffvkImage *image,
                ToolComparison *comparison, GError **error)
{
  g_autoptr (EffvkResult) result = effvk_classifier_classify (classifier, image, error);
  g_autofree char *answer = result ? ask (runner, "logits\n", error) : NULL;
  double largest = 0, difference = 0;
  const float *logits;
  char *at = answer;
  guint n;

  if (!answer)
    return FALSE;
  logits = effvk_result_get_logits (result, &n);
  for (guint i = 0; i < n; i++)
    {
      char *end;
      double theirs = g_ascii_strtod (at, &end);

      if (end == at)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       NAME ": expected %u logits, found %u", n, i);
          return FALSE;
        }
      largest = MAX (largest, fabs (theirs));
      difference = MAX (difference, fabs (theirs - logits[i]));
      at = end;
    }
  comparison->difference = difference / MAX (largest, 1e-30);
  comparison->agrees
      = comparison->difference
        <= (effvk_classifier_get_precision (classifier) == EFFVK_PRECISION_FP16 ? LIMIT_FP16
                                                                                : LIMIT_FP32);
  return TRUE;
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static gboolean
infer (Runner *runner, EffvkClassifier *classifier, const EffvkImage *image, double *ms,
       GError **error)
{
  if (!classifier)
    {
      g_autofree char *answer = ask (runner, "run\n", error);

      *ms = answer ? g_ascii_strtod (answer, NULL) : 0;
      return answer != NULL;
    }

  gint64 begin = g_get_monotonic_time ();
  g_autoptr (EffvkResult) result = effvk_classifier_classify (classifier, image, error);

  *ms = (double) (g_get_monotonic_time () - begin) / 1e3;
  return result != NULL;
}

/* In turns: ours, theirs, ours, ... */
static gboolean
take_turns (Runner *runner, EffvkClassifier *classifier, const EffvkImage *image, guint n,
            ToolComparison *comparison, GError **error)
{
  g_autofree double *ours = g_new (double, n + TURN), *theirs = g_new (double, n + TURN);
  guint done = 0;

  while (done < n)
    {
      for (guint side = 0; side < 2; side++)
        {
          double *times = side ? theirs : ours, ms;

          for (guint i = 0; i < TURN; i++)
            {
              if (!infer (runner, side ? NULL : classifier, image, &ms, error))
                return FALSE;
              if (i)
                times[done + i - 1] = ms;
            }
          g_usleep (PAUSE_US);
        }
      done += TURN - 1;
    }
  qsort (ours, done, sizeof *ours, compare_doubles);
  qsort (theirs, done, sizeof *theirs, compare_doubles);
  comparison->ours_ms = ours[done / 2];
  comparison->theirs_ms = theirs[done / 2];
  return TRUE;
}

static gboolean
run (ToolComparison *comparison, EffvkClassifier *classifier, const char *folder, guint n,
     const char *directory, GError **error)
{
  EffvkModel *model = effvk_classifier_get_model (classifier);
  Recipe recipe = { 0 };
  g_auto (Runner) runner = { 0 };
  g_autofree char *network = g_build_filename (folder, "network.onnx", NULL);
  g_autofree char *input = g_build_filename (folder, "input.f32", NULL);
  g_autofree char *shape = NULL, *threads = NULL;
  g_autofree guint8 *pixels = NULL;
  g_autofree float *values = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (EffvkImage) image = NULL;
  gsize size;

  if (!read_recipe (model, &recipe, error))
    return FALSE;
  pixels = make_pixels (&recipe);
  values = normalise (&recipe, pixels, &size);
  bytes = g_bytes_new (pixels, (gsize) recipe.image_width * recipe.image_height * 4);
  image = effvk_image_new_from_bytes (EFFVK_FORMAT_RGBA, recipe.image_width, recipe.image_height,
                                      bytes);
  comparison->threads = g_get_num_processors ();
  shape = g_strdup_printf ("1,%u,%u,%u", recipe.channels, recipe.height, recipe.width);
  threads = g_strdup_printf ("%u", comparison->threads);
  char *arguments[] = { network, input, shape, threads };

  return effvk_model_save_onnx (model, network, error)
         && g_file_set_contents (input, (const char *) values, (gssize) size, error)
         && start_any (&runner, directory, arguments, &comparison->name, error)
         && compare_logits (&runner, classifier, image, comparison, error)
         && take_turns (&runner, classifier, image, n, comparison, error);
}

gboolean
tool_compare (ToolComparison *comparison, EffvkDevice *device, EffvkModel *model,
              EffvkPrecision precision, guint n, const char *directory, GError **error)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autofree char *folder = g_dir_make_tmp ("effvk-compare-XXXXXX", error);
  gboolean ok;

  signal (SIGPIPE, SIG_IGN); /* a runner that ends is an error of ours to report */
  if (!folder)
    return FALSE;
  effvk_classifier_options_set_precision (options, precision);
  effvk_classifier_options_set_logits (options, TRUE);
  classifier = effvk_classifier_new (device, model, options, error);
  ok = classifier && run (comparison, classifier, folder, n, directory, error);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_build_filename (folder, i ? "input.f32" : "network.onnx", NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  return ok;
}

void
tool_comparison_clear (ToolComparison *comparison)
{
  g_clear_pointer (&comparison->name, g_free);
}

void
tool_comparison_print (const ToolComparison *comparison)
{
  printf ("\n%-12s %.2f ms with %u threads; effvk %.2f ms, in turn with it: %.2f times as long\n",
          comparison->name, comparison->theirs_ms, comparison->threads, comparison->ours_ms,
          comparison->ours_ms / comparison->theirs_ms);
  printf ("%-12s %s: the logits differ by %.1e of the largest\n", "answers",
          comparison->agrees ? "agree" : "DIFFER", comparison->difference);
}

void
tool_comparison_to_json (const ToolComparison *comparison, GstEffvkJson *json)
{
  gst_effvk_json_begin (json, "comparison", '{');
  gst_effvk_json_string (json, "runtime", comparison->name);
  gst_effvk_json_int (json, "threads", comparison->threads);
  gst_effvk_json_double (json, "runtime_ms", "%.3f", comparison->theirs_ms);
  gst_effvk_json_double (json, "effvk_ms", "%.3f", comparison->ours_ms);
  gst_effvk_json_double (json, "ratio", "%.3f", comparison->ours_ms / comparison->theirs_ms);
  gst_effvk_json_double (json, "difference", "%.2e", comparison->difference);
  gst_effvk_json_boolean (json, "agrees", comparison->agrees);
  gst_effvk_json_end (json, '}');
}
