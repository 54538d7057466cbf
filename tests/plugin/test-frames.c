/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify and how frames lie in memory: formats, sizes, strides, crops, planes apart. */
#include "fixtures.h"

#include <effvk/effvk-image.h>

/* Without rounding between the passes of the resize. */
#define EXACT "top-k=10 model-overrides=\"{\\\"antialias\\\":false}\""

/* The formats that a pad's template lists for frames in system memory, in its order:
   GstVideoFormat. */
static GArray *
list_formats (const char *pad)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("effvkclassify");
  g_autoptr (GstCaps) caps = NULL;
  const GList *templates = gst_element_factory_get_static_pad_templates (factory);
  GArray *formats = g_array_new (FALSE, FALSE, sizeof (GstVideoFormat));
  const GValue *names;

  while (!g_str_equal (((GstStaticPadTemplate *) templates->data)->name_template, pad))
    templates = templates->next;
  caps = gst_static_pad_template_get_caps (templates->data);
  names = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  for (guint i = 0; i < gst_value_list_get_size (names); i++)
    {
      const char *name = g_value_get_string (gst_value_list_get_value (names, i));
      GstVideoFormat format = gst_video_format_from_string (name);

      g_array_append_val (formats, format);
    }
  return formats;
}

/* The element takes the formats that the library has, all of them and no others. */
static void
test_templates (void)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (EFFVK_TYPE_FORMAT);
  g_autoptr (GArray) sink = list_formats ("sink"), src = list_formats ("src");

  g_assert_cmpmem (sink->data, sink->len * sizeof (GstVideoFormat), src->data,
                   src->len * sizeof (GstVideoFormat));
  g_assert_cmpuint (sink->len, ==, values->n_values - 1);
  for (guint i = 0; i < sink->len; i++)
    {
      const char *name = gst_video_format_to_string (g_array_index (sink, GstVideoFormat, i));

      g_assert_cmpint (effvk_format_from_string (name), !=, EFFVK_FORMAT_UNKNOWN);
      for (guint j = 0; j < i; j++)
        g_assert_cmpint (g_array_index (sink, GstVideoFormat, j), !=,
                         g_array_index (sink, GstVideoFormat, i));
    }
}

/* The format, size, stride and crop of a frame may change between any two of them. */
static void
test_formats (void)
{
  static const int sizes[][2] = { { 64, 48 }, { 1, 1 }, { 3, 257 }, { 33, 31 }, { 4095, 3 } };
  g_autoptr (GArray) formats = list_formats ("sink");
  GstHarness *harness = fixture_harness ("top-k=10");
  double scores[N_CLASSES];
  GstVideoInfo info;

  for (guint i = 0; i < formats->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++)
      {
        fixture_set_caps (harness, &info, g_array_index (formats, GstVideoFormat, i), sizes[j][0],
                          sizes[j][1]);
        g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, i * 10 + j),
                                                   scores),
                          ==, N_CLASSES);
      }
  gst_harness_teardown (harness);
}

/* The same picture in RGB, BGRx, with padded rows, and as a crop of a larger frame: the same
 * answer. */
