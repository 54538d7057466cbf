/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever is done to effvkclassify while frames are in flight: N in, N out, in order and between
 * the same events, with untouched times, and each with the answers of its own pixels.
 * EFFVK_TEST_SEED repeats a random run. */
#include "fixtures-device.h"
#include "fixtures.h"

#include <effvk/effvk.h>

static guint32
get_seed (void)
{
  const char *given = g_getenv ("EFFVK_TEST_SEED");
  guint32 seed = given ? (guint32) g_ascii_strtoull (given, NULL, 10) : g_random_int ();

  g_test_message ("EFFVK_TEST_SEED=%u", seed);
  return seed;
}

/* What went in and what came out, as numbers in order: frames by their timestamps, and events. */
typedef struct
{
  GMutex lock;
  GArray *in, *out; /* guint64 */
} Record;

#define EVENT_NUMBER (G_GUINT64_CONSTANT (1) << 63)
#define EOS_NUMBER (EVENT_NUMBER - 1)

static guint64
number_of_event (GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure (event);
  guint64 number = 0;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return EOS_NUMBER;
  if (structure && gst_structure_has_name (structure, "numbered"))
    gst_structure_get_uint64 (structure, "number", &number);
  return number;
}

static GstPadProbeReturn
record_out (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Record *record = user_data;
  guint64 number = info->type & GST_PAD_PROBE_TYPE_BUFFER
                       ? GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info))
                       : number_of_event (GST_PAD_PROBE_INFO_EVENT (info));

  g_mutex_lock (&record->lock);
  if (number)
    g_array_append_val (record->out, number);
  g_mutex_unlock (&record->lock);
  return GST_PAD_PROBE_OK;
}

static void
record_init (Record *record, GstHarness *harness)
{
  g_mutex_init (&record->lock);
  record->in = g_array_new (FALSE, FALSE, sizeof (guint64));
  record->out = g_array_new (FALSE, FALSE, sizeof (guint64));
  gst_pad_add_probe (harness->sinkpad,
                     GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record_out,
                     record, NULL);
}

static void
record_clear (Record *record)
{
  g_array_unref (record->in);
  g_array_unref (record->out);
  g_mutex_clear (&record->lock);
}

/* Nothing more is put in, and all that was comes out. */
static void
record_wait (Record *record)
{
  gint64 until = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  g_mutex_lock (&record->lock);
  while (record->out->len < record->in->len)
    {
      g_mutex_unlock (&record->lock);
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (500);
      g_mutex_lock (&record->lock);
    }
  g_mutex_unlock (&record->lock);
}

/* What came out is what went in, or after a flush its beginning. */
static void
record_compare (Record *record, gboolean flushed)
{
  g_mutex_lock (&record->lock);
  if (!flushed)
    g_assert_cmpuint (record->out->len, ==, record->in->len);
  g_assert_cmpuint (record->out->len, <=, record->in->len);
  for (guint i = 0; i < record->out->len; i++)
    g_assert_cmpuint (g_array_index (record->out, guint64, i), ==,
                      g_array_index (record->in, guint64, i));
  g_array_set_size (record->in, 0);
  g_array_set_size (record->out, 0);
  g_mutex_unlock (&record->lock);
}

static const int sizes[][2] = { { 64, 48 }, { 40, 56 } };
#define N_CONTENTS 3
#define MAX_OBJECTS 9 /* of a frame; their tracks have the ids from 1 */

/* A model's answers: about the frame (0) and about each object. */
typedef struct
{
  const char *path;
  char *name;
  double scores[G_N_ELEMENTS (sizes)][N_CONTENTS][MAX_OBJECTS + 1][N_CLASSES];
} Answers;

static Answers answers[2];

typedef struct
{
  const char *properties;
  guint max_objects;     /* from upstream */
  gboolean mixed;        /* the scores are of several frames */
  gboolean elsewhere;    /* nothing is in the custom meta, nor in a region's parameters */
  gboolean with_changes; /* of model and region */
} Mode;

/* A stream of frames whose classes are known. */
typedef struct
{
  const Mode *mode;
  GstHarness *harness;
  GRand *rand;
  Record record;
  GstVideoInfo info;
  guint size; /* now */
  guint64 number;
  double last[MAX_OBJECTS + 1][N_CLASSES]; /* what came out */
  guint n_of[2];                           /* answers of each model */
} Stream;

static void
set_size (GstHarness *harness, GstVideoInfo *info, guint size)
{
  fixture_set_caps (harness, info, GST_VIDEO_FORMAT_I420, sizes[size][0], sizes[size][1]);
}

static void
add_objects (GstBuffer *buffer, int n)
{
  for (int i = n; i > 0; i--)
    fixture_add_object (buffer, TRUE, "car", 5 * i, 4, 20, 30, i);
}

