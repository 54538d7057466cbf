/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "model/model-private.h"
#include "model/trainings.h"

#include <json-glib/json-glib.h>

#define INVALID EFFVK_MODEL_ERROR_INVALID
#define UNSUPPORTED EFFVK_MODEL_ERROR_UNSUPPORTED

/* A folder with a model of 5 classes, with or without metadata in it, and a config.json. */
typedef struct
{
  char *path, *file, *config;
} Folder;

static void
folder_init (Folder *folder, const char *variant, gboolean metadata, const char *config)
{
  g_autoptr (EffvkModel) model = effvk_model_new_random (variant, 5, 1, NULL);
  g_autofree char *contents = NULL;
  gsize size;

  folder->path = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  folder->file = g_build_filename (folder->path, "model.safetensors", NULL);
  folder->config = g_build_filename (folder->path, "config.json", NULL);
  g_assert_true (effvk_model_save (model, folder->file, NULL));
  if (!metadata)
    {
      g_assert_true (g_file_get_contents (folder->file, &contents, &size, NULL));
      char *key = g_strstr_len (contents + 8, (gssize) size - 8, "\"effvk\"");
      g_assert_nonnull (key);
      memcpy (key, "\"other\"", 7);
      g_assert_true (g_file_set_contents (folder->file, contents, (gssize) size, NULL));
    }
  if (config)
    g_assert_true (g_file_set_contents (folder->config, config, -1, NULL));
}

static void
folder_clear (Folder *folder)
{
  g_remove (folder->file);
  g_remove (folder->config);
  g_assert_cmpint (g_rmdir (folder->path), ==, 0);
  g_free (folder->path);
  g_free (folder->file);
  g_free (folder->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Folder, folder_clear)

/* Gives the file, without metadata, timm's names. */
static void
name_as_timm (const char *path)
{
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, NULL);
  g_autoptr (GString) header = g_string_new ("{");
  g_autoptr (GByteArray) file = g_byte_array_new ();
  guint64 length;

  for (guint i = 0; i < model->file.n_tensors; i++)
    {
      const EffvkSafetensor *tensor = &model->file.tensors[i];
      g_autofree char *shape = effvk_shape_describe (tensor->shape, tensor->rank);
      g_autofree char *name = NULL;

      for (guint k = 0; k < model->layers->len; k++)
        for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
          if (g_array_index (model->layers, EffvkLayerInfo, k).parts[part] == tensor)
            name = effvk_naming_timm.name (&model->arch,
                                           &g_array_index (model->layers, EffvkLayerInfo, k), part);
      g_string_append_printf (header,
                              "%s\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":"
                              "[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
                              i ? "," : "", name, shape, tensor->begin, tensor->end);
    }
  g_string_append_c (header, '}');
  length = GUINT64_TO_LE ((guint64) header->len);
  g_byte_array_append (file, (guint8 *) &length, 8);
  g_byte_array_append (file, (guint8 *) header->str, (guint) header->len);
  g_byte_array_append (file, model->file.data, (guint) model->file.data_size);
  g_assert_true (g_file_set_contents (path, (char *) file->data, (gssize) file->len, NULL));
}

static EffvkModel *
load (const char *path, const char *overrides)
{
  GError *error = NULL;
  EffvkModel *model = effvk_model_new_with_overrides (path, overrides, &error);

  g_assert_no_error (error);
  return model;
}

static void
assert_source (EffvkModel *model, const char *key, const char *expected)
{
  g_autofree char *text = effvk_model_inspect (model);
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (parser, text, -1, NULL));
  JsonObject *root = json_node_get_object (json_parser_get_root (parser));
  JsonObject *sources = json_object_get_object_member (root, "sources");
  if (!json_object_has_member (sources, key))
    g_error ("sources has no \"%s\"", key);
  g_assert_cmpstr (json_object_get_string_member (sources, key), ==, expected);
}

