/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element finds these functions before the library's. */
#include "fixtures-device.h"

#include <dlfcn.h>
#include <effvk/effvk.h>

gint fixture_collect_delay, fixture_n_classifiers, fixture_n_models;

static void
forget (gpointer count, GObject *object)
{
  g_atomic_int_add ((gint *) count, -1);
}

static void
count (gpointer object, gint *number)
{
  g_atomic_int_inc (number);
  g_object_weak_ref (G_OBJECT (object), forget, number);
}

EffvkClassifier *
effvk_classifier_new (EffvkDevice *device, EffvkModel *model, EffvkClassifierOptions *options,
                      GError **error)
{
  EffvkClassifier *(*make) (EffvkDevice *, EffvkModel *, EffvkClassifierOptions *, GError **)
      = (EffvkClassifier * (*) (EffvkDevice *, EffvkModel *, EffvkClassifierOptions *, GError **) )
          dlsym (RTLD_NEXT, "effvk_classifier_new");
  EffvkClassifier *classifier = make (device, model, options, error);

  if (classifier)
    {
      count (classifier, &fixture_n_classifiers);
      count (model, &fixture_n_models);
    }
  return classifier;
}

EffvkResult *
effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait, gpointer *user_data,
                          GError **error)
{
  EffvkResult *(*collect) (EffvkClassifier *, gboolean, gpointer *, GError **)
      = (EffvkResult * (*) (EffvkClassifier *, gboolean, gpointer *, GError **) )
          dlsym (RTLD_NEXT, "effvk_classifier_collect");

  g_usleep ((gulong) g_atomic_int_get (&fixture_collect_delay));
  return collect (classifier, wait, user_data, error);
}
