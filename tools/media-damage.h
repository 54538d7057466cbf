/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Watches a pipeline for what its decoders say of data that they cannot decode. They go on with the
 * rest, and frames from there on may be wrong. Only one pipeline can be watched at a time. */
typedef struct
{
  GMutex lock;
  gboolean local;   /* a file: where data are missing, that is damage */
  guint64 n_passed; /* frames that came to the end of the pipeline */
  guint64 from;     /* the first frame that may be wrong */
  char *reason;     /* NULL: there is none */
} ToolMediaDamage;

/* Begins with its lock initialised, and all else 0. @end is the pad that the decoded frames come
   to. */
void tool_media_damage_watch (ToolMediaDamage *damage, GstElement *pipeline, GstPad *end,
                              gboolean local);
void tool_media_damage_clear (ToolMediaDamage *damage);

/* To be called with each element that comes into the pipeline. */
void tool_media_damage_add (ToolMediaDamage *damage, GstElement *element);

/* What is wrong with frame @number, or NULL. Holds until it is cleared. */
const char *tool_media_damage_get (ToolMediaDamage *damage, guint64 number);
