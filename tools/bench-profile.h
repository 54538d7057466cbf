/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

#include <effvk/effvk.h>

/* Where the time of a submission goes, and how far it is from what the device can do. */
typedef struct
{
  GVariant *profile;             /* of effvk_classifier_profile() */
  double peak_flops, peak_bytes; /* a second */
} ToolProfile;

gboolean tool_profile_measure (ToolProfile *profile, EffvkClassifier *classifier,
                               const EffvkImage *image, GError **error);
void tool_profile_clear (ToolProfile *profile);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolProfile, tool_profile_clear)

/* Kernels, the dearest first; with @layers, every dispatch in order as well. */
void tool_profile_print (const ToolProfile *profile, gboolean layers);
void tool_profile_to_json (const ToolProfile *profile, gboolean layers, GstEffvkJson *json);
