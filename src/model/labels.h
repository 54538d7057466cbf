/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/json.h"

/* Reads exactly @classes labels, one a line or as JSON: a NULL-terminated list, or NULL with @error
 * set in EFFVK_MODEL_ERROR. Messages name the path. */
char **effvk_labels_read (const char *path, guint classes, GError **error);

/* The same from memory; messages do not name a path. */
char **effvk_labels_parse (const char *text, gsize length, guint classes, GError **error);

/* A JSON list of labels, or a map in either direction ({"0": "tench"}, {"tench": 0}), whose first
 * token was @first. Messages begin with @where; errors have @code. */
char **effvk_labels_read_json (EffvkJson *json, EffvkJsonToken first, guint classes,
                               const char *where, int code, GError **error);

/* "class 0", "class 1", … for a model without labels. */
char **effvk_labels_numbered (guint classes);
