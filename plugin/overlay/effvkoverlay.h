/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#define GST_EFFVK_TYPE_OVERLAY (gst_effvk_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstEffvkOverlay, gst_effvk_overlay, GST_EFFVK, OVERLAY, GstBin)
GST_ELEMENT_REGISTER_DECLARE (effvkoverlay)
