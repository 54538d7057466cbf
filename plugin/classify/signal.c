/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/signal.h"

#include "classify/message.h"
#include "common/video-image.h"
#include "memory/frame.h"

static void
forget (GstEffvkSignalWatch *watch)
{
  g_clear_object (&watch->model);
  g_clear_object (&watch->signal);
  g_clear_pointer (&watch->measures, effvk_measures_free);
}

void
gst_effvk_signal_watch_clear (GstEffvkSignalWatch *watch)
{
  forget (watch);
  g_clear_object (&watch->meter);
  g_clear_object (&watch->device);
  g_clear_pointer (&watch->image, effvk_image_free);
  watch->failed = FALSE;
}

void
gst_effvk_signal_watch_reset (GstEffvkSignalWatch *watch)
{
  forget (watch);
  if (watch->meter)
    effvk_meter_reset (watch->meter);
}

void
gst_effvk_signal_watch_set_caps (GstEffvkSignalWatch *watch, const GstCaps *caps)
{
  g_autofree char *reason = NULL;

  g_clear_pointer (&watch->image, effvk_image_free);
  if (gst_effvk_frames_kind (caps) != GST_EFFVK_FRAMES_MAPPED
      || !gst_video_info_from_caps (&watch->info, caps))
    return;
  watch->image
      = gst_effvk_video_image_new (&watch->info, (guint) GST_VIDEO_INFO_WIDTH (&watch->info),
                                   (guint) GST_VIDEO_INFO_HEIGHT (&watch->info), &reason);
}

/* The meter is on the network's device, so that they are lost together. Without @network, that of
 * the last. */
static EffvkMeter *
get_meter (GstEffvkSignalWatch *watch, GstEffvkModelInstance *network)
{
  EffvkDevice *device
      = network ? effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network))
                : watch->device;

  if (device == watch->device)
    return watch->failed ? NULL : watch->meter;
  g_set_object (&watch->device, device);
  g_clear_object (&watch->meter);
  watch->meter = effvk_meter_new (device);
  watch->failed = FALSE;
  return watch->meter;
}

void
gst_effvk_signal_watch_measure (GstEffvkSignalWatch *watch, GstElement *element,
                                GstEffvkModelInstance *network, GstBuffer *buffer)
{
  EffvkMeter *meter = watch->image ? get_meter (watch, network) : NULL;
  g_autofree char *reason = NULL;
  g_autoptr (GError) error = NULL;
  GstVideoFrame frame;

  g_clear_pointer (&watch->measures, effvk_measures_free);
  if (!meter || !gst_effvk_frame_map (&frame, &watch->info, buffer, &reason))
    return;
  if (gst_effvk_frame_describe_planes (&watch->image, &watch->info, &frame, &reason))
    watch->measures = effvk_meter_measure (meter, watch->image, &error);
  gst_video_frame_unmap (&frame);
  if (!error)
    return;
  watch->failed = TRUE;
  GST_ELEMENT_WARNING (element, LIBRARY, FAILED,
                       ("Frames cannot be measured any more: %s", error->message), (NULL));
}

/* Whether the model's classes are states of a signal. */
static gboolean
is_of_signals (EffvkModel *model)
{
  guint n = 0;

  for (guint i = 0; i < effvk_model_get_n_classes (model); i++)
    {
      const char *label = effvk_model_get_label (model, i);

      n += g_strcmp0 (label, effvk_signal_state_get_name (EFFVK_SIGNAL_STATE_PICTURE)) == 0
           || g_strcmp0 (label, effvk_signal_state_get_name (EFFVK_SIGNAL_STATE_CORRUPTION)) == 0;
    }
  return n == 2;
}

gboolean
gst_effvk_signal_watch_wants (const GstEffvkSignalWatch *watch, EffvkModel *model)
{
  return model == watch->model ? watch->signal != NULL : is_of_signals (model);
}

void
gst_effvk_signal_watch_follow (GstEffvkSignalWatch *watch, GstElement *element, EffvkModel *model,
                               EffvkResult *result, GstBuffer *buffer, const GstSegment *segment,
                               GstClockTime time)
{
  EffvkSignalEvent event;

  if (model != watch->model)
    {
      g_set_object (&watch->model, model);
      g_clear_object (&watch->signal);
      watch->signal = is_of_signals (model) ? effvk_signal_new (model) : NULL;
    }
  if (!watch->signal)
    return;
  effvk_signal_add (watch->signal, result, watch->measures, time);
  while (effvk_signal_pop (watch->signal, &event))
    gst_effvk_message_post_signal (element, segment, buffer, model, &event);
}

EffvkResult *
gst_effvk_signal_watch_apply (GstEffvkSignalWatch *watch, EffvkResult *result)
{
  EffvkResult *told;

  if (!watch->signal)
    return result;
  told = effvk_signal_apply (watch->signal, result);
  effvk_result_unref (result);
  return told;
}