static void
stream_set_size (Stream *stream, guint size)
{
  stream->size = size;
  set_size (stream->harness, &stream->info, size);
}

static void
stream_push_frame (Stream *stream)
{
  guint content = (guint) g_rand_int_range (stream->rand, 0, N_CONTENTS);
  GstBuffer *buffer = fixture_frame (&stream->info, content);

  GST_BUFFER_PTS (buffer) = ++stream->number;
  GST_BUFFER_DTS (buffer) = stream->number + 7;
  GST_BUFFER_OFFSET (buffer) = content;
  GST_BUFFER_OFFSET_END (buffer) = stream->size;
  add_objects (buffer, g_rand_int_range (stream->rand, 0, (int) stream->mode->max_objects + 1));
  g_array_append_val (stream->record.in, stream->number);
  g_assert_cmpint (gst_harness_push (stream->harness, buffer), ==, GST_FLOW_OK);
}

static void
stream_push_event (Stream *stream)
{
  guint64 number = EVENT_NUMBER + ++stream->number;

  g_array_append_val (stream->record.in, number);
  g_assert_true (gst_harness_push_event (
      stream->harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                                             gst_structure_new ("numbered", "number", G_TYPE_UINT64,
                                                                number, NULL))));
}

/* Of a structure with the arrays of the custom meta. Returns the number of classes. */
static guint
read_scores (const GstStructure *structure, double *scores)
{
  const GValue *indices = gst_structure_get_value (structure, "indices");
  const GValue *values = gst_structure_get_value (structure, "scores");
  guint n = gst_value_array_get_size (indices);

  for (guint i = 0; i < n; i++)
    {
      int index = g_value_get_int (gst_value_array_get_value (indices, i));

      if (index >= 0) /* -1: unknown */
        scores[index] = g_value_get_double (gst_value_array_get_value (values, i));
    }
  return n;
}

/* The scores of the frame (0) or an object: its own, or, where they have an age, the last that came
   out. */
static void
stream_check (Stream *stream, GstBuffer *buffer, const char *name, int id, GstClockTime age,
              const double *scores)
{
  guint model = g_strcmp0 (name, answers[1].name) == 0;
  guint64 content = GST_BUFFER_OFFSET (buffer), size = GST_BUFFER_OFFSET_END (buffer);

  g_assert_cmpstr (name, ==, answers[model].name);
  if (age == 0)
    {
      stream->n_of[model]++;
      memcpy (stream->last[id], answers[model].scores[size][content][id], sizeof stream->last[id]);
    }
  if (!stream->mode->mixed)
    fixture_assert_scores_equal (scores, stream->last[id], 1e-6);
}

static gboolean
stream_check_custom (Stream *stream, GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  const GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;
  const char *name = structure ? gst_structure_get_string (structure, "model") : NULL;
  guint64 age;
  gint64 id;

  if (!structure)
    return FALSE;
  for (guint i = 0; i < fixture_n_objects (buffer); i++)
    {
      const GstStructure *object = fixture_object (buffer, i);
      double scores[N_CLASSES] = { 0.0 };

      g_assert_true (gst_structure_get_uint64 (object, "age", &age));
      g_assert_true (gst_structure_get_int64 (object, "id", &id));
      g_assert_cmpuint (read_scores (object, scores), >, 0);
      stream_check (stream, buffer, name, (int) id, age, scores);
    }
  if (gst_structure_has_field (structure, "scores"))
    {
      double scores[N_CLASSES] = { 0.0 };

      g_assert_true (gst_structure_get_uint64 (structure, "age", &age));
      g_assert_cmpuint (read_scores (structure, scores), >, 0);
      stream_check (stream, buffer, name, 0, age, scores);
    }
  return TRUE;
}

/* The parameters of regions, which have no age: with meta-mode=roi none is expected. */
static gboolean
stream_check_regions (Stream *stream, GstBuffer *buffer)
{
  gpointer state = NULL;
  gboolean found = FALSE;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    {
      double scores[N_CLASSES] = { 0.0 };
      const char *name = NULL;
      int id = 0, index;

      for (GList *item = ((GstVideoRegionOfInterestMeta *) meta)->params; item; item = item->next)
        if (gst_structure_has_name (item->data, "object_id"))
          gst_structure_get_int (item->data, "id", &id);
        else if (gst_structure_has_name (item->data, "classification"))
          {
            name = gst_structure_get_string (item->data, "model_name");
            g_assert_true (gst_structure_get_int (item->data, "label_id", &index));
            gst_structure_get_double (item->data, "confidence", &scores[index]);
          }
      if (name)
        stream_check (stream, buffer, name, id, 0, scores);
      found |= name != NULL;
    }
  return found;
}

