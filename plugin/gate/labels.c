/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate/labels.h"

#include "common/classification.h"

#include <string.h>

static gboolean
matches (const char *item, const GstEffvkClassification *seen, const char *label)
{
  const char *colon = strchr (item, ':');

  if (seen->whole)
    return strcmp (item, label) == 0;
  if (!colon || strcmp (colon + 1, label) != 0)
    return FALSE;
  return colon == item
         || (seen->type && strlen (seen->type) == (gsize) (colon - item)
             && strncmp (seen->type, item, (gsize) (colon - item)) == 0);
}

GstEffvkSeen
gst_effvk_labels_look (char **list, const GPtrArray *seen, double threshold, char **label)
{
  GstEffvkSeen found = GST_EFFVK_SEEN_NOTHING;

  *label = NULL;
  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);
      const GstEffvkClass *class = gst_effvk_classification_get_label (one);

      if (!class)
        continue;
      found = GST_EFFVK_SEEN_OTHERS;
      if (!*label)
        *label = g_strdup (class->label);
      for (guint n = 0; list && list[n]; n++)
        if (class->score >= threshold && matches (list[n], one, class->label))
          {
            g_free (*label);
            *label = one->whole ? g_strdup (class->label) : g_strdup (list[n]);
            return GST_EFFVK_SEEN_ONE;
          }
    }
  return found;
}
