/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#define TOOL_MEDIA_DAMAGE_RECENT 32

/* Watches a pipeline for what its decoders say of data that they cannot decode. They go on with the
 * rest, and frames from there on may be wrong. Only one pipeline can be watched at a time. */
typedef struct
{
  GMutex lock;
  gboolean local;   /* a file: where data are missing, that is damage */
  guint64 n_passed; /* frames that came to the end of the pipeline */
  guint64 from;     /* the first frame that may be wrong */
  char *reason;     /* NULL: there is none */
  guint64
      recent[TOOL_MEDIA_DAMAGE_RECENT]; /* frames before which something was wrong, oldest first */
  guint n_recent;
} ToolMediaDamage;

/* Begins with its lock initialised, and all else 0. @end is the pad that the decoded frames come
   to. */
void tool_media_damage_watch (ToolMediaDamage *damage, GstElement *pipeline, GstPad *end,
                              gboolean local);
void tool_media_damage_clear (ToolMediaDamage *damage);

/* To be called with each element that comes into the pipeline. */
void tool_media_damage_add (ToolMediaDamage *damage, GstElement *element);

/* Whether something was wrong with frame @number, or since the one that was last asked about. */
gboolean tool_media_damage_take (ToolMediaDamage *damage, guint64 number);

/* What is wrong with frame @number, or NULL. Holds until it is cleared. */
const char *tool_media_damage_get (ToolMediaDamage *damage, guint64 number);
