/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a frame in system memory to 224x224 RGB: what the preprocessing of a network takes, copy
 * to the staging buffer included, beside GStreamer's videoconvertscale, in turn. Measures, of the
 * whole process, CPU time, which counts where the device is a CPU; and the device's own time of the
 * dispatches. Not a test.
 *
 *   bench-preprocess [ROUNDS [FRAMES]] */
#include "ops/preprocess.h"
#include "tune/timing.h"
#include "vk/host-frame.h"

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define SIZE 224
#define RUNS 15

static const struct
{
  const char *name, *method; /* ours; videoconvertscale's of the same filter */
  EffvkInterpolation interpolation;
  gboolean antialias;
} filters[] = {
  { "bilinear", "bilinear", EFFVK_INTERPOLATION_BILINEAR, FALSE },
  { "bilinear, antialias", "bilinear2", EFFVK_INTERPOLATION_BILINEAR, TRUE },
  { "bicubic, antialias", "catrom", EFFVK_INTERPOLATION_BICUBIC, TRUE },
};

static const struct
{
  const char *name;
  double bytes; /* a pixel */
} formats[] = { { "NV12", 1.5 }, { "RGB", 3.0 } };

#define MAX_DISPATCHES 3

/* ms of CPU time and of the clock. */
typedef struct
{
  double cpu, wall;
} Moment;

static Moment
now (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (Moment){ (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3
                       + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3,
                   (double) g_get_monotonic_time () / 1e3 };
}

typedef struct
{
  EffvkImage *image;
  EffvkRecipe recipe;
  EffvkPreprocessRoom room;
  EffvkBuffer staging, items;
  EffvkProgram *program;
} Ours;

static gboolean
ours_init (Ours *ours, EffvkDevice *device, GBytes *pixels, guint format, guint width, guint height,
           guint filter, GError **error)
{
  EffvkTensorInfo info = { "input", EFFVK_STORAGE_F32, 1, SIZE, SIZE, 3 };
  EffvkOpContext context = { .storage = EFFVK_STORAGE_F32 };
  EffvkPreprocess op
      = { .recipe = &ours->recipe, .room = &ours->room, .items = &ours->items, .batch = 1 };
  g_autoptr (EffvkPreprocessPlan) plan = NULL;

  ours->image = effvk_image_new_from_bytes (effvk_format_from_string (formats[format].name), width,
                                            height, pixels);
  ours->recipe = (EffvkRecipe){ .width = SIZE,
                                .height = SIZE,
                                .resize_size = SIZE,
                                .crop_mode = EFFVK_CROP_SQUASH,
                                .interpolation = filters[filter].interpolation,
                                .antialias = filters[filter].antialias,
                                .eight_bits = filters[filter].antialias,
                                .std = { 1.0f, 1.0f, 1.0f } };
  plan = effvk_preprocess_plan_new (&ours->image->layout, &ours->recipe);
  effvk_preprocess_room_grow (&ours->room, plan);
  if (!effvk_buffer_init (&ours->staging, device, EFFVK_MEMORY_UPLOAD, ours->image->layout.size,
                          "staging", error)
      || !effvk_buffer_init (&ours->items, device, EFFVK_MEMORY_UPLOAD,
                             effvk_preprocess_items (&ours->room, 1).size, "items", error))
    return FALSE;
  effvk_preprocess_plan_write (plan, &ours->room, 1, 0, 0, ours->items.map);
  context.program = ours->program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  op.frames = effvk_preprocess_add_frames (ours->program, &ours->staging);
  op.output = effvk_program_add_persistent (ours->program, &info);
  return effvk_buffer_flush (&ours->items, error) && effvk_preprocess (&context, &op, error)
         && effvk_program_compile (ours->program, error);
}

static void
ours_clear (Ours *ours)
{
  g_clear_pointer (&ours->program, effvk_program_free);
  effvk_buffer_clear (&ours->staging);
  effvk_buffer_clear (&ours->items);
  g_clear_pointer (&ours->image, effvk_image_free);
}

static gboolean
ours_run (Ours *ours, gboolean copies, GError **error)
{
  if (copies)
    effvk_image_copy_to (ours->image, ours->staging.map);
  return effvk_buffer_flush (&ours->staging, error) && effvk_program_run (ours->program, error);
}

static GstHarness *
make_theirs (guint format, guint width, guint height, guint filter)
{
  g_autoptr (GstElementFactory) both = gst_element_factory_find ("videoconvertscale");
  g_autofree char *launch
      = g_strdup_printf (both ? "videoconvertscale add-borders=false method=%s"
                              : "videoconvert ! videoscale add-borders=false method=%s",
                         filters[filter].method);
  g_autofree char *sink = g_strdup_printf ("video/x-raw,format=RGB,width=%d,height=%d", SIZE, SIZE);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstVideoInfo info;

  gst_video_info_set_format (&info, gst_video_format_from_string (formats[format].name), width,
                             height);
  gst_harness_set_sink_caps_str (harness, sink);
  gst_harness_set_src_caps (harness, gst_video_info_to_caps (&info));
  return harness;
}

static gboolean
theirs_run (GstHarness *harness, GstBuffer *frame, GError **error)
{
  GstBuffer *buffer = gst_harness_push_and_pull (harness, gst_buffer_ref (frame));
  gboolean right = buffer && gst_buffer_get_size (buffer) == SIZE * SIZE * 3;

  if (!right)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
                         "videoconvertscale gave no frame");
  gst_clear_buffer (&buffer);
  return right;
}

