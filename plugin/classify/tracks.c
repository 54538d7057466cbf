/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/tracks.h"

struct _GstEffvkTracks
{
  GMutex lock;
  GHashTable *tracks; /* gint64 → GstEffvkTrack */
  guint64 frame;      /* counts from 1 */
  EffvkModel *model;  /* that classifies it; NULL before the first */
};

static void
track_free (gpointer data)
{
  GstEffvkTrack *track = data;

  g_clear_object (&track->smoother);
  g_clear_pointer (&track->result, effvk_result_unref);
  g_free (track);
}

GstEffvkTracks *
gst_effvk_tracks_new (void)
{
  GstEffvkTracks *tracks = g_new0 (GstEffvkTracks, 1);

  g_mutex_init (&tracks->lock);
  tracks->tracks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, track_free);
  return tracks;
}

void
gst_effvk_tracks_free (GstEffvkTracks *tracks)
{
  if (!tracks)
    return;
  g_hash_table_unref (tracks->tracks);
  g_clear_object (&tracks->model);
  g_mutex_clear (&tracks->lock);
  g_free (tracks);
}

void
gst_effvk_tracks_lock (GstEffvkTracks *tracks)
{
  g_mutex_lock (&tracks->lock);
}

void
gst_effvk_tracks_unlock (GstEffvkTracks *tracks)
{
  g_mutex_unlock (&tracks->lock);
}

void
gst_effvk_tracks_clear (GstEffvkTracks *tracks)
{
  g_hash_table_remove_all (tracks->tracks);
}

guint
gst_effvk_tracks_get_size (GstEffvkTracks *tracks)
{
  return g_hash_table_size (tracks->tracks);
}

static gboolean
is_old (gpointer id, gpointer data, gpointer user_data)
{
  const GstEffvkTrack *track = data;
  const GstEffvkTracks *tracks = user_data;

  return tracks->frame - track->seen > GST_EFFVK_TRACKS_FORGET;
}

void
gst_effvk_tracks_next_frame (GstEffvkTracks *tracks, EffvkModel *model)
{
  if (g_set_object (&tracks->model, model))
    gst_effvk_tracks_clear (tracks);
  tracks->frame++;
  g_hash_table_foreach_remove (tracks->tracks, is_old, tracks);
}

gboolean
gst_effvk_tracks_is_of (GstEffvkTracks *tracks, EffvkModel *model)
{
  return tracks->model == model;
}

static void
remove_oldest (GstEffvkTracks *tracks)
{
  guint64 oldest = G_MAXUINT64;
  gpointer oldest_id = NULL, id, track;
  GHashTableIter iter;

  g_hash_table_iter_init (&iter, tracks->tracks);
  while (g_hash_table_iter_next (&iter, &id, &track))
    if (((GstEffvkTrack *) track)->seen < oldest)
      {
        oldest = ((GstEffvkTrack *) track)->seen;
        oldest_id = id;
      }
  g_hash_table_remove (tracks->tracks, oldest_id);
}

GstEffvkTrack *
gst_effvk_tracks_get (GstEffvkTracks *tracks, gint64 id)
{
  GstEffvkTrack *track = g_hash_table_lookup (tracks->tracks, &id);

  if (track)
    return track;
  if (g_hash_table_size (tracks->tracks) == GST_EFFVK_TRACKS_MAX)
    remove_oldest (tracks);
  track = g_new0 (GstEffvkTrack, 1);
  track->seen = tracks->frame;
  g_hash_table_insert (tracks->tracks, g_memdup2 (&id, sizeof id), track);
  return track;
}

gboolean
gst_effvk_tracks_is_due (GstEffvkTracks *tracks, gint64 id, guint interval)
{
  GstEffvkTrack *track = gst_effvk_tracks_get (tracks, id);

  track->seen = tracks->frame;
  if (track->classified && (interval == 0 || tracks->frame - track->classified < interval))
    return FALSE;
  track->classified = tracks->frame;
  return TRUE;
}
