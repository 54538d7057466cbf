/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the classes go: every mode of meta-mode, the logits, and what other elements leave of
   them. */
#include "fixtures.h"

#include <gst/app/gstappsink.h>
#include <math.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#if GST_CHECK_VERSION(1, 26, 0)
#define HAVE_GST_TENSOR_META
#endif
#endif

/* The labels and scores in a buffer, as text: from every kind of metadata that it has; of the frame
   or of its objects. */
static void
describe_arrays (const GstStructure *structure, GString *text)
{
  const GValue *labels = gst_structure_get_value (structure, "labels");
  const GValue *scores = gst_structure_get_value (structure, "scores");

  for (guint i = 0; i < gst_value_array_get_size (labels); i++)
    g_string_append_printf (text, "%s %.4f ",
                            g_value_get_string (gst_value_array_get_value (labels, i)),
                            g_value_get_double (gst_value_array_get_value (scores, i)));
}

static char *
describe_custom (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < fixture_n_objects (buffer); i++)
    describe_arrays (fixture_object (buffer, i), text);
  if (structure && gst_structure_has_field (structure, "labels"))
    describe_arrays (structure, text);
  return g_string_free (text, FALSE);
}

static char *
describe_roi (GstBuffer *buffer)
{
  GString *text = g_string_new (NULL);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
                                                   GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    for (GList *item = ((GstVideoRegionOfInterestMeta *) meta)->params; item; item = item->next)
      {
        double confidence = -1.0;

        gst_structure_get_double (item->data, "confidence", &confidence);
        g_string_append_printf (text, "%s %.4f ", gst_structure_get_string (item->data, "label"),
                                confidence);
      }
  return g_string_free (text, FALSE);
}

static char *
describe_analytics (GstBuffer *buffer)
{
  GString *text = g_string_new (NULL);
#ifdef HAVE_GST_ANALYTICS
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsClsMtd mtd;

  while (meta
         && gst_analytics_relation_meta_iterate (meta, &state,
                                                 gst_analytics_cls_mtd_get_mtd_type (),
                                                 (GstAnalyticsMtd *) &mtd))
    {
      g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&mtd), ==, 1);
      g_string_append_printf (text, "%s %.4f ",
                              g_quark_to_string (gst_analytics_cls_mtd_get_quark (&mtd, 0)),
                              (double) gst_analytics_cls_mtd_get_level (&mtd, 0));
    }
#endif
  return g_string_free (text, FALSE);
}

/* "class 3 0.5000 " of a list of those. */
static char *
first_class (const char *text)
{
  const char *score = strchr (text, '.');

  return g_strndup (text, (gsize) (strchr (score, ' ') + 1 - text));
}

typedef char *(*Describe) (GstBuffer *buffer);
static const Describe describe[] = { describe_custom, describe_roi, describe_analytics };

static const struct
{
  const char *mode;
  gboolean attached[G_N_ELEMENTS (describe)];
} modes[] = {
#ifdef HAVE_GST_ANALYTICS
  { "auto", { TRUE, FALSE, TRUE } },    { "analytics", { FALSE, FALSE, TRUE } },
#else
  { "auto", { TRUE, FALSE, FALSE } },
#endif
  { "custom", { TRUE, FALSE, FALSE } }, { "roi", { FALSE, TRUE, FALSE } },
  { "none", { FALSE, FALSE, FALSE } },
};

/* Every mode attaches what it names and nothing else, and all say the same; without alternatives
 * GstAnalytics has the label only. They change while it plays. */
