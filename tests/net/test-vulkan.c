/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device and images that somebody else made: the answers are those of the same pixels in the
 * CPU's memory, the images are left as they were, and the caller's objects are let go of in
 * time. */
#include "classifier-helpers.h"
#include "vulkan-world.h"

typedef struct
{
  World world;
  EffvkDevice *device;
  EffvkModel *model;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  EffvkVulkanDevice vulkan;

  world_init (&fixture->world);
  vulkan = world_describe (&fixture->world);
  fixture->device = effvk_device_new_from_vulkan (&vulkan, &error);
  g_assert_no_error (error);
  fixture->model = effvk_model_new_random ("b0", 10, 7, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_object_unref (fixture->model);
  g_assert_cmpint (fixture->world.n_devices_gone, ==, 0);
  g_object_unref (fixture->device);
  g_assert_cmpint (fixture->world.n_devices_gone, ==, 1);
  world_clear (&fixture->world);
}

static void
count_up (gpointer data)
{
  ++*(guint *) data;
}

/* @n_gone counts the frames that are let go of. */
static EffvkImage *
image_of (Fixture *fixture, const Frame *frame, EffvkVulkanUpdateFunc update, guint *n_gone)
{
  g_autoptr (EffvkFrameMemory) memory
      = effvk_frame_memory_new_from_vulkan (fixture->device, frame->planes, frame->n_planes, update,
                                            n_gone, count_up);
  EffvkImage *image = effvk_image_new (effvk_image_get_format (frame->plain),
                                       effvk_image_get_width (frame->plain),
                                       effvk_image_get_height (frame->plain));

  effvk_image_set_memory (image, memory);
  return image;
}

static void
test_formats (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct
  {
    EffvkFormat format;
    guint width, height;
    VkFormat multi_planar;
    VkImageLayout layout;
  } cases[] = {
    { EFFVK_FORMAT_RGBA, 64, 48, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_BGRA, 61, 47, 0, VK_IMAGE_LAYOUT_GENERAL },
    { EFFVK_FORMAT_AYUV, 33, 1, 0, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL },
    { EFFVK_FORMAT_RGB, 61, 47, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_GRAY8, 35, 20, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_GRAY16_LE, 35, 20, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_NV12, 61, 47, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_I420, 61, 47, 0, VK_IMAGE_LAYOUT_GENERAL },
    { EFFVK_FORMAT_Y444, 61, 47, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_P010_10LE, 62, 48, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_NV12, 62, 48, VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL },
    { EFFVK_FORMAT_I420, 62, 48, VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM, VK_IMAGE_LAYOUT_GENERAL },
  };
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  g_autoptr (GVariant) statistics = NULL;
  guint64 n_frames, n_bytes = 0, copied;
  guint n_done = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint again = 0; again < 2; again++)
      {
        g_autoptr (EffvkResult) got = NULL;
        g_autoptr (EffvkResult) expected = NULL;
        g_autoptr (EffvkImage) image = NULL;
        g_autoptr (GError) error = NULL;
        gsize row, rows;
        guint n_gone = 0;
        Frame frame;

        if (!frame_init (&frame, &fixture->world, cases[i].format, cases[i].width, cases[i].height,
                         cases[i].multi_planar, cases[i].layout, i * 2 + again))
          {
            g_test_message ("the device has no images for %s (VkFormat %d)",
                            effvk_format_to_string (cases[i].format), cases[i].multi_planar);
            continue;
          }
        image = image_of (fixture, &frame, NULL, &n_gone);
        g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
        g_assert_no_error (error);
        g_clear_pointer (&image, effvk_image_free);
        g_assert_cmpuint (n_gone, ==, 0); /* the device may still read it */
        got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (n_gone, ==, 1);
        expected = effvk_classifier_classify (classifier, frame.plain, &error);
        g_assert_no_error (error);
        assert_same (got, expected);
        for (guint k = 0; k < frame.n_planes; k++)
          {
            effvk_format_get_plane_size (cases[i].format, k, cases[i].width, cases[i].height, &row,
                                         &rows);
            n_bytes += row * rows;
          }
        n_done++;
        frame_clear (&frame);
      }
  statistics = effvk_classifier_get_statistics (classifier);
  g_assert_true (g_variant_lookup (statistics, "frames-by-device", "t", &n_frames));
  g_assert_cmpuint (n_frames, ==, n_done);
  g_assert_true (g_variant_lookup (statistics, "copied-bytes", "t", &copied));
  g_assert_cmpuint (copied, ==, n_bytes); /* those of the plain ones */
  g_assert_cmpint (fixture->world.n_locked, >=, 2 * (gint) n_done);
}

