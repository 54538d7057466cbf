/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"
#include "publish/records.h"

/* Members of a frame's record as DL Streamer's gvametaconvert writes them: "objects", "resolution",
 * "source", "timestamp". What is of the whole frame is an object that covers it. */
void gst_effvk_dlstreamer_add (GstEffvkJson *json, const GstEffvkRecordOptions *options,
                               const GstEffvkRecordFrame *frame);
