/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

#include <effvk/effvk.h>

/* The same network in another runtime, in turn with ours, so that both have the same machine. */
typedef struct
{
  char *name;                /* "ONNX Runtime 1.23.2" */
  guint threads;             /* that it has */
  double ours_ms, theirs_ms; /* medians, one image */
  double difference;         /* of the logits: the largest, over the largest logit */
  gboolean agrees;
} ToolComparison;

/* @directory: where to look for the runtime's module besides the usual places, or NULL. */
gboolean tool_compare (ToolComparison *comparison, EffvkDevice *device, EffvkModel *model,
                       EffvkPrecision precision, guint n, const char *directory, GError **error);
void tool_comparison_clear (ToolComparison *comparison);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolComparison, tool_comparison_clear)

void tool_comparison_print (const ToolComparison *comparison);
void tool_comparison_to_json (const ToolComparison *comparison, GstEffvkJson *json);
