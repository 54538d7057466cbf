/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-effvkpublish
 * @title: effvkpublish
 * @short_description: sends what was seen as JSON to files, brokers and webhooks
 *
 * Buffers pass at once, untouched. For each URI of #GstEffvkPublish:location a thread sends what
 * their classification metadata says. The metadata may be of effvkclassify or of other elements, as
 * for effvkoverlay. docs/schema/effvk.schema.json describes the records.
 *
 * While a target is away its records wait, in order, up to #GstEffvkPublish:max-messages and
 * #GstEffvkPublish:max-bytes. The element tries again, each time after a longer wait. Then it
 * delivers each record at least once. One that came twice has the same `session` and `sequence`.
 * When the queue is full the oldest records are lost, and the element counts them.
 *
 * An element message `effvkpublish` says that a target is away or back, or that records were lost.
 * It has `location` (string), `connected` (boolean), `waiting` (uint), `lost`, `refused` and
 * `delivered` (guint64), and `reason` (string) where there is one.
 *
 * - MQTT: records go to TOPIC. The last change of a label stays at TOPIC/state. TOPIC/status is
 * `online`, or by the broker's last will `offline`. Options of the URI are `qos` (1 or 2),
 * `cafile`, `certfile`, `keyfile`, `client-id`, and `discovery`. `discovery=homeassistant` makes a
 * sensor in Home Assistant.
 * - Kafka: records have the source as their key. Options of the URI are librdkafka's.
 * - Webhooks: a request is a POST of a JSON array.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! effvkclassify post-messages=false ! effvkpublish !
 * fakesink
 * ]| Print a line of JSON for each frame.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! effvkclassify hold=1000000000 ! \
 *     effvkpublish what=changes source=door location=mqtts://broker/cameras/door \
 *     credentials=/etc/effvk/mqtt ! fakesink
 * ]| Tell a broker when the state of a camera changes.
 *
 * Since: 0.2
 */
#include "publish/effvkpublish.h"

#include "common/classification-meta.h"
#include "common/classification-reader.h"
#include "common/times.h"
#include "publish/outbox.h"
#include "publish/settings.h"

#include <json-glib/json-glib.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (gst_effvk_publish_debug);
#define GST_CAT_DEFAULT gst_effvk_publish_debug

struct _GstEffvkPublish
{
  GstBaseTransform parent_instance;

  /* under the object lock */
  GstEffvkPublishSettings settings;
  GPtrArray *outboxes; /* from start to stop; else NULL */

  /* the streaming thread's */
  GstEffvkRecords *records;
  char *source, *tags; /* as the records have them; from start to stop */
  guint width, height;
  guint64 n_frames;
  GstClockTime due; /* running time of the next frame that has a record */
};

G_DEFINE_FINAL_TYPE (GstEffvkPublish, gst_effvk_publish, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (effvkpublish, "effvkpublish", GST_RANK_NONE,
                                       GST_EFFVK_TYPE_PUBLISH,
                                       GST_DEBUG_CATEGORY_INIT (gst_effvk_publish_debug,
                                                                "effvkpublish", 0,
                                                                "Publishes classifications"))

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStructure *
describe (const char *name, const GstEffvkOutboxStatus *status, const char *location)
{
  return gst_structure_new (name, "location", G_TYPE_STRING, location, "connected", G_TYPE_BOOLEAN,
                            status->connected, "waiting", G_TYPE_UINT, status->waiting, "lost",
                            G_TYPE_UINT64, status->lost, "refused", G_TYPE_UINT64, status->refused,
                            "delivered", G_TYPE_UINT64, status->delivered, "retries", G_TYPE_UINT64,
                            status->retries, NULL);
}

/* An outbox's thread says what becomes of its target. */
static void
notify (const GstEffvkOutboxStatus *status, const char *location, const GError *error,
        gpointer user_data)
{
  GstElement *element = GST_ELEMENT (user_data);
  GstStructure *structure = describe ("effvkpublish", status, location);

  if (error)
    {
      g_autofree char *reason = g_strdup (error->message);

      if (g_str_has_suffix (reason, "."))
        reason[strlen (reason) - 1] = 0;
      gst_structure_set (structure, "reason", G_TYPE_STRING, reason, NULL);
      GST_ELEMENT_WARNING (element, RESOURCE, WRITE,
                           ("%s: %s. %s", location, reason,
                            status->connected ? "These records are lost"
                                              : "Records wait until it is back"),
                           (NULL));
    }
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}

/* The file that holds what waits for a location. */
static char *
get_spool_path (const GstEffvkPublishSettings *settings, const char *source, const char *uri)
{
  g_autofree char *both = g_strdup_printf ("%s\n%s", source, uri), *sum = NULL, *name = NULL;

  if (!settings->queue_directory || !*settings->queue_directory)
    return NULL;
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, both, -1);
  name = g_strdup_printf ("effvk-%.16s.jsonl", sum);
  return g_build_filename (settings->queue_directory, name, NULL);
}

