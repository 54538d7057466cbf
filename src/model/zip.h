/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Zip archives that nobody vouches for, also behind other data: their table of contents, and
 * members that are small. Everything is checked against the bytes that are there, and a member is
 * unpacked no further than the caller allows, whatever it says of its size. */

/* What the table of contents may be behind: the longest comment. */
#define EFFVK_ZIP_TAIL ((gsize) 22 + 65535)
#define EFFVK_ZIP_MAX_MEMBERS 10000

typedef struct
{
  const guint8 *data; /* the last bytes of a file */
  gsize size;
  guint64 before;      /* bytes of the file before @data */
  gsize directory;     /* of the table of contents, in @data */
  guint n_members;     /* not more than EFFVK_ZIP_MAX_MEMBERS */
  gint64 displacement; /* what offsets miss, where data stand before the archive */
} EffvkZip;

typedef struct
{
  const char *name; /* of the archive: no NUL at its end, and in no certain encoding */
  guint name_length;
  guint flags, method;
  guint64 packed, unpacked; /* bytes */
  guint64 offset;           /* of its header, from the beginning of the file */
  gsize next;               /* for effvk_zip_next() */
} EffvkZipMember;

/* Whether a file that ends in @data is a zip archive. */
gboolean effvk_zip_init (EffvkZip *zip, const guint8 *data, gsize size, guint64 before);
/* The first member when @member is zeroed, else the one after it. */
gboolean effvk_zip_next (const EffvkZip *zip, EffvkZipMember *member);
gboolean effvk_zip_name_ends (const EffvkZipMember *member, const char *end);

/* The member's bytes, or NULL where it is damaged, encrypted, longer than @limit, or compressed
 * with another method than deflate. */
GBytes *effvk_zip_read (const EffvkZip *zip, const EffvkZipMember *member, gsize limit);
