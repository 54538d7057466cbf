/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "examples.h"

#include <effvk/effvk.h>

/* One picture that was looked at. */
typedef struct
{
  char *source;
  gint64 time;
  char *label;       /* what it shows */
  guint truth;       /* the class of that label; G_MAXUINT: the model has none */
  guint found;       /* the best class */
  double score, own; /* of the best class, and of the true one */
  guint rank;        /* of the true class, from 0; G_MAXUINT: not among those reported */
  float *heat;       /* where the best class was seen, of trials that are wrong; or NULL */
  guint heat_width, heat_height;
  char *thumbnail;     /* of a video's frame that is among the surest mistakes; or NULL */
  double heat_area[4]; /* x, y, width, height, in shares of the picture */
} ToolTrial;

#define TOOL_N_MISTAKES 48   /* that the report shows */
#define TOOL_N_BINS 10       /* of scores, for the calibration */
#define TOOL_N_THRESHOLDS 20 /* 0, 0.05, … */

/* What a model says of pictures whose labels are known. */
typedef struct
{
  EffvkModel *model;
  GArray *trials; /* (element-type ToolTrial) */
  guint n_classes, n_failed;
  gboolean pictures;

  /* What follows from them: tool_evaluation_finish(). */
  guint n_known, n_unknown;    /* trials with a label of the model's, and with another */
  double top1, top5;           /* shares of the known */
  guint *confusion;            /* [classes][classes] */
  double *precision, *recall;  /* of each class; NaN where nothing was found, or tried */
  double calibration_error;    /* the mean gap between scores and how often they are right */
  double bins[TOOL_N_BINS][3]; /* trials, mean score, share that is right */
  double curve[TOOL_N_THRESHOLDS]
              [3]; /* of the known: accepted, right of those; of the unknown: accepted */
} ToolEvaluation;

/* @pictures: keep pictures of mistakes, for the report. */
ToolEvaluation *tool_evaluation_new (EffvkModel *model, gboolean pictures);
void tool_evaluation_free (ToolEvaluation *evaluation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolEvaluation, tool_evaluation_free)

void tool_evaluation_add (ToolEvaluation *evaluation, const ToolExample *example,
                          const ToolFrame *frame, EffvkResult *result);

/* FALSE with @error set where no picture has a label that the model knows. */
gboolean tool_evaluation_finish (ToolEvaluation *evaluation, GError **error);

/* The trials that are wrong, those with the surest answers first: (element-type ToolTrial*). */
GPtrArray *tool_evaluation_find_mistakes (const ToolEvaluation *evaluation);

void tool_evaluation_print (const ToolEvaluation *evaluation);
void tool_evaluation_print_json (const ToolEvaluation *evaluation);

/* A page that needs no other file. */
gboolean tool_evaluation_write_report (const ToolEvaluation *evaluation, const char *path,
                                       GError **error);
