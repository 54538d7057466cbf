/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames in DMA buffers: the answers are those of the same pixels in the CPU's memory, and where
 * the device cannot import them, or they are no such frames, that is said. */
#define _GNU_SOURCE
#include "device-fixture.h"
#include "vk/memory.h"

#include <sys/mman.h>
#include <unistd.h>

/* A DMA buffer of the device's own. */
static int export(EffvkDevice *device, gsize size)
{
  const VkExportMemoryAllocateInfo exported
      = { .sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
          .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                    .pNext = &exported,
                                    .allocationSize = (size + 4095) / 4096 * 4096 };
  VkMemoryGetFdInfoKHR get = { .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
                               .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  int fd = -1;

  while (!(device->memory.memoryTypes[allocate.memoryTypeIndex].propertyFlags
           & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
    allocate.memoryTypeIndex++;
  if (device->vk.vkAllocateMemory (device->handle, &allocate, NULL, &get.memory) != VK_SUCCESS)
    return -1;
  if (device->vk.vkGetMemoryFdKHR (device->handle, &get, &fd) != VK_SUCCESS)
    fd = -1;
  device->vk.vkFreeMemory (device->handle, get.memory, NULL);
  return fd;
}

/* Its file, filled. Where a CPU device cannot export (the system has no /dev/udmabuf), memory that
 * the CPU shares does instead: the device maps either. */
static int
make_file (EffvkDevice *device, const guint8 *bytes, gsize size)
{
  int fd = export(device, size);
  void *map;

  if (fd < 0)
    {
      g_assert_true (effvk_device_get_caps (device)->cpu);
      g_test_message ("the device cannot export a DMA buffer: a memfd is imported");
      fd = memfd_create ("frame", MFD_CLOEXEC);
      g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
    }
  map = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (map != MAP_FAILED);
  memcpy (map, bytes, size);
  munmap (map, size);
  return fd;
}

/* A frame of noise: in the CPU's memory, and with padding in one file, or one a plane. */
static EffvkImage *
make_frame (Fixture *fixture, EffvkFormat format, guint width, guint height, gsize begin,
            gsize padding, gboolean one_file, guint seed, EffvkImage **plain)
{
  guint n_planes = effvk_format_get_n_planes (format);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GByteArray) tight = g_byte_array_new ();
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  EffvkDmabufPlane planes[EFFVK_IMAGE_MAX_PLANES];
  EffvkImage *image = effvk_image_new (format, width, height);

  for (guint i = 0; i < n_planes; i++)
    {
      gsize row, rows;

      effvk_format_get_plane_size (format, i, width, height, &row, &rows);
      if (i == 0 || !one_file)
        g_byte_array_set_size (file, (guint) begin);
      planes[i].offset = file->len;
      planes[i].stride = row + padding;
      for (gsize k = 0; k < row * rows; k++)
        {
          guint8 byte = (guint8) g_rand_int_range (rand, 0, 256);

          g_byte_array_append (tight, &byte, 1);
          g_byte_array_append (file, &byte, 1);
          if ((k + 1) % row == 0 && (k + 1) / row < rows) /* the last row ends with its pixels */
            g_byte_array_set_size (file, (guint) (file->len + padding));
        }
      if (!one_file)
        planes[i].fd = make_file (fixture->device, file->data, file->len);
    }
  if (one_file)
    planes[0].fd = planes[1].fd = planes[2].fd = make_file (fixture->device, file->data, file->len);
  memory = one_file ? effvk_frame_memory_new_from_dmabuf (fixture->device, planes, n_planes, &error)
                    : effvk_frame_memory_new_from_dmabuf_with_modifier (fixture->device, format,
                                                                        width, height, 0, planes,
                                                                        n_planes, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < (one_file ? 1 : n_planes); i++)
    close (planes[i].fd);
  effvk_image_set_memory (image, memory);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&tight));
  *plain = effvk_image_new_from_bytes (format, width, height, bytes);
  return image;
}

