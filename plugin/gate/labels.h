/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A property's list of labels, with commas between. "cat" is a label of the frame. "gate:open" is
 * the label open of objects or regions of the type gate. ":open" is any object's or region's. */

/* Whether somebody is seen. */
typedef enum
{
  GST_EFFVK_SEEN_NOTHING, /* there is no classification that could tell */
  GST_EFFVK_SEEN_OTHERS,
  GST_EFFVK_SEEN_ONE, /* of the list */
} GstEffvkSeen;

/* Whether a label, the first class, of @seen (element-type GstEffvkClassification) that scores
 * @threshold or more is in
 * @list. @label: (out) (transfer full) (nullable): the one that is, else the frame's */
GstEffvkSeen gst_effvk_labels_look (char **list, const GPtrArray *seen, double threshold,
                                    char **label);
