/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The name that @word most likely was meant to be: the one with the fewest letters typed wrongly,
 * left out, added or swapped; NULL where none is near. */
const char *effvk_nearest (const char *word, const char *const *names, guint n_names);