static void
test_layouts (void)
{
  const int width = 50, height = 38, left = 7, top = 5;
  GstHarness *harness = fixture_harness ("top-k=10");
  double plain[N_CLASSES], other[N_CLASSES];
  GstBuffer *rgb, *bgrx, *padded, *large;
  GstMapInfo from, to;
  GstVideoInfo info, large_info;
  GstVideoCropMeta *crop;
  gsize offset[4] = { 16 };
  gint stride[4] = { 197 };

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, width, height);
  rgb = fixture_frame (&info, 9);
  padded = gst_buffer_new_allocate (NULL, 16 + 197 * (gsize) height, NULL);
  gst_buffer_map (rgb, &from, GST_MAP_READ);
  gst_buffer_map (padded, &to, GST_MAP_WRITE);
  memset (to.data, 77, to.size);
  for (int y = 0; y < height; y++)
    memcpy (to.data + 16 + y * 197, from.data + y * info.stride[0], (gsize) width * 3);
  gst_buffer_unmap (padded, &to);
  gst_buffer_add_video_meta_full (padded, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_RGB,
                                  (guint) width, (guint) height, 1, offset, stride);
  g_assert_cmpuint (fixture_push_for_scores (harness, gst_buffer_ref (rgb), plain), ==, N_CLASSES);
  g_assert_cmpuint (fixture_push_for_scores (harness, padded, other), ==, N_CLASSES);
  fixture_assert_scores_equal (plain, other, 1e-6);

  gst_video_info_set_format (&large_info, GST_VIDEO_FORMAT_RGB, 80, 60);
  large = fixture_frame (&large_info, 11);
  gst_buffer_map (large, &to, GST_MAP_WRITE);
  for (int y = 0; y < height; y++)
    memcpy (to.data + (top + y) * large_info.stride[0] + left * 3, from.data + y * info.stride[0],
            (gsize) width * 3);
  gst_buffer_unmap (large, &to);
  crop = gst_buffer_add_video_crop_meta (large);
  crop->x = (guint) left;
  crop->y = (guint) top;
  crop->width = (guint) width;
  crop->height = (guint) height;
  fixture_set_caps (harness, &large_info, GST_VIDEO_FORMAT_RGB, 80, 60);
  fixture_push_for_scores (harness, large, other);
  fixture_assert_scores_equal (plain, other, 1e-5);

  fixture_set_caps (harness, &large_info, GST_VIDEO_FORMAT_BGRx, width, height);
  bgrx = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&large_info), NULL);
  gst_buffer_map (bgrx, &to, GST_MAP_WRITE);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        to.data[y * large_info.stride[0] + x * 4 + c]
            = from.data[y * info.stride[0] + x * 3 + 2 - c];
  gst_buffer_unmap (bgrx, &to);
  GST_BUFFER_PTS (bgrx) = GST_BUFFER_DURATION (bgrx) = GST_CLOCK_TIME_NONE; /* and without a time */
  fixture_push_for_scores (harness, bgrx, other);
  fixture_assert_scores_equal (plain, other, 1e-6);

  gst_buffer_unmap (rgb, &from);
  gst_buffer_unref (rgb);
  gst_harness_teardown (harness);
}

/* How videocrop and decoders crop without a copy: the caps have the picture's size, GstVideoMeta
 * the size of the larger frame that holds it, GstVideoCropMeta says where. */
static void
test_cropped_caps (void)
{
  const guint left = 12, top = 10, width = 48, height = 36;
  GstHarness *harness = fixture_harness ("top-k=10");
  double plain[N_CLASSES], cropped[N_CLASSES], corner[N_CLASSES];
  GstVideoInfo info, large_info;
  GstBuffer *large, *small;
  gboolean differs = FALSE;
  GstMapInfo from, to;
  GstVideoCropMeta *crop;

  gst_video_info_set_format (&large_info, GST_VIDEO_FORMAT_NV12, 80, 60);
  large = fixture_frame (&large_info, 21);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, (int) width, (int) height);
  small = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  gst_buffer_map (large, &from, GST_MAP_READ);
  gst_buffer_map (small, &to, GST_MAP_WRITE);
  for (guint plane = 0; plane < 2; plane++)
    for (guint y = 0; y < height >> plane; y++)
      memcpy (to.data + info.offset[plane] + y * (gsize) info.stride[plane],
              from.data + large_info.offset[plane]
                  + ((top >> plane) + y) * (gsize) large_info.stride[plane] + left,
              width);
  gst_buffer_unmap (small, &to);
  gst_buffer_unmap (large, &from);
  fixture_push_for_scores (harness, small, plain);

  gst_buffer_add_video_meta (large, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_NV12, 80, 60);
  fixture_push_for_scores (harness, gst_buffer_copy (large), corner); /* no crop: the top left */
  crop = gst_buffer_add_video_crop_meta (large);
  crop->x = left;
  crop->y = top;
  crop->width = width;
  crop->height = height;
  g_assert_cmpuint (fixture_push_for_scores (harness, large, cropped), ==, N_CLASSES);
  /* Chroma at the crop's edge is blended with its neighbours in the large frame, hence the slack.
   */
  fixture_assert_scores_equal (plain, cropped, 0.01);
  for (guint i = 0; i < N_CLASSES; i++)
    differs |= ABS (corner[i] - plain[i]) > 0.03;
  g_assert_true (differs); /* or the above says nothing */
  gst_harness_teardown (harness);
}

