/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/teaching.h"

#include <string.h>

struct _GstEffvkTeaching
{
  GstElement *element;
  gint n_asked; /* atomic: labels that wait for a frame */

  GMutex lock; /* what follows */
  GQueue labels;
  EffvkEmbeddings *examples; /* NULL: none yet */
  EffvkModel *model;         /* whose embeddings they are */
  GThread *thread;           /* of the last fit */
  gboolean fitting;
  GCancellable *cancellable;
};

/* What a fit works with. */
typedef struct
{
  GstEffvkTeaching *teaching;
  EffvkTeacher *teacher;
  char *file;
  GstEffvkTaughtFunc taught;
} Fit;

GstEffvkTeaching *
gst_effvk_teaching_new (GstElement *element)
{
  GstEffvkTeaching *teaching = g_new0 (GstEffvkTeaching, 1);

  teaching->element = element;
  teaching->cancellable = g_cancellable_new ();
  g_mutex_init (&teaching->lock);
  g_queue_init (&teaching->labels);
  return teaching;
}

void
gst_effvk_teaching_free (GstEffvkTeaching *teaching)
{
  gst_effvk_teaching_stop (teaching);
  g_clear_object (&teaching->examples);
  g_clear_object (&teaching->model);
  g_object_unref (teaching->cancellable);
  g_mutex_clear (&teaching->lock);
  g_free (teaching);
}

static void
post (GstEffvkTeaching *teaching, GstStructure *structure)
{
  gst_element_post_message (teaching->element,
                            gst_message_new_element (GST_OBJECT (teaching->element), structure));
}

void
gst_effvk_teaching_ask (GstEffvkTeaching *teaching, const char *label)
{
  g_mutex_lock (&teaching->lock);
  g_queue_push_tail (&teaching->labels, g_strdup (label));
  g_atomic_int_inc (&teaching->n_asked);
  g_mutex_unlock (&teaching->lock);
}

/* Under lock. Examples of another network are of no use any more. */
static void
follow_model (GstEffvkTeaching *teaching, EffvkModel *model)
{
  if (teaching->model == model)
    return;
  if (!teaching->examples || !effvk_embeddings_is_of (teaching->examples, model))
    {
      g_clear_object (&teaching->examples);
      teaching->examples = effvk_embeddings_new (model);
    }
  g_set_object (&teaching->model, model);
}

/* Under lock. */
static guint
count_examples (GstEffvkTeaching *teaching, const char *label)
{
  guint n = 0;

  for (guint i = 0; i < effvk_embeddings_get_n_items (teaching->examples); i++)
    n += strcmp (effvk_embeddings_get_labels (teaching->examples, i)[0], label) == 0;
  return n;
}

/* Under lock. Returns whether there was one. */
static gboolean
add_examples (GstEffvkTeaching *teaching, GPtrArray *results, const char *label, GstClockTime time)
{
  const char *const labels[] = { label, NULL };
  gboolean added = FALSE;

  for (guint i = 0; i < results->len; i++)
    {
      guint n;
      const float *values = effvk_result_get_embedding (g_ptr_array_index (results, i), &n);

      if (values && effvk_result_get_n_classes (g_ptr_array_index (results, i)) > 0)
        added |= effvk_embeddings_add (teaching->examples, values, n, "stream",
                                       GST_CLOCK_TIME_IS_VALID (time) ? (gint64) time : -1, labels);
    }
  return added;
}

void
gst_effvk_teaching_see (GstEffvkTeaching *teaching, EffvkModel *model, GPtrArray *results,
                        GstClockTime time)
{
  GstStructure *structure = NULL;
  const char *label;

  if (g_atomic_int_get (&teaching->n_asked) == 0)
    return;
  g_mutex_lock (&teaching->lock);
  label = g_queue_peek_head (&teaching->labels);
  if (label)
    {
      follow_model (teaching, model);
      if (add_examples (teaching, results, label, time)) /* else the next frame has some */
        {
          structure
              = gst_structure_new ("effvkclassify-example", "label", G_TYPE_STRING, label,
                                   "examples", G_TYPE_UINT, count_examples (teaching, label), NULL);
          g_free (g_queue_pop_head (&teaching->labels));
          g_atomic_int_add (&teaching->n_asked, -1);
        }
    }
  g_mutex_unlock (&teaching->lock);
  if (structure)
    post (teaching, structure);
}

