/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of tracked objects: when they are due, and that they are forgotten. */
#include "classify/tracks.h"

#include <string.h>

/* Which of the frames 1 to 8 an object is due in that is there in those of @there. */
static char *
due_in (guint interval, const char *there)
{
  g_autoptr (GstEffvkTracks) tracks = gst_effvk_tracks_new ();
  GString *due = g_string_new (NULL);

  gst_effvk_tracks_lock (tracks);
  for (guint frame = 1; frame <= 8; frame++)
    {
      gst_effvk_tracks_next_frame (tracks, NULL);
      if (strchr (there, '0' + (int) frame) && gst_effvk_tracks_is_due (tracks, 7, interval))
        g_string_append_c (due, '0' + (char) frame);
    }
  gst_effvk_tracks_unlock (tracks);
  return g_string_free (due, FALSE);
}

static void
test_interval (void)
{
  const struct
  {
    guint interval;
    const char *there, *due;
  } cases[] = { { 1, "12345678", "12345678" }, { 2, "12345678", "1357" }, { 3, "12345678", "147" },
                { 3, "1568", "158" },          { 0, "12345678", "1" },    { 0, "3568", "3" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *due = due_in (cases[i].interval, cases[i].there);

      g_assert_cmpstr (due, ==, cases[i].due);
    }
}

static void
test_forgotten (void)
{
  g_autoptr (GstEffvkTracks) tracks = gst_effvk_tracks_new ();

  gst_effvk_tracks_lock (tracks);
  gst_effvk_tracks_next_frame (tracks, NULL);
  g_assert_true (gst_effvk_tracks_is_due (tracks, 1, 0));
  g_assert_true (gst_effvk_tracks_is_due (tracks, 2, 0));
  for (guint i = 0; i < GST_EFFVK_TRACKS_FORGET; i++)
    {
      gst_effvk_tracks_next_frame (tracks, NULL);
      g_assert_false (gst_effvk_tracks_is_due (tracks, 2, 0));
    }
  g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), ==, 2);
  gst_effvk_tracks_next_frame (tracks, NULL);
  g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), ==, 1);
  g_assert_false (gst_effvk_tracks_is_due (tracks, 2, 0));
  g_assert_true (gst_effvk_tracks_is_due (tracks, 1, 0));
  gst_effvk_tracks_clear (tracks);
  g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), ==, 0);
  g_assert_true (gst_effvk_tracks_is_due (tracks, 2, 0));
  gst_effvk_tracks_unlock (tracks);
}

/* However many objects a tracker invents, and in one frame. */
static void
test_bounded (void)
{
  g_autoptr (GstEffvkTracks) tracks = gst_effvk_tracks_new ();

  gst_effvk_tracks_lock (tracks);
  for (gint64 id = 0; id < 3 * GST_EFFVK_TRACKS_MAX; id++)
    {
      if (id % 100 == 0)
        gst_effvk_tracks_next_frame (tracks, NULL);
      g_assert_true (gst_effvk_tracks_is_due (tracks, id, 0));
      g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), <=, GST_EFFVK_TRACKS_MAX);
    }
  /* the newest are there, the oldest are not */
  for (gint64 id = 3 * GST_EFFVK_TRACKS_MAX - 800; id < 3 * GST_EFFVK_TRACKS_MAX; id++)
    g_assert_false (gst_effvk_tracks_is_due (tracks, id, 0));
  g_assert_true (gst_effvk_tracks_is_due (tracks, 0, 0));
  gst_effvk_tracks_clear (tracks);
  for (gint64 id = 0; id < 2 * GST_EFFVK_TRACKS_MAX; id++)
    g_assert_true (gst_effvk_tracks_is_due (tracks, id, 0));
  g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), ==, GST_EFFVK_TRACKS_MAX);
  gst_effvk_tracks_unlock (tracks);
}

/* Another model knows nothing of what the one before has said. */
static void
test_model (void)
{
  g_autoptr (GstEffvkTracks) tracks = gst_effvk_tracks_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) a = effvk_model_new_random ("phi=-4", 3, 1, &error);
  g_autoptr (EffvkModel) b = effvk_model_new_random ("phi=-4", 3, 2, &error);

  g_assert_no_error (error);
  gst_effvk_tracks_lock (tracks);
  gst_effvk_tracks_next_frame (tracks, a);
  g_assert_true (gst_effvk_tracks_is_due (tracks, 7, 0));
  gst_effvk_tracks_next_frame (tracks, a);
  g_assert_true (gst_effvk_tracks_is_of (tracks, a));
  g_assert_false (gst_effvk_tracks_is_due (tracks, 7, 0));
  gst_effvk_tracks_next_frame (tracks, b);
  g_assert_false (gst_effvk_tracks_is_of (tracks, a));
  g_assert_true (gst_effvk_tracks_is_of (tracks, b));
  g_assert_cmpuint (gst_effvk_tracks_get_size (tracks), ==, 0);
  g_assert_true (gst_effvk_tracks_is_due (tracks, 7, 0));
  gst_effvk_tracks_unlock (tracks);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tracks/interval", test_interval);
  g_test_add_func ("/tracks/forgotten", test_forgotten);
  g_test_add_func ("/tracks/bounded", test_bounded);
  g_test_add_func ("/tracks/model", test_model);
  return g_test_run ();
}
