/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/canary.h"

#include "classify/effvkclassify-private.h"

#include <string.h>

/* Of the frames where a stream's have no format that the CPU could write. */
#define OTHER_WIDTH 320
#define OTHER_HEIGHT 240

void
gst_effvk_canary_clear (GstEffvkCanary *canary)
{
  if (canary->request)
    gst_effvk_model_instance_cancel (canary->network, canary->request);
  g_clear_pointer (&canary->request, gst_effvk_request_unref);
  g_clear_pointer (&canary->image, effvk_image_free);
  g_clear_pointer (&canary->pixels, g_free);
  g_clear_pointer (&canary->expected, g_free);
  g_clear_pointer (&canary->network, gst_effvk_model_instance_unref);
  *canary = (GstEffvkCanary){ .next = GST_CLOCK_TIME_NONE };
}

/* The frame: noise, the same in each process, as @info says. FALSE: there are no such images. */
static gboolean
make_frame (GstEffvkCanary *canary, const GstVideoInfo *info)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autofree char *reason = NULL;
  gsize size = GST_VIDEO_INFO_SIZE (info);

  if (!info->finfo || size == 0)
    return FALSE;
  canary->image = gst_effvk_video_image_new (info, (guint) GST_VIDEO_INFO_WIDTH (info),
                                             (guint) GST_VIDEO_INFO_HEIGHT (info), &reason);
  if (!canary->image)
    return FALSE;
  canary->pixels = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    canary->pixels[i] = (guint8) g_rand_int (rand);
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
    effvk_image_set_plane (canary->image, i, canary->pixels + GST_VIDEO_INFO_PLANE_OFFSET (info, i),
                           (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, i),
                           size - GST_VIDEO_INFO_PLANE_OFFSET (info, i));
  return TRUE;
}

/* A frame of the stream's kind, so that the kernels that read the stream's frames are watched
 * too. */
static void
begin (GstEffvkCanary *canary, GstEffvkModelInstance *network, const GstVideoInfo *info)
{
  GstVideoInfo other;

  gst_effvk_canary_clear (canary);
  canary->network = gst_effvk_model_instance_ref (network);
  if (make_frame (canary, info))
    return;
  gst_video_info_set_format (&other, GST_VIDEO_FORMAT_RGB, OTHER_WIDTH, OTHER_HEIGHT);
  make_frame (canary, &other);
}

/* How many of the values have other bits than the first time; the first answer is kept. */
static guint
compare (GstEffvkCanary *canary, const float *values, guint n)
{
  guint differing = 0;

  if (!canary->expected)
    {
      canary->expected = g_memdup2 (values, n * sizeof *values);
      canary->n_expected = n;
    }
  if (n != canary->n_expected)
    return MAX (n, canary->n_expected);
  for (guint i = 0; i < n; i++)
    differing += memcmp (&values[i], &canary->expected[i], sizeof *values) != 0;
  return differing;
}

/* What is tried after the network. */
static GstEffvkFallback
find_fallback (GstEffvkModelInstance *network)
{
  EffvkClassifier *classifier = gst_effvk_model_instance_get_classifier (network);

  if (effvk_classifier_get_precision (classifier) == EFFVK_PRECISION_FP16)
    return GST_EFFVK_FALLBACK_FP32;
  return gst_effvk_model_instance_get_config (network)->fallback < GST_EFFVK_FALLBACK_PLAIN
             ? GST_EFFVK_FALLBACK_PLAIN
             : GST_EFFVK_FALLBACK_NONE;
}

static void
tell (GstEffvkClassify *self, GstEffvkModelInstance *network, guint differing,
      GstEffvkFallback fallback)
{
  static const char *const names[] = { [GST_EFFVK_FALLBACK_NONE] = "nothing",
                                       [GST_EFFVK_FALLBACK_FP32] = "fp32",
                                       [GST_EFFVK_FALLBACK_PLAIN] = "plain kernels" };
  EffvkDevice *device
      = effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network));
  g_autofree char *follows
      = fallback ? g_strdup_printf ("The network falls back to %s", names[fallback])
                 : g_strdup ("Nothing is left to fall back to: do not trust its answers");

  GST_ELEMENT_WARNING (self, RESOURCE, FAILED,
                       ("The device %s answered the canary's frame with other bits than the first "
                        "time (%u of %u values differ): it computes wrong. %s. \"effvk selftest\" "
                        "tells more.",
                        effvk_device_get_name (device), differing, self->canary.n_expected,
                        follows),
                       (NULL));
  gst_element_post_message (
      GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
                               gst_structure_new ("effvkclassify-canary", "device", G_TYPE_STRING,
                                                  effvk_device_get_name (device), "differing",
                                                  G_TYPE_UINT, differing, "values", G_TYPE_UINT,
                                                  self->canary.n_expected, "falls-back-to",
                                                  G_TYPE_STRING, names[fallback], NULL)));
}

static void
fall_back (GstEffvkClassify *self, guint differing)
{
  GstEffvkCanary *canary = &self->canary;
  GstEffvkFallback fallback = find_fallback (canary->network);

  if (canary->helpless)
    return;
  canary->helpless = fallback == GST_EFFVK_FALLBACK_NONE;
  tell (self, canary->network, differing, fallback);
  if (canary->helpless)
    return;
  GST_OBJECT_LOCK (self);
  self->settings.network.fallback = MAX (self->settings.network.fallback, fallback);
  GST_OBJECT_UNLOCK (self);
  gst_effvk_classify_check_network (self);
}

/* What goes wrong with the request goes wrong with frames, and is told then. */
static void
take_answer (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkRequest) request = g_steal_pointer (&self->canary.request);
  guint n = 0, differing;
  const float *values = request->error
                            ? NULL
                            : effvk_result_get_logits (g_ptr_array_index (request->results, 0), &n);

  if (!values)
    return;
  differing = compare (&self->canary, values, n);
  GST_OBJECT_LOCK (self);
  self->counters.canaries++;
  self->counters.canaries_different += differing > 0;
  GST_OBJECT_UNLOCK (self);
  if (differing)
    fall_back (self, differing);
}

void
gst_effvk_classify_watch (GstEffvkClassify *self, GstClockTime time)
{
  g_autoptr (GstEffvkModelInstance) network = NULL;
  GstEffvkCanary *canary = &self->canary;
  GstEffvkFallback wanted;
  GstClockTime period;
  gboolean restoring;

  GST_OBJECT_LOCK (self);
  period = self->settings.canary * GST_SECOND;
  wanted = self->settings.network.fallback;
  restoring = self->restoring;
  network = self->network && period ? gst_effvk_model_instance_ref (self->network) : NULL;
  GST_OBJECT_UNLOCK (self);
  if (!network || restoring)
    {
      gst_effvk_canary_clear (canary);
      return;
    }
  if (canary->network != network)
    begin (canary, network, &self->info);
  if (canary->request && g_atomic_int_get (&canary->request->answered))
    take_answer (self);
  if (canary->request || !canary->image
      || gst_effvk_model_instance_get_config (network)->fallback < wanted /* it is replaced */
      || (GST_CLOCK_TIME_IS_VALID (canary->next) && time < canary->next))
    return;
  canary->next = time + period;
  canary->request = gst_effvk_request_new_for_image (canary->image);
  gst_effvk_model_instance_ask (network, canary->request, NULL, canary);
}
