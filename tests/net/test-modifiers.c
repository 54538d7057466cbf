/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames in DMA buffers that are tiled or compressed, on a device that a layer (tests/layer) gives
 * the modifiers: the answers are those of the same pixels in the CPU's memory, and what the device
 * cannot import is refused. */
#define _GNU_SOURCE
#include "classifier-helpers.h"
#include "tiles.h"
#include "vk/device.h"

#include <sys/mman.h>
#include <unistd.h>

#define BEGIN 256 /* of the first plane in a file */

typedef struct
{
  EffvkDevice *device;
  EffvkModel *model;
  EffvkClassifier *classifier, *alone;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  fixture->device = effvk_device_new (NULL, &error);
  g_assert_no_error (error);
  if (!effvk_device_can_import_dmabuf (fixture->device))
    return;
  fixture->model = effvk_model_new_random ("phi=-4", 10, 7, &error);
  g_assert_no_error (error);
  fixture->classifier = new_classifier (fixture->device, fixture->model, 2, 2);
  fixture->alone = new_classifier (fixture->device, fixture->model, 1, 2);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_clear_object (&fixture->alone);
  g_clear_object (&fixture->classifier);
  g_clear_object (&fixture->model);
  g_object_unref (fixture->device);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* What stands for a DMA buffer: a CPU device maps either. */
static int
make_file (const GByteArray *bytes)
{
  int fd = memfd_create ("frame", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, bytes->data, bytes->len), ==, bytes->len);
  return fd;
}

/* A frame with its pixels in the CPU's memory, and in DMA buffers. */
typedef struct
{
  EffvkFormat format;
  guint width, height; /* in DMA buffers; even where the format is subsampled */
  guint64 modifier;
  GBytes *plain;
  EffvkDmabufPlane planes[EFFVK_DMABUF_MAX_PLANES];
  guint n_planes;
} Frame;