static void
test_modes (void)
{
#ifdef HAVE_GST_ANALYTICS
  const guint n_runs = 2;
#else
  const guint n_runs = 1;
#endif
  g_autofree char *expected = NULL;

  for (guint m = 0; m < n_runs * G_N_ELEMENTS (modes); m++)
    {
      gboolean alternatives = m >= G_N_ELEMENTS (modes);
      const char *mode = modes[m % G_N_ELEMENTS (modes)].mode;
      g_autofree char *properties
          = m % 2 ? g_strdup ("top-k=4")
                  : g_strdup_printf ("meta-mode=%s top-k=4 attach-alternatives=%d", mode,
                                     alternatives);
      GstHarness *harness = fixture_harness (properties);
      GstVideoInfo info;
      GstBuffer *out;

      fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, 64, 48);
      if (m % 2)
        {
          g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");

          gst_util_set_object_arg (G_OBJECT (element), "meta-mode", mode);
          g_object_set (element, "attach-alternatives", alternatives, NULL);
        }
      out = fixture_push (harness, fixture_frame (&info, 5));
      for (guint d = 0; d < G_N_ELEMENTS (describe); d++)
        {
          g_autofree char *text = describe[d](out);
          g_autofree char *label = NULL;

          if (!expected)
            expected = g_strdup (text);
          g_assert_cmpuint (strlen (expected), >, 0);
          label = first_class (expected);
          if (!modes[m % G_N_ELEMENTS (modes)].attached[d])
            g_assert_cmpstr (text, ==, "");
          else if (describe[d] == describe_analytics && !alternatives)
            g_assert_cmpstr (text, ==, label);
          else
            g_assert_cmpstr (text, ==, expected);
        }
      gst_buffer_unref (out);
      gst_harness_teardown (harness);
    }
}

#ifndef HAVE_GST_TENSOR_META
static void
test_logits (void)
{
  g_autoptr (GstElement) element
      = gst_object_ref_sink (gst_element_factory_make ("effvkclassify", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (element, bus);
  g_object_set (element, "attach-logits", TRUE, "model-file", fixture_model (), "device", "cpu",
                NULL);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "1.26"));
  gst_element_set_bus (element, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
}
#else
/* The logits' softmax is what the classes score. */
static void
test_logits (void)
{
  GstHarness *harness = fixture_harness ("attach-logits=true top-k=10");
  double scores[N_CLASSES], softmax[N_CLASSES], sum = 0.0;
  const GstTensor *tensor;
  GstTensorMeta *meta;
  GstVideoInfo info;
  GstBuffer *out;
  GstMapInfo map;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 1));
  g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
  meta = gst_buffer_get_tensor_meta (out);
  g_assert_nonnull (meta);
  g_assert_cmpuint (meta->num_tensors, ==, 1);
  tensor = gst_tensor_meta_get (meta, 0);
  g_assert_cmpstr (g_quark_to_string (tensor->id), ==, "classification-generic-out");
  g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
  g_assert_cmpuint (tensor->num_dims, ==, 2);
  g_assert_cmpuint (tensor->dims[0], ==, 1);
  g_assert_cmpuint (tensor->dims[1], ==, N_CLASSES);
  g_assert_true (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, N_CLASSES * sizeof (float));
  for (guint i = 0; i < N_CLASSES; i++)
    sum += softmax[i] = exp (((const float *) map.data)[i]);
  for (guint i = 0; i < N_CLASSES; i++)
    softmax[i] /= sum;
  fixture_assert_scores_equal (scores, softmax, 1e-5);
  gst_buffer_unmap (tensor->data, &map);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}
#endif

/* The features in the custom meta. */
static GBytes *
get_embedding (GstBuffer *buffer, guint *size)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkEmbeddingMeta");
  GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;
  const GValue *list = structure ? gst_structure_get_value (structure, "embeddings") : NULL;

  g_assert_nonnull (list);
  g_assert_true (gst_structure_get_uint (structure, "size", size));
  g_assert_cmpuint (gst_value_array_get_size (list), ==, 1);
  return g_value_get_boxed (gst_value_array_get_value (list, 0));
}

#ifdef HAVE_GST_TENSOR_META
static const GstTensor *
find_tensor (GstBuffer *buffer, const char *id)
{
  GstMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE)))
    for (gsize i = 0; i < ((GstTensorMeta *) meta)->num_tensors; i++)
      {
        const GstTensor *tensor = gst_tensor_meta_get ((GstTensorMeta *) meta, i);

        if (tensor->id == g_quark_from_string (id))
          return tensor;
      }
  return NULL;
}

