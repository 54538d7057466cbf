/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/metadata-values.h"

#include "model/labels.h"
#include "model/nearest.h"
#include "model/trainings.h"

#include <effvk/effvk-model.h>

#include <math.h>
#include <string.h>

#define MAX_NAME 128

/* What the architecture's name says of its training. */
static void
train_as_named (EffvkMetadataReader *r, EffvkNamed named)
{
  gboolean ported = named == EFFVK_NAMED_TENSORFLOW;
  EffvkSources *sources = r->sources;
  const char *member = r->target->member;
  EffvkRecipe recipe;
  EffvkPadding padding;
  double bn_eps;

  if (named == EFFVK_NAMED_UNKNOWN || (!ported && r->target->training != EFFVK_TRAINING_TIMM))
    return;
  effvk_variant_training (member ? member : "b0",
                          ported ? EFFVK_TRAINING_TENSORFLOW : EFFVK_TRAINING_TIMM, &recipe,
                          &padding, &bn_eps);
  if (effvk_source_is_open (sources->padding))
    {
      r->arch->padding = ported ? EFFVK_PADDING_SAME : EFFVK_PADDING_SYMMETRIC;
      sources->padding = r->source;
    }
  if (effvk_source_is_open (sources->bn_eps))
    {
      r->arch->bn_eps = ported ? 1e-3 : 1e-5;
      sources->bn_eps = r->source;
    }
  if (!member || r->arch->in_channels == 1)
    return;
  if (effvk_source_is_open (sources->mean))
    memcpy (r->recipe->mean, recipe.mean, sizeof recipe.mean);
  if (effvk_source_is_open (sources->std))
    memcpy (r->recipe->std, recipe.std, sizeof recipe.std);
  if (effvk_source_is_open (sources->resize) && !r->resized)
    {
      r->before = recipe;
      r->recipe->resize_size = recipe.resize_size;
    }
  if (effvk_source_is_open (sources->size))
    {
      r->recipe->width = recipe.width;
      r->recipe->height = recipe.height;
    }
}

static gboolean
read_architecture (EffvkMetadataReader *r, const char *key, EffvkJsonToken token)
{
  const char *member;
  EffvkNamed named;

  if (token != EFFVK_JSON_STRING)
    return effvk_metadata_unexpected (r, key, "a string", token);
  if (r->json.token_length == 0 || r->json.token_length > MAX_NAME)
    return effvk_metadata_refuse (INVALID, r, key, "expected 1 to %d bytes, found %" G_GSIZE_FORMAT,
                                  MAX_NAME, r->json.token_length);
  g_autofree char *name = effvk_json_dup_string (&r->json);
  if (!name || !effvk_text_is_plain (name))
    return effvk_metadata_refuse (INVALID, r, key, "expected %s, found control characters",
                                  "plain text");
  named = effvk_training_named (name);
  if (r->source != EFFVK_SOURCE_OVERRIDE && named == EFFVK_NAMED_OTHER)
    return effvk_metadata_refuse (UNSUPPORTED, r, key, "expected an EfficientNet, found \"%s\"",
                                  name);
  member = effvk_variant_find (name);
  if (member && r->target->member && strcmp (member, r->target->member) != 0)
    return effvk_metadata_refuse (UNSUPPORTED, r, key,
                                  "expected %s, which the tensors are, found \"%s\"",
                                  r->target->member, name);
  train_as_named (r, named);
  g_free (r->arch->variant);
  r->arch->variant = g_steal_pointer (&name);
  r->sources->variant = r->source;
  return TRUE;
}

static gboolean
read_classes (EffvkMetadataReader *r, const char *key, EffvkJsonToken token)
{
  guint64 number;

  if (token != EFFVK_JSON_NUMBER)
    return effvk_metadata_unexpected (r, key, "a number", token);
  if (effvk_json_get_uint (&r->json, &number) && number == r->arch->classes)
    return TRUE;
  g_autofree char *found = effvk_json_excerpt (&r->json);
  return effvk_metadata_refuse (
      INVALID, r, key, "expected the %u classes that the classifier's tensor has, found %s",
      r->arch->classes, found);
}

