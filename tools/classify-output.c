/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify-output.h"

#include "classify-summary.h"
#include "file-name.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_AFTER G_USEC_PER_SEC
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 5)

/* Frames in a row whose first class is the same. */
typedef struct
{
  guint class;
  char *label;
  gboolean damaged;
  gint64 begin, end; /* pts */
  guint64 n_frames;
  double sum; /* of scores */
} Run;

struct _ToolOutput
{
  ToolOutputFormat format;
  ToolSummary *summary; /* or NULL */
  GstEffvkJson json;

  char *source; /* what the table's lines are about, NULL before the first */
  Run run;      /* n_frames is 0 when there is none */

  ToolLive live;
  gint64 started, last_shown; /* us */
  guint64 n_frames;
};

ToolOutput *
tool_output_new (ToolOutputFormat format, gboolean summary)
{
  ToolOutput *output = g_new0 (ToolOutput, 1);

  output->format = format;
  output->summary = summary ? tool_summary_new (format) : NULL;
  gst_effvk_json_init (&output->json);
  tool_live_init (&output->live, stderr);
  output->started = g_get_monotonic_time ();
  if (format == TOOL_OUTPUT_CSV && !summary)
    tool_answer_print_csv_header ();
  return output;
}

void
tool_output_progress (ToolOutput *output, const char *source, gint64 pts, gint64 duration)
{
  gint64 now = g_get_monotonic_time ();
  g_autofree char *name = NULL, *at = NULL, *of = NULL, *text = NULL;

  if (!output->live.live || now - output->started < PROGRESS_AFTER
      || now - output->last_shown < PROGRESS_INTERVAL)
    return;
  name = g_filename_display_basename (source);
  at = pts >= 0 ? tool_format_tenths (pts) : g_strdup ("");
  of = duration > 0 && pts >= 0
           ? g_strdup_printf (" of %.1f s, %d %%", (double) duration / 1e9,
                              (int) (CLAMP ((double) pts / (double) duration, 0, 1) * 100))
           : g_strdup ("");
  text = g_strdup_printf ("%s%s  %.1f frames/s  %s", at, of,
                          (double) output->n_frames * 1e6 / (double) (now - output->started), name);
  tool_live_show (&output->live, text);
  output->last_shown = now;
}

/* What is printed stands above the progress, where both are on a terminal. */
static void
make_room (ToolOutput *output)
{
  if (isatty (STDOUT_FILENO))
    tool_live_hide (&output->live);
}

static void
print_run (ToolOutput *output)
{
  Run *run = &output->run;
  g_autofree char *begin = NULL, *end = NULL, *clean = NULL;

  if (run->n_frames == 0)
    return;
  make_room (output);
  begin = tool_format_time (run->begin);
  end = tool_format_time (run->end);
  clean = tool_terminal_clean (run->label);
  printf ("  %s - %s  %6" G_GUINT64_FORMAT " frame%s  %5.1f %%  %s%s\n", begin, end, run->n_frames,
          run->n_frames == 1 ? " " : "s", run->sum * 100 / (double) run->n_frames, clean,
          run->damaged ? "  (damaged)" : "");
  fflush (stdout);
  g_clear_pointer (&run->label, g_free);
  run->n_frames = 0;
}

static void
add_to_run (ToolOutput *output, const ToolAnswer *answer)
{
  EffvkResult *result = answer->result;
  Run *run = &output->run;
  gboolean finite = effvk_result_get_n_classes (result) > 0;
  guint class = finite ? effvk_result_get_index (result, 0) : G_MAXUINT;

  if (run->n_frames == 0 || run->class != class || run->damaged != answer->damaged)
    {
      print_run (output);
      run->class = class;
      run->damaged = answer->damaged;
      run->label = g_strdup (finite ? effvk_result_get_label (result, 0) : "(no finite answer)");
      run->begin = answer->pts;
      run->sum = 0;
    }
  run->end = answer->pts;
  run->n_frames++;
  run->sum += finite ? (double) effvk_result_get_score (result, 0) : 0;
}

static void
print_classes (const ToolAnswer *answer)
{
  guint n = effvk_result_get_n_classes (answer->result);

  if (answer->frame > 0)
    printf ("  frame %" G_GUINT64_FORMAT "\n", answer->frame);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *label = tool_terminal_clean (effvk_result_get_label (answer->result, i));

      printf ("  %5.1f %%  %s\n", (double) effvk_result_get_score (answer->result, i) * 100, label);
    }
  if (n == 0)
    printf ("  (no finite answer)\n");
  fflush (stdout);
}

static void
print_table (ToolOutput *output, const ToolAnswer *answer)
{
  if (answer->frame == 0 || g_strcmp0 (answer->source, output->source) != 0)
    {
      g_autofree char *name = tool_file_shown (answer->source);
      g_autofree char *clean = tool_terminal_clean (name);

      print_run (output);
      make_room (output);
      printf ("%s%s\n", clean, answer->damaged && answer->pts < 0 ? "  (damaged)" : "");
      g_free (output->source);
      output->source = g_strdup (answer->source);
    }
  if (answer->pts >= 0)
    add_to_run (output, answer);
  else
    {
      print_run (output);
      make_room (output);
      print_classes (answer);
    }
}

void
tool_output_add (ToolOutput *output, const ToolAnswer *answer)
{
  output->n_frames++;
  if (output->summary)
    tool_summary_add (output->summary, answer);
  else if (output->format == TOOL_OUTPUT_TABLE)
    print_table (output, answer);
  else
    {
      make_room (output);
      if (output->format == TOOL_OUTPUT_JSON)
        tool_answer_print_json (answer, &output->json);
      else
        tool_answer_print_csv (answer);
    }
}

void
tool_output_free (ToolOutput *output)
{
  tool_live_hide (&output->live);
  print_run (output);
  g_clear_pointer (&output->summary, tool_summary_free);
  gst_effvk_json_clear (&output->json);
  g_free (output->run.label);
  g_free (output->source);
  g_free (output);
}
