/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/metadata-values.h"

gboolean
effvk_metadata_unexpected (EffvkMetadataReader *r, const char *key, const char *expected,
                           EffvkJsonToken found)
{
  if (found == EFFVK_JSON_ERROR)
    return effvk_metadata_refuse (INVALID, r, r->source == EFFVK_SOURCE_METADATA ? "\"effvk\"" : "",
                                  "not valid JSON: %s at byte %" G_GSIZE_FORMAT, r->json.problem,
                                  r->json.offset);
  return effvk_metadata_refuse (INVALID, r, key, "expected %s, found %s", expected,
                                effvk_json_token_name (found));
}

static gboolean
out_of_range (EffvkMetadataReader *r, const char *key, double low, double high)
{
  char from[G_ASCII_DTOSTR_BUF_SIZE], to[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *found = effvk_json_excerpt (&r->json);

  g_ascii_formatd (from, sizeof from, "%g", low);
  g_ascii_formatd (to, sizeof to, "%g", high);
  return effvk_metadata_refuse (INVALID, r, key, "expected %s to %s, found %s", from, to, found);
}

gboolean
effvk_metadata_read_number (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                            double low, double high, double *value)
{
  if (token != EFFVK_JSON_NUMBER)
    return effvk_metadata_unexpected (r, key, "a number", token);
  *value = effvk_json_get_double (&r->json);
  return (*value >= low && *value <= high) || out_of_range (r, key, low, high);
}

gboolean
effvk_metadata_read_size (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                          guint *value)
{
  guint64 number;

  if (token != EFFVK_JSON_NUMBER)
    return effvk_metadata_unexpected (r, key, "a number of pixels", token);
  if (!effvk_json_get_uint (&r->json, &number) || number < 1 || number > EFFVK_METADATA_MAX_SIZE)
    {
      g_autofree char *found = effvk_json_excerpt (&r->json);
      return effvk_metadata_refuse (INVALID, r, key, "expected 1 to %d pixels, found %s",
                                    EFFVK_METADATA_MAX_SIZE, found);
    }
  *value = (guint) number;
  return TRUE;
}

/* [channels, height, width] */
gboolean
effvk_metadata_read_input_size (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                                guint *width, guint *height)
{
  guint channels;

  if (token != EFFVK_JSON_ARRAY)
    return effvk_metadata_unexpected (r, key, "[channels, height, width]", token);
  if (!effvk_metadata_read_size (r, key, effvk_json_next (&r->json), &channels)
      || !effvk_metadata_read_size (r, key, effvk_json_next (&r->json), height)
      || !effvk_metadata_read_size (r, key, effvk_json_next (&r->json), width))
    return FALSE;
  token = effvk_json_next (&r->json);
  if (token != EFFVK_JSON_ARRAY_END)
    return effvk_metadata_unexpected (r, key, "three numbers", token);
  if (channels != r->arch->in_channels)
    return effvk_metadata_refuse (INVALID, r, key,
                                  "expected the %u channels that the stem's tensor has, found %u",
                                  r->arch->in_channels, channels);
  r->sized = TRUE;
  r->sources->size = r->source;
  return TRUE;
}

/* A value a channel; a single one stands for all. */
gboolean
effvk_metadata_read_channels (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                              double low, double high, float values[3])
{
  double value;
  guint n = 0;

  if (token != EFFVK_JSON_ARRAY)
    return effvk_metadata_unexpected (r, key, "an array of 3 numbers", token);
  for (;;)
    {
      token = effvk_json_next (&r->json);
      if (token == EFFVK_JSON_ARRAY_END)
        break;
      if (token != EFFVK_JSON_NUMBER)
        return effvk_metadata_unexpected (r, key, "a number", token);
      value = effvk_json_get_double (&r->json);
      if (!(value >= low && value <= high))
        return out_of_range (r, key, low, high);
      if (n == 3)
        return effvk_metadata_refuse (INVALID, r, key, "expected %s, found more", "3 numbers");
      values[n++] = (float) value;
    }
  if (n == 1)
    values[1] = values[2] = values[0];
  else if (n != 3)
    return effvk_metadata_refuse (INVALID, r, key, "expected 3 numbers, found %u", n);
  if (r->arch->in_channels == 1 && (values[1] != values[0] || values[2] != values[0]))
    return effvk_metadata_refuse (INVALID, r, key,
                                  "expected %u number, as the stem has one channel, found %u", 1u,
                                  n);
  return TRUE;
}

gboolean
effvk_metadata_read_choice (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                            const char *const *choices, int *value)
{
  if (token != EFFVK_JSON_STRING)
    return effvk_metadata_unexpected (r, key, "a string", token);
  for (int i = 0; choices[i]; i++)
    if (effvk_json_is (&r->json, choices[i]))
      {
        *value = i;
        return TRUE;
      }
  g_autofree char *list = g_strjoinv (" or ", (char **) choices);
  g_autofree char *found = effvk_json_excerpt (&r->json);
  return effvk_metadata_refuse (UNSUPPORTED, r, key, "expected %s, found \"%s\"", list, found);
}

gboolean
effvk_metadata_read_bool (EffvkMetadataReader *r, const char *key, EffvkJsonToken token,
                          gboolean *value)
{
  *value = token == EFFVK_JSON_TRUE;
  return *value || token == EFFVK_JSON_FALSE
         || effvk_metadata_unexpected (r, key, "true or false", token);
}
