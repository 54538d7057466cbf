/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which device a selector means. */

#include "vk/selector.h"

#include <string.h>

/* How much "auto" likes a type of device. */
static guint
rank (const EffvkDeviceInfo *info)
{
  switch (info->type)
    {
    case EFFVK_DEVICE_TYPE_DISCRETE_GPU:
      return 5;
    case EFFVK_DEVICE_TYPE_INTEGRATED_GPU:
      return 4;
    case EFFVK_DEVICE_TYPE_VIRTUAL_GPU:
      return 3;
    case EFFVK_DEVICE_TYPE_OTHER:
    default:
      return 2;
    case EFFVK_DEVICE_TYPE_CPU:
      return 1;
    }
}

/* The 32 hexadecimal digits of a UUID in lower case, or NULL where @text is none. */
static char *
parse_uuid (const char *text)
{
  g_autoptr (GString) digits = g_string_sized_new (32);

  for (; *text != '\0'; text++)
    {
      if (g_ascii_isxdigit (*text))
        g_string_append_c (digits, g_ascii_tolower (*text));
      else if (*text != '-')
        return NULL;
    }
  return digits->len == 32 ? g_strdup (digits->str) : NULL;
}

/* A selector, taken apart. */
typedef struct
{
  enum
  {
    SELECT_AUTO,
    SELECT_GPU,
    SELECT_CPU,
    SELECT_INDEX,
    SELECT_UUID,
    SELECT_NAME,
  } by;
  guint64 index;
  char *text; /* a UUID's digits, or a part of a name with its case folded */
} Selector;

static void
selector_clear (Selector *selector)
{
  g_free (selector->text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Selector, selector_clear)

static void
selector_parse (Selector *selector, const char *text)
{
  if (g_ascii_strcasecmp (text, "auto") == 0)
    selector->by = SELECT_AUTO;
  else if (g_ascii_strcasecmp (text, "gpu") == 0)
    selector->by = SELECT_GPU;
  else if (g_ascii_strcasecmp (text, "cpu") == 0)
    selector->by = SELECT_CPU;
  else if ((selector->text = parse_uuid (text)) != NULL)
    selector->by = SELECT_UUID;
  else if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &selector->index, NULL))
    selector->by = SELECT_INDEX;
  else
    {
      g_autofree char *valid = g_utf8_make_valid (text, -1);

      selector->by = SELECT_NAME;
      selector->text = g_utf8_casefold (valid, -1);
    }
}

static gboolean
selector_matches (const Selector *selector, const EffvkDeviceInfo *info)
{
  switch (selector->by)
    {
    case SELECT_AUTO:
      return TRUE;
    case SELECT_GPU:
      return info->type != EFFVK_DEVICE_TYPE_CPU;
    case SELECT_CPU:
      return info->type == EFFVK_DEVICE_TYPE_CPU;
    case SELECT_INDEX:
      return selector->index == info->index;
    case SELECT_UUID:
      {
        g_autofree char *uuid = parse_uuid (info->uuid);

        return strcmp (selector->text, uuid) == 0;
      }
    case SELECT_NAME:
    default:
      {
        g_autofree char *name = g_utf8_casefold (info->name, -1);

        return strstr (name, selector->text) != NULL;
      }
    }
}

/* "0: "llvmpipe" (CPU), 1: ..." */
static char *
describe_all (GPtrArray *list)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const EffvkDeviceInfo *info = ((EffvkPhysical *) g_ptr_array_index (list, i))->info;

      g_string_append_printf (text, "%s%u: \"%s\" (%s)", i > 0 ? ", " : "", info->index, info->name,
                              effvk_device_type_to_string (info->type));
    }
  return g_string_free (text, FALSE);
}

/* The better first; what is as good stays in the driver's order. */
static gint
compare (gconstpointer a, gconstpointer b)
{
  const EffvkDeviceInfo *x = (*(EffvkPhysical *const *) a)->info;
  const EffvkDeviceInfo *y = (*(EffvkPhysical *const *) b)->info;

  return rank (x) != rank (y) ? (gint) rank (y) - (gint) rank (x)
                              : (gint) x->index - (gint) y->index;
}

/* Why nothing of a list can be used. */
static void
set_error (GPtrArray *list, const char *text, const EffvkDeviceInfo *unusable, GError **error)
{
  g_autofree char *all = NULL;

  if (unusable != NULL)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "effvk cannot use the device \"%s\": %s", unusable->name, unusable->problem);
      return;
    }
  all = describe_all (list);
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NOT_FOUND,
               "no Vulkan device matches \"%s\"; there is %s", text, all);
}

GPtrArray *
effvk_selector_choose (GPtrArray *list, const char *text, GError **error)
{
  g_auto (Selector) selector = { 0 };
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();
  const EffvkDeviceInfo *unusable = NULL;

  if (list->len == 0)
    {
      g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER,
                           "no Vulkan driver on this system has a device; install "
                           "mesa-vulkan-drivers, or the driver of the GPU's vendor");
      return NULL;
    }

  selector_parse (&selector, text);
  for (guint i = 0; i < list->len; i++)
    {
      EffvkPhysical *physical = g_ptr_array_index (list, i);

      if (!selector_matches (&selector, physical->info))
        continue;
      if (physical->info->problem != NULL)
        unusable = unusable != NULL ? unusable : physical->info;
      else if (chosen->len == 0 || selector.by <= SELECT_GPU)
        g_ptr_array_add (chosen, physical);
    }
  if (chosen->len == 0)
    {
      set_error (list, text, unusable, error);
      return NULL;
    }
  g_ptr_array_sort (chosen, compare);
  return g_steal_pointer (&chosen);
}
