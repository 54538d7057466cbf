/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cascade with a real model: a stub detector that knows where four photographs lie in a mosaic,
 * and effvkclassify behind it, which names each. Skipped where the photographs and the model are
 * not. */
#include "fixtures.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#define TILE 1000 /* none of the photographs is larger */
#define WANTED 4

typedef struct
{
  char *file, *label;
  int index, x, y, width, height;
} Photo;

static char *
shared_path (const char *name)
{
  const char *shared = g_getenv ("EFFVK_SHARED");
  char *path = shared ? g_build_filename (shared, "data", name, NULL) : NULL;

  if (!path || !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("the real models and photographs are not here (EFFVK_SHARED)");
      g_clear_pointer (&path, g_free);
    }
  return path;
}

/* Photographs that PyTorch is sure of with this model, far from each other in the list. */
static guint
choose_photos (Photo *photos)
{
  g_autofree char *path = shared_path ("images/imagenet.tsv");
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  if (!path || !g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 1; lines[i] && n < WANTED; i++)
    {
      g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);

      if (g_strv_length (fields) < 5 || i < n * 30 || !g_str_equal (fields[1], fields[3])
          || g_ascii_strtod (fields[4], NULL) < 0.9)
        continue;
      photos[n].file = g_build_filename ("images", "imagenet", fields[0], NULL);
      photos[n].index = (int) g_ascii_strtoll (fields[1], NULL, 10);
      photos[n].label = g_strdup (fields[2]);
      n++;
    }
  g_assert_cmpuint (n, ==, WANTED);
  return n;
}

/* Decodes a photograph into its place in the mosaic's pixels. */
static void
paint (Photo *photo, guint8 *mosaic)
{
  g_autofree char *path = shared_path (photo->file);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "filesrc name=file ! jpegdec ! videoconvert ! video/x-raw,format=RGB ! appsink name=sink",
      &error);
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstSample) sample = NULL;
  GstVideoFrame frame;
  GstVideoInfo info;

  g_assert_no_error (error);
  g_object_set (file, "location", path, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 60 * GST_SECOND);
  g_assert_nonnull (sample);
  g_assert_true (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  g_assert_true (gst_video_frame_map (&frame, &info, gst_sample_get_buffer (sample), GST_MAP_READ));
  photo->width = GST_VIDEO_INFO_WIDTH (&info);
  photo->height = GST_VIDEO_INFO_HEIGHT (&info);
  g_assert_cmpint (MAX (photo->width, photo->height), <=, TILE);
  for (int y = 0; y < photo->height; y++)
    memcpy (mosaic + ((photo->y + y) * 2 * TILE + photo->x) * 3,
            (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
                + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0),
            (gsize) photo->width * 3);
  gst_video_frame_unmap (&frame);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static GstBuffer *
new_mosaic (Photo *photos)
{
  gsize size = 4 * TILE * TILE * 3;
  guint8 *pixels = g_malloc (size);

  memset (pixels, 128, size);
  for (guint i = 0; i < WANTED; i++)
    {
      photos[i].x = (int) (i % 2) * TILE;
      photos[i].y = (int) (i / 2) * TILE;
      paint (&photos[i], pixels);
    }
  return gst_buffer_new_wrapped (pixels, size);
}

/* The detector, as a probe: it attaches what it would have found. */
static GstPadProbeReturn
detect (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const Photo *photos = user_data;
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  gboolean as_roi = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (pad), "as-roi"));

  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  for (guint i = 0; i < WANTED; i++)
    g_assert_true (fixture_add_object (buffer, as_roi, "photograph", photos[i].x, photos[i].y,
                                       photos[i].width, photos[i].height, -1));
  return GST_PAD_PROBE_OK;
}

static void
cascade (gboolean as_roi, const char *format)
{
  g_autofree char *model = shared_path ("weights/efficientnet_v2_b0_imagenet1k_keras.safetensors");
  g_autofree char *labels = model ? shared_path ("images/imagenet_classes.txt") : NULL;
  Photo photos[WANTED] = { 0 };
  g_autofree char *launch = NULL;
  g_autoptr (GstElement) pipeline = NULL, source = NULL, classify = NULL, sink = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstSample) sample = NULL;
  g_autoptr (GError) error = NULL;

  if (!labels || choose_photos (photos) == 0)
    return;
  launch = g_strdup_printf (
      "appsrc name=source format=time caps=video/x-raw,format=RGB,width=%d,height=%d,framerate=1/1 "
      "! videoconvert ! video/x-raw,format=%s ! effvkclassify name=classify device=cpu "
      "inference-region=roi-list object-class=photograph model-file=%s labels-file=%s "
      "! tee ! queue ! appsink name=sink sync=false",
      2 * TILE, 2 * TILE, format, model, labels);
  pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (classify, "sink");
  g_object_set_data (G_OBJECT (pad), "as-roi", GINT_TO_POINTER (as_roi));
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, detect, photos, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_app_src_push_buffer (GST_APP_SRC (source), new_mosaic (photos));
  sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 240 * GST_SECOND);
  g_assert_nonnull (sample);
  g_assert_cmpuint (fixture_n_objects (gst_sample_get_buffer (sample)), ==, WANTED);
  for (guint i = 0; i < WANTED; i++)
    {
      double score;
      const GstStructure *object = fixture_object (gst_sample_get_buffer (sample), i);
      const GValue *names = gst_structure_get_value (object, "labels");
      int index = fixture_best (object, &score);

      g_test_message ("%s: %d, %.1f %%", photos[i].label, index, 100.0 * score);
      g_assert_cmpint (index, ==, photos[i].index);
      g_assert_cmpstr (g_value_get_string (gst_value_array_get_value (names, 0)), ==,
                       photos[i].label);
      g_assert_cmpfloat (score, >, 0.8); /* PyTorch: above 0.9 */
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  for (guint i = 0; i < WANTED; i++)
    {
      g_free (photos[i].file);
      g_free (photos[i].label);
    }
}

static void
test_roi (void)
{
  cascade (TRUE, "RGB");
}

static void
test_roi_nv12 (void)
{
  cascade (TRUE, "NV12");
}

static void
test_analytics (void)
{
#ifdef HAVE_GST_ANALYTICS
  cascade (FALSE, "RGB");
#else
  g_test_skip ("this GStreamer has no GstAnalytics");
#endif
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cascade/roi", test_roi);
  g_test_add_func ("/cascade/roi-nv12", test_roi_nv12);
  g_test_add_func ("/cascade/analytics", test_analytics);
  return fixtures_run ();
}
