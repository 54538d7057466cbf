/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/json.h"
#include "model/metadata.h"

#include <effvk/effvk-model.h>

/* Reading one value of a metadata object, by its type. */

#define EFFVK_METADATA_MAX_SIZE 4096 /* pixels */

/* Refuses the value of a key, in the words of who said it; key "": the whole. */
#define effvk_metadata_refuse(code, r, key, format, ...)                                           \
  (g_set_error ((r)->error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_##code, "%s%s%s: " format,        \
                effvk_source_names[(r)->source], *(key) ? " " : "", key, __VA_ARGS__),             \
   FALSE)

typedef struct
{
  EffvkJson json;
  EffvkSource source;
  EffvkArch *arch;
  EffvkRecipe *recipe;
  EffvkSources *sources;
  const EffvkMetadataTarget *target;
  EffvkRecipe before; /* what a new input size is in proportion to */
  char **labels;
  double crop_pct, test_crop_pct; /* 0: absent */
  guint test_width, test_height;
  gboolean sized, resized, whole; /* by this object; whole: nothing of the picture is cropped */
  GError **error;
} EffvkMetadataReader;

/* Refuses the token @found, which may be malformed JSON. */
gboolean effvk_metadata_unexpected (EffvkMetadataReader *r, const char *key, const char *expected,
                                    EffvkJsonToken found);

/* These take the token that begins the value, and refuse what is none of theirs. */
gboolean effvk_metadata_read_number (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                                     double low, double high, double *value);
gboolean effvk_metadata_read_size (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                                   guint *value);
gboolean effvk_metadata_read_input_size (EffvkMetadataReader *r, const char *key,
                                         EffvkJsonToken token, guint *width, guint *height);
gboolean effvk_metadata_read_channels (EffvkMetadataReader *r, const char *key,
                                       EffvkJsonToken token, double low, double high,
                                       float values[3]);
gboolean effvk_metadata_read_choice (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                                     const char *const *choices, int *value);
gboolean effvk_metadata_read_bool (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                                   gboolean *value);
