/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#define GST_EFFVK_TYPE_CLASSIFY (gst_effvk_classify_get_type ())
G_DECLARE_FINAL_TYPE (GstEffvkClassify, gst_effvk_classify, GST_EFFVK, CLASSIFY, GstElement)

GST_ELEMENT_REGISTER_DECLARE (effvkclassify)
