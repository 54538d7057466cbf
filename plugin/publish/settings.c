/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/settings.h"

#include "publish/target.h"

#define DEFAULT_LOCATION "-"
#define DEFAULT_WHAT (GST_EFFVK_WHAT_FRAMES | GST_EFFVK_WHAT_OBJECTS)
#define DEFAULT_MAX_MESSAGES 10000
#define DEFAULT_MAX_BYTES (64 * 1024 * 1024)
#define DEFAULT_BATCH_SIZE 100
#define DEFAULT_EOS_TIMEOUT (5 * GST_SECOND)

static void
install_what (GObjectClass *object_class, GParamFlags ready, GParamFlags playing)
{
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_LOCATION,
      g_param_spec_string (
          "location", "Location",
          "Where records go: URIs, separated by spaces. - is the standard output. Others are "
          "file:PATH, unix:PATH, mqtt(s)://HOST:PORT/TOPIC, kafka://HOST:PORT/TOPIC and "
          "http(s)://HOST/PATH. targets lists those that this build has",
          DEFAULT_LOCATION, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_SOURCE,
      g_param_spec_string ("source", "Source",
                           "The stream's name in records. Unset: the element's name", NULL, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_TAGS,
      g_param_spec_string ("tags", "Tags",
                           "A JSON object of yours that each record carries as \"tags\"", NULL,
                           ready));
  g_object_class_install_property (object_class, GST_EFFVK_PUBLISH_PROP_WHAT,
                                   g_param_spec_flags ("what", "What", "What is published",
                                                       GST_EFFVK_TYPE_WHAT, DEFAULT_WHAT, playing));
  g_object_class_install_property (object_class, GST_EFFVK_PUBLISH_PROP_LAYOUT,
                                   g_param_spec_enum ("layout", "Layout",
                                                      "The layout of the records of frames",
                                                      GST_EFFVK_TYPE_LAYOUT, GST_EFFVK_LAYOUT_EFFVK,
                                                      playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_MAX_RATE,
      g_param_spec_double (
          "max-rate", "Maximum rate",
          "How many frames a second of running time have records. Changes are not limited. 0: all",
          0.0, 1e6, 0.0, playing));
}

static void
install_how (GObjectClass *object_class, GParamFlags ready)
{
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_CREDENTIALS,
      g_param_spec_string (
          "credentials", "Credentials",
          "A file with user:password, or env:NAME for an environment variable with it", NULL,
          ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_SECRET,
      g_param_spec_string ("secret", "Secret",
                           "The key that signs webhooks: a file with it, or env:NAME. The header "
                           "X-Effvk-Signature is sha256= and the HMAC of the body",
                           NULL, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_MAX_MESSAGES,
      g_param_spec_uint (
          "max-messages", "Maximum messages",
          "How many records wait for a target at most. Beyond that the oldest are lost and counted",
          1, G_MAXINT, DEFAULT_MAX_MESSAGES, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_MAX_BYTES,
      g_param_spec_uint64 ("max-bytes", "Maximum bytes",
                           "How many bytes of records wait for a target at most", 1, G_MAXINT64,
                           DEFAULT_MAX_BYTES, ready));
  g_object_class_install_property (object_class, GST_EFFVK_PUBLISH_PROP_BATCH_SIZE,
                                   g_param_spec_uint ("batch-size", "Batch size",
                                                      "How many records are sent at once at most",
                                                      1, 10000, DEFAULT_BATCH_SIZE, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_QUEUE_DIRECTORY,
      g_param_spec_string ("queue-directory", "Queue directory",
                           "Where waiting records are kept in files, so that they outlive the "
                           "process. Unset: in memory only",
                           NULL, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_EOS_TIMEOUT,
      g_param_spec_uint64 ("eos-timeout", "EOS timeout",
                           "How long, in ns, the end of the stream waits for records to be "
                           "delivered",
                           0, G_MAXINT64, DEFAULT_EOS_TIMEOUT, ready));
}

void
gst_effvk_publish_settings_install (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS,
                    readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  g_autofree char *schemes = gst_effvk_target_list_schemes ();
  g_autofree char *blurb
      = g_strdup_printf ("The schemes that this build can publish to: %s", schemes);

  install_what (object_class, flags | GST_PARAM_MUTABLE_READY, flags | GST_PARAM_MUTABLE_PLAYING);
  install_how (object_class, flags | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property (object_class, GST_EFFVK_PUBLISH_PROP_TARGETS,
                                   g_param_spec_string ("targets", "Targets",
                                                        g_intern_string (blurb), NULL, readable));
  g_object_class_install_property (
      object_class, GST_EFFVK_PUBLISH_PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "For each location: delivered, waiting, lost, refused, retries, connected",
          GST_TYPE_STRUCTURE, readable));
}

void
gst_effvk_publish_settings_init (GstEffvkPublishSettings *settings)
{
  *settings = (GstEffvkPublishSettings){ .location = g_strdup (DEFAULT_LOCATION),
                                         .what = DEFAULT_WHAT,
                                         .max_messages = DEFAULT_MAX_MESSAGES,
                                         .max_bytes = DEFAULT_MAX_BYTES,
                                         .batch_size = DEFAULT_BATCH_SIZE,
                                         .eos_timeout = DEFAULT_EOS_TIMEOUT };
}

void
gst_effvk_publish_settings_copy (const GstEffvkPublishSettings *settings,
                                 GstEffvkPublishSettings *copy)
{
  *copy = *settings;
  copy->location = g_strdup (settings->location);
  copy->source = g_strdup (settings->source);
  copy->tags = g_strdup (settings->tags);
  copy->credentials = g_strdup (settings->credentials);
  copy->secret = g_strdup (settings->secret);
  copy->queue_directory = g_strdup (settings->queue_directory);
}

void
gst_effvk_publish_settings_clear (GstEffvkPublishSettings *settings)
{
  g_clear_pointer (&settings->location, g_free);
  g_clear_pointer (&settings->source, g_free);
  g_clear_pointer (&settings->tags, g_free);
  g_clear_pointer (&settings->credentials, g_free);
  g_clear_pointer (&settings->secret, g_free);
  g_clear_pointer (&settings->queue_directory, g_free);
}

/* Where a property that is a text is kept; NULL: it is none. */
static char **
find_text (GstEffvkPublishSettings *settings, guint id)
{
  switch (id)
    {
    case GST_EFFVK_PUBLISH_PROP_LOCATION:
      return &settings->location;
    case GST_EFFVK_PUBLISH_PROP_SOURCE:
      return &settings->source;
    case GST_EFFVK_PUBLISH_PROP_TAGS:
      return &settings->tags;
    case GST_EFFVK_PUBLISH_PROP_CREDENTIALS:
      return &settings->credentials;
    case GST_EFFVK_PUBLISH_PROP_SECRET:
      return &settings->secret;
    case GST_EFFVK_PUBLISH_PROP_QUEUE_DIRECTORY:
      return &settings->queue_directory;
    default:
      return NULL;
    }
}

gboolean
gst_effvk_publish_settings_set (GstEffvkPublishSettings *settings, guint id, const GValue *value)
{
  char **text = find_text (settings, id);

  if (text)
    {
      g_free (*text);
      *text = g_value_dup_string (value);
      return TRUE;
    }
  switch (id)
    {
    case GST_EFFVK_PUBLISH_PROP_WHAT:
      settings->what = (GstEffvkWhat) g_value_get_flags (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_LAYOUT:
      settings->layout = (GstEffvkLayout) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_RATE:
      settings->max_rate = g_value_get_double (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_MESSAGES:
      settings->max_messages = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_BYTES:
      settings->max_bytes = g_value_get_uint64 (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_BATCH_SIZE:
      settings->batch_size = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_EOS_TIMEOUT:
      settings->eos_timeout = g_value_get_uint64 (value);
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
gst_effvk_publish_settings_get (const GstEffvkPublishSettings *settings, guint id, GValue *value)
{
  char **text = find_text ((GstEffvkPublishSettings *) settings, id);

  if (text)
    {
      g_value_set_string (value, *text);
      return TRUE;
    }
  switch (id)
    {
    case GST_EFFVK_PUBLISH_PROP_WHAT:
      g_value_set_flags (value, settings->what);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_LAYOUT:
      g_value_set_enum (value, (gint) settings->layout);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_RATE:
      g_value_set_double (value, settings->max_rate);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_MESSAGES:
      g_value_set_uint (value, settings->max_messages);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_MAX_BYTES:
      g_value_set_uint64 (value, settings->max_bytes);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_BATCH_SIZE:
      g_value_set_uint (value, settings->batch_size);
      return TRUE;
    case GST_EFFVK_PUBLISH_PROP_EOS_TIMEOUT:
      g_value_set_uint64 (value, settings->eos_timeout);
      return TRUE;
    default:
      return FALSE;
    }
}