static EffvkModel *
fit_and_save (const Fit *fit, GError **error)
{
  g_autoptr (EffvkModel) model
      = effvk_teacher_fit (fit->teacher, fit->teaching->cancellable, NULL, NULL, error);

  if (model && fit->file && !effvk_teacher_save (fit->teacher, model, fit->file, error))
    return NULL;
  return g_steal_pointer (&model);
}

static GstStructure *
describe (const Fit *fit, const GError *error)
{
  g_autoptr (GVariant) report = effvk_teacher_get_report (fit->teacher);
  GstStructure *structure = gst_structure_new ("effvkclassify-taught", "taught", G_TYPE_BOOLEAN,
                                               error == NULL, "examples", G_TYPE_UINT,
                                               effvk_embeddings_get_n_items (
                                                   effvk_teacher_get_embeddings (fit->teacher)),
                                               "teach-file", G_TYPE_STRING, fit->file, NULL);
  double accuracy;

  if (error)
    gst_structure_set (structure, "reason", G_TYPE_STRING, error->message, NULL);
  else if (report && g_variant_lookup (report, "accuracy", "d", &accuracy))
    gst_structure_set (structure, "accuracy", G_TYPE_DOUBLE, accuracy, NULL);
  return structure;
}

static gpointer
run_fit (gpointer data)
{
  Fit *fit = data;
  GstEffvkTeaching *teaching = fit->teaching;
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = fit_and_save (fit, &error);

  g_mutex_lock (&teaching->lock);
  teaching->fitting = FALSE; /* who hears of this one may ask for the next */
  g_mutex_unlock (&teaching->lock);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    post (teaching, describe (fit, error));
  if (model)
    fit->taught (teaching->element, model, fit->file);
  g_object_unref (fit->teacher);
  g_free (fit->file);
  g_free (fit);
  return NULL;
}

gboolean
gst_effvk_teaching_fit (GstEffvkTeaching *teaching, const char *file, GstEffvkTaughtFunc taught)
{
  GThread *finished = NULL;
  Fit *fit = NULL;

  g_mutex_lock (&teaching->lock);
  if (!teaching->fitting && teaching->examples
      && effvk_embeddings_get_n_items (teaching->examples) > 0)
    {
      fit = g_new0 (Fit, 1);
      fit->teaching = teaching;
      fit->teacher = effvk_teacher_new (NULL, teaching->model, NULL);
      fit->file = file && *file ? g_strdup (file) : NULL;
      fit->taught = taught;
      effvk_teacher_set_n_views (fit->teacher, 1);
      effvk_teacher_add_embeddings (fit->teacher, teaching->examples, NULL);
      finished = teaching->thread;
      teaching->fitting = TRUE;
      teaching->thread = g_thread_new ("effvk-teach", run_fit, fit);
    }
  g_mutex_unlock (&teaching->lock);
  g_clear_pointer (&finished, g_thread_join);
  return fit != NULL;
}

void
gst_effvk_teaching_stop (GstEffvkTeaching *teaching)
{
  GThread *thread;

  g_cancellable_cancel (teaching->cancellable);
  g_mutex_lock (&teaching->lock);
  thread = g_steal_pointer (&teaching->thread);
  g_queue_clear_full (&teaching->labels, g_free);
  g_atomic_int_set (&teaching->n_asked, 0);
  g_mutex_unlock (&teaching->lock);
  g_clear_pointer (&thread, g_thread_join);
  g_cancellable_reset (teaching->cancellable);
}
