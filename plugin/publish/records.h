/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/classification.h"
#include "publish/target.h"

#include <gst/gst.h>

/* What is published. */
typedef enum
{
  GST_EFFVK_WHAT_FRAMES = 1 << 0,
  GST_EFFVK_WHAT_OBJECTS = 1 << 1,
  GST_EFFVK_WHAT_CHANGES = 1 << 2,
} GstEffvkWhat;

GType gst_effvk_what_get_type (void);
#define GST_EFFVK_TYPE_WHAT (gst_effvk_what_get_type ())

typedef enum
{
  GST_EFFVK_LAYOUT_EFFVK,
  GST_EFFVK_LAYOUT_DLSTREAMER,
} GstEffvkLayout;

GType gst_effvk_layout_get_type (void);
#define GST_EFFVK_TYPE_LAYOUT (gst_effvk_layout_get_type ())

/* How records are made. */
typedef struct
{
  const char *source;
  const char *tags; /* text of a JSON object, or NULL */
  GstEffvkWhat what;
  GstEffvkLayout layout;
} GstEffvkRecordOptions;

/* What is known of a frame. */
typedef struct
{
  GstBuffer *buffer;
  guint64 number; /* of the frame */
  guint width, height;
  GPtrArray *seen; /* (element-type GstEffvkClassification) */
} GstEffvkRecordFrame;

/* What records a stream's frames give. */
typedef struct _GstEffvkRecords GstEffvkRecords;

GstEffvkRecords *gst_effvk_records_new (void);
void gst_effvk_records_free (GstEffvkRecords *records);

/* Forgets the labels so far. */
void gst_effvk_records_reset (GstEffvkRecords *records);

/* The records of a frame; @may_tell: whether one about the frame itself is wanted now. Returns:
 * (element-type GstEffvkParcel): perhaps none; free with g_ptr_array_unref() */
GPtrArray *gst_effvk_records_make (GstEffvkRecords *records, const GstEffvkRecordOptions *options,
                                   const GstEffvkRecordFrame *frame, gboolean may_tell);