static void
frame_clear (Frame *frame)
{
  g_bytes_unref (frame->plain);
  for (guint i = 0; i < frame->n_planes; i++)
    close (frame->planes[i].fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Frame, frame_clear)

/* Appends room for a plane of the frame to a file. */
static guint8 *
add_plane (Frame *frame, GByteArray *file, gsize stride, gsize size)
{
  EffvkDmabufPlane *plane = &frame->planes[frame->n_planes++];

  g_byte_array_set_size (file, MAX (file->len, BEGIN));
  *plane = (EffvkDmabufPlane){ .offset = file->len, .stride = stride };
  g_byte_array_set_size (file, (guint) (file->len + size));
  return file->data + plane->offset;
}

static void
fill (guint8 *bytes, gsize size, GRand *rand)
{
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
}

/* Noise with whole tiles of padding at the end of rows. Each plane gets a file of its own where
 * @apart, else a descriptor of the one file. */
static void
frame_init (Frame *frame, EffvkFormat format, guint width, guint height, guint64 modifier,
            gboolean apart, guint seed)
{
  guint n_planes = effvk_format_get_n_planes (format);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GByteArray *plain = g_byte_array_new ();
  GByteArray *files[EFFVK_DMABUF_MAX_PLANES];
  struct
  {
    gsize row, rows, begin;
  } planes[EFFVK_IMAGE_MAX_PLANES];

  *frame = (Frame){ .format = format, .width = width, .height = height, .modifier = modifier };
  for (guint i = 0; i < EFFVK_DMABUF_MAX_PLANES; i++)
    files[i] = i == 0 || apart ? g_byte_array_new () : files[0];
  for (guint i = 0; i < n_planes; i++)
    {
      gsize stride;

      effvk_format_get_plane_size (format, i, width, height, &planes[i].row, &planes[i].rows);
      planes[i].begin = plain->len;
      g_byte_array_set_size (plain, (guint) (plain->len + planes[i].row * planes[i].rows));
      fill (plain->data + planes[i].begin, planes[i].row * planes[i].rows, rand);
      stride = tiles_get_stride (planes[i].row) + TILE_WIDTH;
      add_plane (frame, files[i], stride, tiles_get_size (stride, planes[i].rows));
    }
  for (guint i = 0; i < n_planes && modifier == MODIFIER_COMPRESSED; i++)
    {
      gsize stride = tiles_get_keys_stride (planes[i].row) + 3;
      gsize size = tiles_get_keys_size (stride, planes[i].rows);

      fill (add_plane (frame, files[n_planes + i], stride, size), size, rand);
    }
  for (guint i = 0; i < n_planes; i++)
    {
      const EffvkDmabufPlane *plane = &frame->planes[i], *keys = &frame->planes[n_planes + i];
      const Tiles tiles = {
        files[i]->data + plane->offset,
        plane->stride,
        modifier == MODIFIER_COMPRESSED ? files[n_planes + i]->data + keys->offset : NULL,
        keys->stride,
      };

      tiles_write (&tiles, plain->data + planes[i].begin, planes[i].row, planes[i].row,
                   planes[i].rows);
    }
  for (guint i = 0; i < frame->n_planes; i++)
    frame->planes[i].fd = i == 0 || apart ? make_file (files[i]) : dup (frame->planes[0].fd);
  for (guint i = 0; i < EFFVK_DMABUF_MAX_PLANES; i++)
    if (i == 0 || apart)
      g_byte_array_unref (files[i]);
  frame->plain = g_byte_array_free_to_bytes (plain);
}

static EffvkFrameMemory *
import (Fixture *fixture, const Frame *frame, GError **error)
{
  return effvk_frame_memory_new_from_dmabuf_with_modifier (fixture->device, frame->format,
                                                           frame->width, frame->height,
                                                           frame->modifier, frame->planes,
                                                           frame->n_planes, error);
}

static void
assert_refused (EffvkFrameMemory *memory, GError **error, const char *expected)
{
  g_assert_null (memory);
  g_assert_error (*error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_test_message ("%s", (*error)->message);
  g_assert_nonnull (strstr ((*error)->message, expected));
  g_clear_error (error);
}

/* Alone, and in one submission with others, twice in the same memory. */
static void
assert_classified (Fixture *fixture, const EffvkImage *image, const EffvkImage *plain)
{
  const EffvkImage *all[] = { plain, image, image, image };
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkResult) expected = effvk_classifier_classify (fixture->alone, plain, &error);
  g_autoptr (EffvkResult) got = NULL;
  g_autoptr (GPtrArray) many = NULL;

  g_assert_no_error (error);
  got = effvk_classifier_classify (fixture->alone, image, &error);
  g_assert_no_error (error);
  assert_same (got, expected);
  many = effvk_classifier_classify_many (fixture->classifier, all, G_N_ELEMENTS (all), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < many->len; i++)
    assert_same (g_ptr_array_index (many, i), expected);
}

static void
test_list (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct
  {
    EffvkFormat format;
    guint n, n_planes[3];
  } cases[] = {
    { EFFVK_FORMAT_NV12, 3, { 2, 2, 4 } }, { EFFVK_FORMAT_I420, 2, { 3, 3 } },
    { EFFVK_FORMAT_BGRX, 3, { 1, 1, 2 } }, { EFFVK_FORMAT_NV16, 1, { 2 } },
    { EFFVK_FORMAT_YUY2, 1, { 1 } },
  };
  static const guint64 modifiers[] = { 0, MODIFIER_TILED, MODIFIER_COMPRESSED };

  if (!can_import_dmabuf (fixture->device))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint n;
      g_autofree EffvkDmabufModifier *got
          = effvk_device_list_dmabuf_modifiers (fixture->device, cases[i].format, &n);

      g_assert_cmpuint (n, ==, cases[i].n);
      for (guint k = 0; k < n; k++)
        {
          g_assert_cmphex (got[k].modifier, ==, modifiers[k]);
          g_assert_cmpuint (got[k].n_planes, ==, cases[i].n_planes[k]);
        }
    }
}

typedef struct
{
  EffvkFormat format;
  guint width, height;
  guint64 modifier;
} Case;

