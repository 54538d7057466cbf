/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common.h"

/* What the commands that look at pictures one by one share: a model on a device. */
typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  double interval; /* s, between the frames of a video */
} ToolLookOptions;

#define TOOL_LOOK_DEFAULTS                                                                         \
  {                                                                                                \
    .interval = 1                                                                                  \
  }

#define TOOL_INTERVAL_ENTRY(interval)                                                              \
  {                                                                                                \
    "interval", 'i', 0, G_OPTION_ARG_DOUBLE, interval,                                             \
        "Seconds between the frames of a video that are looked at (default: 1)", "SECONDS"         \
  }

static inline void
tool_look_options_clear (ToolLookOptions *options)
{
  tool_target_clear (&options->target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolLookOptions, tool_look_options_clear)

/* Whether the options make sense; otherwise prints the error. */
gboolean tool_look_check (ToolLookOptions *options, const char *command);

typedef struct
{
  EffvkModel *model;
  EffvkClassifier *classifier;
} ToolLook;

/* What results are to have besides classes. */
typedef enum
{
  TOOL_LOOK_CLASSES = 0,
  TOOL_LOOK_EMBEDDINGS = 1 << 0,
  TOOL_LOOK_HEATMAPS = 1 << 1,
} ToolLookFlags;

/* A classifier of @top_k classes. */
gboolean tool_look_init (ToolLook *look, const ToolLookOptions *options, ToolLookFlags flags,
                         guint top_k, GError **error);
void tool_look_clear (ToolLook *look);
