/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What people give instead of a model. */

/* How many bytes of a file's beginning tell what it is. */
#define EFFVK_FOREIGN_START 512

/* Describes a file of a kind that effvk does not read, and says what to do with it, as a sentence
 * without a full stop. NULL for an unknown kind. @start is the file's beginning. @end is its last
 * bytes, behind @before others: there a zip archive says what it holds. */
char *effvk_foreign_describe (const guint8 *start, gsize start_size, const guint8 *end,
                              gsize end_size, guint64 before);
