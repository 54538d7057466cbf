/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>

/* What is remembered of the objects that a tracker follows through a stream, by its ids. There is a
 * bound: the object that was seen longest ago goes first. An object that is not seen for
 * GST_EFFVK_TRACKS_FORGET frames goes, too. One thread may plan what is classified while another
 * stores the outcome. So call all functions between lock and unlock, except gst_effvk_tracks_new()
 * and gst_effvk_tracks_free(). */
#define GST_EFFVK_TRACKS_MAX 1024
#define GST_EFFVK_TRACKS_FORGET 300

typedef struct
{
  guint64 seen;            /* the number of the frame it was last in */
  guint64 classified;      /* the number of the frame it was last classified in; 0: none yet */
  EffvkSmoother *smoother; /* NULL until it is needed */
  EffvkResult *result;     /* the newest; NULL: none yet */
  guint64 time;            /* of its frame, ns */
} GstEffvkTrack;

typedef struct _GstEffvkTracks GstEffvkTracks;

GstEffvkTracks *gst_effvk_tracks_new (void);
void gst_effvk_tracks_free (GstEffvkTracks *tracks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkTracks, gst_effvk_tracks_free)

void gst_effvk_tracks_lock (GstEffvkTracks *tracks);
void gst_effvk_tracks_unlock (GstEffvkTracks *tracks);

/* Forgets all of them. */
void gst_effvk_tracks_clear (GstEffvkTracks *tracks);
guint gst_effvk_tracks_get_size (GstEffvkTracks *tracks);

/* The frame that is looked at is the next one, and @model classifies it: what another has said is
 * forgotten. */
void gst_effvk_tracks_next_frame (GstEffvkTracks *tracks, EffvkModel *model);

/* Whether frames that @model classifies are looked at, rather than those of a later one. */
gboolean gst_effvk_tracks_is_of (GstEffvkTracks *tracks, EffvkModel *model);

/* Whether an object of this frame is to be classified: the first time, and then in every
 * @interval-th frame (0: never again). Then it counts as classified, until somebody who gets no
 * answer sets that back. */
gboolean gst_effvk_tracks_is_due (GstEffvkTracks *tracks, gint64 id, guint interval);

/* The track, made where there is none; owned by @tracks, and valid until the next call. */
GstEffvkTrack *gst_effvk_tracks_get (GstEffvkTracks *tracks, gint64 id);