/* As timm's repositories have it. */
static const char timm[] = "{\"architecture\": \"tf_efficientnet_b0\", \"num_classes\": 5,"
                           " \"num_features\": 1280, \"global_pool\": \"avg\","
                           " \"model_args\": {\"drop_rate\": 0.2, \"in_chans\": 3},"
                           " \"label_names\": [\"a\", \"b\", \"c\", \"d\", \"e\"],"
                           " \"pretrained_cfg\": {\"tag\": \"in1k\", \"custom_load\": false,"
                           " \"input_size\": [3, 192, 192], \"test_input_size\": [3, 208, 320],"
                           " \"fixed_input_size\": false, \"interpolation\": \"bilinear\","
                           " \"crop_pct\": 0.875, \"test_crop_pct\": null,"
                           " \"crop_mode\": \"center\", \"mean\": [0.5, 0.25, 0.125],"
                           " \"std\": [0.5], \"num_classes\": 1000, \"pool_size\": [7, 7],"
                           " \"first_conv\": \"conv_stem\", \"classifier\": \"classifier\"}}";

static void
test_folder (void)
{
  g_auto (Folder) folder = { 0 };
  folder_init (&folder, "b0", FALSE, timm);

  const char *const paths[] = { folder.path, folder.file };
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (EffvkModel) model = load (paths[i], NULL);
      const EffvkArch *arch = effvk_model_get_arch (model);
      const EffvkRecipe *recipe = effvk_model_get_recipe (model);

      g_assert_cmpstr (effvk_model_get_variant (model), ==, "tf_efficientnet_b0");
      g_assert_cmpint (arch->padding, ==, EFFVK_PADDING_SAME);
      g_assert_cmpfloat (arch->bn_eps, ==, 1e-3);
      g_assert_cmpuint (arch->width, ==, 320);
      g_assert_cmpuint (arch->height, ==, 208);
      g_assert_cmpuint (recipe->resize_size, ==, 237);
      g_assert_cmpint (recipe->interpolation, ==, EFFVK_INTERPOLATION_BILINEAR);
      g_assert_cmpfloat (recipe->mean[2], ==, 0.125f);
      g_assert_cmpfloat (recipe->std[2], ==, 0.5f);
      g_assert_cmpstr (effvk_model_get_label (model, 4), ==, "e");
      assert_source (model, "architecture.padding", "config.json");
      assert_source (model, "architecture.bn_eps", "config.json");
      assert_source (model, "architecture.activation", "default");
      assert_source (model, "input.width", "config.json");
      assert_source (model, "input.mean", "config.json");
      assert_source (model, "input.antialias", "default");
      assert_source (model, "labels", "config.json");
    }
}

/* timm's older form has everything at the top. */
static void
test_flat (void)
{
  g_auto (Folder) folder = { 0 };
  folder_init (&folder, "b0", FALSE,
               "{\"architecture\": \"efficientnet_b0\", \"num_classes\": 5,"
               " \"input_size\": [3, 128, 128], \"crop_pct\": 1.0, \"crop_mode\": \"squash\","
               " \"labels\": {\"0\": \"a\", \"4\": \"e\", \"1\": \"b\", \"2\": \"c\", "
               "\"3\": \"d\"},"
               " \"model_args\": {\"pad_type\": \"same\", \"bn_eps\": 0.01}}");
  g_autoptr (EffvkModel) model = load (folder.path, NULL);

  g_assert_cmpuint (effvk_model_get_arch (model)->width, ==, 128);
  g_assert_cmpint (effvk_model_get_arch (model)->padding, ==, EFFVK_PADDING_SAME);
  g_assert_cmpfloat (effvk_model_get_arch (model)->bn_eps, ==, 0.01);
  g_assert_cmpuint (effvk_model_get_recipe (model)->resize_size, ==, 128);
  g_assert_cmpint (effvk_model_get_recipe (model)->crop_mode, ==, EFFVK_CROP_SQUASH);
  g_assert_cmpstr (effvk_model_get_label (model, 4), ==, "e");
}

