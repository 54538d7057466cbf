/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/report.h"

#include "common/analytics-meta.h"
#include "common/embedding-meta.h"
#include "classify/message.h"

static void
forget (GstEffvkReporter *reporter)
{
  g_clear_pointer (&reporter->result, effvk_result_unref);
  g_clear_object (&reporter->model);
}

/* What was told of objects before, and what frames that are skipped would carry. */
static void
forget_answers (GstEffvkReporter *reporter)
{
  forget (reporter);
  gst_effvk_tracks_lock (reporter->tracks);
  gst_effvk_tracks_clear (reporter->tracks);
  gst_effvk_tracks_unlock (reporter->tracks);
}

void
gst_effvk_reporter_reset (GstEffvkReporter *reporter)
{
  gst_segment_init (&reporter->segment, GST_FORMAT_UNDEFINED);
  forget_answers (reporter);
  g_clear_object (&reporter->smoother);
  gst_effvk_signal_watch_reset (&reporter->watch);
  g_clear_pointer (&reporter->label, g_free);
}

void
gst_effvk_reporter_clear (GstEffvkReporter *reporter)
{
  gst_effvk_reporter_reset (reporter);
  gst_effvk_signal_watch_clear (&reporter->watch);
}

/* Which classes of @model count now. FALSE: that cannot be told, so nothing is. */
static gboolean
update_filter (GstEffvkReporter *reporter, EffvkModel *model)
{
  g_autoptr (GError) error = NULL;
  gboolean changed, suits = gst_effvk_filter_update (reporter->filter, model, &changed, &error);

  if (changed)
    forget_answers (reporter);
  if (error)
    GST_ELEMENT_WARNING (reporter->element, RESOURCE, SETTINGS,
                         ("%s. %s", error->message,
                          suits ? "The old classes are kept" : "Frames pass without classes"),
                         (NULL));
  return suits;
}

static void
count (GstEffvkReporter *reporter, guint n_inferences, guint n_not_finite, gboolean posted)
{
  gboolean warn;

  GST_OBJECT_LOCK (reporter->element);
  warn = n_not_finite && reporter->counters->not_finite == 0;
  reporter->counters->inferences += n_inferences;
  reporter->counters->messages += posted;
  reporter->counters->not_finite += n_not_finite;
  GST_OBJECT_UNLOCK (reporter->element);
  if (warn) /* not for each of perhaps every frame */
    GST_ELEMENT_WARNING (
        reporter->element, STREAM, FAILED,
        ("The network's answer is not finite. This frame, and later ones like it, pass without "
         "classes"),
        ("not-finite in stats counts them"));
}

static guint
count_not_finite (const GPtrArray *results, guint n_results)
{
  guint n = 0;

  for (guint i = 0; i < n_results; i++)
    n += effvk_result_get_n_classes (g_ptr_array_index (results, i)) == 0;
  return n;
}

static void
remember (GstEffvkReporter *reporter, EffvkModel *model, EffvkResult *result, GstClockTime time)
{
  forget (reporter);
  reporter->result = effvk_result_ref (result);
  reporter->model = g_object_ref (model);
  reporter->time = time;
}

static GstEffvkAttachment
get_attachment (const GstEffvkReporter *reporter, const GstEffvkReporting *how, EffvkModel *model)
{
  return (GstEffvkAttachment){ .mode = how->meta_mode,
                               .alternatives = how->attach_alternatives,
                               .heatmap = how->attach_heatmap,
                               .measures = how->attach_measures ? reporter->watch.measures : NULL,
                               .model = model };
}

/* Whether the label is the signal's state. */
static gboolean
tells_signal (const GstEffvkReporting *how)
{
  return how->signal && !how->steady.filter;
}

static EffvkResult *
apply_signal (GstEffvkReporter *reporter, const GstEffvkReporting *how, EffvkResult *result)
{
  return tells_signal (how) ? gst_effvk_signal_watch_apply (&reporter->watch, result) : result;
}

/* Whether the label is another than the last time. */
static gboolean
is_new_label (GstEffvkReporter *reporter, EffvkResult *result)
{
  const char *label = effvk_result_get_label (result, 0);

  if (g_strcmp0 (label, reporter->label) == 0)
    return FALSE;
  g_free (reporter->label);
  reporter->label = g_strdup (label);
  return TRUE;
}

/* Measures a frame, and follows the signal with it and with what the network answered. */
static void
follow_signal (GstEffvkReporter *reporter, const GstEffvkReporting *how, const GstEffvkItem *item,
               EffvkModel *model, GstBuffer *buffer)
{
  const GPtrArray *results = item->request ? item->request->results : NULL;
  EffvkResult *result = results && (!item->objects || item->and_frame) && results->len > 0
                            ? g_ptr_array_index (results, results->len - 1)
                            : NULL;

  if (!how->attach_measures && !tells_signal (how))
    return;
  if (how->attach_measures || gst_effvk_signal_watch_wants (&reporter->watch, model))
    gst_effvk_signal_watch_measure (&reporter->watch, reporter->element, item->network, buffer);
  if (tells_signal (how))
    gst_effvk_signal_watch_follow (&reporter->watch, reporter->element, model, result, buffer,
                                   &reporter->segment, item->time);
}

