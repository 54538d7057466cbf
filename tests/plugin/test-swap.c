/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify gets another network while it plays. EFFVK_TEST_SWAPS: how often real models change
 * places (EFFVK_SHARED has them). */
#include "fixtures-device.h"
#include "fixtures.h"

#include <effvk/effvk.h>

#include <malloc.h>

#define N_CONTENTS 3

/* A model's file, the name that results of it carry, and what it answers: the best class of each
 * content, and how sure it is. */
typedef struct
{
  const char *path;
  char *name;
  int indices[N_CONTENTS];
  double scores[N_CONTENTS];
} Answers;

typedef struct
{
  GstHarness *harness;
  GstElement *element;
  GstBus *bus;
  GstVideoInfo info;
  Answers models[2];
  GThread *pusher, *puller;
  gint stop, n_pushed;
  guint n_pulled;
  gint n_of[2];
} Stream;

static const GstStructure *
get_structure (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");

  g_assert_nonnull (meta);
  return gst_custom_meta_get_structure (meta);
}

static void
learn_answers (Answers *answers, const char *path)
{
  g_autofree char *launch = g_strdup_printf ("effvkclassify device=cpu model-file=%s", path);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstVideoInfo info;

  answers->path = path;
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < N_CONTENTS; i++)
    {
      GstBuffer *out = fixture_push (harness, fixture_frame (&info, i));

      answers->indices[i] = fixture_best (get_structure (out), &answers->scores[i]);
      g_free (answers->name);
      answers->name = g_strdup (gst_structure_get_string (get_structure (out), "model"));
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
}

static gpointer
push (gpointer data)
{
  Stream *stream = data;

  for (guint i = 0; !g_atomic_int_get (&stream->stop); i++)
    {
      GstBuffer *buffer = fixture_frame (&stream->info, i % N_CONTENTS);

      GST_BUFFER_PTS (buffer) = i;
      g_assert_cmpint (gst_harness_push (stream->harness, buffer), ==, GST_FLOW_OK);
      g_atomic_int_inc (&stream->n_pushed);
    }
  return NULL;
}

/* Every frame comes, with the answer of the model that it names. */
static void
check_frame (Stream *stream, GstBuffer *buffer)
{
  const char *name = gst_structure_get_string (get_structure (buffer), "model");
  guint content = (guint) (GST_BUFFER_PTS (buffer) % N_CONTENTS);
  guint model = g_strcmp0 (name, stream->models[1].name) == 0;
  double score;
  int index = fixture_best (get_structure (buffer), &score);

  g_assert_cmpstr (name, ==, stream->models[model].name);
  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, stream->n_pulled);
  g_assert_cmpint (index, ==, stream->models[model].indices[content]);
  g_assert_cmpfloat_with_epsilon (score, stream->models[model].scores[content], 1e-5);
  stream->n_pulled++;
  g_atomic_int_inc (&stream->n_of[model]);
}

static gpointer
pull (gpointer data)
{
  Stream *stream = data;

  while (!g_atomic_int_get (&stream->stop)
         || stream->n_pulled < (guint) g_atomic_int_get (&stream->n_pushed))
    {
      GstBuffer *out = gst_harness_pull (stream->harness);

      g_assert_nonnull (out);
      check_frame (stream, out);
      gst_buffer_unref (out);
    }
  return NULL;
}

static void
stream_start (Stream *stream, const char *first, const char *second)
{
  g_autofree char *launch
      = g_strdup_printf ("effvkclassify device=cpu post-messages=false model-file=%s", first);

  learn_answers (&stream->models[0], first);
  learn_answers (&stream->models[1], second);
  g_assert_cmpstr (stream->models[0].name, !=, stream->models[1].name);
  stream->harness = gst_harness_new_parse (launch);
  stream->element = gst_harness_find_element (stream->harness, "effvkclassify");
  stream->bus = gst_bus_new ();
  gst_element_set_bus (stream->element, stream->bus);
  fixture_set_caps (stream->harness, &stream->info, GST_VIDEO_FORMAT_RGB, 64, 48);
  stream->pusher = g_thread_new ("push", push, stream);
  stream->puller = g_thread_new ("pull", pull, stream);
}

