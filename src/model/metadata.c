/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/metadata.h"

#include "model/json.h"

#include <effvk/effvk-model.h>

#include <math.h>
#include <string.h>

#define MAX_SIZE 4096
#define MAX_NAME 128

#define refuse(code, error, ...)                                                                   \
  (g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_##code, __VA_ARGS__), FALSE)

typedef struct
{
  EffvkJson json;
  EffvkArch *arch;
  EffvkRecipe *recipe;
  EffvkSources *sources;
  char **labels;
  double crop_pct, test_crop_pct; /* 0: absent */
  guint test_width, test_height;
  GError **error;
} Reader;

static const char *const interpolations[] = { "bilinear", "bicubic", NULL };
static const char *const crop_modes[] = { "center", "squash", NULL };
static const char *const paddings[] = { "symmetric", "same", NULL };
static const char *const activations[] = { "none", "silu", "relu6", "relu", NULL };

const char *
effvk_interpolation_name (EffvkInterpolation interpolation)
{
  return interpolations[interpolation];
}

const char *
effvk_crop_mode_name (EffvkCropMode mode)
{
  return crop_modes[mode];
}

const char *
effvk_padding_name (EffvkPadding padding)
{
  return paddings[padding];
}

const char *
effvk_activation_name (EffvkActivation activation)
{
  return activations[activation];
}

static gboolean
unexpected (Reader *r, const char *key, const char *expected, EffvkJsonToken found)
{
  if (found == EFFVK_JSON_ERROR)
    return refuse (INVALID, r->error,
                   "metadata \"effvk\" is not valid JSON: %s at byte %" G_GSIZE_FORMAT,
                   r->json.problem, r->json.offset);
  return refuse (INVALID, r->error, "metadata %s: expected %s, found %s", key, expected,
                 effvk_json_token_name (found));
}

static gboolean
out_of_range (Reader *r, const char *key, double low, double high)
{
  char from[G_ASCII_DTOSTR_BUF_SIZE], to[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *found = effvk_json_excerpt (&r->json);

  g_ascii_formatd (from, sizeof from, "%g", low);
  g_ascii_formatd (to, sizeof to, "%g", high);
  return refuse (INVALID, r->error, "metadata %s: expected %s to %s, found %s", key, from, to,
                 found);
}

static gboolean
read_number (Reader *r, const char *key, double low, double high, double *value)
{
  EffvkJsonToken token = effvk_json_next (&r->json);

  if (token != EFFVK_JSON_NUMBER)
    return unexpected (r, key, "a number", token);
  *value = effvk_json_get_double (&r->json);
  return (*value >= low && *value <= high) || out_of_range (r, key, low, high);
}

static gboolean
read_size (Reader *r, const char *key, guint *value)
{
  EffvkJsonToken token = effvk_json_next (&r->json);
  guint64 number;

  if (token != EFFVK_JSON_NUMBER)
    return unexpected (r, key, "a number of pixels", token);
  if (!effvk_json_get_uint (&r->json, &number) || number < 1 || number > MAX_SIZE)
    {
      g_autofree char *found = effvk_json_excerpt (&r->json);
      return refuse (INVALID, r->error, "metadata %s: expected 1 to %d pixels, found %s", key,
                     MAX_SIZE, found);
    }
  *value = (guint) number;
  return TRUE;
}

/* [channels, height, width] */
static gboolean
read_input_size (Reader *r, const char *key, guint *width, guint *height)
{
  EffvkJsonToken token = effvk_json_next (&r->json);
  guint channels;

  if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, key, "[channels, height, width]", token);
  if (!read_size (r, key, &channels) || !read_size (r, key, height) || !read_size (r, key, width))
    return FALSE;
  token = effvk_json_next (&r->json);
  if (token != EFFVK_JSON_ARRAY_END)
    return unexpected (r, key, "three numbers", token);
  if (channels != r->arch->in_channels)
    return refuse (INVALID, r->error,
                   "metadata %s: expected the %u channels that the stem's tensor has, found %u",
                   key, r->arch->in_channels, channels);
  return TRUE;
}

/* A value a channel; a single one stands for all. */
static gboolean
read_channels (Reader *r, const char *key, double low, double high, float values[3])
{
  EffvkJsonToken token = effvk_json_next (&r->json);
  double value;
  guint n = 0;

  if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, key, "an array of 3 numbers", token);
  for (;;)
    {
      token = effvk_json_next (&r->json);
      if (token == EFFVK_JSON_ARRAY_END)
        break;
      if (token != EFFVK_JSON_NUMBER)
        return unexpected (r, key, "a number", token);
      value = effvk_json_get_double (&r->json);
      if (!(value >= low && value <= high))
        return out_of_range (r, key, low, high);
      if (n == 3)
        return refuse (INVALID, r->error, "metadata %s: expected 3 numbers, found more", key);
      values[n++] = (float) value;
    }
  if (n == 1)
    values[1] = values[2] = values[0];
  else if (n != 3)
    return refuse (INVALID, r->error, "metadata %s: expected 3 numbers, found %u", key, n);
  return TRUE;
}