/* Each plane in a memory of its own, as hardware decoders give them. */
static void
test_planes_apart (void)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  double together[N_CLASSES], apart[N_CLASSES];
  GstBuffer *one, *many = gst_buffer_new ();
  GstVideoInfo info;
  GstMapInfo map;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 62, 46);
  one = fixture_frame (&info, 5);
  gst_buffer_map (one, &map, GST_MAP_READ);
  for (guint i = 0; i < 3; i++)
    {
      gsize end = i < 2 ? info.offset[i + 1] : map.size, size = end - info.offset[i];
      GstMemory *memory = gst_allocator_alloc (NULL, size, NULL);
      GstMapInfo plane;

      gst_memory_map (memory, &plane, GST_MAP_WRITE);
      memcpy (plane.data, map.data + info.offset[i], size);
      gst_memory_unmap (memory, &plane);
      gst_buffer_append_memory (many, memory);
    }
  gst_buffer_unmap (one, &map);
  gst_buffer_add_video_meta_full (many, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, 62, 46, 3,
                                  info.offset, info.stride);
  fixture_push_for_scores (harness, one, together);
  g_assert_cmpuint (fixture_push_for_scores (harness, many, apart), ==, N_CLASSES);
  fixture_assert_scores_equal (together, apart, 1e-9);
  gst_harness_teardown (harness);
}

/* A gap's buffer stays marked as one; it is classified where it has pixels and passes where it has
 * none. */
static void
test_gap (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstStructure) stats = NULL;
  double scores[N_CLASSES];
  GstVideoInfo info;
  GstBuffer *buffer, *held;
  guint64 skipped;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  buffer = fixture_frame (&info, 1);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  held = gst_buffer_ref (buffer); /* so that what comes out is a copy */
  buffer = fixture_push (harness, buffer);
  g_assert_true (buffer != held);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP));
  g_assert_cmpuint (fixture_scores (buffer, scores), ==, 5);
  gst_buffer_unref (buffer);
  gst_buffer_unref (held);

  buffer = gst_buffer_new ();
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  buffer = fixture_push (harness, buffer);
  g_assert_true (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP));
  g_assert_cmpuint (fixture_scores (buffer, scores), ==, 0);
  gst_buffer_unref (buffer);
  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "skipped", &skipped));
  g_assert_cmpuint (skipped, ==, 1);
  gst_harness_teardown (harness);
}

/* The same numbers mean other colours under another matrix. */
static void
test_matrix (void)
{
  static const GstVideoColorMatrix matrices[]
      = { GST_VIDEO_COLOR_MATRIX_BT709, GST_VIDEO_COLOR_MATRIX_SMPTE240M,
          GST_VIDEO_COLOR_MATRIX_BT601, GST_VIDEO_COLOR_MATRIX_BT2020 };
  GstHarness *harness = fixture_harness ("top-k=10");
  double scores[G_N_ELEMENTS (matrices)][N_CLASSES];
  GstVideoInfo info;

  for (guint i = 0; i < G_N_ELEMENTS (matrices); i++)
    {
      gst_video_info_set_format (&info, GST_VIDEO_FORMAT_NV12, 64, 48);
      info.fps_n = 25;
      info.fps_d = 1;
      info.colorimetry.matrix = matrices[i];
      gst_harness_set_src_caps (harness, gst_video_info_to_caps (&info));
      g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 5), scores[i]), ==,
                        N_CLASSES);
      for (guint j = 0; j < i; j++)
        g_assert_false (memcmp (scores[i], scores[j], sizeof scores[i]) == 0);
    }
  gst_harness_teardown (harness);
}