static gboolean
read_labels (EffvkMetadataReader *r, const char *key, EffvkJsonToken token)
{
  g_autofree char *where = g_strdup_printf ("%s %s: ", effvk_source_names[r->source], key);

  g_clear_pointer (&r->labels, g_strfreev);
  r->labels = effvk_labels_read_json (&r->json, token, r->arch->classes, where,
                                      EFFVK_MODEL_ERROR_INVALID, r->error);
  if (!r->labels)
    return FALSE;
  r->sources->labels = r->source;
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
  KEY_PAD_TYPE,
  KEY_ACT_LAYER,
  KEY_BN_EPS,
  KEY_ACTIVATION,
  KEY_OUTPUT_ACTIVATION,
  KEY_NUM_CLASSES,
  KEY_LABEL_NAMES,
  KEY_LABELS,
  KEY_PRETRAINED_CFG,
  KEY_MODEL_ARGS,
  KEY_IMAGE_SIZE,
  KEY_HIDDEN_ACT,
  KEY_BATCH_NORM_EPS,
  KEY_ID2LABEL,
  KEY_UNKNOWN_THRESHOLD,
  KEY_TEACHING,
  KEY_OUTPUT,
} Key;

/* Which object a key may stand in. timm's pretrained_cfg keeps the class count from before a
 * fine-tuning. Of its model_args only these change the network. */
#define TOP 1
#define CFG 2
#define ARGS 4
#define HUGGINGFACE 8 /* the config.json of transformers */
#define USER 16       /* the top of an override */

static const struct
{
  const char *name;
  guint where;
} keys[] = {
  [KEY_ARCHITECTURE] = { "architecture", TOP },
  [KEY_INPUT_SIZE] = { "input_size", TOP | CFG },
  [KEY_TEST_INPUT_SIZE] = { "test_input_size", TOP | CFG },
  [KEY_RESIZE_SIZE] = { "resize_size", TOP | CFG },
  [KEY_CROP_PCT] = { "crop_pct", TOP | CFG },
  [KEY_TEST_CROP_PCT] = { "test_crop_pct", TOP | CFG },
  [KEY_CROP_MODE] = { "crop_mode", TOP | CFG },
  [KEY_INTERPOLATION] = { "interpolation", TOP | CFG },
  [KEY_ANTIALIAS] = { "antialias", TOP | CFG },
  [KEY_MEAN] = { "mean", TOP | CFG },
  [KEY_STD] = { "std", TOP | CFG },
  [KEY_PADDING] = { "padding", TOP },
  [KEY_PAD_TYPE] = { "pad_type", ARGS },
  [KEY_ACT_LAYER] = { "act_layer", ARGS },
  [KEY_BN_EPS] = { "bn_eps", TOP | ARGS },
  [KEY_ACTIVATION] = { "activation", TOP },
  [KEY_OUTPUT_ACTIVATION] = { "output_activation", TOP },
  [KEY_NUM_CLASSES] = { "num_classes", TOP },
  [KEY_LABEL_NAMES] = { "label_names", TOP | CFG },
  [KEY_LABELS] = { "labels", TOP | CFG },
  [KEY_PRETRAINED_CFG] = { "pretrained_cfg", TOP },
  [KEY_MODEL_ARGS] = { "model_args", TOP },
  [KEY_IMAGE_SIZE] = { "image_size", HUGGINGFACE },
  [KEY_HIDDEN_ACT] = { "hidden_act", HUGGINGFACE },
  [KEY_BATCH_NORM_EPS] = { "batch_norm_eps", HUGGINGFACE },
  [KEY_ID2LABEL] = { "id2label", HUGGINGFACE },
  [KEY_UNKNOWN_THRESHOLD] = { "unknown_threshold", TOP },
  [KEY_TEACHING] = { "teaching", TOP },
  [KEY_OUTPUT] = { "output", USER },
};

static gboolean read_object (EffvkMetadataReader *r, const char *name, guint where);

static gboolean
read_nested (EffvkMetadataReader *r, const char *key, EffvkJsonToken token, guint where)
{
  if (token != EFFVK_JSON_OBJECT)
    return effvk_metadata_unexpected (r, key, "an object", token);
  return read_object (r, key, where); /* which holds no key that nests */
}

/* Kept as it stands: it is for people. */
static gboolean
read_teaching (EffvkMetadataReader *r, const char *key, EffvkJsonToken token)
{
  gsize begin = r->json.offset - 1;

  if (token != EFFVK_JSON_OBJECT)
    return effvk_metadata_unexpected (r, key, "an object", token);
  while ((token = effvk_json_next (&r->json)) != EFFVK_JSON_OBJECT_END)
    if (token != EFFVK_JSON_KEY || !effvk_json_skip (&r->json))
      return effvk_metadata_unexpected (r, key, "a key",
                                        token == EFFVK_JSON_KEY ? EFFVK_JSON_ERROR : token);
  g_free (r->target->taught->teaching);
  r->target->taught->teaching = g_strndup (r->json.text + begin, r->json.offset - begin);
  return TRUE;
}

