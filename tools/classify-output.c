/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify-output.h"

#include "common.h"
#include "common/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_AFTER G_USEC_PER_SEC
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 5)

/* Frames in a row whose first class is the same. */
typedef struct
{
  guint class;
  char *label;
  gint64 begin, end; /* pts */
  guint64 first_frame, n_frames;
  double sum; /* of scores */
} Run;

struct _ToolOutput
{
  gboolean as_json;
  GstEffvkJson json;

  char *source; /* what the lines are about, NULL before the first */
  gboolean video;
  Run run; /* n_frames is 0 when there is none */

  gboolean terminal, shown;
  gint64 started, last_shown; /* us */
  guint64 n_frames;
};

ToolOutput *
tool_output_new (gboolean json)
{
  ToolOutput *output = g_new0 (ToolOutput, 1);

  output->as_json = json;
  gst_effvk_json_init (&output->json);
  output->terminal = isatty (STDERR_FILENO);
  output->started = g_get_monotonic_time ();
  return output;
}

void
tool_output_hide_progress (ToolOutput *output)
{
  if (output->shown)
    fprintf (stderr, "\r\033[K");
  output->shown = FALSE;
}

/* "0:01:02.345" */
static char *
format_time (gint64 ns)
{
  gint64 ms = ns / 1000000;

  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02u:%02u.%03u", ms / 3600000,
                          (guint) (ms / 60000 % 60), (guint) (ms / 1000 % 60), (guint) (ms % 1000));
}

void
tool_output_progress (ToolOutput *output, const char *source, gint64 pts, gint64 duration)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *name = NULL, *at = NULL, *of = NULL;

  if (!output->terminal || now - output->started < PROGRESS_AFTER
      || now - output->last_shown < PROGRESS_INTERVAL)
    return;
  name = g_filename_display_basename (source);
  at = pts >= 0 ? format_time (pts) : g_strdup ("");
  of = duration > 0 && pts >= 0
           ? g_strdup_printf (" of %.1f s, %d %%", (double) duration / 1e9,
                              (int) (CLAMP ((double) pts / (double) duration, 0, 1) * 100))
           : g_strdup ("");
  fprintf (stderr, "\r\033[K%.40s  %s%s  %.1f frames/s", name, at, of,
           (double) output->n_frames * 1e6 / (double) (now - output->started));
  fflush (stderr);
  output->shown = TRUE;
  output->last_shown = now;
}

static void
print_json (ToolOutput *output, const char *source, guint64 frame, gint64 pts, EffvkResult *result)
{
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();
  GstEffvkJson *json = &output->json;

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", "result");
  gst_effvk_json_string (json, "source", source);
  gst_effvk_json_int (json, "frame", (gint64) frame);
  gst_effvk_record_add_pts (json, pts);
  gst_effvk_classification_take_result (seen, result, effvk_result_get_n_classes (result));
  gst_effvk_record_add_classes (json, seen);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

static void
print_run (ToolOutput *output)
{
  Run *run = &output->run;
  g_autofree char *begin = NULL, *end = NULL;

  if (run->n_frames == 0)
    return;
  begin = format_time (run->begin);
  end = format_time (run->end);
  printf ("  %s - %s  %6" G_GUINT64_FORMAT " frame%s  %5.1f %%  %s\n", begin, end, run->n_frames,
          run->n_frames == 1 ? " " : "s", run->sum * 100 / (double) run->n_frames, run->label);
  fflush (stdout);
  g_clear_pointer (&run->label, g_free);
  run->n_frames = 0;
}

static void
add_to_run (ToolOutput *output, guint64 frame, gint64 pts, EffvkResult *result)
{
  Run *run = &output->run;
  gboolean finite = effvk_result_get_n_classes (result) > 0;
  guint class = finite ? effvk_result_get_index (result, 0) : G_MAXUINT;

  if (run->n_frames == 0 || run->class != class)
    {
      tool_output_hide_progress (output);
      print_run (output);
      run->class = class;
      run->label = g_strdup (finite ? effvk_result_get_label (result, 0) : "(no finite answer)");
      run->begin = pts;
      run->first_frame = frame;
      run->sum = 0;
    }
  run->end = pts;
  run->n_frames++;
  run->sum += finite ? (double) effvk_result_get_score (result, 0) : 0;
}

static void
print_classes (guint64 frame, EffvkResult *result)
{
  guint n = effvk_result_get_n_classes (result);

  if (frame > 0)
    printf ("  frame %" G_GUINT64_FORMAT "\n", frame);
  for (guint i = 0; i < n; i++)
    printf ("  %5.1f %%  %s\n", (double) effvk_result_get_score (result, i) * 100,
            effvk_result_get_label (result, i));
  if (n == 0)
    printf ("  (no finite answer)\n");
  fflush (stdout);
}

static void
print_table (ToolOutput *output, const char *source, guint64 frame, gint64 pts, EffvkResult *result)
{
  if (frame == 0 || g_strcmp0 (source, output->source) != 0)
    {
      g_autofree char *name = g_filename_display_name (source);

      tool_output_hide_progress (output);
      print_run (output);
      printf ("%s\n", name);
      g_free (output->source);
      output->source = g_strdup (source);
    }
  if (pts >= 0)
    add_to_run (output, frame, pts, result);
  else
    {
      tool_output_hide_progress (output);
      print_run (output);
      print_classes (frame, result);
    }
}

void
tool_output_add (ToolOutput *output, const char *source, guint64 frame, gint64 pts,
                 EffvkResult *result)
{
  output->n_frames++;
  if (!output->as_json)
    {
      print_table (output, source, frame, pts, result);
      return;
    }
  if (isatty (STDOUT_FILENO))
    tool_output_hide_progress (output);
  print_json (output, source, frame, pts, result);
}

void
tool_output_free (ToolOutput *output)
{
  tool_output_hide_progress (output);
  print_run (output);
  gst_effvk_json_clear (&output->json);
  g_free (output->run.label);
  g_free (output->source);
  g_free (output);
}