/* What is timed: ours with and without the copy, theirs. */
enum
{
  OURS,
  OURS_IN_PLACE,
  THEIRS,
  N_WAYS
};

static gboolean
run (Ours *ours, GstHarness *theirs, GstBuffer *frame, guint way, GError **error)
{
  return way == THEIRS ? theirs_run (theirs, frame, error) : ours_run (ours, way == OURS, error);
}

static gboolean
measure (EffvkDevice *device, GBytes *pixels, guint format, guint width, guint height, guint filter,
         guint rounds, guint frames, GError **error)
{
  g_autoptr (GstBuffer) frame = gst_buffer_new_wrapped_bytes (pixels);
  GstHarness *theirs = make_theirs (format, width, height, filter);
  g_autofree double *values = g_new (double, rounds *N_WAYS * 2);
  double dispatches[MAX_DISPATCHES], medians[N_WAYS * 2];
  gboolean device_clock, done;
  Ours ours = { 0 };

  done = ours_init (&ours, device, pixels, format, width, height, filter, error);
  for (guint way = 0; done && way < N_WAYS; way++) /* the first is slower */
    done = run (&ours, theirs, frame, way, error);
  for (guint i = 0; done && i < rounds * N_WAYS; i++)
    {
      guint way = i % N_WAYS;
      Moment before = now (), after;

      for (guint j = 0; done && j < frames; j++)
        done = run (&ours, theirs, frame, way, error);
      after = now ();
      values[way * 2 * rounds + i / N_WAYS] = (after.cpu - before.cpu) / frames;
      values[(way * 2 + 1) * rounds + i / N_WAYS] = (after.wall - before.wall) / frames;
    }
  done = done && effvk_programs_time (&ours.program, 1, RUNS, dispatches, &device_clock, error);
  if (done)
    {
      for (guint i = 0; i < N_WAYS * 2; i++)
        medians[i] = effvk_median (values + i * rounds, rounds);
      printf ("%-4s %4ux%-4u  %-20s %8.2f %8.2f %8.2f %8.2f %8.2f %8.2f  ", formats[format].name,
              width, height, filters[filter].name, medians[0], medians[2], medians[4], medians[1],
              medians[3], medians[5]);
      for (guint i = 0; i < effvk_program_get_n_dispatches (ours.program); i++)
        printf (" %8.2f", dispatches[i] / 1e6);
      printf ("\n");
      fflush (stdout);
    }
  ours_clear (&ours);
  gst_harness_teardown (theirs);
  return done;
}

/* What it takes to let the device read memory of the program's, once for all frames that come
   there. */
static void
print_import (EffvkDevice *device, GBytes *pixels, guint rounds, GError **error)
{
  g_autofree double *values = g_new (double, rounds);
  gsize size;
  gpointer data = (gpointer) g_bytes_get_data (pixels, &size);

  for (guint i = 0; i < rounds; i++)
    {
      double began = now ().wall;
      EffvkFrameMemory *memory = effvk_frame_memory_new_from_data (device, data, size, error);

      if (!memory)
        return;
      effvk_frame_memory_unref (memory);
      values[i] = now ().wall - began;
    }
  printf ("%.1f MB of the program's memory imported and let go of: %.3f ms\n", (double) size / 1e6,
          effvk_median (values, rounds));
}

static GBytes *
make_noise (gsize size)
{
  guint8 *data = g_malloc (size);
  guint32 state = 1;

  for (gsize i = 0; i < size; i++)
    {
      state = state * 1664525u + 1013904223u;
      data[i] = (guint8) (state >> 24);
    }
  return g_bytes_new_take (data, size);
}

static guint
parse (int argc, char **argv, int i, guint otherwise)
{
  guint64 value = argc > i ? g_ascii_strtoull (argv[i], NULL, 10) : otherwise;

  return (guint) CLAMP (value, 1, 1000);
}

int
main (int argc, char **argv)
{
  static const guint sizes[][2] = { { 1920, 1080 }, { 3840, 2160 } };
  guint rounds, frames;
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  rounds = parse (argc, argv, 1, 9);
  frames = parse (argc, argv, 2, 20);
  device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  if (device)
    printf (
        "To %dx%d RGB on %s, ms a frame: medians of %u rounds of %u frames\n"
        "                                             CPU time                    wall          "
        "   dispatches\n"
        "frame           filter                   effvk in place   theirs    effvk in place   "
        "theirs     in turn\n",
        SIZE, SIZE, effvk_device_get_name (device), rounds, frames);
  for (guint i = 0; !error && i < G_N_ELEMENTS (sizes) * 2; i++)
    {
      guint width = sizes[i / 2][0], height = sizes[i / 2][1], format = i % 2;
      g_autoptr (GBytes) pixels = make_noise ((gsize) (width * height * formats[format].bytes));

      if (effvk_device_can_import_data (device))
        print_import (device, pixels, rounds, &error);
      for (guint filter = 0; !error && filter < G_N_ELEMENTS (filters); filter++)
        measure (device, pixels, format, width, height, filter, rounds, frames, &error);
    }
  if (error)
    g_printerr ("%s\n", error->message);
  return error != NULL;
}