static void
stream_stop (Stream *stream)
{
  g_atomic_int_set (&stream->stop, TRUE);
  g_thread_join (stream->pusher);
  g_thread_join (stream->puller);
  g_test_message ("%u frames: %d of %s, %d of %s", stream->n_pulled, stream->n_of[0],
                  stream->models[0].name, stream->n_of[1], stream->models[1].name);
  gst_element_set_bus (stream->element, NULL);
  gst_object_unref (stream->bus);
  gst_object_unref (stream->element);
  gst_harness_teardown (stream->harness);
  g_free (stream->models[0].name);
  g_free (stream->models[1].name);
}

/* Waits for what the element says of a model that was set. Returns the reason, or NULL when it was
 * swapped. */
static char *
wait_for_swap (Stream *stream, const char *path, const char *runs)
{
  g_autoptr (GstMessage) message
      = gst_bus_timed_pop_filtered (stream->bus, 120 * GST_SECOND, GST_MESSAGE_ELEMENT);
  const GstStructure *structure;
  gboolean swapped;

  g_assert_nonnull (message);
  structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "effvkclassify-model"));
  g_assert_true (gst_structure_get_boolean (structure, "swapped", &swapped));
  g_assert_cmpstr (gst_structure_get_string (structure, "model-file"), ==, path);
  g_assert_cmpstr (gst_structure_get_string (structure, "model"), ==, runs);
  g_assert_cmpint (gst_structure_has_field (structure, "reason"), ==, !swapped);
  return g_strdup (gst_structure_get_string (structure, "reason"));
}

/* Waits until frames of a model have come out. */
static void
wait_for_frames (Stream *stream, guint model)
{
  gint64 until = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  gint before = g_atomic_int_get (&stream->n_of[model]);

  while (g_atomic_int_get (&stream->n_of[model]) < before + 2)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (500);
    }
}

/* What malloc has given and not got back, in all arenas. What it holds free is no leak, and depends
 * on which thread asked when. */
static gsize
get_heap_bytes (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* That and what is mapped without malloc: files, the driver's compiled shaders. */
static gsize
get_resident_bytes (void)
{
  g_autofree char *statm = NULL;

  malloc_trim (0);
  g_assert_true (g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL));
  return (gsize) g_ascii_strtoull (strchr (statm, ' '), NULL, 10) * 4096;
}

static guint
count_open_files (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (folder);
  while (g_dir_read_name (folder))
    n++;
  return n;
}

/* The one that runs: those that answered frames in flight go with them. */
static void
wait_for_one_network (void)
{
  gint64 until = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (g_atomic_int_get (&fixture_n_classifiers) > 1 || g_atomic_int_get (&fixture_n_models) > 1)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (500);
    }
}

