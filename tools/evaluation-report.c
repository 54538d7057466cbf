/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "evaluation.h"
#include "thumbnail.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#define LARGEST 40 /* classes of a matrix that can be read */
#define CELL 26

static const char style[]
    = "body{font:16px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;"
      "color:#1c2024;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}"
      "table{border-collapse:collapse}td,th{padding:.25rem "
      ".8rem;text-align:right;border-bottom:1px "
      "solid "
      "#d8dde2}td:first-child,th:first-child{text-align:left}.big{font-size:2.2rem;font-weight:"
      "600}.facts{display:flex;flex-wrap:wrap;gap:2.5rem}.facts p{margin:.2rem "
      "0}.sheet{display:grid;"
      "grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:1rem}figure{margin:0;border:"
      "1px "
      "solid #d8dde2;border-radius:6px;padding:.6rem}figure img{max-width:100%;height:auto;display:"
      "block;margin:0 auto}figcaption{font-size:.85rem;overflow-wrap:anywhere;margin-top:.4rem}"
      ".name{color:#5a636b}svg text{font:12px system-ui,sans-serif;fill:#1c2024}.scroll{overflow-x:"
      "auto}.seen{position:relative;width:fit-content;margin:0 auto;overflow:hidden}.seen svg{"
      "position:absolute;left:0;top:0;width:100%;height:100%;mix-blend-mode:multiply}@media("
      "prefers-color-scheme:dark){body{background:#14171a;color:#e6e9ec}td,th,figure{"
      "border-color:#363c42}.name{color:#9aa4ad}svg text{fill:#e6e9ec}}";

static void G_GNUC_PRINTF (2, 3) append (GString *out, const char *format, ...)
{
  va_list args;
  char *text;

  va_start (args, format);
  text = g_markup_vprintf_escaped (format, args);
  va_end (args);
  g_string_append (out, text);
  g_free (text);
}

static void
append_share (GString *out, double share)
{
  if (isnan (share))
    g_string_append (out, "<td>–</td>");
  else
    append (out, "<td>%.1f %%</td>", share * 100);
}

static void
append_facts (GString *out, const ToolEvaluation *evaluation)
{
  g_string_append (out, "<div class=\"facts\">");
  append (out, "<div><p class=\"big\">%.1f %%</p><p>right</p></div>", evaluation->top1 * 100);
  if (evaluation->n_classes > 5)
    append (out, "<div><p class=\"big\">%.1f %%</p><p>among the five best</p></div>",
            evaluation->top5 * 100);
  append (out, "<div><p class=\"big\">%u</p><p>pictures</p></div>", evaluation->n_known);
  append (out, "<div><p class=\"big\">%.1f</p><p>points calibration error</p></div>",
          evaluation->calibration_error * 100);
  g_string_append (out, "</div>");
  if (evaluation->n_unknown)
    append (out, "<p>%u pictures have a label that the model does not know.</p>",
            evaluation->n_unknown);
  if (evaluation->n_failed)
    append (out, "<p>%u files could not be read.</p>", evaluation->n_failed);
}

static guint
count_class (const ToolEvaluation *evaluation, guint class)
{
  guint n = 0;

  for (guint c = 0; c < evaluation->n_classes; c++)
    n += evaluation->confusion[(gsize) class * evaluation->n_classes + c];
  return n;
}

static void
append_classes (GString *out, const ToolEvaluation *evaluation)
{
  g_string_append (out, "<h2>Classes</h2><table><tr><th>Class</th><th>Pictures</th><th>Recognised "
                        "(recall)</th><th>Right when named (precision)</th></tr>");
  for (guint c = 0; c < evaluation->n_classes; c++)
    {
      guint n = count_class (evaluation, c);

      if (n == 0 && evaluation->n_classes > LARGEST)
        continue;
      append (out, "<tr><td>%s</td><td>%u</td>", effvk_model_get_label (evaluation->model, c), n);
      append_share (out, evaluation->recall[c]);
      append_share (out, evaluation->precision[c]);
      g_string_append (out, "</tr>");
    }
  g_string_append (out, "</table>");
}

/* The classes that the matrix shows: all, or those of which there are pictures. */
static GArray *
choose_classes (const ToolEvaluation *evaluation)
{
  GArray *classes = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint c = 0; c < evaluation->n_classes; c++)
    if (evaluation->n_classes <= LARGEST || count_class (evaluation, c) > 0)
      g_array_append_val (classes, c);
  if (classes->len > LARGEST)
    g_array_set_size (classes, LARGEST);
  return classes;
}