static GstEffvkOutbox *
open_outbox (GstEffvkPublish *self, const GstEffvkPublishSettings *settings, const char *uri,
             GError **error)
{
  g_autofree char *spool = get_spool_path (settings, self->source, uri);
  GstEffvkOutboxLimits limits = { .messages = settings->max_messages,
                                  .bytes = settings->max_bytes,
                                  .batch = settings->batch_size,
                                  .spool_path = spool };
  const GstEffvkTargetKind *kind;
  GstEffvkAddress *address = gst_effvk_address_parse (uri, self->source, settings->credentials,
                                                      settings->secret, &kind, error);

  return address ? gst_effvk_outbox_new (kind, address, &limits, notify, self, error) : NULL;
}

static GPtrArray *
open_outboxes (GstEffvkPublish *self, const GstEffvkPublishSettings *settings, GError **error)
{
  g_autoptr (GPtrArray) outboxes
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_outbox_free);
  g_auto (GStrv) uris = g_strsplit_set (settings->location ? settings->location : "", " \t\n", -1);

  for (guint i = 0; uris[i]; i++)
    {
      GstEffvkOutbox *outbox;

      if (!*uris[i])
        continue;
      outbox = open_outbox (self, settings, uris[i], error);
      if (!outbox)
        return NULL;
      g_ptr_array_add (outboxes, outbox);
    }
  return g_steal_pointer (&outboxes);
}

/* The text of a JSON object on one line; NULL with @error set where it is none. */
static char *
parse_tags (const char *text, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (JsonNode) node = json_from_string (text, &problem);

  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return json_to_string (node, FALSE);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "tags: expected a JSON object such as {\"site\": \"north\"}: %s",
               problem ? problem->message : "it is another value");
  return NULL;
}

static gboolean
gst_effvk_publish_start (GstBaseTransform *transform)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (transform);
  g_auto (GstEffvkPublishSettings) settings = { 0 };
  g_autoptr (GError) error = NULL;
  GPtrArray *outboxes = NULL;

  GST_OBJECT_LOCK (self);
  gst_effvk_publish_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);
  self->source = settings.source && *settings.source ? g_utf8_make_valid (settings.source, -1)
                                                     : gst_object_get_name (GST_OBJECT (self));
  if (settings.tags && *settings.tags)
    self->tags = parse_tags (settings.tags, &error);
  if (!error)
    outboxes = open_outboxes (self, &settings, &error);
  if (!outboxes)
    {
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message), (NULL));
      g_clear_pointer (&self->source, g_free);
      g_clear_pointer (&self->tags, g_free);
      return FALSE;
    }
  self->records = gst_effvk_records_new ();
  self->n_frames = 0;
  self->due = 0;
  GST_OBJECT_LOCK (self);
  self->outboxes = outboxes;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_effvk_publish_stop (GstBaseTransform *transform)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (transform);
  GPtrArray *outboxes;

  GST_OBJECT_LOCK (self);
  outboxes = g_steal_pointer (&self->outboxes);
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&outboxes, g_ptr_array_unref);
  g_clear_pointer (&self->records, gst_effvk_records_free);
  g_clear_pointer (&self->source, g_free);
  g_clear_pointer (&self->tags, g_free);
  return TRUE;
}

static gboolean
gst_effvk_publish_set_caps (GstBaseTransform *transform, GstCaps *in, GstCaps *out)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (transform);
  GstStructure *structure = gst_caps_get_structure (in, 0);
  gint width = 0, height = 0;

  gst_structure_get_int (structure, "width", &width);
  gst_structure_get_int (structure, "height", &height);
  self->width = (guint) MAX (width, 1);
  self->height = (guint) MAX (height, 1);
  return TRUE;
}

/* Whether the rate allows a record of this frame. */
static gboolean
may_tell (GstEffvkPublish *self, GstBuffer *buffer, double rate)
{
  GstClockTime time = gst_effvk_running_time (&GST_BASE_TRANSFORM (self)->segment, buffer);
  GstClockTime interval = rate > 0 ? (GstClockTime) (GST_SECOND / rate) : 0;

  if (interval == 0 || !GST_CLOCK_TIME_IS_VALID (time))
    return TRUE;
  if (time < self->due && self->due - time <= interval)
    return FALSE;
  self->due = time - self->due < interval ? self->due + interval : time + interval;
  return TRUE;
}

