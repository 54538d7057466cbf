/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/* The memory of a mapped frame, imported for the device, with a reference. Its only GstMemory is
 * system memory. It came before, as a pool's does, or is read @again and again. NULL otherwise. */
EffvkFrameMemory *gst_effvk_frame_import (EffvkDevice *device, const GstVideoFrame *frame,
                                          gboolean again);