/* A class's name, cut to what its margin holds. */
static char *
shorten (const char *label)
{
  g_autofree char *cut = NULL;

  if (g_utf8_strlen (label, -1) <= 22)
    return g_strdup (label);
  cut = g_utf8_substring (label, 0, 21);
  return g_strconcat (cut, "…", NULL);
}

/* Where the matrix begins: room for the longest name, left of it and aslant above it. */
typedef struct
{
  guint left, top;
} Margins;

static Margins
find_margins (const ToolEvaluation *evaluation, const GArray *classes)
{
  glong longest = 0;

  for (guint i = 0; i < classes->len; i++)
    {
      g_autofree char *label
          = shorten (effvk_model_get_label (evaluation->model, g_array_index (classes, guint, i)));

      longest = MAX (longest, g_utf8_strlen (label, -1));
    }
  return (Margins){ 20 + (guint) longest * 8, 24 + (guint) longest * 6 };
}

static void
append_cell (GString *out, const ToolEvaluation *evaluation, const GArray *classes,
             const Margins *margins, guint r, guint c)
{
  guint truth = g_array_index (classes, guint, r), found = g_array_index (classes, guint, c);
  guint n = evaluation->confusion[(gsize) truth * evaluation->n_classes + found];
  double share = n ? (double) n / count_class (evaluation, truth) : 0;

  append (out,
          "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\" fill-opacity=\"%.3f\" "
          "stroke=\"#98a2ab\" stroke-opacity=\".35\"><title>%s taken for %s: %u</title></rect>",
          margins->left + c * CELL, margins->top + r * CELL, CELL, CELL,
          r == c ? "#2f7d4f" : "#c0392b", share, effvk_model_get_label (evaluation->model, truth),
          effvk_model_get_label (evaluation->model, found), n);
  if (n)
    append (out, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\" style=\"fill:%s\">%u</text>",
            margins->left + c * CELL + CELL / 2, margins->top + r * CELL + CELL / 2 + 4,
            share > 0.5 ? "#fff" : "currentColor", n);
}

static void
append_matrix (GString *out, const ToolEvaluation *evaluation)
{
  g_autoptr (GArray) classes = choose_classes (evaluation);
  const Margins margins = find_margins (evaluation, classes);
  guint n = classes->len, width = margins.left + n * CELL + margins.top;
  guint height = margins.top + n * CELL + 10;

  g_string_append (out, "<h2>What pictures of each class (the rows) were taken for</h2><div "
                        "class=\"scroll\">");
  append (out,
          "<svg role=\"img\" aria-label=\"Confusion matrix\" width=\"%u\" height=\"%u\" "
          "viewBox=\"0 0 %u %u\">",
          width, height, width, height);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *label
          = shorten (effvk_model_get_label (evaluation->model, g_array_index (classes, guint, i)));
      guint x = margins.left + i * CELL + CELL / 2, y = margins.top - 8;

      append (out, "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">%s</text>", margins.left - 8,
              margins.top + i * CELL + CELL / 2 + 4, label);
      append (out, "<text x=\"%u\" y=\"%u\" transform=\"rotate(-50 %u %u)\">%s</text>", x, y, x, y,
              label);
    }
  for (guint r = 0; r < n; r++)
    for (guint c = 0; c < n; c++)
      append_cell (out, evaluation, classes, &margins, r, c);
  g_string_append (out, "</svg></div>");
}

/* Where the wrong class was seen, over the picture: cells that speak for it more than the mean. */
static void
append_heat (GString *out, const ToolTrial *trial)
{
  guint n = trial->heat_width * trial->heat_height;
  double mean = 0, most = 0, width, height;

  if (!trial->heat)
    return;
  for (guint i = 0; i < n; i++)
    mean += (double) trial->heat[i] / n;
  for (guint i = 0; i < n; i++)
    most = MAX (most, (double) trial->heat[i] - mean);
  width = trial->heat_area[2] / trial->heat_width;
  height = trial->heat_area[3] / trial->heat_height;
  g_string_append (out, "<svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\">");
  for (guint i = 0; i < n && most > 0; i++)
    if ((double) trial->heat[i] > mean)
      append (out,
              "<rect x=\"%.4f\" y=\"%.4f\" width=\"%.4f\" height=\"%.4f\" fill=\"#ff3b00\" "
              "fill-opacity=\"%.3f\"/>",
              trial->heat_area[0] + i % trial->heat_width * width,
              trial->heat_area[1] + i / trial->heat_width * height, width, height,
              0.55 * ((double) trial->heat[i] - mean) / most);
  g_string_append (out, "</svg>");
}

