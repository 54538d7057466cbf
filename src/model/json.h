/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A pull reader for JSON that nobody vouches for, and the few functions that write JSON.
 *
 * The reader keeps no tree and does not recurse: its memory is this struct, whatever the text
 * holds. Grammar is RFC 8259's; strings must be UTF-8. Object keys are handed out one by one, so
 * the caller sees duplicates, which readers that build a tree merge silently. */

#define EFFVK_JSON_MAX_DEPTH 8

typedef enum
{
  EFFVK_JSON_ERROR, /* json->problem and json->offset say what and where */
  EFFVK_JSON_OBJECT,
  EFFVK_JSON_OBJECT_END,
  EFFVK_JSON_ARRAY,
  EFFVK_JSON_ARRAY_END,
  EFFVK_JSON_KEY, /* its value is the next token */
  EFFVK_JSON_STRING,
  EFFVK_JSON_NUMBER,
  EFFVK_JSON_TRUE,
  EFFVK_JSON_FALSE,
  EFFVK_JSON_NULL,
  EFFVK_JSON_END,
} EffvkJsonToken;

typedef struct
{
  const char *text; /* not owned; need not end in NUL */
  gsize length;
  gsize offset; /* of the next byte to read */
  const char *problem;
  /* Of the last KEY, STRING or NUMBER: its bytes as they stand in the text, without quotes. */
  const char *token;
  gsize token_length;
  gboolean escaped; /* the token has backslashes */
  guint depth;
  guint objects; /* bit n: the container at depth n + 1 is an object */
  guint expect;
} EffvkJson;

void effvk_json_init (EffvkJson *json, const char *text, gsize length);
EffvkJsonToken effvk_json_next (EffvkJson *json);

/* Reads past the next value, whatever it is. */
gboolean effvk_json_skip (EffvkJson *json);

/* What a token is, for messages: "a number". */
const char *effvk_json_token_name (EffvkJsonToken token);

/* The last KEY or STRING, unescaped. NULL when an escape is not a character (a lone surrogate, or
 * U+0000, which C strings cannot hold). */
char *effvk_json_dup_string (const EffvkJson *json);

/* The beginning of the last token as it stands in the text, for messages: short and valid UTF-8. */
char *effvk_json_excerpt (const EffvkJson *json);

/* No control characters: what a file calls things ends in logs and on terminals. */
gboolean effvk_text_is_plain (const char *utf8);

/* The last KEY or STRING equals @string, which has no characters that JSON escapes. */
gboolean effvk_json_is (const EffvkJson *json, const char *string);

/* The last NUMBER. The first fails for what is not a whole number below 2^64. */
gboolean effvk_json_get_uint (const EffvkJson *json, guint64 *value);
double effvk_json_get_double (const EffvkJson *json);

void effvk_json_append_string (GString *out, const char *string);
/* With as few digits as read back as the same float (0.485, not 0.485000014). */
void effvk_json_append_float (GString *out, float value);
void effvk_json_append_double (GString *out, double value);
