/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>

/* An image as it is, mirrored, and in crops of which every other is mirrored: (element-type
 * EffvkImage), @n of them. The same seed makes the same crops. */
GPtrArray *effvk_views_new (const EffvkImage *image, guint n, guint32 seed);