static gboolean
read_value (EffvkMetadataReader *r, Key key, EffvkJsonToken token)
{
  static const char *const pad_types[] = { "", "same", NULL };
  static const char *const act_layers[] = { "silu", "relu6", "relu", "swish", NULL };
  const char *name = keys[key].name;
  EffvkRecipe *recipe = r->recipe;
  EffvkSources *sources = r->sources;
  int choice = 0;

  switch (key)
    {
    case KEY_ARCHITECTURE:
      return read_architecture (r, name, token);
    case KEY_INPUT_SIZE:
      return effvk_metadata_read_input_size (r, name, token, &recipe->width, &recipe->height);
    case KEY_IMAGE_SIZE:
      r->sized = TRUE;
      sources->size = r->source;
      if (!effvk_metadata_read_size (r, name, token, &recipe->width))
        return FALSE;
      recipe->height = recipe->width;
      return TRUE;
    case KEY_TEST_INPUT_SIZE:
      return effvk_metadata_read_input_size (r, name, token, &r->test_width, &r->test_height);
    case KEY_RESIZE_SIZE:
      r->resized = TRUE;
      return effvk_metadata_read_size (r, name, token, &recipe->resize_size);
    case KEY_CROP_PCT:
      return effvk_metadata_read_number (r, name, token, 0.01, 1, &r->crop_pct);
    case KEY_TEST_CROP_PCT:
      return effvk_metadata_read_number (r, name, token, 0.01, 1, &r->test_crop_pct);
    case KEY_CROP_MODE:
      if (!effvk_metadata_read_choice (r, name, token, effvk_crop_mode_names, &choice))
        return FALSE;
      recipe->crop_mode = (EffvkCropMode) choice;
      r->whole = recipe->crop_mode != EFFVK_CROP_CENTER;
      sources->crop = r->source;
      return TRUE;
    case KEY_INTERPOLATION:
      if (!effvk_metadata_read_choice (r, name, token, effvk_interpolation_names, &choice))
        return FALSE;
      recipe->interpolation = (EffvkInterpolation) choice;
      sources->interpolation = r->source;
      return TRUE;
    case KEY_ANTIALIAS:
      sources->antialias = r->source;
      if (!effvk_metadata_read_bool (r, name, token, &recipe->antialias))
        return FALSE;
      recipe->eight_bits = recipe->antialias;
      return TRUE;
    case KEY_MEAN:
      sources->mean = r->source;
      return effvk_metadata_read_channels (r, name, token, -1e6, 1e6, recipe->mean);
    case KEY_STD:
      sources->std = r->source;
      return effvk_metadata_read_channels (r, name, token, 1e-6, 1e6, recipe->std);
    case KEY_PADDING:
    case KEY_PAD_TYPE:
      if (!effvk_metadata_read_choice (r, name, token,
                                       key == KEY_PADDING ? effvk_padding_names : pad_types,
                                       &choice))
        return FALSE;
      r->arch->padding = (EffvkPadding) choice;
      sources->padding = r->source;
      return TRUE;
    case KEY_BN_EPS:
    case KEY_BATCH_NORM_EPS:
      sources->bn_eps = r->source;
      return effvk_metadata_read_number (r, name, token, 0, 1, &r->arch->bn_eps);
    case KEY_ACTIVATION:
    case KEY_ACT_LAYER:
    case KEY_HIDDEN_ACT:
      if (!effvk_metadata_read_choice (r, name, token,
                                       key == KEY_ACTIVATION ? effvk_activation_names + 1
                                                             : act_layers,
                                       &choice))
        return FALSE;
      r->arch->activation = (EffvkActivation) (choice % 3 + 1);
      sources->activation = r->source;
      return TRUE;
    case KEY_OUTPUT_ACTIVATION:
      if (!effvk_metadata_read_choice (r, name, token, effvk_output_names + 1, &choice))
        return FALSE;
      r->arch->output = (EffvkOutputActivation) (choice + 1);
      sources->output = r->source;
      return TRUE;
    case KEY_NUM_CLASSES:
      return read_classes (r, name, token);
    case KEY_LABEL_NAMES:
    case KEY_LABELS:
    case KEY_ID2LABEL:
      return read_labels (r, name, token);
    case KEY_OUTPUT: /* was found before the graph was read */
      return token == EFFVK_JSON_STRING || effvk_metadata_unexpected (r, name, "a string", token);
    case KEY_PRETRAINED_CFG:
      return read_nested (r, name, token, CFG);
    case KEY_MODEL_ARGS:
      return read_nested (r, name, token, ARGS);
    case KEY_UNKNOWN_THRESHOLD:
      return effvk_metadata_read_number (r, name, token, 0, 1,
                                         &r->target->taught->unknown_threshold);
    case KEY_TEACHING:
      return read_teaching (r, name, token);
    }
  g_return_val_if_reached (FALSE);
}

