/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

#include <gio/gio.h>

/* Settings of one kind of thing, as a table: a stream, a model, an output, the server. The same
 * table reads the file and the API, compares, and writes. */
typedef enum
{
  SERVE_KEY_TEXT,   /* char *; NULL where it is not set */
  SERVE_KEY_NUMBER, /* double */
  SERVE_KEY_SWITCH, /* gboolean: true or false */
} ServeKeyKind;

typedef enum
{
  SERVE_KEY_LIVE = 1 << 0,      /* counts at once; the others need a new start of their thing */
  SERVE_KEY_FILE_ONLY = 1 << 1, /* names a file or a program: not over the network */
  SERVE_KEY_URI = 1 << 2,       /* shown without its password */
} ServeKeyFlags;

typedef struct
{
  const char *name; /* NULL at the end of the table */
  ServeKeyKind kind;
  gsize offset;
  double min, max, preset; /* of numbers and switches */
  ServeKeyFlags flags;
} ServeKey;

void serve_keys_init (const ServeKey *keys, gpointer object);
void serve_keys_clear (const ServeKey *keys, gpointer object);
void serve_keys_copy (const ServeKey *keys, gconstpointer from, gpointer to);

/* Copies the texts that are set in @from. */
void serve_keys_override (const ServeKey *keys, gconstpointer from, gpointer to);

const ServeKey *serve_keys_find (const ServeKey *keys, const char *name);

/* "a, b, c". Transfer full. */
char *serve_keys_list (const ServeKey *keys);

/* Sets what @key stands for; an empty text unsets it. */
gboolean serve_keys_set (const ServeKey *key, gpointer object, const char *text, GError **error);

/* The value as the file has it; NULL where it is the preset. Transfer full. */
char *serve_keys_get (const ServeKey *key, gconstpointer object);

/* Whether a key differs that is SERVE_KEY_LIVE (@live), or one that is not. */
gboolean serve_keys_differ (const ServeKey *keys, gconstpointer a, gconstpointer b, gboolean live);

/* A member for each key. */
void serve_keys_write (const ServeKey *keys, gconstpointer object, GstEffvkJson *json);
