/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device that is lost in the middle of a stream: frames pass while another one is opened. */

#include "classify/device-loss.h"

#include "classify/effvkclassify-private.h"
#include "classify/instance-registry.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

#define MINUTE (60 * G_USEC_PER_SEC)
#define PAUSE G_USEC_PER_SEC /* before a device that cannot be opened is tried again */

gboolean
gst_effvk_restarts_add (GstEffvkRestarts *restarts, guint max, gint64 now)
{
  guint old = 0;

  while (old < restarts->n && restarts->times[old] <= now - MINUTE)
    old++;
  restarts->n -= old;
  memmove (restarts->times, restarts->times + old, restarts->n * sizeof *restarts->times);
  if (restarts->n >= MIN (max, GST_EFFVK_MAX_DEVICE_RESTARTS))
    return FALSE;
  restarts->times[restarts->n++] = now;
  return TRUE;
}

/* Under the object lock. The device of frames in Vulkan images is not the element's to open. */
static gboolean
may_restart (GstEffvkClassify *self)
{
  return !self->settings.network.frames_device
         && gst_effvk_restarts_add (&self->restarts, self->settings.device_restarts,
                                    g_get_monotonic_time ());
}

gboolean
gst_effvk_classify_outlives (GstEffvkClassify *self, GstEffvkModelInstance *network,
                             const char *reason)
{
  EffvkDevice *device
      = effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network));
  gboolean first, outlives;

  if (!effvk_device_is_lost (device))
    return FALSE;
  GST_OBJECT_LOCK (self);
  first = self->network == network && !self->restoring;
  outlives = !first || may_restart (self);
  self->restoring |= first && outlives;
  self->counters.skipped[GST_EFFVK_SKIP_DEVICE] += outlives;
  GST_OBJECT_UNLOCK (self);
  if (first && outlives)
    {
      GST_ELEMENT_WARNING (self, RESOURCE, FAILED,
                           ("The device %s was lost and is opened anew; meanwhile frames pass "
                            "without classes: %s",
                            effvk_device_get_name (device), reason),
                           (NULL));
      gst_effvk_classify_replace_network (self);
    }
  return outlives;
}

/* Whether the element is not about to stop, after a while. */
static gboolean
pause_restoring (GstEffvkClassify *self)
{
  gboolean goes_on = TRUE;

  for (guint i = 0; i < 20 && goes_on; i++)
    {
      g_usleep (PAUSE / 20);
      GST_OBJECT_LOCK (self);
      goes_on = self->may_load;
      GST_OBJECT_UNLOCK (self);
    }
  return goes_on;
}

/* Returns whether to try once more. */
static gboolean
try_again (GstEffvkClassify *self, const GError *error)
{
  gboolean may;

  GST_INFO_OBJECT (self, "the device cannot be opened anew: %s", error->message);
  GST_OBJECT_LOCK (self);
  may = may_restart (self);
  GST_OBJECT_UNLOCK (self);
  return may && pause_restoring (self);
}

static void
give_up (GstEffvkClassify *self, const GstEffvkModelConfig *config, const GError *error)
{
  gboolean stops;

  GST_OBJECT_LOCK (self);
  stops = !self->may_load;
  GST_OBJECT_UNLOCK (self);
  if (!stops) /* before a frame is refused, as upstream posts an error of its own then */
    gst_effvk_model_instance_post_error (GST_ELEMENT (self), config, error);
  GST_OBJECT_LOCK (self);
  self->lost = TRUE;
  self->restoring = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (!stops)
    gst_effvk_queue_set_flow (&self->queue, GST_FLOW_ERROR, TRUE);
}

static void
tell (GstEffvkClassify *self, GstEffvkModelInstance *network, guint n)
{
  EffvkDevice *device
      = effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network));

  gst_element_post_message (
      GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
                               gst_structure_new ("effvkclassify-device", "device", G_TYPE_STRING,
                                                  effvk_device_get_name (device), "restarts",
                                                  G_TYPE_UINT, n, NULL)));
  gst_pad_push_event (self->sink, gst_event_new_reconfigure ()); /* frames in its memory */
}

void
gst_effvk_classify_restore (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) network = NULL;
  g_auto (GstEffvkModelConfig) config = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean joined;
  guint n;

  gst_effvk_classify_get_config (self, &config);
  while (!(joined = gst_effvk_registry_join (self, &config, &error)) && try_again (self, error))
    g_clear_error (&error);
  if (!joined)
    {
      give_up (self, &config, error);
      return;
    }
  network = gst_effvk_classify_get_network (self);
  GST_OBJECT_LOCK (self);
  self->restoring = FALSE;
  n = self->restarts.n;
  GST_OBJECT_UNLOCK (self);
  tell (self, network, n);
}
