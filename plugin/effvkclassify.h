/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#define EFFVK_TYPE_CLASSIFY (effvk_classify_get_type ())
G_DECLARE_FINAL_TYPE (EffvkClassify, effvk_classify, EFFVK, CLASSIFY, GstElement)

GST_ELEMENT_REGISTER_DECLARE (effvkclassify)