/* Frames of all kinds share a batch, and parts of one fill one. */
static void
test_batch (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const EffvkRectangle parts[] = { { 3, 5, 20, 11 }, { 0, 0, 61, 47 }, { 60, 46, 1, 1 } };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 3, 2);
  g_autoptr (GError) error = NULL;
  guint n_gone = 0;
  Frame a, b;
  g_autoptr (EffvkImage) x = NULL;
  g_autoptr (EffvkImage) y = NULL;
  const EffvkImage *order[8];

  g_assert_true (frame_init (&a, &fixture->world, EFFVK_FORMAT_NV12, 61, 47, 0,
                             VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1));
  g_assert_true (
      frame_init (&b, &fixture->world, EFFVK_FORMAT_RGBA, 40, 30, 0, VK_IMAGE_LAYOUT_GENERAL, 2));
  x = image_of (fixture, &a, NULL, &n_gone);
  y = image_of (fixture, &b, NULL, &n_gone);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    order[i] = (const EffvkImage *[]){ x, y, a.plain, x, x, b.plain, y, x }[i];
  {
    g_autoptr (GPtrArray) results
        = effvk_classifier_classify_many (classifier, order, G_N_ELEMENTS (order), &error);

    g_assert_no_error (error);
    for (guint i = 0; i < G_N_ELEMENTS (order); i++)
      {
        gboolean is_a = order[i] == x || order[i] == a.plain;
        g_autoptr (EffvkResult) expected
            = effvk_classifier_classify (alone, is_a ? a.plain : b.plain, &error);

        g_assert_no_error (error);
        assert_same (g_ptr_array_index (results, i), expected);
      }
  }
  g_assert_true (effvk_classifier_submit_regions (classifier, x, parts, 3, NULL, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (EffvkResult) got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
      g_autoptr (EffvkResult) expected = NULL;

      g_assert_no_error (error);
      effvk_image_set_crop (a.plain, parts[i].x, parts[i].y, parts[i].width, parts[i].height);
      expected = effvk_classifier_classify (alone, a.plain, &error);
      g_assert_no_error (error);
      assert_same (got, expected);
    }
  g_assert_cmpuint (n_gone, ==, 0);
  g_clear_pointer (&x, effvk_image_free);
  g_clear_pointer (&y, effvk_image_free);
  g_assert_cmpuint (n_gone, ==, 2);
  frame_clear (&a);
  frame_clear (&b);
}

static VkSemaphore awaited;

static void
await (EffvkVulkanPlane *planes, guint n_planes, gpointer data G_GNUC_UNUSED)
{
  for (guint i = 0; i < n_planes; i++)
    {
      g_assert_cmpint (planes[i].layout, ==, VK_IMAGE_LAYOUT_UNDEFINED);
      planes[i].layout = VK_IMAGE_LAYOUT_GENERAL;
      planes[i].semaphore = awaited;
      planes[i].semaphore_value = 3;
    }
}

/* What is told right before the submission counts; a semaphore is waited for. */
static void
test_semaphore (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkImage) image = NULL;
  g_autoptr (EffvkResult) got = NULL;
  g_autoptr (EffvkResult) expected = NULL;
  g_autoptr (GError) error = NULL;
  World *world = &fixture->world;
  VkSemaphoreTypeCreateInfo type = { .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                     .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE };
  const VkSemaphoreCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type };
  VkSemaphoreSignalInfo signal = { .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .value = 3 };
  guint n_gone = 0;
  Frame frame;

  if (!world->timeline)
    {
      g_test_skip ("the device has no timeline semaphores");
      return;
    }
  g_assert_true (
      frame_init (&frame, world, EFFVK_FORMAT_NV12, 62, 48, 0, VK_IMAGE_LAYOUT_GENERAL, 1));
  expected = effvk_classifier_classify (classifier, frame.plain, &error);
  g_assert_no_error (error);
  world->vk.vkCreateSemaphore (world->device, &info, NULL, &awaited);
  for (guint i = 0; i < frame.n_planes; i++)
    frame.planes[i].layout = VK_IMAGE_LAYOUT_UNDEFINED;
  image = image_of (fixture, &frame, await, &n_gone);
  g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
  g_assert_no_error (error);
  g_usleep (50000);
  g_assert_null (effvk_classifier_collect (classifier, FALSE, NULL, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING);
  g_clear_error (&error);
  signal.semaphore = awaited;
  world->vk.vkSignalSemaphore (world->device, &signal);
  got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
  g_assert_no_error (error);
  assert_same (got, expected);
  g_clear_pointer (&image, effvk_image_free);
  g_assert_cmpuint (n_gone, ==, 1);
  world->vk.vkDestroySemaphore (world->device, awaited, NULL);
  frame_clear (&frame);
}

