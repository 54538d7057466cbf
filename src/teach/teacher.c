/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/logistic.h"
#include "teach/report.h"
#include "teach/views.h"

#include "model/model.h"

#include <effvk/effvk-classifier.h>
#include <effvk/effvk-teacher.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define MAX_VIEWS 16
#define IN_FLIGHT 4

struct _EffvkTeacher
{
  GObject parent_instance;

  EffvkModel *backbone;
  EffvkClassifier *classifier; /* NULL: embeddings alone are added */
  EffvkEmbeddings *embeddings;
  gboolean multi_label;
  guint n_views;
  guint32 seed;
  GVariant *report;
};

G_DEFINE_FINAL_TYPE (EffvkTeacher, effvk_teacher, G_TYPE_OBJECT)

GQuark
effvk_teacher_error_quark (void)
{
  return g_quark_from_static_string ("effvk-teacher-error-quark");
}

static void
effvk_teacher_finalize (GObject *object)
{
  EffvkTeacher *teacher = EFFVK_TEACHER (object);

  g_clear_object (&teacher->classifier);
  g_clear_object (&teacher->embeddings);
  g_clear_object (&teacher->backbone);
  g_clear_pointer (&teacher->report, g_variant_unref);
  G_OBJECT_CLASS (effvk_teacher_parent_class)->finalize (object);
}

static void
effvk_teacher_class_init (EffvkTeacherClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_teacher_finalize;
}

static void
effvk_teacher_init (EffvkTeacher *teacher)
{
  teacher->n_views = 4;
}

gboolean
effvk_teacher_is_built_in (void)
{
#ifdef HAVE_LBFGS
  return TRUE;
#else
  return FALSE;
#endif
}

