/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/* The memory of a mapped frame whose only GstMemory is system memory that came before, as a pool's
 * does, or that is read @again and again, imported for the device; NULL otherwise. Belongs to the
 * GstMemory. */
EffvkFrameMemory *gst_effvk_frame_import (EffvkDevice *device, const GstVideoFrame *frame,
                                          gboolean again);
