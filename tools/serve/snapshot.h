/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Pictures as JPEG, made in a thread. */
#define SERVE_SNAPSHOT_WIDEST 3840

/* @jpeg: NULL where @error is set. In the main thread. */
typedef void (*ServeSnapshotDone) (GBytes *jpeg, const GError *error, gpointer user_data);

/* Takes @sample. @width in pixels, 0: as it is. @overlay: with what its metadata says drawn on it.
 * FALSE: too many wait already, and @done is not called. */
gboolean serve_snapshot_make (GstSample *sample, guint width, gboolean overlay,
                              ServeSnapshotDone done, gpointer user_data);