EffvkTeacher *
effvk_teacher_new (EffvkDevice *device, EffvkModel *backbone, GError **error)
{
  g_return_val_if_fail (!device || EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (EFFVK_IS_MODEL (backbone), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkTeacher) teacher = NULL;
  g_autoptr (EffvkClassifierOptions) options = NULL;

  teacher = g_object_new (EFFVK_TYPE_TEACHER, NULL);
  teacher->backbone = g_object_ref (backbone);
  teacher->embeddings = effvk_embeddings_new (backbone);
  if (!device)
    return g_steal_pointer (&teacher);
  options = effvk_classifier_options_new ();
  effvk_classifier_options_set_embeddings (options, TRUE);
  effvk_classifier_options_set_top_k (options, 1);
  effvk_classifier_options_set_max_in_flight (options, IN_FLIGHT);
  teacher->classifier = effvk_classifier_new (device, backbone, options, error);
  return teacher->classifier ? g_steal_pointer (&teacher) : NULL;
}

void
effvk_teacher_set_multi_label (EffvkTeacher *teacher, gboolean multi_label)
{
  g_return_if_fail (EFFVK_IS_TEACHER (teacher));
  teacher->multi_label = multi_label;
}

void
effvk_teacher_set_n_views (EffvkTeacher *teacher, guint n_views)
{
  g_return_if_fail (EFFVK_IS_TEACHER (teacher));
  g_return_if_fail (n_views >= 1 && n_views <= MAX_VIEWS);
  teacher->n_views = n_views;
}

void
effvk_teacher_set_seed (EffvkTeacher *teacher, guint32 seed)
{
  g_return_if_fail (EFFVK_IS_TEACHER (teacher));
  teacher->seed = seed;
}

static gboolean
is_finite (EffvkResult *result)
{
  guint n;
  const float *values = effvk_result_get_embedding (result, &n);

  for (guint i = 0; i < n; i++)
    if (!isfinite (values[i]))
      return FALSE;
  return TRUE;
}

static GPtrArray *
look_at (EffvkTeacher *teacher, const EffvkImage *image, GError **error)
{
  g_autoptr (GPtrArray) views
      = effvk_views_new (image, teacher->n_views,
                         teacher->seed + effvk_embeddings_get_n_items (teacher->embeddings));
  g_autoptr (GPtrArray) results
      = effvk_classifier_classify_many (teacher->classifier,
                                        (const EffvkImage *const *) views->pdata, views->len,
                                        error);

  for (guint i = 0; results && i < results->len; i++)
    if (!is_finite (results->pdata[i]))
      {
        g_set_error_literal (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_FAILED,
                             "the network's answer is not finite; try --precision fp32");
        return NULL;
      }
  return g_steal_pointer (&results);
}

gboolean
effvk_teacher_add_example (EffvkTeacher *teacher, const EffvkImage *image, const char *source,
                           gint64 time, const char *const *labels, GError **error)
{
  g_return_val_if_fail (image != NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher) && source && labels, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  g_autoptr (GPtrArray) results = NULL;
  const float *values;
  guint n;

  if (!teacher->classifier)
    {
      g_set_error_literal (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_FAILED,
                           "the teacher has no device to look at pictures with");
      return FALSE;
    }
  results = look_at (teacher, image, error);
  if (!results)
    return FALSE;
  values = effvk_result_get_embedding (results->pdata[0], &n);
  if (!effvk_embeddings_add (teacher->embeddings, values, n, source, time, labels))
    {
      g_set_error_literal (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_FAILED,
                           "there is no room for more pictures");
      return FALSE;
    }
  for (guint i = 1; i < results->len; i++)
    effvk_embeddings_add_view (teacher->embeddings,
                               effvk_result_get_embedding (results->pdata[i], &n), n);
  return TRUE;
}

gboolean
effvk_teacher_add (EffvkTeacher *teacher, const EffvkImage *image, const char *label,
                   GError **error)
{
  g_return_val_if_fail (image != NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher) && label, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  const char *const labels[] = { label, NULL };
  g_autofree char *source = NULL;

  source = g_strdup_printf ("picture %u", effvk_embeddings_get_n_items (teacher->embeddings));
  return effvk_teacher_add_example (teacher, image, source, -1, labels, error);
}

gboolean
effvk_teacher_add_embeddings (EffvkTeacher *teacher, EffvkEmbeddings *embeddings, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher) && EFFVK_IS_EMBEDDINGS (embeddings), FALSE);

  if (effvk_embeddings_append (teacher->embeddings, embeddings))
    return TRUE;
  g_set_error_literal (error, EFFVK_TEACHER_ERROR, EFFVK_TEACHER_ERROR_MISMATCH,
                       "the embeddings come from another network than this backbone, or from "
                       "pictures that were prepared in another way");
  return FALSE;
}

EffvkEmbeddings *
effvk_teacher_get_embeddings (EffvkTeacher *teacher)
{
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher), NULL);
  return teacher->embeddings;
}

/* Told of the cross-validation, which is nearly all of the work. */
typedef struct
{
  EffvkTeacherProgress progress;
  gpointer user_data;
} Listener;

static void
on_validated (double share, gpointer user_data)
{
  const Listener *listener = user_data;

  if (listener->progress)
    listener->progress (share * 0.95, listener->user_data);
}

/* A solution becomes a classifier of features, as sure as it is right. */
static void
settle (const EffvkExamples *examples, const double *solution, double temperature, float *weight,
        float *bias)
{
  guint n = examples->embeddings->size;
  g_autofree double *features = g_new (double, n);

  for (guint c = 0; c < examples->n_classes; c++)
    {
      const double *w = solution + (gsize) c * (examples->n_columns + 1);
      double shift = w[examples->n_columns];

      effvk_examples_expand (examples, w, features);
      for (guint f = 0; f < n; f++)
        {
          weight[(gsize) c * n + f] = (float) (features[f] * examples->scale / temperature);
          shift -= features[f] * examples->scale * examples->mean[f];
        }
      bias[c] = (float) (shift / temperature);
    }
}

