/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "publish/records.h"

/* effvkpublish's properties; under its object lock. */
typedef struct
{
  char *location; /* URIs with spaces between */
  char *source, *tags, *credentials, *secret, *queue_directory;
  GstEffvkWhat what;
  GstEffvkLayout layout;
  double max_rate; /* records of frames a second; 0: no limit */
  guint max_messages, batch_size;
  guint64 max_bytes, eos_timeout;
} GstEffvkPublishSettings;

enum
{
  GST_EFFVK_PUBLISH_PROP_LOCATION = 1,
  GST_EFFVK_PUBLISH_PROP_SOURCE,
  GST_EFFVK_PUBLISH_PROP_TAGS,
  GST_EFFVK_PUBLISH_PROP_WHAT,
  GST_EFFVK_PUBLISH_PROP_LAYOUT,
  GST_EFFVK_PUBLISH_PROP_MAX_RATE,
  GST_EFFVK_PUBLISH_PROP_CREDENTIALS,
  GST_EFFVK_PUBLISH_PROP_SECRET,
  GST_EFFVK_PUBLISH_PROP_MAX_MESSAGES,
  GST_EFFVK_PUBLISH_PROP_MAX_BYTES,
  GST_EFFVK_PUBLISH_PROP_BATCH_SIZE,
  GST_EFFVK_PUBLISH_PROP_QUEUE_DIRECTORY,
  GST_EFFVK_PUBLISH_PROP_EOS_TIMEOUT,
  GST_EFFVK_PUBLISH_PROP_TARGETS,
  GST_EFFVK_PUBLISH_PROP_STATS,
};

void gst_effvk_publish_settings_install (GObjectClass *object_class);
void gst_effvk_publish_settings_init (GstEffvkPublishSettings *settings);
void gst_effvk_publish_settings_copy (const GstEffvkPublishSettings *settings,
                                      GstEffvkPublishSettings *copy);
void gst_effvk_publish_settings_clear (GstEffvkPublishSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstEffvkPublishSettings, gst_effvk_publish_settings_clear)

/* FALSE: it is no setting. */
gboolean gst_effvk_publish_settings_set (GstEffvkPublishSettings *settings, guint id,
                                         const GValue *value);
gboolean gst_effvk_publish_settings_get (const GstEffvkPublishSettings *settings, guint id,
                                         GValue *value);