static void
swap_often (const char *first, const char *second, guint n)
{
  Stream stream = { 0 };
  gsize heap[2] = { G_MAXSIZE, G_MAXSIZE }, resident[2] = { G_MAXSIZE, G_MAXSIZE };
  guint n_files = 0;

  stream_start (&stream, first, second);
  for (guint i = 1; i <= n; i++)
    {
      const Answers *model = &stream.models[i % 2];

      g_object_set (stream.element, "model-file", model->path, NULL);
      g_assert_null (wait_for_swap (&stream, model->path, model->name));
      wait_for_frames (&stream, i % 2);
      wait_for_one_network ();
      /* The least of some swaps each: a frame may be on its way. */
      if ((i > n / 4 && i <= n / 2) || i > n - n / 4)
        {
          gboolean late = i > n / 2;

          heap[late] = MIN (heap[late], get_heap_bytes ());
          resident[late] = MIN (resident[late], get_resident_bytes ());
        }
      if (i == n / 2)
        n_files = count_open_files ();
    }
  g_assert_cmpuint (count_open_files (), ==, n_files);
  g_test_message ("%u swaps; before half of them and at the end: heap %.1f and %.1f MB, resident "
                  "%.1f and %.1f MB",
                  n, (double) heap[0] / 1e6, (double) heap[1] / 1e6, (double) resident[0] / 1e6,
                  (double) resident[1] / 1e6);
  /* measured beside two busy programs, 60 swaps: heap 0.1 MB more, and 1.4 where the validation
   * layer keeps some of each network; resident -2 to 4, and once 18 MB */
  if (n >= 20)
    {
      g_assert_cmpuint (heap[1], <, heap[0] + (4 << 20));
      g_assert_cmpuint (resident[1], <, resident[0] + (48 << 20));
    }
  stream_stop (&stream);
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
  g_assert_cmpint (fixture_n_models, ==, 0);
}

static const char *
second_model (void)
{
  static char *path;
  g_autoptr (EffvkModel) model = NULL;

  if (path)
    return path;
  path = fixture_path ("second.safetensors");
  model = effvk_model_new_random ("phi=-3", N_CLASSES + 3, 5, NULL);
  g_assert_nonnull (model);
  g_assert_true (effvk_model_save (model, path, NULL));
  return path;
}

/* Enough of them that what is compared lies behind the growth of the first. */
static void
test_small (void)
{
  swap_often (fixture_model (), second_model (), 60);
}

