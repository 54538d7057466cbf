/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#define GST_EFFVK_TYPE_GATE (gst_effvk_gate_get_type ())
G_DECLARE_FINAL_TYPE (GstEffvkGate, gst_effvk_gate, GST_EFFVK, GATE, GstElement)
GST_ELEMENT_REGISTER_DECLARE (effvkgate)
