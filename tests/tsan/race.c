/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A race, or none when "locked" is given: whether ThreadSanitizer is awake. */
#include <glib.h>

static GMutex mutex;
static guint number;

static gpointer
count (gpointer locked)
{
  for (guint i = 0; i < 1000; i++)
    {
      if (locked)
        g_mutex_lock (&mutex);
      number++;
      if (locked)
        g_mutex_unlock (&mutex);
    }
  return NULL;
}

int
main (int argc, char **argv)
{
  GThread *thread = g_thread_new ("count", count, argc > 1 ? argv : NULL);

  count (argc > 1 ? argv : NULL);
  g_thread_join (thread);
  return 0;
}
