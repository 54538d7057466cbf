/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

#define GST_EFFVK_TYPE_PUBLISH (gst_effvk_publish_get_type ())
G_DECLARE_FINAL_TYPE (GstEffvkPublish, gst_effvk_publish, GST_EFFVK, PUBLISH, GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE (effvkpublish)
