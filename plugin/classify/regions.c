/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/regions.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

static gboolean
fail (GError **error, const char *text, const char *why)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "regions: \"%s\": %s; expected NAME=X,Y,WIDTH,HEIGHT in shares of the picture (0 to "
               "1) or, with px, in pixels, and ; between two",
               text, why);
  return FALSE;
}

/* "0.25" or "64px" */
static gboolean
parse_number (const char *text, double *value, gboolean *pixels)
{
  char *end;

  *value = g_ascii_strtod (text, &end);
  if (end == text || !isfinite (*value) || *value < 0)
    return FALSE;
  *pixels = g_str_has_prefix (end, "px");
  if (*pixels)
    end += 2;
  while (g_ascii_isspace (*end))
    end++;
  return *end == 0 && *value <= (*pixels ? G_MAXINT32 : 1.0);
}

static gboolean
is_inside (const GstEffvkRegion *region)
{
  for (guint i = 0; i < 2; i++)
    if (region->place[2 + i] <= 0 || (!region->pixels[i] && region->place[i] >= 1)
        || (!region->pixels[i] && !region->pixels[2 + i]
            && region->place[i] + region->place[2 + i] > 1.000001))
      return FALSE;
  return TRUE;
}

static gboolean
parse_region (char *text, GstEffvkRegion *region, GError **error)
{
  g_autofree char *whole = g_strdup (text);
  char *equals = strrchr (text, '=');
  g_auto (GStrv) numbers = NULL;

  if (!equals)
    return fail (error, whole, "there is no =");
  *equals = 0;
  g_strstrip (text);
  if (!*text || !g_utf8_validate (text, -1, NULL))
    return fail (error, whole, "it has no name");
  region->name = g_quark_from_string (text);
  numbers = g_strsplit (equals + 1, ",", -1);
  if (g_strv_length (numbers) != 4)
    return fail (error, whole, "there are not four numbers");
  for (guint i = 0; i < 4; i++)
    if (!parse_number (g_strstrip (numbers[i]), &region->place[i], &region->pixels[i]))
      return fail (error, whole, "a number is wrong");
  return is_inside (region) || fail (error, whole, "it is empty, or reaches out of the picture");
}

GArray *
gst_effvk_regions_parse (const char *text, GError **error)
{
  g_autoptr (GArray) regions = g_array_new (FALSE, TRUE, sizeof (GstEffvkRegion));
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ";", -1);

  for (guint i = 0; parts[i]; i++)
    {
      GstEffvkRegion region;

      if (!*g_strstrip (parts[i]))
        continue;
      if (!parse_region (parts[i], &region, error))
        return NULL;
      for (guint r = 0; r < regions->len; r++)
        if (g_array_index (regions, GstEffvkRegion, r).name == region.name)
          {
            fail (error, parts[i], "two have this name");
            return NULL;
          }
      g_array_append_val (regions, region);
    }
  return g_steal_pointer (&regions);
}

/* A share of a side of the picture, which is rounded, is inside of it; pixels need not be. */
static gint64
to_pixels (const GstEffvkRegion *region, guint part, guint side)
{
  if (region->pixels[part])
    return (gint64) (region->place[part] + 0.5);
  return MIN ((gint64) (region->place[part] * side + 0.5), (gint64) side - (part < 2));
}

guint
gst_effvk_regions_add (const GArray *regions, GArray *objects, guint width, guint height)
{
  guint outside = 0;

  for (guint i = 0; regions && i < regions->len; i++)
    {
      const GstEffvkRegion *region = &g_array_index (regions, GstEffvkRegion, i);
      gint64 pixels[4];
      GstEffvkObject *object;

      for (guint p = 0; p < 4; p++)
        pixels[p] = to_pixels (region, p, p % 2 ? height : width);
      object = gst_effvk_objects_add (objects, width, height, pixels[0], pixels[1],
                                      MAX (pixels[2], 1), MAX (pixels[3], 1));
      outside += !object;
      if (!object)
        continue;
      object->type = region->name;
      object->track = GST_EFFVK_REGION_TRACK (region->name);
    }
  return outside;
}