/* Skips a value of which only the beginning was read. */
static gboolean
skip (EffvkMetadataReader *r, const char *name)
{
  return effvk_json_skip (&r->json)
         || effvk_metadata_unexpected (r, name, "a value", EFFVK_JSON_ERROR);
}

/* Keys of timm's that say nothing of how the network runs: an override may be all of a
 * config.json. */
static const char *const passed_over[] = {
  "num_features",
  "global_pool",
  "label_descriptions",
  "tag",
  "url",
  "file",
  "hf_hub_id",
  "hf_hub_filename",
  "source",
  "architecture",
  "custom_load",
  "license",
  "fixed_input_size",
  "min_input_size",
  "pool_size",
  "num_classes",
  "first_conv",
  "classifier",
  "description",
  "origin_url",
  "paper_name",
  "paper_ids",
  "notes",
};

/* What a user types has to mean something: a key that nobody reads is a misspelt one. Files may
 * have keys of other programs. */
static gboolean
check_unknown_key (EffvkMetadataReader *r, const char *name, guint where)
{
  const char *names[G_N_ELEMENTS (keys)];
  const char *nearest;
  guint n = 0;

  if (r->source != EFFVK_SOURCE_OVERRIDE)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (passed_over); i++)
    if (effvk_json_is (&r->json, passed_over[i]))
      return TRUE;
  if (where == ARGS)
    return TRUE; /* of a model's constructor, of which there are many */
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i].where & where)
      names[n++] = keys[i].name;
  g_autofree char *found = effvk_json_excerpt (&r->json);
  nearest = effvk_nearest (found, names, n);
  if (nearest)
    return effvk_metadata_refuse (INVALID, r, name, "there is no key \"%s\": did you mean \"%s\"?",
                                  found, nearest);
  g_autoptr (GString) list = g_string_new (names[0]);
  for (guint i = 1; i < n; i++)
    g_string_append_printf (list, ", %s", names[i]);
  return effvk_metadata_refuse (INVALID, r, name, "there is no key \"%s\": expected one of %s",
                                found, list->str);
}

/* The members of an object, up to its end. */
static gboolean
read_object (EffvkMetadataReader *r, const char *name, guint where)
{
  guint64 seen = 0;
  guint i;

  for (;;)
    {
      EffvkJsonToken token = effvk_json_next (&r->json);

      if (token == EFFVK_JSON_OBJECT_END)
        return TRUE;
      if (token != EFFVK_JSON_KEY)
        return effvk_metadata_unexpected (r, name, "a key", token);
      for (i = 0; i < G_N_ELEMENTS (keys); i++)
        if ((keys[i].where & where) && effvk_json_is (&r->json, keys[i].name))
          break;
      if (i == G_N_ELEMENTS (keys))
        {
          if (!check_unknown_key (r, name, where) || !skip (r, name))
            return FALSE;
          continue;
        }
      if (seen & G_GUINT64_CONSTANT (1) << i)
        return effvk_metadata_refuse (INVALID, r, name, "duplicate key \"%s\"", keys[i].name);
      seen |= G_GUINT64_CONSTANT (1) << i;
      token = effvk_json_next (&r->json);
      if (token != EFFVK_JSON_NULL && !read_value (r, (Key) i, token))
        return FALSE;
    }
}

