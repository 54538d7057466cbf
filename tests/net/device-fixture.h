/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classifier-helpers.h"
#include "vk/device.h"

/* A device, and a small network with random weights. */
typedef struct
{
  EffvkDevice *device;
  EffvkModel *model;
} Fixture;

static inline void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  fixture->device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  g_assert_no_error (error);
  fixture->model = effvk_model_new_random ("b0", 10, 7, &error);
  g_assert_no_error (error);
}

static inline void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_object_unref (fixture->model);
  g_object_unref (fixture->device);
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
}

/* Noise in RGB that depends on the seed. */
static inline EffvkImage *
new_image (guint seed, guint width, guint height)
{
  gsize size = (gsize) width * height * 3;
  guint8 *pixels = g_malloc (size);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GBytes) bytes = NULL;

  for (gsize i = 0; i < size; i++)
    pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
  bytes = g_bytes_new_take (pixels, size);
  return effvk_image_new_from_bytes (EFFVK_FORMAT_RGB, width, height, bytes);
}