static void
check_frames (Fixture *fixture, const Case *cases, guint n, gboolean apart)
{
  for (guint i = 0; i < n && can_import_dmabuf (fixture->device); i++)
    {
      const Case *this = &cases[i];
      g_auto (Frame) frame;
      g_autoptr (EffvkFrameMemory) memory = NULL;
      g_autoptr (EffvkImage) image = NULL;
      g_autoptr (EffvkImage) plain = NULL;
      g_autoptr (GError) error = NULL;

      g_test_message ("%s, modifier %u", effvk_format_to_string (this->format),
                      (guint) (this->modifier & 0xff));
      frame_init (&frame, this->format, this->width, this->height, this->modifier, apart, i);
      memory = import (fixture, &frame, &error);
      g_assert_no_error (error);
      image = effvk_image_new (frame.format, frame.width, frame.height);
      plain = effvk_image_new_from_bytes (frame.format, frame.width, frame.height, frame.plain);
      effvk_image_set_memory (image, memory);
      assert_classified (fixture, image, plain);
    }
}

static void
test_frames (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Case cases[] = {
    { EFFVK_FORMAT_NV12, 64, 48, MODIFIER_TILED },
    { EFFVK_FORMAT_NV12, 62, 46, MODIFIER_COMPRESSED },
    { EFFVK_FORMAT_NV21, 40, 66, MODIFIER_TILED },
    { EFFVK_FORMAT_I420, 62, 50, MODIFIER_TILED },
    { EFFVK_FORMAT_P010_10LE, 66, 48, MODIFIER_COMPRESSED },
    { EFFVK_FORMAT_BGRX, 61, 47, MODIFIER_TILED },
    { EFFVK_FORMAT_RGBA, 33, 1, MODIFIER_COMPRESSED },
  };

  check_frames (fixture, cases, G_N_ELEMENTS (cases), FALSE);
}

/* Each plane in a DMA buffer of its own. */
static void
test_apart (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Case cases[] = {
    { EFFVK_FORMAT_NV12, 62, 46, MODIFIER_TILED },
    { EFFVK_FORMAT_YV12, 62, 50, MODIFIER_TILED },
  };

  check_frames (fixture, cases, G_N_ELEMENTS (cases), TRUE);
}

/* The pixels are those that the memory has when a frame is submitted. */
static void
test_again (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_auto (Frame) frame;
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 64, 48);
  g_autoptr (GError) error = NULL;

  frame_init (&frame, EFFVK_FORMAT_NV12, 64, 48, MODIFIER_TILED, FALSE, 1);
  if (can_import_dmabuf (fixture->device))
    {
      memory = import (fixture, &frame, &error);
      g_assert_no_error (error);
      effvk_image_set_memory (image, memory);
    }
  for (guint seed = 1; memory && seed < 4; seed++)
    {
      g_auto (Frame) other;
      g_autofree guint8 *bytes = NULL;
      g_autoptr (EffvkImage) plain = NULL;
      off_t size = lseek (frame.planes[0].fd, 0, SEEK_END);

      frame_init (&other, EFFVK_FORMAT_NV12, 64, 48, MODIFIER_TILED, FALSE, seed);
      bytes = g_malloc ((gsize) size);
      g_assert_cmpint (pread (other.planes[0].fd, bytes, (gsize) size, 0), ==, size);
      g_assert_cmpint (pwrite (frame.planes[0].fd, bytes, (gsize) size, 0), ==, size);
      plain = effvk_image_new_from_bytes (EFFVK_FORMAT_NV12, 64, 48, other.plain);
      assert_classified (fixture, image, plain);
    }
}

