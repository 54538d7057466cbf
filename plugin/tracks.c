/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tracks.h"

struct _EffvkTracks
{
  GMutex lock;
  GHashTable *tracks; /* gint64 → EffvkTrack */
  guint64 frame;      /* counts from 1 */
  EffvkModel *model;  /* that classifies it; NULL before the first */
};

static void
track_free (gpointer data)
{
  EffvkTrack *track = data;

  g_clear_object (&track->smoother);
  g_clear_pointer (&track->result, effvk_result_unref);
  g_free (track);
}

EffvkTracks *
effvk_tracks_new (void)
{
  EffvkTracks *tracks = g_new0 (EffvkTracks, 1);

  g_mutex_init (&tracks->lock);
  tracks->tracks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, track_free);
  return tracks;
}

void
effvk_tracks_free (EffvkTracks *tracks)
{
  if (!tracks)
    return;
  g_hash_table_unref (tracks->tracks);
  g_clear_object (&tracks->model);
  g_mutex_clear (&tracks->lock);
  g_free (tracks);
}

void
effvk_tracks_lock (EffvkTracks *tracks)
{
  g_mutex_lock (&tracks->lock);
}

void
effvk_tracks_unlock (EffvkTracks *tracks)
{
  g_mutex_unlock (&tracks->lock);
}

void
effvk_tracks_clear (EffvkTracks *tracks)
{
  g_hash_table_remove_all (tracks->tracks);
}

guint
effvk_tracks_get_size (EffvkTracks *tracks)
{
  return g_hash_table_size (tracks->tracks);
}

static gboolean
is_old (gpointer id, gpointer data, gpointer user_data)
{
  const EffvkTrack *track = data;
  const EffvkTracks *tracks = user_data;

  return tracks->frame - track->seen > EFFVK_TRACKS_FORGET;
}

void
effvk_tracks_next_frame (EffvkTracks *tracks, EffvkModel *model)
{
  if (g_set_object (&tracks->model, model))
    effvk_tracks_clear (tracks);
  tracks->frame++;
  g_hash_table_foreach_remove (tracks->tracks, is_old, tracks);
}

gboolean
effvk_tracks_is_of (EffvkTracks *tracks, EffvkModel *model)
{
  return tracks->model == model;
}

static void
remove_oldest (EffvkTracks *tracks)
{
  guint64 oldest = G_MAXUINT64;
  gpointer oldest_id = NULL, id, track;
  GHashTableIter iter;

  g_hash_table_iter_init (&iter, tracks->tracks);
  while (g_hash_table_iter_next (&iter, &id, &track))
    if (((EffvkTrack *) track)->seen < oldest)
      {
        oldest = ((EffvkTrack *) track)->seen;
        oldest_id = id;
      }
  g_hash_table_remove (tracks->tracks, oldest_id);
}

EffvkTrack *
effvk_tracks_get (EffvkTracks *tracks, gint64 id)
{
  EffvkTrack *track = g_hash_table_lookup (tracks->tracks, &id);

  if (track)
    return track;
  if (g_hash_table_size (tracks->tracks) == EFFVK_TRACKS_MAX)
    remove_oldest (tracks);
  track = g_new0 (EffvkTrack, 1);
  track->seen = tracks->frame;
  g_hash_table_insert (tracks->tracks, g_memdup2 (&id, sizeof id), track);
  return track;
}

gboolean
effvk_tracks_is_due (EffvkTracks *tracks, gint64 id, guint interval)
{
  EffvkTrack *track = effvk_tracks_get (tracks, id);

  track->seen = tracks->frame;
  if (track->classified && (interval == 0 || tracks->frame - track->classified < interval))
    return FALSE;
  track->classified = tracks->frame;
  return TRUE;
}
