/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* To be preloaded: tells ThreadSanitizer of the order that GLib and GStreamer make between threads,
 * which it cannot see in libraries that were built without it. What pthreads and g_atomic_* do it
 * sees. */
#include <dlfcn.h>
#include <glib-object.h>
#include <sanitizer/tsan_interface.h>

#undef g_atomic_ref_count_dec
#undef g_once_init_leave
#undef g_object_unref

/* The next definition of the function that it is used in. */
#define NEXT(type) ((type) dlsym (RTLD_NEXT, __func__))

void
g_mutex_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, 0);
  NEXT (void (*) (GMutex *)) (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

void
g_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  NEXT (void (*) (GMutex *)) (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked = NEXT (gboolean (*) (GMutex *)) (mutex);

  if (locked)
    {
      __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock);
      __tsan_mutex_post_lock (mutex, __tsan_mutex_try_lock, 0);
    }
  return locked;
}

/* A condition lets go of the mutex within GLib. */
void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  NEXT (void (*) (GCond *, GMutex *)) (cond, mutex);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean signalled;

  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  signalled = NEXT (gboolean (*) (GCond *, GMutex *, gint64)) (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return signalled;
}

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  NEXT (void (*) (GRecMutex *)) (mutex);
  __tsan_acquire (mutex);
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  __tsan_release (mutex);
  NEXT (void (*) (GRecMutex *)) (mutex);
}

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  NEXT (void (*) (GAsyncQueue *, gpointer)) (queue, data);
}

gpointer
g_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer data = NEXT (gpointer (*) (GAsyncQueue *)) (queue);

  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  gpointer data = NEXT (gpointer (*) (GAsyncQueue *, guint64)) (queue, timeout);

  __tsan_acquire (queue);
  return data;
}

void
gst_mini_object_unref (gpointer object)
{
  __tsan_release (object);
  __tsan_acquire (object);
  NEXT (void (*) (gpointer)) (object);
}

void
g_once_init_leave (volatile void *location, gsize result)
{
  __tsan_release ((void *) location);
  NEXT (void (*) (volatile void *, gsize)) (location, result);
}

/* Whoever lets go last has seen what the others did: here, of mini objects and by
 * counting. */
void
g_object_unref (gpointer object)
{
  __tsan_release (object);
  __tsan_acquire (object);
  NEXT (void (*) (gpointer)) (object);
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  __tsan_release (count);
  __tsan_acquire (count);
  return NEXT (gboolean (*) (gatomicrefcount *)) (count);
}

/* ThreadSanitizer ends the program when a library that its suppressions name is unloaded. */
int
dlclose (void *handle)
{
  return 0;
}
