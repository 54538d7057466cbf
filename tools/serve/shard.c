/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/shard.h"

#include <gio/gio.h>
#include <string.h>

#define MOST_SHARDS 1000

/* "effvk-12" → 12 */
static gboolean
get_ordinal (const char *host, guint64 *ordinal)
{
  g_autofree char *first = g_strndup (host, strcspn (host, ".")); /* without the domain */
  const char *hyphen = strrchr (first, '-');

  return hyphen && g_ascii_string_to_unsigned (hyphen + 1, 10, 0, G_MAXUINT, ordinal, NULL);
}

gboolean
serve_shard_parse (const char *text, const char *host, ServeShard *shard, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text ? text : "", "/", 2);
  gboolean host_tells = parts[0] && strcmp (parts[0], "auto") == 0;
  guint64 index = 0, of = 0;

  *shard = (ServeShard){ 0 };
  if (!parts[0])
    return TRUE;
  if (!parts[1] || !g_ascii_string_to_unsigned (parts[1], 10, 1, MOST_SHARDS, &of, NULL)
      || (!host_tells && !g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT, &index, NULL)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "shard: expected I/N such as 0/4, or auto/N, with an N from 1 to %d, not \"%s\"",
                   MOST_SHARDS, text);
      return FALSE;
    }
  if (host_tells && !get_ordinal (host, &index))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "shard: \"%s\" takes the number at the end of the host name, such as effvk-2; "
                   "\"%s\" has none",
                   text, host);
      return FALSE;
    }
  /* A StatefulSet that grows has the process before the list says so: it waits for streams. */
  if (index >= of && !host_tells)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "shard: of %u the first is 0 and the last is %u; there is no %s", (guint) of,
                   (guint) of - 1, parts[0]);
      return FALSE;
    }
  *shard = (ServeShard){ (guint) index, (guint) of };
  return TRUE;
}

/* Rendezvous hashing: the shard whose hash with the name is the largest. A hash is the first 8
 * bytes of SHA-256 ("NAME/INDEX"), so that other programs can tell as well. */
guint
serve_shard_choose (const char *name, guint of)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint64 most = 0;
  guint chosen = 0;

  for (guint i = 0; i < of; i++)
    {
      g_autofree char *text = g_strdup_printf ("%s/%u", name, i);
      guint8 digest[32];
      gsize size = sizeof digest;
      guint64 hash = 0;

      g_checksum_reset (checksum);
      g_checksum_update (checksum, (const guchar *) text, (gssize) strlen (text));
      g_checksum_get_digest (checksum, digest, &size);
      for (guint b = 0; b < sizeof hash; b++)
        hash = hash << 8 | digest[b];
      if (i == 0 || hash > most)
        {
          most = hash;
          chosen = i;
        }
    }
  return chosen;
}

gboolean
serve_shard_has (const ServeShard *shard, const char *name)
{
  return shard->of == 0 || serve_shard_choose (name, shard->of) == shard->index;
}
