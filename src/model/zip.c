/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/zip.h"

#include <gio/gio.h>
#include <string.h>

/* The sizes of the format's records, without what varies. */
#define END_SIZE 22
#define ENTRY_SIZE 46
#define HEADER_SIZE 30
#define ENCRYPTED 1

enum
{
  STORED = 0,
  DEFLATED = 8,
};

static guint64
load (const guint8 *at, guint size)
{
  guint64 value = 0;

  for (guint i = 0; i < size; i++)
    value |= (guint64) at[i] << (8 * i);
  return value;
}

static gboolean
is_entry (const EffvkZip *zip, guint64 at)
{
  return zip->size >= ENTRY_SIZE && at <= zip->size - ENTRY_SIZE
         && memcmp (zip->data + at, "PK\1\2", 4) == 0;
}

/* Finds the table of contents. It is where the record at the archive's end says: other records may
 * lie between the two. Where the archive was put behind other data as it was, the table is directly
 * before that record. */
static gboolean
read_end (EffvkZip *zip, gsize at)
{
  const guint8 *end = zip->data + at;
  guint64 size = load (end + 12, 4), offset = load (end + 16, 4);

  zip->n_members = (guint) load (end + 10, 2);
  if (memcmp (end, "PK\5\6", 4) != 0 || at + END_SIZE + load (end + 20, 2) != zip->size || size > at
      || zip->n_members > EFFVK_ZIP_MAX_MEMBERS)
    return FALSE;
  zip->displacement = 0;
  if (offset >= zip->before && is_entry (zip, offset - zip->before))
    {
      zip->directory = (gsize) (offset - zip->before);
      return TRUE;
    }
  zip->directory = at - (gsize) size;
  zip->displacement = (gint64) (zip->before + zip->directory) - (gint64) offset;
  return zip->displacement >= 0;
}

gboolean
effvk_zip_init (EffvkZip *zip, const guint8 *data, gsize size, guint64 before)
{
  *zip = (EffvkZip){ .data = data, .size = size, .before = before };
  for (gsize back = END_SIZE; back <= MIN (size, EFFVK_ZIP_TAIL); back++)
    if (read_end (zip, size - back))
      return TRUE;
  return FALSE;
}

gboolean
effvk_zip_next (const EffvkZip *zip, EffvkZipMember *member)
{
  gsize at = member->next ? member->next : zip->directory;
  const guint8 *entry;
  gsize length;

  if (!is_entry (zip, at))
    return FALSE;
  entry = zip->data + at;
  *member = (EffvkZipMember){ .name = (const char *) entry + ENTRY_SIZE,
                              .name_length = (guint) load (entry + 28, 2),
                              .flags = (guint) load (entry + 8, 2),
                              .method = (guint) load (entry + 10, 2),
                              .packed = load (entry + 20, 4),
                              .unpacked = load (entry + 24, 4),
                              .offset = load (entry + 42, 4) + (guint64) zip->displacement };
  length = ENTRY_SIZE + member->name_length + (gsize) load (entry + 30, 2)
           + (gsize) load (entry + 32, 2);
  if (length > zip->size - at)
    return FALSE;
  member->next = at + length;
  return TRUE;
}

gboolean
effvk_zip_name_ends (const EffvkZipMember *member, const char *end)
{
  gsize length = strlen (end);

  return member->name_length >= length
         && memcmp (member->name + member->name_length - length, end, length) == 0;
}

static GBytes *
inflate (const guint8 *data, gsize size, gsize unpacked)
{
  g_autoptr (GZlibDecompressor) inflater = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW);
  /* One byte more than is expected: a longer member shows. */
  g_autofree guint8 *out = g_try_malloc (unpacked + 1);
  GConverterResult result = G_CONVERTER_CONVERTED;
  gsize done = 0, read, written;

  while (out && result == G_CONVERTER_CONVERTED && done <= unpacked)
    {
      result = g_converter_convert (G_CONVERTER (inflater), data, size, out + done,
                                    unpacked + 1 - done, G_CONVERTER_INPUT_AT_END, &read, &written,
                                    NULL);
      if (result == G_CONVERTER_ERROR)
        return NULL;
      data += read;
      size -= read;
      done += written;
    }
  if (result != G_CONVERTER_FINISHED || done != unpacked)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&out), unpacked);
}

GBytes *
effvk_zip_read (const EffvkZip *zip, const EffvkZipMember *member, gsize limit)
{
  guint64 at = member->offset - zip->before;
  const guint8 *header;

  if (member->offset < zip->before || zip->size < HEADER_SIZE || at > zip->size - HEADER_SIZE
      || (member->flags & ENCRYPTED) || member->unpacked > limit)
    return NULL;
  header = zip->data + at;
  at += HEADER_SIZE + load (header + 26, 2) + load (header + 28, 2);
  if (memcmp (header, "PK\3\4", 4) != 0 || at > zip->size || member->packed > zip->size - at)
    return NULL;
  if (member->method == DEFLATED)
    return inflate (zip->data + at, (gsize) member->packed, (gsize) member->unpacked);
  if (member->method != STORED || member->packed != member->unpacked)
    return NULL;
  return g_bytes_new (zip->data + at, (gsize) member->unpacked);
}