static void
test_frames (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct
  {
    EffvkFormat format;
    guint width, height;
    gsize begin, padding;
    gboolean one_file;
  } cases[] = {
    { EFFVK_FORMAT_NV12, 64, 48, 0, 0, TRUE },        { EFFVK_FORMAT_NV12, 61, 47, 256, 3, TRUE },
    { EFFVK_FORMAT_I420, 62, 48, 64, 2, FALSE },      { EFFVK_FORMAT_RGB, 61, 47, 4096, 9, TRUE },
    { EFFVK_FORMAT_YUY2, 64, 20, 16, 128, TRUE },     { EFFVK_FORMAT_BGRA, 33, 1, 0, 60, TRUE },
    { EFFVK_FORMAT_P010_10LE, 64, 48, 0, 32, FALSE },
  };
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkClassifier) alone = NULL;

  if (!can_import_dmabuf (fixture->device))
    return;
  classifier = new_classifier (fixture->device, fixture->model, 2, 2);
  alone = new_classifier (fixture->device, fixture->model, 1, 2);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (EffvkImage) plain = NULL;
      g_autoptr (EffvkImage) image
          = make_frame (fixture, cases[i].format, cases[i].width, cases[i].height, cases[i].begin,
                        cases[i].padding, cases[i].one_file, i, &plain);
      const EffvkImage *both[] = { plain, image, image };
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) got
          = effvk_classifier_classify_many (classifier, both, G_N_ELEMENTS (both), &error);
      g_autoptr (EffvkResult) expected = NULL;
      guint n;

      g_assert_no_error (error);
      expected = effvk_classifier_classify (alone, plain, &error);
      g_assert_no_error (error);
      for (guint k = 0; k < got->len; k++)
        g_assert_cmpmem (effvk_result_get_logits (g_ptr_array_index (got, k), &n),
                         n * sizeof (float), effvk_result_get_logits (expected, &n),
                         n * sizeof (float));
    }
}

/* A DRM modifier that no device has; tests/net/test-modifiers.c is about those that one has. */
static void
test_modifier_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const EffvkDmabufPlane planes[] = { { .fd = -1, .stride = 64 }, { .fd = -1, .stride = 64 } };
  gboolean imports = effvk_device_can_import_dmabuf (fixture->device);
  const char *expected = !imports                             ? "cannot import DMA buffers"
                         : fixture->device->imports_modifiers ? "0xee00000000000009"
                                                              : "VK_EXT_image_drm_format_modifier";
  g_autofree EffvkDmabufModifier *list = NULL;
  g_autoptr (GError) error = NULL;
  guint n;

  list = effvk_device_list_dmabuf_modifiers (fixture->device, EFFVK_FORMAT_NV12, &n);
  g_assert_cmpint (n > 0, ==, imports);
  if (imports)
    g_assert_cmphex (list[0].modifier, ==, 0);
  if (imports && !fixture->device->imports_modifiers)
    g_assert_cmpuint (n, ==, 1);
  g_assert_null (
      effvk_frame_memory_new_from_dmabuf_with_modifier (fixture->device, EFFVK_FORMAT_NV12, 64, 64,
                                                        0xee00000000000009, planes, 2, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, expected));
}

static void
test_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const guint8 zeros[8192];
  EffvkDmabufPlane planes[] = { { .fd = -1, .stride = 64 }, { .fd = -1, .stride = 64 } };
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 64, 64);
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (effvk_frame_memory_new_from_dmabuf (fixture->device, planes, 2, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_test_message ("%s", error->message);
  g_clear_error (&error);
  if (!can_import_dmabuf (fixture->device))
    return;
  planes[0].fd = planes[1].fd = make_file (fixture->device, zeros, sizeof zeros);
  planes[1].offset = 8192 - 64 * 32 + 1; /* one byte too far */
  memory = effvk_frame_memory_new_from_dmabuf (fixture->device, planes, 2, &error);
  g_assert_no_error (error);
  close (planes[0].fd);
  classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  effvk_image_set_memory (image, memory);
  result = effvk_classifier_classify (classifier, image, &error);
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "plane 1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dmabuf/frames", Fixture, NULL, set_up, test_frames, tear_down);
  g_test_add ("/dmabuf/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add ("/dmabuf/modifier-refused", Fixture, NULL, set_up, test_modifier_refused, tear_down);
  return g_test_run ();
}