static gboolean
read_all (EffvkMetadataReader *r)
{
  const char *name = r->source == EFFVK_SOURCE_METADATA ? "\"effvk\"" : "";
  EffvkJsonToken token = effvk_json_next (&r->json);
  guint where = TOP;

  where |= r->source == EFFVK_SOURCE_CONFIG ? HUGGINGFACE : 0;
  where |= r->source == EFFVK_SOURCE_OVERRIDE ? USER : 0;

  if (token != EFFVK_JSON_OBJECT)
    return effvk_metadata_unexpected (r, name, "an object", token);
  if (!read_object (r, name, where))
    return FALSE;
  token = effvk_json_next (&r->json);
  return token == EFFVK_JSON_END || effvk_metadata_unexpected (r, name, "nothing more", token);
}

/* The shorter side before the crop: as it is said, or from crop_pct. Squashed pictures and those
 * with a border lose nothing by default. Where only the input size is said, it is in the proportion
 * of before. */
static gboolean
settle_resize (EffvkMetadataReader *r)
{
  EffvkRecipe *recipe = r->recipe;
  guint shorter = MIN (recipe->width, recipe->height);
  double pct = r->test_crop_pct > 0 ? r->test_crop_pct : r->crop_pct;

  if (!r->resized && pct > 0)
    {
      /* 224 / 0.875 is 256 even where the quotient of doubles falls short of it. */
      recipe->resize_size = (guint) floor (shorter / pct + 1e-6);
      r->resized = TRUE;
    }
  else if (!r->resized && r->whole)
    recipe->resize_size = shorter;
  else if (!r->resized && r->sized)
    recipe->resize_size = (guint) ((guint64) shorter * r->before.resize_size
                                   / MIN (r->before.width, r->before.height));
  if (r->resized || r->whole)
    r->sources->resize = r->source;
  if (recipe->resize_size < shorter || recipe->resize_size > 8 * EFFVK_METADATA_MAX_SIZE)
    return effvk_metadata_refuse (
        INVALID, r, "resize_size",
        "expected at least the input's %u and at most %d pixels, found %u", shorter,
        8 * EFFVK_METADATA_MAX_SIZE, recipe->resize_size);
  return TRUE;
}

gboolean
effvk_metadata_apply (const EffvkMetadataTarget *target, EffvkSource source, const char *json,
                      gsize length, GError **error)
{
  EffvkMetadataReader reader = { .source = source,
                                 .arch = target->arch,
                                 .recipe = target->recipe,
                                 .sources = target->sources,
                                 .target = target,
                                 .before = *target->recipe,
                                 .error = error };

  effvk_json_init (&reader.json, json, length);
  gboolean ok = read_all (&reader);
  if (ok && reader.test_width)
    {
      reader.recipe->width = reader.test_width;
      reader.recipe->height = reader.test_height;
    }
  if (!ok || !settle_resize (&reader))
    {
      g_strfreev (reader.labels);
      return FALSE;
    }
  target->arch->width = target->recipe->width;
  target->arch->height = target->recipe->height;
  if (reader.labels)
    {
      g_strfreev (*target->labels);
      *target->labels = reader.labels;
    }
  return TRUE;
}

gboolean
effvk_metadata_is_config (const char *text, gsize length)
{
  EffvkJsonToken token;
  EffvkJson json;

  effvk_json_init (&json, text, length);
  token = effvk_json_next (&json);
  if (token != EFFVK_JSON_OBJECT)
    return token == EFFVK_JSON_ERROR;
  while ((token = effvk_json_next (&json)) == EFFVK_JSON_KEY)
    if (effvk_json_is (&json, "architecture") || effvk_json_is (&json, "pretrained_cfg"))
      return TRUE;
    else if (effvk_json_is (&json,
                            "model_type")) /* transformers': of an EfficientNet or of others */
      return effvk_json_next (&json) == EFFVK_JSON_STRING && effvk_json_is (&json, "efficientnet");
    else if (!effvk_json_skip (&json))
      return TRUE;
  return token == EFFVK_JSON_ERROR;
}

char *
effvk_metadata_find_output (const char *text)
{
  EffvkJsonToken token;
  EffvkJson json;

  effvk_json_init (&json, text, strlen (text));
  if (effvk_json_next (&json) != EFFVK_JSON_OBJECT)
    return NULL;
  while (effvk_json_next (&json) == EFFVK_JSON_KEY)
    if (effvk_json_is (&json, "output"))
      {
        token = effvk_json_next (&json);
        return token == EFFVK_JSON_STRING ? effvk_json_dup_string (&json) : NULL;
      }
    else if (!effvk_json_skip (&json))
      break;
  return NULL;
}