/* A frame of odd size has whole chroma pixels in memory. */
static void
test_odd (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_auto (Frame) frame;
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 61, 47);
  g_autoptr (EffvkImage) plain = effvk_image_new (EFFVK_FORMAT_NV12, 61, 47);
  g_autoptr (GError) error = NULL;
  const guint8 *pixels;
  gsize size;

  frame_init (&frame, EFFVK_FORMAT_NV12, 62, 48, MODIFIER_TILED, FALSE, 1);
  if (!can_import_dmabuf (fixture->device))
    return;
  frame.width = 61;
  frame.height = 47;
  memory = import (fixture, &frame, &error);
  g_assert_no_error (error);
  effvk_image_set_memory (image, memory);
  pixels = g_bytes_get_data (frame.plain, &size);
  g_assert_true (effvk_image_set_plane (plain, 0, pixels, 62, size));
  g_assert_true (effvk_image_set_plane (plain, 1, pixels + 62 * 48, 62, size - 62 * 48));
  assert_classified (fixture, image, plain);
}

static void
test_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const guint64 unknown[] = { MODIFIER_NOT_COPIED, MODIFIER_NOT_IMPORTED, MODIFIER (9) };
  g_auto (Frame) apart;
  g_auto (Frame) frame;
  g_autoptr (GError) error = NULL;
  Frame wrong;

  frame_init (&frame, EFFVK_FORMAT_NV12, 64, 48, MODIFIER_COMPRESSED, FALSE, 1);
  frame_init (&apart, EFFVK_FORMAT_NV12, 64, 48, MODIFIER_COMPRESSED, TRUE, 1);
  if (!can_import_dmabuf (fixture->device))
    return;
  assert_refused (import (fixture, &apart, &error), &error, "in different DMA buffers");
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      wrong = frame;
      wrong.modifier = unknown[i];
      assert_refused (import (fixture, &wrong, &error), &error, "imports no frames of NV12");
    }
  wrong = frame;
  wrong.n_planes = 2;
  assert_refused (import (fixture, &wrong, &error), &error, "has 4 planes in memory, found 2");
  wrong = frame;
  wrong.planes[1].stride = 32;
  assert_refused (import (fixture, &wrong, &error), &error, "offsets and strides");
  wrong = frame;
  wrong.planes[3].offset += 4096;
  assert_refused (import (fixture, &wrong, &error), &error, "but the DMA buffer has");
  wrong = frame;
  for (guint i = 0; i < wrong.n_planes; i++)
    wrong.planes[i].fd = -1;
  assert_refused (import (fixture, &wrong, &error), &error, "is not that of a DMA buffer");
  wrong = frame;
  wrong.width = wrong.height = EFFVK_IMAGE_MAX_SIZE;
  assert_refused (import (fixture, &wrong, &error), &error, "");
  wrong = frame;
  wrong.modifier = 0;
  assert_refused (import (fixture, &wrong, &error), &error, "has 2 planes, found 4");
}

/* An image that the memory does not have the pixels of. */
static void
test_mismatched (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_auto (Frame) frame;
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (EffvkImage) gray = effvk_image_new (EFFVK_FORMAT_GRAY8, 64, 48);
  g_autoptr (EffvkImage) large = effvk_image_new (EFFVK_FORMAT_RGBA, 65, 48);
  g_autoptr (GError) error = NULL;

  frame_init (&frame, EFFVK_FORMAT_RGBA, 64, 48, MODIFIER_TILED, FALSE, 1);
  if (!can_import_dmabuf (fixture->device))
    return;
  memory = import (fixture, &frame, &error);
  g_assert_no_error (error);
  effvk_image_set_memory (gray, memory);
  effvk_image_set_memory (large, memory);
  g_assert_null (effvk_classifier_classify (fixture->alone, gray, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
  g_assert_nonnull (strstr (error->message, "pixels of RGBA"));
  g_clear_error (&error);
  g_assert_null (effvk_classifier_classify (fixture->alone, large, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/modifiers/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("list", test_list);
  ADD ("frames", test_frames);
  /* The validation layer (1.4.309) crashes where memory is bound to one of an image's planes in
     memory. */
  if (g_strcmp0 (g_getenv ("EFFVK_VALIDATION"), "1") != 0)
    ADD ("apart", test_apart);
  ADD ("again", test_again);
  ADD ("odd", test_odd);
  ADD ("refused", test_refused);
  ADD ("mismatched", test_mismatched);
  return g_test_run ();
}