/* A tensor of another element. */
static void
add_tensor (GstBuffer *buffer, const char *id)
{
  GstTensor **tensors = g_new (GstTensor *, 1);
  gsize dims[1] = { 1 };

  tensors[0] = gst_tensor_new_simple (g_quark_from_string (id), GST_TENSOR_DATA_TYPE_UINT8,
                                      gst_buffer_new_allocate (NULL, 1, NULL),
                                      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 1, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
}
#endif

/* The features in the custom meta and, where GStreamer has them, in a tensor: the same; beside the
 * logits and what others have attached. */
static void
test_embedding (void)
{
#ifdef HAVE_GST_TENSOR_META
  GstHarness *harness = fixture_harness ("attach-embedding=true attach-logits=true");
#else
  GstHarness *harness = fixture_harness ("attach-embedding=true");
#endif
  GstVideoInfo info;
  GstBuffer *frame, *out;
  GBytes *bytes;
  guint size;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  frame = fixture_frame (&info, 1);
#ifdef HAVE_GST_TENSOR_META
  add_tensor (frame, "other");
#endif
  out = fixture_push (harness, frame);
  bytes = get_embedding (out, &size);
  g_assert_cmpuint (size, >, 0);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, size * sizeof (float));
#ifdef HAVE_GST_TENSOR_META
  {
    const GstTensor *tensor = find_tensor (out, "effvk-embedding");
    GstMapInfo map;

    g_assert_nonnull (find_tensor (out, "classification-generic-out"));
    g_assert_nonnull (find_tensor (out, "other"));
    g_assert_nonnull (tensor);
    g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
    g_assert_cmpuint (tensor->num_dims, ==, 2);
    g_assert_cmpuint (tensor->dims[0], ==, 1);
    g_assert_cmpuint (tensor->dims[1], ==, size);
    g_assert_true (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
    g_assert_cmpmem (map.data, map.size, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    gst_buffer_unmap (tensor->data, &map);
  }
#endif
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Whether this GStreamer's converters keep a region's parameters, whoever attached them. */
static gboolean
converters_keep_roi (void)
{
  GstHarness *harness
      = gst_harness_new_parse ("videoconvert ! capsfilter caps=video/x-raw,format=RGB");
  GstVideoRegionOfInterestMeta *roi;
  GstVideoInfo info;
  GstBuffer *frame, *out;
  g_autofree char *text = NULL;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  frame = fixture_frame (&info, 1);
  roi = gst_buffer_add_video_region_of_interest_meta (frame, "test", 0, 0, 64, 48);
  gst_video_region_of_interest_meta_add_param (roi,
                                               gst_structure_new ("test", "label", G_TYPE_STRING,
                                                                  "kept", NULL));
  gst_harness_push (harness, frame);
  out = gst_harness_pull (harness);
  text = describe_roi (out);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  return *text != '\0';
}

#define N_FRAMES 3

typedef char *Texts[N_FRAMES][G_N_ELEMENTS (describe)];

/* Pulls the frames of a sink of the pipeline, described; frees what was in @texts. */
static void
pull (GstElement *pipeline, const char *name, Texts texts)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), name);

  for (guint i = 0; i < N_FRAMES; i++)
    {
      g_autoptr (GstSample) sample
          = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 60 * GST_SECOND);

      g_assert_nonnull (sample);
      for (guint d = 0; d < G_N_ELEMENTS (describe); d++)
        {
          g_free (texts[i][d]);
          texts[i][d] = describe[d](gst_sample_get_buffer (sample));
        }
    }
}

/* A branch has what the branch without anything in it has, which is what the mode attaches. */
static void
assert_survived (Texts plain, Texts other, const char *branch, const char *mode, gboolean keep_roi)
{
  for (guint i = 0; i < N_FRAMES; i++)
    {
      gsize length = 0;

      for (guint d = 0; d < G_N_ELEMENTS (describe); d++)
        {
          length += strlen (plain[i][d]);
          if (describe[d] == describe_roi && !keep_roi)
            continue;
          if (*plain[i][d])
            g_test_message ("%s, %s, frame %u: %s", mode, branch, i, other[i][d]);
          g_assert_cmpstr (other[i][d], ==, plain[i][d]);
        }
      g_assert_cmpint (length > 0, ==, !g_str_equal (mode, "none"));
    }
}

/* What a detector has found, as one of its two forms. */
static GstPadProbeReturn
detect (GstPad *pad, GstPadProbeInfo *info, gpointer as_roi)
{
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));

  info->data = buffer;
  g_assert_true (fixture_add_object (buffer, GPOINTER_TO_INT (as_roi), "car", 4, 4, 20, 30, -1));
  g_assert_true (fixture_add_object (buffer, GPOINTER_TO_INT (as_roi), "dog", 30, 8, 32, 36, -1));
  return GST_PAD_PROBE_OK;
}