/* Frames of four levels that are the same picture in limited range, where the caps say that, and in
 * full range, also where they say nothing: gray and RGB, too. */
static void
test_range (void)
{
  static const struct
  {
    GstVideoFormat format;
    const char *limited, *full;
  } cases[] = { { GST_VIDEO_FORMAT_GRAY8, "bt709", NULL },
                { GST_VIDEO_FORMAT_GRAY8, "bt601", "1:4:0:0" },
                { GST_VIDEO_FORMAT_RGB, "2:1:7:1", NULL },
                { GST_VIDEO_FORMAT_BGRx, "2:1:7:1", "sRGB" } };
  GstHarness *harness = fixture_harness (EXACT);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double scores[3][N_CLASSES];
      GstVideoInfo info;

      gst_video_info_set_format (&info, cases[i].format, 64, 48);
      for (guint k = 0; k < 3; k++) /* limited; full; full, but as the limited one */
        {
          const char *colorimetry = k == 1 ? cases[i].full : cases[i].limited;
          GstBuffer *frame = fixture_frame (&info, 6);
          GstCaps *caps = gst_video_info_to_caps (&info);
          GstMapInfo map;

          gst_structure_remove_field (gst_caps_get_structure (caps, 0), "colorimetry");
          if (colorimetry)
            gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, colorimetry, NULL);
          gst_harness_set_src_caps (harness, caps);
          gst_buffer_map (frame, &map, GST_MAP_READWRITE);
          for (gsize j = 0; j < map.size; j++)
            map.data[j] = (guint8) (k == 0 ? 16 + map.data[j] % 4 * 73 : map.data[j] % 4 * 85);
          gst_buffer_unmap (frame, &map);
          g_assert_cmpuint (fixture_push_for_scores (harness, frame, scores[k]), ==, N_CLASSES);
        }
      fixture_assert_scores_equal (scores[0], scores[1], 1e-5);
      g_assert_false (memcmp (scores[1], scores[2], sizeof scores[1]) == 0);
    }
  gst_harness_teardown (harness);
}

static void
push_orientation (GstHarness *harness, const char *orientation, GstTagScope scope)
{
  GstTagList *tags = gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, orientation, NULL);

  gst_tag_list_set_scope (tags, scope);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_tag (tags)));
}

/* What videoflip makes of the frame as its own tag handling says. */
static GstBuffer *
flip (const GstVideoInfo *info, GstBuffer *frame, const char *orientation, GstVideoInfo *flipped)
{
  GstHarness *harness = gst_harness_new_parse ("videoflip video-direction=auto");
  GstBuffer *buffer;
  GstCaps *caps;

  gst_harness_set_src_caps (harness, gst_video_info_to_caps ((GstVideoInfo *) info));
  push_orientation (harness, orientation, GST_TAG_SCOPE_STREAM);
  buffer = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  caps = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_true (gst_video_info_from_caps (flipped, caps));
  gst_caps_unref (caps);
  gst_harness_teardown (harness);
  return buffer;
}

static void
push_info (GstHarness *harness, const GstVideoInfo *info, GstBuffer *buffer, double *scores)
{
  gst_harness_set_src_caps (harness, gst_video_info_to_caps ((GstVideoInfo *) info));
  g_assert_cmpuint (fixture_push_for_scores (harness, buffer, scores), ==, N_CLASSES);
}

/* A picture that lies on its side is classified as videoflip would turn it, with the one of the
 * stream going before a global tag, also where it changes amid the stream; a new stream begins
 * upright. */