static gboolean
read_choice (Reader *r, const char *key, const char *const *choices, int *value)
{
  EffvkJsonToken token = effvk_json_next (&r->json);

  if (token != EFFVK_JSON_STRING)
    return unexpected (r, key, "a string", token);
  for (int i = 0; choices[i]; i++)
    if (effvk_json_is (&r->json, choices[i]))
      {
        *value = i;
        return TRUE;
      }
  g_autofree char *list = g_strjoinv (" or ", (char **) choices);
  g_autofree char *found = effvk_json_excerpt (&r->json);
  return refuse (UNSUPPORTED, r->error, "metadata %s: expected %s, found \"%s\"", key, list, found);
}

static gboolean
read_bool (Reader *r, const char *key, gboolean *value)
{
  EffvkJsonToken token = effvk_json_next (&r->json);

  *value = token == EFFVK_JSON_TRUE;
  return *value || token == EFFVK_JSON_FALSE || unexpected (r, key, "true or false", token);
}

static gboolean
read_architecture (Reader *r, const char *key)
{
  EffvkJsonToken token = effvk_json_next (&r->json);

  if (token != EFFVK_JSON_STRING)
    return unexpected (r, key, "a string", token);
  if (r->json.token_length == 0 || r->json.token_length > MAX_NAME)
    return refuse (INVALID, r->error, "metadata %s: expected 1 to %d bytes, found %" G_GSIZE_FORMAT,
                   key, MAX_NAME, r->json.token_length);
  char *name = effvk_json_dup_string (&r->json);
  if (!name || !effvk_text_is_plain (name))
    {
      g_free (name);
      return refuse (INVALID, r->error,
                     "metadata %s: expected plain text, found control characters", key);
    }
  g_free (r->arch->variant);
  r->arch->variant = name;
  r->sources->variant = EFFVK_SOURCE_METADATA;
  return TRUE;
}

/* Stops at the first label too many: a hostile list costs no more than the classes are. */
static gboolean
read_labels (Reader *r, const char *key)
{
  EffvkJsonToken token = effvk_json_next (&r->json);
  guint classes = r->arch->classes, n = 0;

  if (token == EFFVK_JSON_NULL)
    return TRUE;
  if (token != EFFVK_JSON_ARRAY)
    return unexpected (r, key, "an array of strings", token);
  r->labels = g_new0 (char *, (gsize) classes + 1);
  for (;;)
    {
      token = effvk_json_next (&r->json);
      if (token == EFFVK_JSON_ARRAY_END)
        break;
      if (token != EFFVK_JSON_STRING)
        return unexpected (r, key, "a string", token);
      if (n == classes)
        return refuse (INVALID, r->error,
                       "metadata %s: expected %u labels, one a class, found more", key, classes);
      r->labels[n] = effvk_json_dup_string (&r->json);
      if (!r->labels[n] || !effvk_text_is_plain (r->labels[n]))
        return refuse (INVALID, r->error,
                       "metadata %s: label %u: expected plain text, found control characters", key,
                       n);
      n++;
    }
  if (n != classes)
    return refuse (INVALID, r->error, "metadata %s: expected %u labels, one a class, found %u", key,
                   classes, n);
  r->sources->labels = EFFVK_SOURCE_METADATA;
  return TRUE;
}

typedef enum
{
  KEY_ARCHITECTURE,
  KEY_INPUT_SIZE,
  KEY_TEST_INPUT_SIZE,
  KEY_RESIZE_SIZE,
  KEY_CROP_PCT,
  KEY_TEST_CROP_PCT,
  KEY_CROP_MODE,
  KEY_INTERPOLATION,
  KEY_ANTIALIAS,
  KEY_MEAN,
  KEY_STD,
  KEY_PADDING,
  KEY_BN_EPS,
  KEY_ACTIVATION,
  KEY_LABEL_NAMES,
} Key;