static void
assert_refused (EffvkClassifier *classifier, EffvkImage *image, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkResult) result = effvk_classifier_classify (classifier, image, &error);

  g_assert_null (result);
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
  effvk_image_free (image);
}

/* What cannot be read is refused, with a reason, and leaves nothing behind. */
static void
test_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (GError) error = NULL;
  World *world = &fixture->world;
  guint n_gone = 0;
  EffvkImage *image;
  Frame frame, other;

  g_assert_true (
      frame_init (&frame, world, EFFVK_FORMAT_NV12, 62, 48, 0, VK_IMAGE_LAYOUT_GENERAL, 1));
  g_assert_true (
      frame_init (&other, world, EFFVK_FORMAT_RGBA, 62, 48, 0, VK_IMAGE_LAYOUT_GENERAL, 1));
  frame.planes[1].height--;
  assert_refused (classifier, image_of (fixture, &frame, NULL, &n_gone), "31x23 texels");
  frame.planes[1].height++;
  frame.n_planes--;
  assert_refused (classifier, image_of (fixture, &frame, NULL, &n_gone), "1 planes");
  frame.n_planes++;
  frame.planes[1].layout = VK_IMAGE_LAYOUT_UNDEFINED;
  assert_refused (classifier, image_of (fixture, &frame, NULL, &n_gone), "layout is undefined");
  frame.planes[1].layout = VK_IMAGE_LAYOUT_GENERAL;

  image = image_of (fixture, &other, NULL, &n_gone);
  {
    g_autoptr (EffvkImage) packed = effvk_image_new (EFFVK_FORMAT_YUY2, 62, 48);
    g_autoptr (EffvkFrameMemory) memory
        = effvk_frame_memory_new_from_vulkan (fixture->device, other.planes, 1, NULL, NULL, NULL);

    effvk_image_set_memory (packed, memory);
    assert_refused (classifier, g_steal_pointer (&packed), "YUY2");
  }
  {
    EffvkVulkanDevice vulkan = world_describe (world);
    g_autoptr (EffvkDevice) device = effvk_device_new_from_vulkan (&vulkan, &error);
    g_autoptr (EffvkClassifier) elsewhere
        = effvk_classifier_new (device, fixture->model, NULL, &error);

    g_assert_no_error (error);
    assert_refused (elsewhere, effvk_image_copy (image), "another device");
  }
  g_atomic_int_add (&world->n_devices_gone, -1);
  result = effvk_classifier_classify (classifier, image, &error);
  g_assert_no_error (error);
  effvk_image_free (image);
  g_assert_cmpuint (n_gone, ==, 4);
  frame_clear (&frame);
  frame_clear (&other);
}

/* Devices that are used in a way that effvk cannot work with. */
static void
test_devices (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  EffvkVulkanDevice vulkan = world_describe (&fixture->world);
  g_autoptr (GError) error = NULL;

  vulkan.api_version = VK_API_VERSION_1_0;
  g_assert_null (effvk_device_new_from_vulkan (&vulkan, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "it has Vulkan 1.0, expected 1.1"));
  g_clear_error (&error);

  vulkan = world_describe (&fixture->world);
  vulkan.queue_family = 99;
  g_assert_null (effvk_device_new_from_vulkan (&vulkan, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "its queue does not compute"));

  g_assert_cmpint (fixture->world.n_devices_gone, ==, 2);
  fixture->world.n_devices_gone = 0;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/vulkan/formats", Fixture, NULL, set_up, test_formats, tear_down);
  g_test_add ("/vulkan/batch", Fixture, NULL, set_up, test_batch, tear_down);
  g_test_add ("/vulkan/semaphore", Fixture, NULL, set_up, test_semaphore, tear_down);
  g_test_add ("/vulkan/refused", Fixture, NULL, set_up, test_refused, tear_down);
  g_test_add ("/vulkan/devices", Fixture, NULL, set_up, test_devices, tear_down);
  return g_test_run ();
}
