/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "publish/target.h"

/* A file that holds the parcels that wait, oldest first. Used by one thread. */
typedef struct
{
  char *path;
  int fd;
  guint64 dead; /* bytes at its begin of parcels that were delivered */
} GstEffvkSpool;

/* Opens the file, made where there is none, and appends to @waiting what it holds. FALSE with
 * @error: it is in use, or
 * cannot be written. */
gboolean gst_effvk_spool_open (GstEffvkSpool *spool, const char *path, GQueue *waiting,
                               GError **error);
void gst_effvk_spool_close (GstEffvkSpool *spool);

gboolean gst_effvk_spool_append (GstEffvkSpool *spool, const GstEffvkParcel *parcel);

/* @removed bytes of parcels need not be kept; @waiting is what still has to be. */
void gst_effvk_spool_remove (GstEffvkSpool *spool, guint64 removed, GQueue *waiting);
gsize gst_effvk_spool_get_size (const GstEffvkParcel *parcel);