static char *
get_thumbnail (const ToolTrial *trial)
{
  if (trial->thumbnail || trial->time >= 0)
    return g_strdup (trial->thumbnail);
  return tool_thumbnail_of_file (trial->source);
}

static void
append_mistakes (GString *out, const ToolEvaluation *evaluation)
{
  g_autoptr (GPtrArray) mistakes = tool_evaluation_find_mistakes (evaluation);

  append (out, "<h2>The surest mistakes (%u of %u)</h2>", MIN (mistakes->len, TOOL_N_MISTAKES),
          mistakes->len);
  g_string_append (out,
                   "<p>Red is where the class was seen that the picture was taken for.</p><div "
                   "class=\"sheet\">");
  for (guint i = 0; i < MIN (mistakes->len, TOOL_N_MISTAKES); i++)
    {
      const ToolTrial *trial = mistakes->pdata[i];
      g_autofree char *thumbnail = get_thumbnail (trial);
      g_autofree char *name = g_filename_display_basename (trial->source);

      g_string_append (out, "<figure>");
      if (thumbnail)
        {
          g_string_append_printf (out, "<div class=\"seen\"><img alt=\"\" src=\"%s\">", thumbnail);
          append_heat (out, trial);
          g_string_append (out, "</div>");
        }
      append (
          out,
          "<figcaption><b>%s</b>, taken for <b>%s</b> (%.0f&#160;%%)<br><span class=\"name\">%s",
          trial->label,
          trial->found == G_MAXUINT ? "nothing"
                                    : effvk_model_get_label (evaluation->model, trial->found),
          trial->score * 100, name);
      if (trial->time >= 0)
        append (out, " at %.3f s", (double) trial->time / 1e9);
      g_string_append (out, "</span></figcaption></figure>");
    }
  g_string_append (out, "</div>");
}

static void
append_curve (GString *out, const ToolEvaluation *evaluation)
{
  g_string_append (out, "<h2>What a threshold for unknown would do</h2><table><tr><th>Threshold"
                        "</th><th>Accepted</th><th>Right of those</th>");
  if (evaluation->n_unknown)
    g_string_append (out, "<th>Accepted of what is unknown</th>");
  g_string_append (out, "</tr>");
  for (guint t = 0; t < TOOL_N_THRESHOLDS; t += 2)
    {
      append (out, "<tr><td>%.2f</td>", (double) t / TOOL_N_THRESHOLDS);
      append_share (out, evaluation->curve[t][0]);
      append_share (out, evaluation->curve[t][1]);
      if (evaluation->n_unknown)
        append_share (out, evaluation->curve[t][2]);
      g_string_append (out, "</tr>");
    }
  g_string_append (out, "</table>");
}

static void
append_calibration (GString *out, const ToolEvaluation *evaluation)
{
  g_string_append (out, "<h2>How sure it says it is, and how often it is right</h2><table><tr><th>"
                        "Score</th><th>Pictures</th><th>Mean score</th><th>Right</th></tr>");
  for (guint b = 0; b < TOOL_N_BINS; b++)
    {
      const double *bin = evaluation->bins[b];

      if (bin[0] == 0)
        continue;
      append (out, "<tr><td>%.1f to %.1f</td><td>%.0f</td>", (double) b / TOOL_N_BINS,
              (double) (b + 1) / TOOL_N_BINS, bin[0]);
      append_share (out, bin[1]);
      append_share (out, bin[2]);
      g_string_append (out, "</tr>");
    }
  g_string_append (out, "</table>");
}

gboolean
tool_evaluation_write_report (const ToolEvaluation *evaluation, const char *path, GError **error)
{
  g_autoptr (GString) out
      = g_string_new ("<!doctype html>\n<html lang=\"en\"><head><meta "
                      "charset=\"utf-8\"><meta name=\"viewport\" content=\"width="
                      "device-width,initial-scale=1\"><title>effvk evaluate"
                      "</title><style>");

  g_string_append (out, style);
  append (out, "</style></head><body><h1>%s</h1>", effvk_model_get_variant (evaluation->model));
  append_facts (out, evaluation);
  append_classes (out, evaluation);
  append_matrix (out, evaluation);
  append_mistakes (out, evaluation);
  append_curve (out, evaluation);
  append_calibration (out, evaluation);
  g_string_append (out, "</body></html>\n");
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  /* Which follows symlinks, and keeps a file's permissions. */
  if (g_file_replace_contents (file, out->str, out->len, NULL, FALSE, G_FILE_CREATE_NONE, NULL,
                               NULL, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}