static void
test_orientation (void)
{
  static const char *const names[]
      = { "rotate-0",      "rotate-90",      "rotate-180",      "rotate-270",
          "flip-rotate-0", "flip-rotate-90", "flip-rotate-180", "flip-rotate-270" };
  g_autoptr (GstElementFactory) videoflip = gst_element_factory_find ("videoflip");
  GstHarness *harness = fixture_harness (EXACT), *plain = fixture_harness (EXACT);
  double turned[N_CLASSES], expected[N_CLASSES], upright[N_CLASSES];
  GstVideoInfo info, flipped;
  GstBuffer *frame;

  if (!videoflip)
    {
      g_test_skip ("GStreamer's videoflip (gst-plugins-good) is not here");
      gst_harness_teardown (harness);
      gst_harness_teardown (plain);
      return;
    }
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGBx, 64, 40);
  frame = fixture_frame (&info, 31);
  push_info (harness, &info, gst_buffer_ref (frame), upright);
  push_orientation (harness, "rotate-180", GST_TAG_SCOPE_GLOBAL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GstBuffer *other = flip (&info, frame, names[i], &flipped);

      push_orientation (harness, names[i], GST_TAG_SCOPE_STREAM);
      push_orientation (harness, "rotate-180", GST_TAG_SCOPE_GLOBAL);
      push_info (harness, &info, gst_buffer_ref (frame), turned);
      push_info (plain, &flipped, other, expected);
      fixture_assert_scores_equal (turned, expected, 1e-5);
      g_assert_cmpint (memcmp (turned, upright, sizeof turned) == 0, ==, i == 0);
    }
  g_assert_true (gst_harness_push_event (harness, gst_event_new_stream_start ("another")));
  push_info (harness, &info, gst_buffer_ref (frame), turned);
  g_assert_cmpmem (turned, sizeof turned, upright, sizeof upright);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  gst_harness_teardown (plain);
}

/* Each pixel twice as wide as high is the same picture as each pixel twice. */
static void
test_pixel_aspect (void)
{
  GstHarness *harness = fixture_harness (EXACT);
  double wide[N_CLASSES], square[N_CLASSES], ignored[N_CLASSES];
  GstVideoInfo info, doubled;
  GstBuffer *frame, *other;
  GstMapInfo from, to;

  gst_video_info_set_format (&doubled, GST_VIDEO_FORMAT_RGBx, 256, 128);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGBx, 128, 128);
  frame = fixture_frame (&info, 32);
  gst_buffer_map (frame, &to, GST_MAP_WRITE);
  for (gsize i = 0; i < to.size; i++) /* smooth, so that how it is sampled hardly matters */
    to.data[i] = (guint8) (i % 4 == 0   ? i / 4 % 128 * 2
                           : i % 4 == 1 ? i / 512 * 2
                                        : 255 - i / 4 % 128 * 2);
  other = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&doubled), NULL);
  gst_buffer_map (other, &from, GST_MAP_WRITE);
  for (gsize i = 0; i < to.size / 4; i++)
    for (gsize j = 0; j < 8; j++)
      from.data[i * 8 + j] = to.data[i * 4 + j % 4];
  gst_buffer_unmap (other, &from);
  gst_buffer_unmap (frame, &to);

  info.fps_n = doubled.fps_n = 25;
  push_info (harness, &info, gst_buffer_ref (frame), ignored);
  info.par_n = 2;
  push_info (harness, &info, gst_buffer_ref (frame), wide);
  push_info (harness, &doubled, other, square);
  fixture_assert_scores_equal (wide, square, 1e-3);
  g_assert_false (memcmp (wide, ignored, sizeof wide) == 0);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frames/templates", test_templates);
  g_test_add_func ("/frames/formats", test_formats);
  g_test_add_func ("/frames/layouts", test_layouts);
  g_test_add_func ("/frames/cropped-caps", test_cropped_caps);
  g_test_add_func ("/frames/planes-apart", test_planes_apart);
  g_test_add_func ("/frames/gap", test_gap);
  g_test_add_func ("/frames/matrix", test_matrix);
  g_test_add_func ("/frames/range", test_range);
  g_test_add_func ("/frames/orientation", test_orientation);
  g_test_add_func ("/frames/pixel-aspect", test_pixel_aspect);
  return fixtures_run ();
}