/* What comes out of a tee's branches: queues, a converter, a scaler, an encoder. */
static void
survive (const char *mode, const char *properties, GstPadProbeCallback probe, gpointer as_roi)
{
  static const char *const branches[] = { "encoded", "converted", "scaled" };
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d pattern=snow ! video/x-raw,format=I420,width=64,height=48 "
      "! effvkclassify name=classify device=cpu model-file=%s meta-mode=%s %s ! tee name=t "
      "t. ! queue ! appsink name=plain sync=false "
      "t. ! queue ! videoconvert ! video/x-raw,format=RGB ! appsink name=converted sync=false "
      "t. ! queue ! videoscale ! video/x-raw,width=32 ! appsink name=scaled sync=false "
      "t. ! queue ! jpegenc ! appsink name=encoded sync=false",
      N_FRAMES, fixture_model (), mode, properties);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) classify = NULL;
  g_autoptr (GstPad) pad = NULL;
  Texts plain = { { NULL } }, other = { { NULL } };

  g_assert_no_error (error);
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  pad = gst_element_get_static_pad (classify, "sink");
  if (probe)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, as_roi, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  pull (pipeline, "plain", plain);
  for (guint b = 0; b < G_N_ELEMENTS (branches); b++)
    {
      pull (pipeline, branches[b], other);
      assert_survived (plain, other, branches[b], mode, b == 0 || converters_keep_roi ());
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  for (guint i = 0; i < N_FRAMES; i++)
    for (guint d = 0; d < G_N_ELEMENTS (describe); d++)
      {
        g_free (plain[i][d]);
        g_free (other[i][d]);
      }
}

static void
test_survival (void)
{
  for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
    survive (modes[m].mode, "", NULL, NULL);
}

/* The same of a frame's objects. */
static void
test_survival_objects (void)
{
  for (guint m = 0; m < G_N_ELEMENTS (modes); m++)
    {
      survive (modes[m].mode, "inference-region=roi-list", detect, GINT_TO_POINTER (TRUE));
#ifdef HAVE_GST_ANALYTICS
      survive (modes[m].mode, "inference-region=roi-list", detect, GINT_TO_POINTER (FALSE));
#endif
    }
}

/* A frame of 40 ms at 120 ms in a segment, and what the message about it says of its times. */
static void
assert_message_times (const GstSegment *segment, GstClockTime stream, GstClockTime running)
{
  GstHarness *harness = fixture_harness ("meta-mode=none top-k=2 hold=1");
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  const struct
  {
    const char *name;
    guint64 expected;
  } times[] = { { "timestamp", 120 * GST_MSECOND },
                { "stream-time", stream },
                { "running-time", running },
                { "duration", 40 * GST_MSECOND } };
  const GstStructure *structure;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (segment)));
  gst_buffer_unref (fixture_push (harness, fixture_frame (&info, 3)));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  structure = gst_message_get_structure (message);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      guint64 time;

      g_assert_true (gst_structure_get_uint64 (structure, times[i].name, &time));
      g_assert_cmpuint (time, ==, times[i].expected);
    }
  g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (structure, "classes")), ==,
                    2);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

/* Of a segment that begins later, with a base and a rate. */
static void
test_message_times (void)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 40 * GST_MSECOND;
  segment.time = 7 * GST_SECOND;
  segment.base = 3 * GST_SECOND;
  segment.rate = 2.0;
  assert_message_times (&segment, 7 * GST_SECOND + 80 * GST_MSECOND,
                        3 * GST_SECOND + 40 * GST_MSECOND);
}

/* As of filesrc, and of an appsrc without format=time: there is no time in the stream. */
static void
test_message_without_times (void)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  assert_message_times (&segment, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metadata/modes", test_modes);
  g_test_add_func ("/metadata/logits", test_logits);
  g_test_add_func ("/metadata/embedding", test_embedding);
  g_test_add_func ("/metadata/survival", test_survival);
  g_test_add_func ("/metadata/survival-objects", test_survival_objects);
  g_test_add_func ("/metadata/message-times", test_message_times);
  g_test_add_func ("/metadata/message-without-times", test_message_without_times);
  return fixtures_run ();
}
