/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measures.h"

#include "ops/measures.h"

#include <string.h>

/* What a frame's last pixels may be read with. */
#define PADDING 256

struct _EffvkMeter
{
  GObject parent_instance;

  EffvkDevice *device;
  EffvkFrameLayout layout; /* of what follows; of no pixels: there is nothing yet */
  EffvkBuffer frames[2], sums;
  EffvkProgram *programs[2]; /* frames[i] is the new one */
  guint newest;
  gboolean has_last;
  float black, white;
};

G_DEFINE_FINAL_TYPE (EffvkMeter, effvk_meter, G_TYPE_OBJECT)

static void
forget (EffvkMeter *meter)
{
  for (guint i = 0; i < G_N_ELEMENTS (meter->programs); i++)
    {
      g_clear_pointer (&meter->programs[i], effvk_program_free);
      effvk_buffer_clear (&meter->frames[i]);
    }
  effvk_buffer_clear (&meter->sums);
  meter->layout = (EffvkFrameLayout){ 0 };
  meter->has_last = FALSE;
}

static void
effvk_meter_finalize (GObject *object)
{
  EffvkMeter *meter = EFFVK_METER (object);

  forget (meter);
  g_object_unref (meter->device);
  G_OBJECT_CLASS (effvk_meter_parent_class)->finalize (object);
}

static void
effvk_meter_class_init (EffvkMeterClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_meter_finalize;
}

static void
effvk_meter_init (EffvkMeter *meter G_GNUC_UNUSED)
{
}

EffvkMeter *
effvk_meter_new (EffvkDevice *device)
{
  EffvkMeter *meter;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);

  meter = g_object_new (EFFVK_TYPE_METER, NULL);
  meter->device = g_object_ref (device);
  return meter;
}

void
effvk_meter_reset (EffvkMeter *meter)
{
  g_return_if_fail (EFFVK_IS_METER (meter));
  meter->has_last = FALSE;
}

static EffvkTensor
add_buffer (EffvkProgram *program, const char *name, EffvkStorage storage,
            const EffvkBuffer *buffer, gsize size)
{
  const EffvkTensorInfo info = { name, storage, 1, 1, (guint) (size / 16), 4 };

  return effvk_program_add_external (program, &info, buffer, 0);
}

static gboolean
build_program (EffvkMeter *meter, guint newest, GError **error)
{
  EffvkProgram *program = effvk_program_new (meter->device, EFFVK_PROGRAM_DEFAULT);
  const EffvkOpContext context = { .program = program, .storage = EFFVK_STORAGE_F32 };
  const EffvkBuffer *frame = &meter->frames[newest], *last = &meter->frames[!newest];
  const EffvkMeasuresOp op
      = { .frame = add_buffer (program, "frame", EFFVK_STORAGE_U32, frame, frame->size),
          .last = add_buffer (program, "last frame", EFFVK_STORAGE_U32, last, last->size),
          .output = add_buffer (program, "sums", EFFVK_STORAGE_F32, &meter->sums,
                                (gsize) effvk_measures_get_size (&meter->layout) * 16),
          .layout = &meter->layout,
          .black = meter->black,
          .white = meter->white };

  meter->programs[newest] = program;
  return effvk_measures_op (&context, &op, error) && effvk_program_compile (program, error);
}

/* Makes everything that depends on the frames' size and format. */
static gboolean
prepare (EffvkMeter *meter, const EffvkFrameLayout *layout, GError **error)
{
  float black = layout->full_range ? 0.0f : 16.0f, white = layout->full_range ? 255.0f : 235.0f;
  gsize size = layout->size + PADDING, sums = (gsize) effvk_measures_get_size (layout) * 16;

  forget (meter);
  meter->layout = *layout;
  meter->black = black + 0.1f * (white - black);
  meter->white = white - 0.1f * (white - black);
  if (effvk_buffer_init (&meter->frames[0], meter->device, EFFVK_MEMORY_UPLOAD, size, "frame",
                         error)
      && effvk_buffer_init (&meter->frames[1], meter->device, EFFVK_MEMORY_UPLOAD, size, "frame",
                            error)
      && effvk_buffer_init (&meter->sums, meter->device, EFFVK_MEMORY_DOWNLOAD, sums, "sums", error)
      && build_program (meter, 0, error) && build_program (meter, 1, error))
    {
      for (guint i = 0; i < 2; i++)
        memset (meter->frames[i].map, 0, meter->frames[i].size);
      return TRUE;
    }
  forget (meter);
  return FALSE;
}

/* Whether frames of both are measured by the same programs. */
static gboolean
is_alike (const EffvkFrameLayout *a, const EffvkFrameLayout *b)
{
  EffvkFrameLayout same = *a;

  same.crop = b->crop; /* all of a frame is measured */
  same.orientation = b->orientation;
  return effvk_frame_layout_equal (&same, b);
}

/* Copies the plane that is read, as the layout says. */
static void
copy (const EffvkImage *image, guint8 *frame)
{
  const EffvkFrameLayout *layout = &image->layout;
  guint plane = effvk_measures_get_plane (layout);
  guint rows = effvk_frame_plane_rows (layout, plane);
  gsize row = effvk_frame_plane_row_bytes (layout, plane), stride = image->planes[plane].stride;
  const guint8 *from = image->planes[plane].data;
  guint8 *to = frame + layout->offsets[plane];

  if (stride == layout->strides[plane])
    memcpy (to, from, stride * (rows - 1) + row);
  else
    for (guint y = 0; y < rows; y++)
      memcpy (to + y * layout->strides[plane], from + y * stride, row);
}

static gboolean
run (EffvkMeter *meter, const EffvkImage *image, GError **error)
{
  EffvkBuffer *frame;

  if (!is_alike (&meter->layout, &image->layout) && !prepare (meter, &image->layout, error))
    return FALSE;
  meter->newest = !meter->newest;
  frame = &meter->frames[meter->newest];
  copy (image, frame->map);
  return effvk_buffer_flush (frame, error)
         && effvk_program_run (meter->programs[meter->newest], error)
         && effvk_buffer_invalidate (&meter->sums, error);
}

EffvkMeasures *
effvk_meter_measure (EffvkMeter *meter, const EffvkImage *image, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_METER (meter), NULL);
  g_return_val_if_fail (image != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkMeasures *measures;

  if (!effvk_image_is_complete (image) || !image->planes[0].data)
    {
      g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                           "A meter takes images in the CPU's memory, all of whose planes are set");
      return NULL;
    }
  if (!run (meter, image, error))
    {
      forget (meter);
      return NULL;
    }
  measures = effvk_measures_new (&meter->layout, (const float *) meter->sums.map, meter->black,
                                 meter->has_last);
  meter->has_last = TRUE;
  return measures;
}
