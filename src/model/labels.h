/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Reads one label a line, exactly @classes of them: a NULL-terminated list, or NULL with @error set
 * in EFFVK_MODEL_ERROR. Messages name the path. */
char **effvk_labels_read (const char *path, guint classes, GError **error);

/* The same from memory; messages do not name a path. */
char **effvk_labels_parse (const char *text, gsize length, guint classes, GError **error);

/* "class 0", "class 1", … for a model without labels. */
char **effvk_labels_numbered (guint classes);
