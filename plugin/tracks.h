/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>

/* What is remembered of the objects that a tracker follows through a stream, by its ids. Bounded: the
 * one that was seen longest ago goes first, and who is not seen for EFFVK_TRACKS_FORGET frames goes too.
 * One thread may plan what is classified while another stores what came of it: all but
 * effvk_tracks_new() and effvk_tracks_free() are called between lock and unlock. */
#define EFFVK_TRACKS_MAX 1024
#define EFFVK_TRACKS_FORGET 300

typedef struct
{
  guint64 seen;            /* the number of the frame it was last in */
  guint64 classified;      /* the number of the frame it was last classified in; 0: none yet */
  EffvkSmoother *smoother; /* NULL until it is needed */
  EffvkResult *result;     /* the newest; NULL: none yet */
  guint64 time;            /* of its frame, ns */
} EffvkTrack;

typedef struct _EffvkTracks EffvkTracks;

EffvkTracks *effvk_tracks_new (void);
void effvk_tracks_free (EffvkTracks *tracks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkTracks, effvk_tracks_free)

void effvk_tracks_lock (EffvkTracks *tracks);
void effvk_tracks_unlock (EffvkTracks *tracks);

/* Forgets all of them. */
void effvk_tracks_clear (EffvkTracks *tracks);
guint effvk_tracks_get_size (EffvkTracks *tracks);

/* The frame that is looked at is the next one, and @model classifies it: what another has said is
 * forgotten. */
void effvk_tracks_next_frame (EffvkTracks *tracks, EffvkModel *model);

/* Whether frames that @model classifies are looked at, rather than those of a later one. */
gboolean effvk_tracks_is_of (EffvkTracks *tracks, EffvkModel *model);

/* Whether an object of this frame is to be classified: the first time, and then in every @interval-th
 * frame (0: never again). Then it counts as classified, until somebody who gets no answer sets that back. */
gboolean effvk_tracks_is_due (EffvkTracks *tracks, gint64 id, guint interval);

/* The track, made where there is none; owned by @tracks, and valid until the next call. */
EffvkTrack *effvk_tracks_get (EffvkTracks *tracks, gint64 id);