static GstFlowReturn
gst_effvk_publish_transform_ip (GstBaseTransform *transform, GstBuffer *buffer)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (transform);
  GstEffvkRecordFrame frame = { .buffer = buffer,
                                .number = self->n_frames++,
                                .width = MAX (self->width, 1),
                                .height = MAX (self->height, 1) };
  GstEffvkRecordOptions options = { .source = self->source, .tags = self->tags };
  g_autoptr (GPtrArray) seen = NULL, parcels = NULL;
  double rate;

  GST_OBJECT_LOCK (self);
  options.what = self->settings.what;
  options.layout = self->settings.layout;
  rate = self->settings.max_rate;
  GST_OBJECT_UNLOCK (self);
  frame.seen = seen = gst_effvk_classifications_read (buffer, frame.width, frame.height);
  if (seen->len == 0)
    return GST_FLOW_OK;
  parcels = gst_effvk_records_make (self->records, &options, &frame, may_tell (self, buffer, rate));
  for (guint i = 0; i < self->outboxes->len; i++)
    for (guint p = 0; p < parcels->len; p++)
      gst_effvk_outbox_put (g_ptr_array_index (self->outboxes, i), g_ptr_array_index (parcels, p));
  return GST_FLOW_OK;
}

/* The stream's end waits until all is delivered, but not for ever. */
static void
drain (GstEffvkPublish *self)
{
  gint64 deadline;

  GST_OBJECT_LOCK (self);
  deadline = g_get_monotonic_time () + (gint64) (self->settings.eos_timeout / 1000);
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; i < self->outboxes->len; i++)
    {
      GstEffvkOutbox *outbox = g_ptr_array_index (self->outboxes, i);

      if (gst_effvk_outbox_drain (outbox, deadline))
        continue;
      GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
                           ("%s: %u records could not be delivered before the end of the stream",
                            gst_effvk_outbox_get_location (outbox),
                            gst_effvk_outbox_get_status (outbox).waiting),
                           (NULL));
    }
}

static gboolean
gst_effvk_publish_sink_event (GstBaseTransform *transform, GstEvent *event)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (transform);

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && self->outboxes)
    drain (self);
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START && self->records)
    gst_effvk_records_reset (self->records);
  return GST_BASE_TRANSFORM_CLASS (gst_effvk_publish_parent_class)->sink_event (transform, event);
}

static GstStructure *
get_stats (GstEffvkPublish *self)
{
  GstStructure *stats = gst_structure_new_empty ("effvkpublish-stats");
  GValue locations = G_VALUE_INIT;

  gst_value_array_init (&locations, 1);
  GST_OBJECT_LOCK (self);
  for (guint i = 0; self->outboxes && i < self->outboxes->len; i++)
    {
      GstEffvkOutbox *outbox = g_ptr_array_index (self->outboxes, i);
      GstEffvkOutboxStatus status = gst_effvk_outbox_get_status (outbox);
      GValue item = G_VALUE_INIT;

      g_value_init (&item, GST_TYPE_STRUCTURE);
      g_value_take_boxed (&item,
                          describe ("location", &status, gst_effvk_outbox_get_location (outbox)));
      gst_value_array_append_and_take_value (&locations, &item);
    }
  GST_OBJECT_UNLOCK (self);
  gst_structure_take_value (stats, "locations", &locations);
  return stats;
}

static void
gst_effvk_publish_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_effvk_publish_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_effvk_publish_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstEffvkPublish *self = GST_EFFVK_PUBLISH (object);
  gboolean known;

  if (id == GST_EFFVK_PUBLISH_PROP_STATS)
    {
      g_value_take_boxed (value, get_stats (self));
      return;
    }
  if (id == GST_EFFVK_PUBLISH_PROP_TARGETS)
    {
      g_value_take_string (value, gst_effvk_target_list_schemes ());
      return;
    }
  GST_OBJECT_LOCK (self);
  known = gst_effvk_publish_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_effvk_publish_finalize (GObject *object)
{
  gst_effvk_publish_settings_clear (&GST_EFFVK_PUBLISH (object)->settings);
  G_OBJECT_CLASS (gst_effvk_publish_parent_class)->finalize (object);
}

static void
gst_effvk_publish_class_init (GstEffvkPublishClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_effvk_publish_set_property;
  object_class->get_property = gst_effvk_publish_get_property;
  object_class->finalize = gst_effvk_publish_finalize;
  gst_effvk_publish_settings_install (object_class);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_WHAT, 0);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_LAYOUT, 0);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "effvk publisher", "Filter/Metadata/Video",
      "Sends classification metadata as JSON to files, brokers and webhooks",
      "the effvk maintainers");
  transform_class->start = gst_effvk_publish_start;
  transform_class->stop = gst_effvk_publish_stop;
  transform_class->set_caps = gst_effvk_publish_set_caps;
  transform_class->transform_ip = gst_effvk_publish_transform_ip;
  transform_class->sink_event = gst_effvk_publish_sink_event;
  transform_class->passthrough_on_same_caps = TRUE;
  gst_effvk_classification_meta_register ();
}

static void
gst_effvk_publish_init (GstEffvkPublish *self)
{
  gst_effvk_publish_settings_init (&self->settings);
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), TRUE);
}