static EffvkModel *
make_model (EffvkTeacher *teacher, const EffvkExamples *examples, const EffvkValidation *validation,
            const double *solution, GError **error)
{
  double threshold = effvk_validation_find_threshold (validation, examples);
  g_autoptr (GVariant) report
      = g_variant_ref_sink (effvk_report_new (examples, validation, threshold));
  g_autofree char *teaching
      = effvk_report_describe (report, examples, teacher->n_views, teacher->seed);
  g_autofree float *weight
      = g_new (float, (gsize) examples->n_classes * examples->embeddings->size);
  g_autofree float *bias = g_new (float, examples->n_classes);
  EffvkNewClassifier classifier = {
    .n_classes = examples->n_classes,
    .weight = weight,
    .bias = bias,
    .output = examples->truths ? EFFVK_OUTPUT_ACTIVATION_SIGMOID : EFFVK_OUTPUT_ACTIVATION_SOFTMAX,
    .unknown_threshold = threshold,
    .teaching = teaching,
  };
  EffvkModel *model;

  settle (examples, solution, validation->temperature, weight, bias);
  g_ptr_array_add (examples->labels, NULL);
  classifier.labels = (const char *const *) examples->labels->pdata;
  model = effvk_model_new_with_classifier (teacher->backbone, &classifier, error);
  if (!model)
    return NULL;
  g_clear_pointer (&teacher->report, g_variant_unref);
  teacher->report = g_steal_pointer (&report);
  return model;
}

/* Fits the classifier to all items. Where most were learned from already, it begins there. */
static gboolean
fit_all (const EffvkExamples *examples, const EffvkValidation *validation, double *solution,
         GCancellable *cancellable, GError **error)
{
  g_autofree guint *items = g_new (guint, examples->n_items);
  EffvkLogistic logistic = { examples, items, examples->n_items, validation->l2, TRUE };

  for (guint i = 0; i < examples->n_items; i++)
    items[i] = i;
  if (validation->solution)
    memcpy (solution, validation->solution,
            sizeof *solution * examples->n_classes * (examples->n_columns + 1));
  return effvk_logistic_fit (&logistic, solution, cancellable, error);
}

EffvkModel *
effvk_teacher_fit (EffvkTeacher *teacher, GCancellable *cancellable, EffvkTeacherProgress progress,
                   gpointer user_data, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkExamples) examples = NULL;
  g_autoptr (EffvkValidation) validation = NULL;
  Listener listener = { progress, user_data };
  EffvkModel *model = NULL;
  double *solution;

  examples = effvk_examples_new (teacher->embeddings, teacher->multi_label, error);
  validation = examples ? effvk_validation_new (examples, teacher->seed, on_validated, &listener,
                                                cancellable, error)
                        : NULL;
  if (!validation)
    return NULL;
  solution = effvk_logistic_new_solution (examples);
  if (fit_all (examples, validation, solution, cancellable, error))
    model = make_model (teacher, examples, validation, solution, error);
  effvk_logistic_free_solution (solution);
  if (model && progress)
    progress (1, user_data);
  return model;
}

GVariant *
effvk_teacher_get_report (EffvkTeacher *teacher)
{
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher), NULL);
  return teacher->report ? g_variant_ref (teacher->report) : NULL;
}

char *
effvk_teacher_get_embeddings_path (const char *model_path)
{
  gsize n;

  g_return_val_if_fail (model_path != NULL, NULL);

  n = strlen (model_path);
  if (g_str_has_suffix (model_path, ".safetensors"))
    n -= strlen (".safetensors");
  return g_strdup_printf ("%.*s.embeddings.safetensors", (int) n, model_path);
}

/* The embeddings come last, by a rename, which takes no room on the disk. */
gboolean
effvk_teacher_save (EffvkTeacher *teacher, EffvkModel *model, const char *path, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_TEACHER (teacher) && EFFVK_IS_MODEL (model) && path, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  g_autofree char *beside = effvk_teacher_get_embeddings_path (path);
  g_autofree char *fresh = g_strconcat (beside, ".new", NULL);

  if (!effvk_embeddings_save (teacher->embeddings, fresh, error))
    return FALSE;
  if (effvk_model_save (model, path, error))
    {
      if (g_rename (fresh, beside) == 0)
        return TRUE;
      g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (errno), "%s: %s", beside,
                   g_strerror (errno));
    }
  g_unlink (fresh);
  return FALSE;
}
