/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tune/choices.h"

#include "vk/cache.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#define MAX_BYTES 65536

struct _EffvkChoices
{
  GArray *list; /* (element-type EffvkChoice) */
  guint next;
};

static void
choice_clear (gpointer data)
{
  g_free ((gpointer) ((EffvkChoice *) data)->usable);
}

EffvkChoices *
effvk_choices_new (void)
{
  EffvkChoices *choices = g_new0 (EffvkChoices, 1);

  choices->list = g_array_new (FALSE, FALSE, sizeof (EffvkChoice));
  g_array_set_clear_func (choices->list, choice_clear);
  return choices;
}

void
effvk_choices_free (EffvkChoices *choices)
{
  if (!choices)
    return;
  g_array_unref (choices->list);
  g_free (choices);
}

void
effvk_choices_add (EffvkChoices *choices, const EffvkChoice *choice)
{
  EffvkChoice copy = *choice;
  guint n = 0;

  while (copy.usable && copy.usable[n])
    n++;
  if (copy.usable)
    copy.usable = g_memdup2 (copy.usable, (n + 1) * sizeof *copy.usable);
  g_array_append_val (choices->list, copy);
}

guint
effvk_choices_get_n (const EffvkChoices *choices)
{
  return choices->list->len;
}

const EffvkChoice *
effvk_choices_get (const EffvkChoices *choices, guint i)
{
  return &g_array_index (choices->list, EffvkChoice, i);
}

const char *
effvk_choices_take (EffvkChoices *choices, const char *op)
{
  const EffvkChoice *choice;

  if (choices->next == choices->list->len)
    return NULL;
  choice = effvk_choices_get (choices, choices->next++);
  return strcmp (choice->op, op) == 0 ? choice->kernel : NULL;
}

/* The first line of a file: whose it is. */
static char *
describe_key (EffvkDevice *device, const char *network)
{
  g_autofree char *identity = effvk_cache_identity (device);

  return g_strdup_printf ("effvk-kernels 1 %s %s", identity, network);
}

static char *
choices_path (EffvkDevice *device, const char *network)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, network, -1);
  g_autofree char *name
      = g_strdup_printf ("kernels-%s-%.16s.txt", effvk_device_get_uuid (device), hash);

  return effvk_cache_path (name);
}

/* The choices of a file's text, or NULL: its last line is the checksum of those before. */
static EffvkChoices *
parse (const char *text, gsize size, const char *key)
{
  g_autoptr (EffvkChoices) choices = effvk_choices_new ();
  g_autofree char *sum = NULL;
  g_auto (GStrv) lines = NULL;
  const char *last;

  if (size < 65 || memchr (text, '\0', size) || text[size - 1] != '\n')
    return NULL;
  last = text + size - 65; /* 64 digits and a line end */
  sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text,
                                     (gsize) (last - text));
  if (strncmp (sum, last, 64) != 0)
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  if (strcmp (lines[0], key) != 0)
    return NULL;
  for (guint i = 1; lines[i + 2]; i++) /* but the checksum and what follows it, nothing */
    {
      char *space = strchr (lines[i], ' ');

      if (!space)
        return NULL;
      *space = '\0';
      effvk_choices_add (choices, &(EffvkChoice){ .op = g_intern_string (lines[i]),
                                                  .kernel = g_intern_string (space + 1) });
    }
  return g_steal_pointer (&choices);
}

EffvkChoices *
effvk_choices_load (EffvkDevice *device, const char *network)
{
  g_autofree char *path = choices_path (device, network);
  g_autofree char *key = NULL;
  g_autofree guint8 *text = NULL;
  EffvkChoices *choices;
  gsize size = 0;

  text = path ? effvk_cache_read (path, MAX_BYTES, &size) : NULL;
  if (!text)
    return NULL;
  key = describe_key (device, network);
  choices = parse ((const char *) text, size, key);
  g_debug ("%s: %s", path, choices ? "kernels chosen by tuning" : "damaged or another's: ignored");
  return choices;
}

gboolean
effvk_choices_save (const EffvkChoices *choices, EffvkDevice *device, const char *network,
                    GError **error)
{
  g_autofree char *path = choices_path (device, network);
  g_autofree char *key = describe_key (device, network);
  g_autoptr (GString) text = g_string_new (key);
  g_autofree char *folder = NULL;
  g_autofree char *sum = NULL;

  if (!path)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           "the choice cannot be kept: EFFVK_CACHE_DIR is empty");
      return FALSE;
    }
  g_string_append_c (text, '\n');
  for (guint i = 0; i < choices->list->len; i++)
    {
      const EffvkChoice *choice = effvk_choices_get (choices, i);

      g_string_append_printf (text, "%s %s\n", choice->op, choice->kernel);
    }
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize) text->len);
  g_string_append_printf (text, "%s\n", sum);
  folder = g_path_get_dirname (path);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      int saved = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                   "%s: cannot be created: %s", folder, g_strerror (saved));
      return FALSE;
    }
  return g_file_set_contents_full (path, text->str, (gssize) text->len,
                                   G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