/* A frame that was skipped. */
static GstBuffer *
report_last (GstEffvkReporter *reporter, const GstEffvkReporting *how, const GstEffvkItem *item,
             GstBuffer *buffer)
{
  GstEffvkAttachment attachment = get_attachment (reporter, how, reporter->model);
  g_autoptr (EffvkResult) result = NULL;
  guint n;

  if (!reporter->result || how->meta_mode == GST_EFFVK_META_NONE)
    return buffer;
  result = apply_signal (reporter, how, effvk_result_ref (reporter->result));
  n = gst_effvk_steady_count (result, how->top_k, how->threshold);
  if (n == 0)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  gst_effvk_classification_attach (buffer, &attachment, result, n, item->width, item->height,
                                   item->time - reporter->time);
  return buffer;
}

static GstBuffer *
report_frame (GstEffvkReporter *reporter, const GstEffvkReporting *how, const GstEffvkItem *item,
              GstBuffer *buffer)
{
  EffvkModel *model = gst_effvk_model_instance_get_model (item->network);
  GstEffvkAttachment attachment = get_attachment (reporter, how, model);
  const GPtrArray *results = item->request->results;
  g_autoptr (EffvkResult) result = effvk_result_ref (g_ptr_array_index (results, results->len - 1));
  gboolean finite = effvk_result_get_n_classes (result) > 0;
  gboolean logits = finite && how->attach_logits;
  gboolean embedding = finite && how->attach_embedding;
  gboolean post
      = finite
        && gst_effvk_steady_apply (&how->steady, &reporter->smoother, model,
                                   gst_effvk_model_instance_get_activation (item->network), &result,
                                   item->time);
  guint n;

  if (finite)
    {
      remember (reporter, model, result, item->time);
      result = apply_signal (reporter, how, result);
      if (tells_signal (how) && reporter->watch.signal && how->steady.on_change)
        post = is_new_label (reporter, result);
    }
  post = post && how->post_messages;
  n = gst_effvk_steady_count (result, how->top_k, how->threshold);
  count (reporter, 1, !finite, post);
  if (logits || embedding || (n > 0 && how->meta_mode != GST_EFFVK_META_NONE))
    buffer = gst_buffer_make_writable (buffer);
  gst_effvk_classification_attach (buffer, &attachment, result, n, item->width, item->height, 0);
  if (logits)
    gst_effvk_analytics_attach_logits (buffer, &result, 1);
  if (embedding)
    gst_effvk_embedding_attach (buffer, &result, 1);
  if (post)
    gst_effvk_message_post (reporter->element, &reporter->segment, buffer, model, result, n);
  return buffer;
}

static gboolean
has_classes (const GArray *objects)
{
  for (guint i = 0; i < objects->len; i++)
    if (g_array_index (objects, GstEffvkObject, i).n > 0)
      return TRUE;
  return FALSE;
}

/* The rows of the tensors are the objects that have classes, in order. */
static void
attach_object_tensors (GstBuffer *buffer, const GstEffvkReporting *how, const GArray *objects)
{
  g_autofree EffvkResult **results = g_new (EffvkResult *, objects->len);
  guint n = 0;

  for (guint i = 0; i < objects->len; i++)
    if (g_array_index (objects, GstEffvkObject, i).n > 0)
      results[n++] = g_array_index (objects, GstEffvkObject, i).result;
  if (how->attach_logits)
    gst_effvk_analytics_attach_logits (buffer, results, n);
  if (how->attach_embedding)
    gst_effvk_embedding_attach (buffer, results, n);
}

static GstBuffer *
report_objects (GstEffvkReporter *reporter, const GstEffvkReporting *how, const GstEffvkItem *item,
                GstBuffer *buffer)
{
  EffvkModel *model = gst_effvk_model_instance_get_model (item->network);
  GstEffvkAttachment attachment = get_attachment (reporter, how, model);
  GPtrArray *results = item->request ? item->request->results : NULL;
  guint n_results = results ? results->len - item->and_frame : 0;
  guint n_changed
      = gst_effvk_objects_finish (item->objects, results, reporter->tracks, &how->steady, model,
                                  gst_effvk_model_instance_get_activation (item->network),
                                  item->time, how->top_k, how->threshold);
  gboolean post = n_changed > 0 && how->post_messages;

  if (n_results)
    count (reporter, n_results, count_not_finite (results, n_results), post);
  if (has_classes (item->objects))
    {
      if (how->meta_mode != GST_EFFVK_META_NONE || how->attach_logits || how->attach_embedding)
        buffer = gst_buffer_make_writable (buffer);
      gst_effvk_classification_attach_objects (buffer, &attachment, item->objects, item->width,
                                               item->height);
      attach_object_tensors (buffer, how, item->objects);
    }
  if (post)
    gst_effvk_message_post_objects (reporter->element, &reporter->segment, buffer, model,
                                    item->objects, item->width, item->height);
  return buffer;
}

GstBuffer *
gst_effvk_reporter_report (GstEffvkReporter *reporter, const GstEffvkReporting *asked,
                           const GstEffvkItem *item, GstBuffer *buffer)
{
  EffvkModel *model
      = item->network ? gst_effvk_model_instance_get_model (item->network) : reporter->model;
  GstEffvkReporting how = *asked;

  if (item->request && item->request->results)
    gst_effvk_teaching_see (reporter->teaching, model, item->request->results, item->time);
  if (model && !update_filter (reporter, model))
    return buffer;
  how.steady.filter = gst_effvk_filter_get_classes (reporter->filter);
  if (model)
    follow_signal (reporter, &how, item, model, buffer);
  if (item->objects)
    buffer = report_objects (reporter, &how, item, buffer);
  if (item->objects && !item->and_frame)
    return buffer;
  if (item->request)
    return report_frame (reporter, &how, item, buffer);
  return how.skipped == GST_EFFVK_SKIPPED_LAST ? report_last (reporter, &how, item, buffer)
                                               : buffer;
}
