/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file-list.h"

#include "common.h"

#include <string.h>

#define ATTRIBUTES                                                                                 \
  G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE                                \
                                 "," G_FILE_ATTRIBUTE_STANDARD_IS_HIDDEN                           \
                                 "," G_FILE_ATTRIBUTE_STANDARD_CONTENT_TYPE

/* A file or a folder in a folder. */
typedef struct
{
  char *path, *key; /* by which they are sorted */
  gboolean is_folder;
} Entry;

static void
entry_clear (gpointer data)
{
  Entry *entry = data;

  g_free (entry->path);
  g_free (entry->key);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *x = a, *y = b;
  int order = strcmp (x->key, y->key);

  return order ? order : strcmp (x->path, y->path);
}

static gboolean
is_media (GFileInfo *info)
{
  static const char *const others[]
      = { "application/mxf", "application/ogg", "application/vnd.rn-realmedia",
          "application/x-matroska", NULL };
  const char *type = g_file_info_get_content_type (info);
  g_autofree char *mime = type ? g_content_type_get_mime_type (type) : NULL;

  return mime
         && (g_str_has_prefix (mime, "image/") || g_str_has_prefix (mime, "video/")
             || g_strv_contains (others, mime));
}

/* Adds what @info is about, unless it is to be passed over. */
static void
add_entry (GArray *entries, GFile *file, GFileInfo *info)
{
  g_autoptr (GFileInfo) target = NULL;
  GFileType type = g_file_info_get_file_type (info);
  Entry entry = { .is_folder = type == G_FILE_TYPE_DIRECTORY };

  if (g_file_info_get_is_hidden (info))
    return;
  if (type == G_FILE_TYPE_SYMBOLIC_LINK)
    {
      target = g_file_query_info (file, ATTRIBUTES, G_FILE_QUERY_INFO_NONE, NULL, NULL);
      info = target;
      type = target ? g_file_info_get_file_type (target) : type;
    }
  if (!entry.is_folder && (type != G_FILE_TYPE_REGULAR || !is_media (info)))
    return;
  entry.path = g_file_get_path (file);
  {
    g_autofree char *name = g_filename_display_basename (entry.path);

    entry.key = g_utf8_collate_key_for_filename (name, -1);
  }
  g_array_append_val (entries, entry);
}

static GArray *
list_folder (const char *path, GError **error)
{
  g_autoptr (GFile) folder = g_file_new_for_path (path);
  g_autoptr (GFileEnumerator) children
      = g_file_enumerate_children (folder, ATTRIBUTES, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL,
                                   error);
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  GFileInfo *info;
  GFile *child;

  g_array_set_clear_func (entries, entry_clear);
  if (!children)
    return NULL;
  for (;;)
    {
      if (!g_file_enumerator_iterate (children, &info, &child, NULL, error))
        return NULL;
      if (!info)
        break;
      add_entry (entries, child, info);
    }
  g_array_sort (entries, compare_entries);
  return g_steal_pointer (&entries);
}

/* "FOLDER/…" rather than the whole path, where that is how the folder was given. */
static char *
name_inside (const char *folder, const char *path)
{
  g_autofree char *base = g_path_get_basename (path);

  return g_build_filename (folder, base, NULL);
}

static gboolean
add_folder (GPtrArray *names, const char *folder, gboolean recursive)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = list_folder (folder, &error);
  gboolean complete = TRUE;

  if (!entries)
    {
      g_autofree char *shown = g_filename_display_name (folder);

      tool_error ("%s: %s", shown, error->message);
      return FALSE;
    }
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);
      g_autofree char *name = name_inside (folder, entry->path);

      if (!entry->is_folder)
        g_ptr_array_add (names, g_steal_pointer (&name));
      else if (recursive)
        complete &= add_folder (names, name, TRUE);
    }
  return complete;
}

GPtrArray *
tool_file_list_new (char *const *arguments, gboolean literally, gboolean recursive,
                    gboolean *complete)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  *complete = TRUE;
  for (; *arguments; arguments++)
    {
      guint before = names->len;
      gboolean read;

      if (literally || !g_file_test (*arguments, G_FILE_TEST_IS_DIR))
        {
          g_ptr_array_add (names, g_strdup (*arguments));
          continue;
        }
      read = add_folder (names, *arguments, recursive);
      if (read && names->len == before)
        {
          g_autofree char *shown = g_filename_display_name (*arguments);

          tool_error ("%s: there is no picture and no video in this folder%s", shown,
                      recursive ? "" : "; -r looks into the folders in it, too");
          read = FALSE;
        }
      *complete &= read;
    }
  return names;
}
