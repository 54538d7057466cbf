/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify-answer.h"

#include "common.h"
#include "common/record.h"
#include "file-name.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "measures", by name; null where one has no value. */
static void
print_measures (const EffvkMeasures *measures, GstEffvkJson *json)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (EFFVK_TYPE_MEASURE);

  gst_effvk_json_begin (json, "measures", '{');
  for (guint i = 0; i < names->n_values; i++)
    {
      double value = effvk_measures_get (measures, (EffvkMeasure) names->values[i].value);

      if (isnan (value))
        gst_effvk_json_null (json, names->values[i].value_nick);
      else
        gst_effvk_json_double (json, names->values[i].value_nick, "%.6g", value);
    }
  gst_effvk_json_end (json, '}');
}

void
tool_answer_print_json (const ToolAnswer *answer, GstEffvkJson *json)
{
  g_autoptr (GstEffvkClassification) seen = gst_effvk_classification_new ();

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "event", "result");
  tool_json_file (json, "source", answer->source);
  gst_effvk_json_int (json, "frame", (gint64) answer->frame);
  gst_effvk_record_add_pts (json, answer->pts);
  if (answer->damaged)
    gst_effvk_json_boolean (json, "damaged", TRUE);
  gst_effvk_classification_take_result (seen, answer->result,
                                        effvk_result_get_n_classes (answer->result));
  gst_effvk_record_add_classes (json, seen);
  if (answer->measures)
    print_measures (answer->measures, json);
  gst_effvk_json_end (json, '}');
  tool_json_print (json);
}

void
tool_csv_append (GString *row, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) parts = NULL;
  g_autofree char *doubled = NULL;

  if (!valid[strcspn (valid, ",\"\r\n")])
    {
      g_string_append_printf (row, "%s,", valid);
      return;
    }
  parts = g_strsplit (valid, "\"", -1);
  doubled = g_strjoinv ("\"\"", parts);
  g_string_append_printf (row, "\"%s\",", doubled);
}

void
tool_csv_append_file (GString *row, const char *name)
{
  g_autofree char *uri = tool_file_uri (name);

  tool_csv_append (row, uri ? uri : name);
}

void
tool_csv_print (GString *row)
{
  g_string_truncate (row, row->len - 1);
  g_string_append_c (row, '\n');
  fwrite (row->str, 1, row->len, stdout);
  fflush (stdout);
  g_string_truncate (row, 0);
}

void
tool_answer_print_csv_header (void)
{
  printf ("source,frame,seconds,damaged,rank,index,label,score\n");
}

void
tool_answer_print_csv (const ToolAnswer *answer)
{
  g_autoptr (GString) row = g_string_new (NULL);
  EffvkResult *result = answer->result;

  for (guint i = 0; i < effvk_result_get_n_classes (result); i++)
    {
      tool_csv_append_file (row, answer->source);
      g_string_append_printf (row, "%" G_GUINT64_FORMAT ",", answer->frame);
      if (answer->pts >= 0)
        g_string_append_printf (row, "%.3f", (double) answer->pts / 1e9);
      g_string_append_printf (row, ",%s,%u,%d,", answer->damaged ? "true" : "false", i + 1,
                              (gint) effvk_result_get_index (result, i));
      tool_csv_append (row, effvk_result_get_label (result, i));
      g_string_append_printf (row, "%.6f,", (double) effvk_result_get_score (result, i));
      tool_csv_print (row);
    }
}