static const char *const keys[]
    = { "architecture",  "input_size", "test_input_size", "resize_size", "crop_pct",
        "test_crop_pct", "crop_mode",  "interpolation",   "antialias",   "mean",
        "std",           "padding",    "bn_eps",          "activation",  "label_names" };

static gboolean
read_value (Reader *r, Key key)
{
  const char *name = keys[key];
  EffvkRecipe *recipe = r->recipe;
  EffvkSources *sources = r->sources;
  int choice = 0;

  switch (key)
    {
    case KEY_ARCHITECTURE:
      return read_architecture (r, name);
    case KEY_INPUT_SIZE:
      sources->size = EFFVK_SOURCE_METADATA;
      return read_input_size (r, name, &recipe->width, &recipe->height);
    case KEY_TEST_INPUT_SIZE:
      sources->size = EFFVK_SOURCE_METADATA;
      return read_input_size (r, name, &r->test_width, &r->test_height);
    case KEY_RESIZE_SIZE:
      sources->resize = EFFVK_SOURCE_METADATA;
      return read_size (r, name, &recipe->resize_size);
    case KEY_CROP_PCT:
      return read_number (r, name, 0.01, 1, &r->crop_pct);
    case KEY_TEST_CROP_PCT:
      return read_number (r, name, 0.01, 1, &r->test_crop_pct);
    case KEY_CROP_MODE:
      if (!read_choice (r, name, crop_modes, &choice))
        return FALSE;
      recipe->crop_mode = (EffvkCropMode) choice;
      sources->crop = EFFVK_SOURCE_METADATA;
      return TRUE;
    case KEY_INTERPOLATION:
      if (!read_choice (r, name, interpolations, &choice))
        return FALSE;
      recipe->interpolation = (EffvkInterpolation) choice;
      sources->interpolation = EFFVK_SOURCE_METADATA;
      return TRUE;
    case KEY_ANTIALIAS:
      sources->antialias = EFFVK_SOURCE_METADATA;
      if (!read_bool (r, name, &recipe->antialias))
        return FALSE;
      recipe->eight_bits = recipe->antialias;
      return TRUE;
    case KEY_MEAN:
      sources->mean = EFFVK_SOURCE_METADATA;
      return read_channels (r, name, -1e6, 1e6, recipe->mean);
    case KEY_STD:
      sources->std = EFFVK_SOURCE_METADATA;
      return read_channels (r, name, 1e-6, 1e6, recipe->std);
    case KEY_PADDING:
      if (!read_choice (r, name, paddings, &choice))
        return FALSE;
      r->arch->padding = (EffvkPadding) choice;
      sources->padding = EFFVK_SOURCE_METADATA;
      return TRUE;
    case KEY_BN_EPS:
      sources->bn_eps = EFFVK_SOURCE_METADATA;
      return read_number (r, name, 0, 1, &r->arch->bn_eps);
    case KEY_ACTIVATION:
      if (!read_choice (r, name, activations + 1, &choice))
        return FALSE;
      r->arch->activation = (EffvkActivation) (choice + 1);
      sources->activation = EFFVK_SOURCE_METADATA;
      return TRUE;
    case KEY_LABEL_NAMES:
      return read_labels (r, name);
    }
  g_return_val_if_reached (FALSE);
}

static gboolean
read_object (Reader *r)
{
  guint seen = 0, i;
  EffvkJsonToken token = effvk_json_next (&r->json);

  if (token != EFFVK_JSON_OBJECT)
    return unexpected (r, "\"effvk\"", "an object", token);
  for (;;)
    {
      token = effvk_json_next (&r->json);
      if (token == EFFVK_JSON_OBJECT_END)
        break;
      if (token != EFFVK_JSON_KEY)
        return unexpected (r, "\"effvk\"", "a key", token);
      for (i = 0; i < G_N_ELEMENTS (keys); i++)
        if (effvk_json_is (&r->json, keys[i]))
          break;
      if (i == G_N_ELEMENTS (keys))
        {
          if (!effvk_json_skip (&r->json))
            return unexpected (r, "\"effvk\"", "a value", EFFVK_JSON_ERROR);
          continue;
        }
      if (seen & 1u << i)
        return refuse (INVALID, r->error, "metadata: duplicate key \"%s\"", keys[i]);
      seen |= 1u << i;
      if (!read_value (r, (Key) i))
        return FALSE;
    }
  token = effvk_json_next (&r->json);
  return token == EFFVK_JSON_END || unexpected (r, "\"effvk\"", "nothing more", token);
}