/* Every frame that came out has its times and its own classes or none. Returns how many have
   some. */
static guint
stream_check_frames (Stream *stream)
{
  guint classified = 0;
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (stream->harness)))
    {
      gboolean found;

      g_assert_cmpuint (GST_BUFFER_DTS (buffer), ==, GST_BUFFER_PTS (buffer) + 7);
      g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==, 40 * GST_MSECOND);
      found = stream_check_custom (stream, buffer);
      if (strstr (stream->mode->properties, "meta-mode=roi"))
        found = stream_check_regions (stream, buffer);
      classified += found;
      gst_buffer_unref (buffer);
    }
  return classified;
}

/* While frames are in flight, which the model before answers. */
static void
stream_swap (Stream *stream)
{
  const Answers *wanted = &answers[g_rand_int_range (stream->rand, 0, 2)];
  gint64 until = g_get_monotonic_time () + 120 * G_USEC_PER_SEC;
  gboolean runs = FALSE;

  gst_harness_set (stream->harness, "effvkclassify", "model-file", wanted->path, NULL);
  while (!runs)
    {
      g_autoptr (GstStructure) stats = NULL;

      g_assert_cmpint (g_get_monotonic_time (), <, until);
      stream_push_frame (stream);
      gst_harness_get (stream->harness, "effvkclassify", "stats", &stats, NULL);
      runs = g_strcmp0 (gst_structure_get_string (stats, "model"), wanted->name) == 0;
    }
}

static void
stream_step (Stream *stream)
{
  int what = g_rand_int_range (stream->rand, 0, 40);

  if (what == 0) /* with whatever is in flight */
    {
      fixture_flush (stream->harness);
      record_compare (&stream->record, TRUE);
    }
  else if (what == 1)
    stream_set_size (stream, !stream->size);
  else if (what < 5)
    stream_push_event (stream);
  else if (what == 5)
    g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_gap (1, 1)));
  else if (what == 6)
    gst_harness_set (stream->harness, "effvkclassify", "inference-interval",
                     (guint) g_rand_int_range (stream->rand, 1, 5), "deadline",
                     (guint64) g_rand_int_range (stream->rand, 0, 2), NULL);
  else if (what == 9)
    gst_harness_push_upstream_event (stream->harness,
                                     gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0,
                                                        g_rand_int_range (stream->rand, -5, 5),
                                                        MAX (stream->number, 5)));
  else if (what == 7)
    gst_harness_set (stream->harness, "effvkclassify", "max-in-flight",
                     (guint) g_rand_int_range (stream->rand, 1, 5), NULL);
  else if (what == 10 && stream->mode->with_changes)
    stream_swap (stream);
  else if (what == 11 && stream->mode->with_changes)
    gst_harness_set (stream->harness, "effvkclassify", "inference-region",
                     g_rand_int_range (stream->rand, 0, 2), NULL);
  else if (what == 8)
    g_atomic_int_set (&fixture_collect_delay, g_rand_int_range (stream->rand, 0, 5000));
  else
    stream_push_frame (stream);
}

/* N frames in, N out, in order and between the same events, whatever is done meanwhile. Takes the
 * harness. */
static void
run_randomly (Stream *stream, guint n_steps)
{
  guint64 end = EOS_NUMBER;
  guint classified = 0;

  record_init (&stream->record, stream->harness);
  for (guint step = 0; step < n_steps; step++)
    {
      stream_step (stream);
      if (step % 20 == 19)
        {
          record_wait (&stream->record);
          record_compare (&stream->record, FALSE);
        }
      classified += stream_check_frames (stream);
    }
  stream_push_frame (stream);
  g_array_append_val (stream->record.in, end);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_eos ()));
  record_wait (&stream->record);
  record_compare (&stream->record, FALSE);
  classified += stream_check_frames (stream);
  g_test_message ("%u of %" G_GUINT64_FORMAT
                  " frames and events came out with classes; %u and %u answers of the models",
                  classified, stream->number, stream->n_of[0], stream->n_of[1]);
  if (stream->mode->elsewhere)
    g_assert_cmpuint (classified, ==, 0);
  else
    g_assert_cmpuint (classified, >, 0);
  g_atomic_int_set (&fixture_collect_delay, 0);
  gst_harness_teardown (stream->harness);
  record_clear (&stream->record);
  g_rand_free (stream->rand);
}