static void
test_real (void)
{
  const char *shared = g_getenv ("EFFVK_SHARED"), *given = g_getenv ("EFFVK_TEST_SWAPS");
  g_autofree char *folder = g_build_filename (shared ? shared : "", "data", "weights", NULL);
  g_autofree char *lite0
      = g_build_filename (folder, "efficientnet_lite0_imagenet1k.safetensors", NULL);
  g_autofree char *v2
      = g_build_filename (folder, "efficientnet_v2_b0_imagenet1k_keras.safetensors", NULL);

  if (!g_file_test (lite0, G_FILE_TEST_EXISTS) || !g_file_test (v2, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("real models are not here (EFFVK_SHARED)");
      return;
    }
  swap_often (lite0, v2, given ? (guint) g_ascii_strtoull (given, NULL, 10) : 4);
}

/* The best class's. */
static char *
get_label (GstHarness *harness, const GstVideoInfo *info, int *index)
{
  GstBuffer *out = fixture_push (harness, fixture_frame (info, 1));
  const GstStructure *structure = get_structure (out);
  const GValue *labels = gst_structure_get_value (structure, "labels");
  char *label = g_strdup (g_value_get_string (gst_value_array_get_value (labels, 0)));
  double score;

  *index = fixture_best (structure, &score);
  gst_buffer_unref (out);
  return label;
}

/* Other names of the same classes. */
static void
test_labels (void)
{
  GstHarness *harness = fixture_harness ("post-messages=false");
  Stream stream
      = { .bus = gst_bus_new (), .element = gst_harness_find_element (harness, "effvkclassify") };
  g_autofree char *path = fixture_path ("names.txt");
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *before = NULL, *after = NULL, *expected = NULL;
  GstVideoInfo info;
  int index;

  for (guint i = 0; i < N_CLASSES; i++)
    g_string_append_printf (names, "name %u\n", i);
  g_assert_true (g_file_set_contents (path, names->str, -1, NULL));
  gst_element_set_bus (stream.element, stream.bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  before = get_label (harness, &info, &index);
  expected = g_strdup_printf ("name %d", index);
  g_assert_cmpstr (before, !=, expected);
  g_object_set (stream.element, "labels-file", path, NULL);
  g_assert_null (wait_for_swap (&stream, fixture_model (), "efficientnet_phi=-4"));
  after = get_label (harness, &info, &index);
  g_assert_cmpstr (after, ==, expected);
  gst_element_set_bus (stream.element, NULL);
  gst_object_unref (stream.bus);
  gst_object_unref (stream.element);
  gst_harness_teardown (harness);
}

static void
count_notify (GObject *object, GParamSpec *spec, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

/* The old one goes on, and its settings are those that are read; who listens is told of those that
   went back. */
static void
test_refused (void)
{
  gint n_file = 0, n_labels = 0, n_device = 0;
  g_autofree char *labels = fixture_path ("two.txt");
  Stream stream = { 0 };
  g_autofree char *missing = NULL;
  g_autofree char *wrong = NULL;
  g_autofree char *file = NULL;
  g_autofree char *labels_file = NULL;

  g_assert_true (g_file_set_contents (labels, "one\ntwo\n", -1, NULL));
  stream_start (&stream, fixture_model (), second_model ());
  g_signal_connect (stream.element, "notify::model-file", G_CALLBACK (count_notify), &n_file);
  g_signal_connect (stream.element, "notify::labels-file", G_CALLBACK (count_notify), &n_labels);
  g_signal_connect (stream.element, "notify::device", G_CALLBACK (count_notify), &n_device);
  g_object_set (stream.element, "model-file", "/no/such.safetensors", NULL);
  missing = wait_for_swap (&stream, "/no/such.safetensors", stream.models[0].name);
  g_assert_nonnull (strstr (missing, "/no/such.safetensors"));
  g_object_get (stream.element, "model-file", &file, NULL);
  g_assert_cmpstr (file, ==, fixture_model ());
  g_assert_cmpint (g_atomic_int_get (&n_file), ==, 2); /* set, and taken back */
  g_assert_cmpint (g_atomic_int_get (&n_labels), ==, 0);

  g_object_set (stream.element, "model-file", second_model (), "labels-file", labels, NULL);
  wrong = wait_for_swap (&stream, second_model (), stream.models[0].name);
  g_assert_nonnull (strstr (wrong, "13"));
  g_object_get (stream.element, "labels-file", &labels_file, NULL);
  g_assert_null (labels_file);
  g_assert_cmpint (g_atomic_int_get (&n_file), ==, 4);
  g_assert_cmpint (g_atomic_int_get (&n_labels), ==, 2);
  g_assert_cmpint (g_atomic_int_get (&n_device), ==, 0);
  wait_for_frames (&stream, 0);
  stream_stop (&stream);
}

/* A network that elements share is swapped for all of them, for one that sets the model. */
static void
test_shared (void)
{
  g_autofree char *launch = g_strdup_printf (
      "effvkclassify device=cpu post-messages=false model-instance-id=x model-file=%s",
      fixture_model ());
  Stream stream = { .harness = gst_harness_new_parse (launch), .bus = gst_bus_new () };
  GstHarness *other = gst_harness_new_parse ("effvkclassify model-instance-id=x");
  g_autofree char *name = NULL;
  g_autofree char *reason = NULL;
  GstVideoInfo info;
  GstBuffer *out;

  stream.element = gst_harness_find_element (stream.harness, "effvkclassify");
  gst_element_set_bus (stream.element, stream.bus);
  fixture_set_caps (stream.harness, &stream.info, GST_VIDEO_FORMAT_RGB, 64, 48);
  fixture_set_caps (other, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  learn_answers (&stream.models[0], fixture_model ());
  learn_answers (&stream.models[1], second_model ());
  for (guint i = 1; i < 4; i++)
    {
      g_object_set (stream.element, "model-file", i % 2 ? second_model () : fixture_model (), NULL);
      g_assert_null (wait_for_swap (&stream, i % 2 ? second_model () : fixture_model (),
                                    stream.models[i % 2].name));
      out = fixture_push (other, fixture_frame (&info, 1));
      g_assert_cmpstr (gst_structure_get_string (get_structure (out), "model"), ==,
                       stream.models[i % 2].name);
      gst_buffer_unref (out);
    }
  g_object_set (stream.element, "model-file", "/no/such.safetensors", NULL);
  reason = wait_for_swap (&stream, "/no/such.safetensors", stream.models[1].name);
  g_assert_nonnull (strstr (reason, "/no/such.safetensors"));
  g_object_get (stream.element, "model-file", &name, NULL);
  g_assert_cmpstr (name, ==, second_model ());
  gst_harness_teardown (other);
  gst_element_set_bus (stream.element, NULL);
  gst_object_unref (stream.bus);
  gst_object_unref (stream.element);
  gst_harness_teardown (stream.harness);
  g_free (stream.models[0].name);
  g_free (stream.models[1].name);
}

/* An ID that is set while a network of the element's own runs is joined at once, and left again. */
static void
test_shared_later (void)
{
  GstHarness *other = gst_harness_new_parse ("effvkclassify model-instance-id=later");
  g_autofree char *reason = NULL;
  g_autofree char *id = NULL;
  GstVideoInfo info;
  Stream stream = { 0 };
  GstBuffer *out;

  fixture_set_caps (other, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  stream_start (&stream, fixture_model (), second_model ());
  g_object_set (stream.element, "model-instance-id", "later", NULL);
  g_assert_null (wait_for_swap (&stream, fixture_model (), stream.models[0].name));
  out = fixture_push (other, fixture_frame (&info, 1));
  g_assert_cmpstr (gst_structure_get_string (get_structure (out), "model"), ==,
                   stream.models[0].name);
  gst_buffer_unref (out);
  g_object_set (stream.element, "model-file", "/no/such.safetensors", NULL);
  reason = wait_for_swap (&stream, "/no/such.safetensors", stream.models[0].name);
  g_assert_nonnull (strstr (reason, "/no/such.safetensors"));
  g_object_get (stream.element, "model-instance-id", &id, NULL);
  g_assert_cmpstr (id, ==, "later");

  g_object_set (stream.element, "model-instance-id", NULL, "model-file", second_model (), NULL);
  g_assert_null (wait_for_swap (&stream, second_model (), stream.models[1].name));
  out = fixture_push (other, fixture_frame (&info, 1));
  g_assert_cmpstr (gst_structure_get_string (get_structure (out), "model"), ==,
                   stream.models[0].name);
  gst_buffer_unref (out);
  stream_stop (&stream);
  gst_harness_teardown (other);
}

/* Stopped while it loads, from several threads. */
static gpointer
set_models (gpointer data)
{
  GstElement *element = data;

  for (guint i = 0; i < 20; i++)
    {
      g_object_set (element, "model-file", i % 2 ? fixture_model () : second_model (), "top-k",
                    1 + i % 12, NULL);
      g_usleep (3000);
    }
  return NULL;
}

static void
test_stop (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  GThread *threads[2];
  GstVideoInfo info;

  second_model ();
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("set", set_models, element);
  for (guint i = 0; i < 4; i++)
    {
      fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
      for (guint n = 0; n < i; n++)
        gst_buffer_unref (fixture_push (harness, fixture_frame (&info, n)));
      g_assert_cmpint (gst_element_set_state (harness->element, GST_STATE_NULL), ==,
                       GST_STATE_CHANGE_SUCCESS);
      gst_harness_play (harness);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/swap/small", test_small);
  g_test_add_func ("/swap/real", test_real);
  g_test_add_func ("/swap/labels", test_labels);
  g_test_add_func ("/swap/refused", test_refused);
  g_test_add_func ("/swap/shared", test_shared);
  g_test_add_func ("/swap/shared-later", test_shared_later);
  g_test_add_func ("/swap/stop", test_stop);
  return fixtures_run ();
}
