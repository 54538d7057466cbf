/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "analytics-meta.h"
#include "message.h"

void
effvk_reporter_reset (EffvkReporter *reporter)
{
  gst_segment_init (&reporter->segment, GST_FORMAT_UNDEFINED);
  g_clear_object (&reporter->smoother);
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
  EffvkModel *model;
  g_autoptr (EffvkResult) result = NULL;
  gboolean finite, logits, post;
  guint n;

  if (!item->request)
    return buffer;
  model = effvk_network_get_model (item->network);
  result = effvk_result_ref (g_ptr_array_index (item->request->results, 0));
  finite = effvk_result_get_n_classes (result) > 0;
  post = finite
         && effvk_steady_apply (&how->steady, &reporter->smoother, model,
                                effvk_network_get_activation (item->network), &result,
                                effvk_steady_time (&reporter->segment, buffer))
         && how->post_messages;
  count (reporter, finite, post);
  n = effvk_steady_count (result, how->top_k, how->threshold);
  logits = finite && how->attach_logits;
  if (logits || (n > 0 && how->meta_mode != EFFVK_META_NONE))
    buffer = gst_buffer_make_writable (buffer);
  effvk_classification_attach (buffer, how->meta_mode, model, result, n, item->width, item->height);
  if (logits)
    effvk_analytics_attach_logits (buffer, &result, 1);
  if (post)
    effvk_message_post (reporter->element, &reporter->segment, buffer, result, n);
  return buffer;
}