static void
test_act_layer (void)
{
  const struct
  {
    const char *name;
    EffvkActivation activation;
  } rows[] = { { "relu6", EFFVK_ACTIVATION_RELU6 },
               { "relu", EFFVK_ACTIVATION_RELU },
               { "swish", EFFVK_ACTIVATION_SILU } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Folder) folder = { 0 };
      g_autofree char *config = g_strdup_printf ("{\"architecture\": \"tf_efficientnet_b0.x\","
                                                 " \"model_args\": {\"act_layer\": \"%s\"}}",
                                                 rows[i].name);
      folder_init (&folder, "phi=-8", FALSE, config);
      g_autoptr (EffvkModel) model = load (folder.path, NULL);
      g_assert_cmpint (effvk_model_get_arch (model)->activation, ==, rows[i].activation);
      assert_source (model, "architecture.activation", "config.json");
    }
}

/* The whole picture, whatever its proportions: without a crop_pct, no margin is cut off. */
static void
test_border (void)
{
  g_auto (Folder) folder = { 0 };
  folder_init (&folder, "b0", FALSE,
               "{\"architecture\": \"efficientnet_b0\", \"num_classes\": 5, \"pretrained_cfg\":"
               " {\"input_size\": [3, 128, 128], \"crop_mode\": \"border\"}}");
  g_autoptr (EffvkModel) model = load (folder.path, NULL);
  g_autofree char *json = effvk_model_inspect (model);

  g_assert_cmpint (effvk_model_get_recipe (model)->crop_mode, ==, EFFVK_CROP_BORDER);
  g_assert_cmpuint (effvk_model_get_recipe (model)->resize_size, ==, 128);
  g_assert_nonnull (strstr (json, "\"crop\": \"border\""));
}

/* The file's own metadata goes before config.json, an override before both. */
static void
test_precedence (void)
{
  g_auto (Folder) folder = { 0 };
  folder_init (&folder, "b0", TRUE, timm);
  g_autoptr (EffvkModel) model = load (folder.file, NULL);

  g_assert_cmpint (effvk_model_get_arch (model)->padding, ==, EFFVK_PADDING_SYMMETRIC);
  g_assert_cmpfloat (effvk_model_get_arch (model)->bn_eps, ==, 1e-5);
  g_assert_cmpuint (effvk_model_get_recipe (model)->resize_size, ==, 256);
  g_assert_cmpstr (effvk_model_get_label (model, 0), ==, "a");
  assert_source (model, "architecture.padding", "metadata");
  assert_source (model, "labels", "config.json");

  g_autoptr (EffvkModel) other = load (folder.file, "{\"padding\":\"same\",\"crop_pct\":0.7,"
                                                    "\"output_activation\":\"sigmoid\"}");
  g_assert_cmpint (effvk_model_get_arch (other)->padding, ==, EFFVK_PADDING_SAME);
  g_assert_cmpint (effvk_model_get_arch (other)->output, ==, EFFVK_OUTPUT_ACTIVATION_SIGMOID);
  g_assert_cmpuint (effvk_model_get_recipe (other)->resize_size, ==, 320);
  assert_source (other, "architecture.padding", "override");
  assert_source (other, "architecture.bn_eps", "metadata");
  assert_source (other, "input.resize", "override");
  assert_source (other, "output.activation", "override");
  assert_source (model, "output.activation", "metadata");

  /* Only the size: the crop stays in proportion. */
  g_autoptr (EffvkModel) sized = load (folder.file, "{\"input_size\":[3,112,112]}");
  g_assert_cmpuint (effvk_model_get_recipe (sized)->resize_size, ==, 128);
}

/* Another program's config.json is not in the way. */
static void
test_foreign (void)
{
  static const char *const texts[]
      = { "{}", "[1, 2]", "{\"model_type\": \"bert\", \"architectures\": [\"B\"]}" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_auto (Folder) folder = { 0 };
      folder_init (&folder, "phi=-8", FALSE, texts[i]);
      g_autoptr (EffvkModel) model = load (folder.file, NULL);
      assert_source (model, "architecture.padding", "assumed"); /* phi=-8 is nobody's */
    }
}

