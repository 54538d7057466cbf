/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

#include <effvk/effvk.h>
#include <gio/gio.h>

/* What a command returns, and the process with it. */
typedef enum
{
  TOOL_OK = 0,
  TOOL_FAILED = 1, /* the work failed */
  TOOL_USAGE = 2,  /* wrong options or arguments */
} ToolStatus;

typedef struct
{
  const char *name;
  const char *summary;              /* a line for `effvk --help` */
  ToolStatus (*run) (char ***argv); /* argv[0] is the command's name */
} ToolCommand;

/* The commands, one file each. */
ToolStatus tool_devices (char ***argv);
ToolStatus tool_inspect (char ***argv);
ToolStatus tool_classify (char ***argv);
ToolStatus tool_monitor (char ***argv);
ToolStatus tool_serve (char ***argv);
ToolStatus tool_bench (char ***argv);
ToolStatus tool_selftest (char ***argv);
ToolStatus tool_tune (char ***argv);
ToolStatus tool_export (char ***argv);
ToolStatus tool_init (char ***argv);
ToolStatus tool_teach (char ***argv);
ToolStatus tool_evaluate (char ***argv);
ToolStatus tool_embed (char ***argv);
ToolStatus tool_find (char ***argv);

/* Prints `effvk: …` and a line end to stderr, on one line whatever the text holds. */
void tool_error (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Prints why the work failed, or that it was stopped. Returns TOOL_FAILED. */
ToolStatus tool_fail (const GError *error);

/* As tool_error(), and says how to get help. Returns TOOL_USAGE. */
ToolStatus tool_usage_error (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Reads the options of @command into what @entries point to. @arguments is what follows the options
 * in the usage line, @summary and @description say what the command does. Returns whether to go on;
 * otherwise the error was printed. --help ends the process. */
gboolean tool_parse (const char *command, const char *arguments, const char *summary,
                     const char *description, const GOptionEntry *entries, char ***argv);

/* Which model runs where, as given by options. */
typedef struct
{
  char *model, *overrides, *output, *labels, *device, *precision;
} ToolTarget;

void tool_target_clear (ToolTarget *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolTarget, tool_target_clear)

/* The options that commands share; they fill a ToolTarget. */
#define TOOL_MODEL_ENTRY(target)                                                                   \
  {                                                                                                \
    "model", 'm', 0, G_OPTION_ARG_FILENAME, &(target)->model,                                      \
        "The model, a file or a folder (default: effvk's own, of a video signal's states)", "FILE" \
  }
#define TOOL_OVERRIDES_ENTRY(target)                                                               \
  {                                                                                                \
    "overrides", 0, 0, G_OPTION_ARG_STRING, &(target)->overrides,                                  \
        "A JSON object that overrides the model's own metadata", "JSON"                            \
  }
/* Not for commands whose --output is a file: there, overrides have the key "output". */
#define TOOL_GRAPH_OUTPUT_ENTRY(target)                                                            \
  {                                                                                                \
    "output", 0, 0, G_OPTION_ARG_STRING, &(target)->output,                                        \
        "The output with the classes, of a graph with several (default: by shape)", "NAME"         \
  }
#define TOOL_LABELS_ENTRY(target)                                                                  \
  {                                                                                                \
    "labels", 'l', 0, G_OPTION_ARG_FILENAME, &(target)->labels,                                    \
        "The classes' names, one a line or JSON (default: the model's own)", "FILE"                \
  }
#define TOOL_DEVICE_ENTRY(target)                                                                  \
  {                                                                                                \
    "device", 'd', 0, G_OPTION_ARG_STRING, &(target)->device,                                      \
        "auto, gpu, cpu, an index, a UUID or a part of the name (default: auto)", "DEVICE"         \
  }
#define TOOL_PRECISION_ENTRY(target)                                                               \
  {                                                                                                \
    "precision", 'p', 0, G_OPTION_ARG_STRING, &(target)->precision,                                \
        "auto, fp32 or fp16 (default: auto)", "PRECISION"                                          \
  }
/* A double that is TOOL_MODELS_THRESHOLD before. */
#define TOOL_UNKNOWN_ENTRY(threshold)                                                              \
  {                                                                                                \
    "unknown-threshold", 0, 0, G_OPTION_ARG_DOUBLE, threshold,                                     \
        "Say \"unknown\" where the best class scores less; 0: never (default: the model's own, "   \
        "which a taught model has)",                                                               \
        "SCORE"                                                                                    \
  }
#define TOOL_MODELS_THRESHOLD (-1.0)
#define TOOL_JSON_ENTRY(json)                                                                      \
  {                                                                                                \
    "json", 'j', 0, G_OPTION_ARG_NONE, json, "Print JSON, for programs", NULL                      \
  }

/* Whether @value of option --@option is in range; otherwise prints the error. */
gboolean tool_check_range (const char *command, const char *option, gint64 value, gint64 min,
                           gint64 max);

/* Whether @text names a precision (NULL is "auto"); otherwise prints the error. */
gboolean tool_check_precision (const char *command, const char *text, EffvkPrecision *precision);
/* Whether @threshold is one, or TOOL_MODELS_THRESHOLD; otherwise prints the error. */
gboolean tool_check_unknown_threshold (const char *command, double threshold);
/* The threshold that counts: @wanted, or @model's own where that is meant. */
double tool_choose_unknown_threshold (double wanted, EffvkModel *model);
const char *tool_precision_to_string (EffvkPrecision precision);

/* Loads the model and its labels. */
EffvkModel *tool_load_model (const ToolTarget *target, GError **error);

/* Whether @output is new or a regular file; otherwise prints the error. To be asked before the
 * work, which would be for nothing. */
gboolean tool_check_replaceable (const char *output);
/* The same, and whether it is another file than those that @target is read from. */
gboolean tool_check_output (const ToolTarget *target, const char *output);

/* Prints the JSON text and a line end to stdout, at once, and begins again. */
void tool_json_print (GstEffvkJson *json);