/* The shorter side before the crop: as it is said, or from crop_pct, or in the proportion of the
 * defaults when only the input size is said. */
static gboolean
settle_resize (Reader *r, const EffvkRecipe *defaults)
{
  EffvkRecipe *recipe = r->recipe;
  guint shorter = MIN (recipe->width, recipe->height);

  if (r->sources->resize != EFFVK_SOURCE_METADATA)
    {
      double pct = r->test_crop_pct > 0 ? r->test_crop_pct : r->crop_pct;
      if (pct > 0)
        {
          /* 224 / 0.875 is 256 even where the quotient of doubles falls short of it. */
          recipe->resize_size = (guint) floor (shorter / pct + 1e-6);
          r->sources->resize = EFFVK_SOURCE_METADATA;
        }
      else if (r->sources->size == EFFVK_SOURCE_METADATA)
        recipe->resize_size = (guint) ((guint64) shorter * defaults->resize_size
                                       / MIN (defaults->width, defaults->height));
    }
  if (recipe->crop_mode == EFFVK_CROP_SQUASH)
    return TRUE;
  if (recipe->resize_size < shorter || recipe->resize_size > 8 * MAX_SIZE)
    return refuse (INVALID, r->error,
                   "metadata resize_size: expected at least the input's %u and at most %d pixels, "
                   "found %u",
                   shorter, 8 * MAX_SIZE, recipe->resize_size);
  return TRUE;
}

gboolean
effvk_metadata_apply (const char *json, EffvkArch *arch, EffvkRecipe *recipe, char ***labels,
                      EffvkSources *sources, GError **error)
{
  EffvkRecipe defaults = *recipe;
  Reader reader = { .arch = arch, .recipe = recipe, .sources = sources, .error = error };

  effvk_json_init (&reader.json, json, strlen (json));
  gboolean ok = read_object (&reader);
  if (ok && reader.test_width)
    {
      recipe->width = reader.test_width;
      recipe->height = reader.test_height;
    }
  ok = ok && settle_resize (&reader, &defaults);
  if (!ok)
    {
      g_strfreev (reader.labels);
      return FALSE;
    }
  arch->width = recipe->width;
  arch->height = recipe->height;
  if (reader.labels)
    *labels = reader.labels;
  return TRUE;
}

static void
append_floats (GString *out, const char *key, const float *values)
{
  g_string_append_printf (out, "\"%s\":[", key);
  for (guint i = 0; i < 3; i++)
    {
      if (i)
        g_string_append_c (out, ',');
      effvk_json_append_float (out, values[i]);
    }
  g_string_append (out, "],");
}

char *
effvk_metadata_to_json (const EffvkArch *arch, const EffvkRecipe *recipe, char **labels)
{
  GString *out = g_string_new ("{\"architecture\":");

  effvk_json_append_string (out, arch->variant);
  g_string_append_printf (out,
                          ",\"num_classes\":%u,\"input_size\":[%u,%u,%u],\"interpolation\":\"%s\","
                          "\"antialias\":%s,\"crop_mode\":\"%s\",\"resize_size\":%u,",
                          arch->classes, arch->in_channels, recipe->height, recipe->width,
                          effvk_interpolation_name (recipe->interpolation),
                          recipe->antialias ? "true" : "false",
                          effvk_crop_mode_name (recipe->crop_mode), recipe->resize_size);
  append_floats (out, "mean", recipe->mean);
  append_floats (out, "std", recipe->std);
  g_string_append_printf (out, "\"padding\":\"%s\",\"activation\":\"%s\",\"bn_eps\":",
                          effvk_padding_name (arch->padding),
                          effvk_activation_name (arch->activation));
  effvk_json_append_double (out, arch->bn_eps);
  if (labels)
    {
      g_string_append (out, ",\"label_names\":[");
      for (guint i = 0; labels[i]; i++)
        {
          if (i)
            g_string_append_c (out, ',');
          effvk_json_append_string (out, labels[i]);
        }
      g_string_append_c (out, ']');
    }
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}
