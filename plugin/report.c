/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "message.h"

/* Best first: the classes that are asked for. */
static guint
count_classes (const EffvkReporting *how, EffvkResult *result)
{
  guint n = MIN (effvk_result_get_n_classes (result), how->top_k);

  while (n > 0 && effvk_result_get_score (result, n - 1) < how->threshold)
    n--;
  return n;
}

static void
count (EffvkReporter *reporter, gboolean finite, gboolean posted)
{
  gboolean warn;

  GST_OBJECT_LOCK (reporter->element);
  reporter->counters->inferences++;
  reporter->counters->messages += posted;
  reporter->counters->not_finite += !finite;
  warn = !finite && reporter->counters->not_finite == 1;
  GST_OBJECT_UNLOCK (reporter->element);
  if (warn) /* not for each of perhaps every frame */
    GST_ELEMENT_WARNING (
        reporter->element, STREAM, FAILED,
        ("The network's answer is not finite: this frame, and further ones like it, are "
         "passed on without classes"),
        ("not-finite in stats counts them"));
}

GstBuffer *
effvk_reporter_report (EffvkReporter *reporter, const EffvkReporting *how, const EffvkItem *item,
                       GstBuffer *buffer)
{
  EffvkResult *result;
  gboolean finite;
  guint n;

  if (!item->request)
    return buffer;
  result = g_ptr_array_index (item->request->results, 0);
  finite = effvk_result_get_n_classes (result) > 0;
  count (reporter, finite, finite && how->post_messages);
  if (!finite)
    return buffer;
  n = count_classes (how, result);
  if (n > 0)
    {
      buffer = gst_buffer_make_writable (buffer);
      effvk_classification_attach (buffer, how->meta_mode, effvk_network_get_model (item->network),
                                   result, n, effvk_network_get_quarks (item->network), item->width,
                                   item->height);
    }
  if (how->post_messages)
    effvk_message_post (reporter->element, &reporter->segment, buffer, result, n);
  return buffer;
}