/* Every name that the table of trainings has, and what it stands for. */
static void
test_trainings (void)
{
  static const struct
  {
    EffvkNamed named;
    const char *names[40];
  } rows[] = {
    { EFFVK_NAMED_TENSORFLOW,
      { "efficientnet_b1_pruned", "efficientnet_b2_pruned.in1k", "efficientnet_b3_pruned",
        "tf_efficientnet_b0", "tf_efficientnet_b5.ra_in1k", "tf_efficientnet_b8",
        "tf_efficientnet_l2.ns_jft_in1k_475", "tf_efficientnet_es", "tf_efficientnet_el",
        "tf_efficientnet_lite4", "tf_efficientnetv2_s.in21k_ft_in1k", "tf_efficientnetv2_xl",
        "tf_efficientnetv2_b3", "TF_EfficientNet_B0", "tf_efficientnet_b0_ap",
        "tf_efficientnet_b7_ns", "tf_efficientnet_l2_ns_475", "tf_efficientnetv2_s_in21ft1k",
        "tf_efficientnetv2_m_in21k" } },
    { EFFVK_NAMED_OWN,
      { "efficientnet_es_pruned",
        "efficientnet_el_pruned.in1k",
        "efficientnet_b0",
        "efficientnet_b0.ra4_e3600_r224_in1k",
        "efficientnet_b2a",
        "efficientnet_b3a",
        "efficientnet_b8",
        "efficientnet_l2",
        "efficientnet_es",
        "efficientnet_lite0",
        "efficientnetv2_s",
        "efficientnetv2_rw_t.ra2_in1k",
        "efficientnetv2_rw_s",
        "efficientnetv2_rw_m",
        "tinynet_a",
        "tinynet_b.in1k",
        "tinynet_c",
        "tinynet_d",
        "tinynet_e",
        "b0",
        "efficientnet-b0" } },
    { EFFVK_NAMED_OTHER,
      { "efficientnet_blur_b0",
        "efficientnet_b0_gn",
        "efficientnet_b3_g8_gn",
        "efficientnet_b0_g16_evos",
        "efficientnet_cc_b0_4e",
        "tf_efficientnet_cc_b1_8e",
        "efficientnet_x_b3",
        "efficientnet_h_b5",
        "gc_efficientnetv2_rw_t",
        "test_efficientnet.r160_in1k",
        "test_efficientnet_gn",
        "mnasnet_100",
        "semnasnet_075.rmsp_in1k",
        "mnasnet_small",
        "spnasnet_100",
        "fbnetc_100",
        "mixnet_s",
        "tf_mixnet_l",
        "mobilenetv2_100.ra_in1k",
        "mobilenet_edgetpu_v2_m",
        "tf_mobilenetv3_large_100" } },
    { EFFVK_NAMED_UNKNOWN,
      { "", ".", "efficientnet", "efficientnet_own", "my_efficientnet_b0_pruned",
        "efficientnet_b0_pruned", "tf_cats", "tf_", "efficientnet_b1_pruned_again", "tinynet",
        "cats.efficientnet_b0", "efficientnet_b0_ap" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint k = 0; k < G_N_ELEMENTS (rows[i].names) && rows[i].names[k]; k++)
      if (effvk_training_named (rows[i].names[k]) != rows[i].named)
        g_error ("\"%s\" is %d, expected %d", rows[i].names[k],
                 effvk_training_named (rows[i].names[k]), rows[i].named);
}

/* Files of EdgeTPU's small member with timm's names: pruned it is timm's own; of a name that nobody
 * knows, and of none, the training is assumed. */
static void
test_timm_names (void)
{
  static const struct
  {
    const char *config;
    EffvkPadding padding;
    double bn_eps;
    const char *source;
  } rows[] = {
    { "{\"architecture\": \"efficientnet_es_pruned\"}", EFFVK_PADDING_SYMMETRIC, 1e-5,
      "config.json" },
    { "{\"architecture\": \"tf_efficientnet_es\"}", EFFVK_PADDING_SAME, 1e-3, "config.json" },
    { "{\"architecture\": \"efficientnet_mine_pruned\"}", EFFVK_PADDING_SYMMETRIC, 1e-5,
      "assumed" },
    { "{\"architecture\": \"efficientnet_mine\", \"model_args\": {\"pad_type\": \"same\"}}",
      EFFVK_PADDING_SAME, 1e-5, "config.json" },
    { NULL, EFFVK_PADDING_SYMMETRIC, 1e-5, "assumed" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Folder) folder = { 0 };
      folder_init (&folder, "es", FALSE, rows[i].config);
      name_as_timm (folder.file);
      g_autoptr (EffvkModel) model = load (folder.file, NULL);

      g_test_message ("%s", rows[i].config ? rows[i].config : "no config.json");
      g_assert_cmpint (effvk_model_get_arch (model)->padding, ==, rows[i].padding);
      g_assert_cmpfloat (effvk_model_get_arch (model)->bn_eps, ==, rows[i].bn_eps);
      assert_source (model, "architecture.padding", rows[i].source);
      assert_source (model, "input.mean", "assumed");
    }
}

/* TinyNet is B0 scaled: the same with and without its name. */
static void
test_tinynet (void)
{
  static const char *const configs[]
      = { NULL, "{\"architecture\": \"tinynet_a\", \"pretrained_cfg\": {\"mean\": "
                "[0.485, 0.456, 0.406]}}" };

  for (guint i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_auto (Folder) folder = { 0 };
      folder_init (&folder, "phi=-1", FALSE, configs[i]);
      name_as_timm (folder.file);
      g_autoptr (EffvkModel) model = load (folder.file, NULL);

      g_assert_cmpint (effvk_model_get_arch (model)->padding, ==, EFFVK_PADDING_SYMMETRIC);
      g_assert_cmpfloat (effvk_model_get_arch (model)->bn_eps, ==, 1e-5);
      g_assert_cmpint (effvk_model_get_arch (model)->activation, ==, EFFVK_ACTIVATION_SILU);
      assert_source (model, "architecture.padding", i ? "config.json" : "assumed");
    }
}

/* The config.json of HuggingFace's transformers. */
static void
test_huggingface (void)
{
  g_auto (Folder) folder = { 0 };
  folder_init (&folder, "phi=-8", FALSE,
               "{\"architectures\": [\"EfficientNetForImageClassification\"], \"hidden_act\": "
               "\"swish\", \"image_size\": 96, \"batch_norm_eps\": 0.002, \"model_type\": "
               "\"efficientnet\", \"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\", "
               "\"3\": \"d\", \"4\": \"e\"}, \"num_channels\": 3}");
  g_autoptr (EffvkModel) model = load (folder.path, NULL);

  g_assert_cmpuint (effvk_model_get_recipe (model)->width, ==, 96);
  g_assert_cmpuint (effvk_model_get_recipe (model)->height, ==, 96);
  g_assert_cmpfloat (effvk_model_get_arch (model)->bn_eps, ==, 0.002);
  g_assert_cmpstr (effvk_model_get_label (model, 4), ==, "e");
  assert_source (model, "input.width", "config.json");
}

static void
refuse (const char *config, const char *overrides, int code, const char *const *words)
{
  g_auto (Folder) folder = { 0 };
  GError *error = NULL;
  folder_init (&folder, "b0", FALSE, config);
  g_autoptr (EffvkModel) model = effvk_model_new_with_overrides (folder.path, overrides, &error);
  fixture_refused (model != NULL, &error, code, words, config ? config : overrides);
}

static void
test_refused (void)
{
  refuse ("{\"architecture\": \"efficientnet_b3\"}", NULL, UNSUPPORTED,
          WORDS ("config.json architecture", "efficientnet_b0", "efficientnet_b3"));
  refuse ("{\"architecture\": \"efficientnet_x\", \"num_classes\": 7}", NULL, INVALID,
          WORDS ("config.json num_classes", "5 classes", "found 7"));
  refuse ("{\"architecture\": \"efficientnet_x\", \"label_names\": [\"a\"]}", NULL, INVALID,
          WORDS ("config.json label_names", "5 labels", "found 1"));
  refuse ("{\"architecture\": \"efficientnet_x\", \"label_names\": "
          "{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":9}}",
          NULL, INVALID, WORDS ("config.json label_names", "0 to 4", "found 9"));
  /* Their tensors have an EfficientNet's names, and shapes like one's. */
  refuse ("{\"architecture\": \"semnasnet_100\"}", NULL, UNSUPPORTED,
          WORDS ("config.json architecture", "an EfficientNet", "semnasnet_100"));
  refuse ("{\"architecture\": \"efficientnet_blur_b0\"}", NULL, UNSUPPORTED,
          WORDS ("config.json architecture", "an EfficientNet", "efficientnet_blur_b0"));
  refuse ("{\"architecture\": \"efficientnet_b0\", \"model_args\": {\"act_layer\": \"gelu\"}}",
          NULL, UNSUPPORTED,
          WORDS ("config.json act_layer", "silu or relu6 or relu or swish", "gelu"));
  refuse ("{\"pretrained_cfg\": {\"crop_mode\": \"corner\"}}", NULL, UNSUPPORTED,
          WORDS ("config.json crop_mode", "center or squash or border", "corner"));
  refuse ("{\"pretrained_cfg\": [1]}", NULL, INVALID,
          WORDS ("config.json pretrained_cfg", "an object", "an array"));
  refuse ("{\"pretrained_cfg\": {\"input_size\": [1, 224, 224]}}", NULL, INVALID,
          WORDS ("config.json input_size", "3 channels", "found 1"));
  refuse ("{\"architecture\": \"efficientnet_x\",", NULL, INVALID,
          WORDS ("config.json", "not valid JSON"));
  refuse ("{\"a\": 1,,}", NULL, INVALID, WORDS ("config.json", "not valid JSON"));
  refuse ("", NULL, INVALID, WORDS ("config.json", "not valid JSON"));
  refuse (NULL, "{\"bn_eps\": 2}", INVALID, WORDS ("override bn_eps", "0 to 1", "found 2"));
  refuse (NULL, "padding=same", INVALID, WORDS ("override", "not valid JSON"));
  refuse (NULL, "{\"output_activation\": \"tanh\"}", UNSUPPORTED,
          WORDS ("override output_activation", "softmax or sigmoid or none", "tanh"));

  refuse (NULL, "{\"paddding\": \"same\"}", INVALID,
          WORDS ("override: there is no key \"paddding\"", "did you mean \"padding\"?"));
  refuse (NULL, "{\"Mean\": [0, 0, 0]}", INVALID, WORDS ("\"Mean\"", "did you mean \"mean\"?"));
  refuse (NULL, "{\"epsilon\": 1e-3}", INVALID,
          WORDS ("no key \"epsilon\"", "expected one of architecture", "bn_eps", "labels"));
  refuse (NULL, "{\"pretrained_cfg\": {\"crop_ptc\": 0.9}}", INVALID,
          WORDS ("pretrained_cfg", "did you mean \"crop_pct\"?"));

  g_auto (Folder) folder = { 0 };
  GError *error = NULL;
  folder_init (&folder, "phi=-8", FALSE, NULL);
  /* A whole config.json as an override: what it says of other things is no misspelling. */
  g_autoptr (EffvkModel) whole
      = load (folder.file, "{\"architecture\": \"efficientnet_own\", \"num_features\": 1280, "
                           "\"global_pool\": \"avg\", \"model_args\": {\"drop_rate\": 0.2}, "
                           "\"pretrained_cfg\": {\"tag\": \"in1k\", \"pool_size\": [7, 7]}}");
  g_remove (folder.file);
  fixture_refused (effvk_model_new_from_file (folder.path, &error) != NULL, &error,
                   EFFVK_MODEL_ERROR_READ, WORDS (folder.file), "empty folder");
  g_assert_cmpint (g_mkdir (folder.config, 0700), ==, 0);
  fixture_refused (effvk_model_new_from_file (folder.path, &error) != NULL, &error,
                   EFFVK_MODEL_ERROR_READ, WORDS (folder.config, "a directory"), "config.json/");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/config/folder", test_folder);
  g_test_add_func ("/config/flat", test_flat);
  g_test_add_func ("/config/act-layer", test_act_layer);
  g_test_add_func ("/config/border", test_border);
  g_test_add_func ("/config/precedence", test_precedence);
  g_test_add_func ("/config/foreign", test_foreign);
  g_test_add_func ("/config/refused", test_refused);
  g_test_add_func ("/config/trainings", test_trainings);
  g_test_add_func ("/config/timm-names", test_timm_names);
  g_test_add_func ("/config/tinynet", test_tinynet);
  g_test_add_func ("/config/huggingface", test_huggingface);
  return g_test_run ();
}
