/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What people give instead of a model. */

/* How many bytes of a file's beginning tell what it is. */
#define EFFVK_FOREIGN_START 512

/* What a file is that effvk does not read, and what to do with it, as a sentence without an end; or
 * NULL for an unknown one. @start is its beginning, @end its last bytes (of a zip archive: what it
 * holds is read there), behind @before others. */
char *effvk_foreign_describe (const guint8 *start, gsize start_size, const guint8 *end,
                              gsize end_size, guint64 before);