static void
learn (Answers *learned, const char *path)
{
  g_autofree char *properties = g_strdup_printf ("top-k=10 meta-mode=custom model-file=%s", path);
  GstHarness *harness = fixture_harness (properties);
  g_autoptr (GstStructure) stats = NULL;
  GstVideoInfo info;

  learned->path = path;
  for (guint size = 0; size < G_N_ELEMENTS (sizes); size++)
    for (guint i = 0; i < N_CONTENTS; i++)
      {
        GstBuffer *frame, *out;
        double (*scores)[N_CLASSES] = learned->scores[size][i];

        set_size (harness, &info, size);
        gst_harness_set (harness, "effvkclassify", "inference-region", 0, NULL);
        g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, i), scores[0]),
                          ==, N_CLASSES);
        gst_harness_set (harness, "effvkclassify", "inference-region", 1, NULL);
        frame = fixture_frame (&info, i);
        add_objects (frame, MAX_OBJECTS);
        out = fixture_push (harness, frame);
        for (guint n = 0; n < fixture_n_objects (out); n++)
          {
            gint64 id;

            g_assert_true (gst_structure_get_int64 (fixture_object (out, n), "id", &id));
            g_assert_cmpuint (read_scores (fixture_object (out, n), scores[id]), ==, N_CLASSES);
          }
        gst_buffer_unref (out);
      }
  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  learned->name = g_strdup (gst_structure_get_string (stats, "model"));
  gst_harness_teardown (harness);
}

/* Another stream of the network, that flushes now and then. */
typedef struct
{
  GstHarness *harness;
  gint stop;
} Neighbor;

static gpointer
be_a_neighbor (gpointer data)
{
  Neighbor *neighbor = data;
  GstVideoInfo info;

  fixture_set_caps (neighbor->harness, &info, GST_VIDEO_FORMAT_RGB, 33, 47);
  for (guint i = 0; !g_atomic_int_get (&neighbor->stop); i++)
    {
      GstBuffer *out;

      gst_harness_push (neighbor->harness, fixture_frame (&info, i));
      out = gst_harness_try_pull (neighbor->harness);
      gst_clear_buffer (&out);
      if (i % 16 == 15)
        fixture_flush (neighbor->harness);
    }
  return NULL;
}

static void
test_modes (void)
{
  static const Mode modes[] = {
    { .properties = "" },
    { .properties = "inference-interval-time=3" }, /* ns, as the frames' times */
    { .properties = "skipped=last" },
    { .properties = "skipped=last inference-interval-time=5 messages-on-change=true" },
    { .properties = "qos=false max-in-flight=16 meta-mode=custom" },
    { .properties = "smoothing=0.5 hysteresis=0.2 hold=5 unknown-threshold=0.1 unknown-margin=0.01",
      .mixed = TRUE },
    { .properties = "meta-mode=roi" },
    { .properties = "meta-mode=none skipped=last", .elsewhere = TRUE },
#ifdef HAVE_GST_ANALYTICS
    { .properties = "meta-mode=analytics", .elsewhere = TRUE },
#if GST_CHECK_VERSION(1, 26, 0)
    { .properties = "attach-logits=true" },
#endif
#endif
    { .properties = "inference-region=roi-list", .max_objects = 3 },
    { .properties = "inference-region=roi-list meta-mode=roi", .max_objects = 3 },
    { .properties
      = "inference-region=roi-list skipped=last reclassify-interval=3 object-max-size=30",
      .max_objects = 9 },
    { .properties = "reclassify-interval=2", .max_objects = 4, .with_changes = TRUE },
    { .properties = "model-instance-id=modes batch-size=4" },
    { .properties = "model-instance-id=modes batch-size=3 inference-region=roi-list skipped=last",
      .max_objects = 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *properties = g_strconcat (modes[i].properties, " top-k=10", NULL);
      Stream stream = { .mode = &modes[i], .rand = g_rand_new_with_seed (get_seed ()) };
      Neighbor neighbor = { 0 };
      GThread *thread = NULL;

      g_test_message ("%s", modes[i].properties);
      stream.harness = fixture_harness (properties);
      stream_set_size (&stream, 0);
      if (strstr (modes[i].properties, "model-instance-id"))
        {
          neighbor.harness = fixture_harness ("model-instance-id=modes");
          thread = g_thread_new ("neighbor", be_a_neighbor, &neighbor);
        }
      run_randomly (&stream, i ? 150 : 500);
      if (!thread)
        continue;
      g_atomic_int_set (&neighbor.stop, TRUE);
      g_thread_join (thread);
      gst_harness_teardown (neighbor.harness);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (EffvkModel) model = NULL;
  g_autofree char *path = NULL;
  int status;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  path = fixture_path ("second.safetensors");
  model = effvk_model_new_random ("phi=-3", N_CLASSES, 5, NULL);
  g_assert_true (effvk_model_save (model, path, NULL));
  learn (&answers[0], fixture_model ());
  learn (&answers[1], path);
  g_assert_cmpstr (answers[0].name, !=, answers[1].name);
  g_test_add_func ("/order/modes", test_modes);
  status = fixtures_run ();
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    g_free (answers[i].name);
  return status;
}
