/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"
#include "ops/op.h"

/* A model's network as a program: from the normalised input to logits and the top-k classes. */
typedef struct _EffvkNet EffvkNet;

typedef struct
{
  EffvkStorage storage; /* of weights and activations, F32 or F16 */
  guint batch;
  guint top_k; /* at most the model's classes are used */
  EffvkOutputActivation activation;
  gboolean heatmap;
  EffvkPlan plan;
  EffvkProgramFlags flags; /* EFFVK_PROGRAM_SEPARATE keeps every activation readable */
  EffvkChoices *choices;   /* kernels to take; NULL: what tuning chose, if it did */
  EffvkChoices *made;      /* (nullable): told what was chosen */
} EffvkNetOptions;

/* What may be read after a run, fp32. */
typedef enum
{
  EFFVK_NET_TOP_K,  /* [N,1,k,4], see ops/top-k.h */
  EFFVK_NET_LOGITS, /* [N,1,1,classes] */
  EFFVK_NET_POOLED, /* [N,1,1,head]: the features that the classifier reads */
  /* [N,1,1,h*w]: where the best class was seen; EFFVK_TENSOR_NONE if not asked for */
  EFFVK_NET_HEATMAP,
  EFFVK_NET_N_OUTPUTS,
} EffvkNetOutput;

EffvkNet *effvk_net_new (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options,
                         GError **error);

/* The same, but for fewer images where options->batch of them are more than the device can bind;
 * then options->batch is how many they are. */
EffvkNet *effvk_net_new_within (EffvkDevice *device, EffvkModel *model, EffvkNetOptions *options,
                                GError **error);
void effvk_net_free (EffvkNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkNet, effvk_net_free)

/* What tuning depends on, one line: the network's shape, and how it is stored. */
char *effvk_net_describe (EffvkDevice *device, EffvkModel *model, const EffvkNetOptions *options);

EffvkProgram *effvk_net_get_program (EffvkNet *net);

EffvkTensor effvk_net_get_input (EffvkNet *net); /* [N,H,W,3 or 1] normalised */
EffvkTensor effvk_net_get_output (EffvkNet *net, EffvkNetOutput output);

/* The cells of the heat map: the pixels that the head reads. */
void effvk_net_get_heatmap_size (EffvkNet *net, guint *width, guint *height);

/* The output of the stem (0) and of every stage (from 1), [N,H,W,C]; readable after a run with
 * EFFVK_PROGRAM_SEPARATE. EFFVK_TENSOR_NONE beyond the last stage. */
EffvkTensor effvk_net_get_stage (EffvkNet *net, guint stage);
