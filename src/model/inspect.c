/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model-private.h"

#include "model/json.h"

static void
append_floats (GString *out, const char *key, const float *values, guint n)
{
  g_string_append_printf (out, "    \"%s\": [", key);
  for (guint i = 0; i < n; i++)
    {
      if (i)
        g_string_append (out, ", ");
      effvk_json_append_float (out, values[i]);
    }
  g_string_append (out, "],\n");
}

static void
append_input (GString *out, const EffvkArch *arch, const EffvkRecipe *recipe)
{
  g_string_append_printf (out,
                          "  \"input\": {\n"
                          "    \"width\": %u,\n"
                          "    \"height\": %u,\n"
                          "    \"channels\": %u,\n",
                          arch->width, arch->height, arch->in_channels);
  append_floats (out, "mean", recipe->mean, arch->in_channels);
  append_floats (out, "std", recipe->std, arch->in_channels);
  g_string_append_printf (out,
                          "    \"resize\": %u,\n"
                          "    \"crop\": \"%s\",\n"
                          "    \"interpolation\": \"%s\",\n"
                          "    \"antialias\": %s\n"
                          "  },\n",
                          recipe->resize_size, effvk_crop_mode_names[recipe->crop_mode],
                          effvk_interpolation_names[recipe->interpolation],
                          recipe->antialias ? "true" : "false");
}

/* One stage a line: its first block, and how many there are. */
static void
append_stages (GString *out, const GArray *blocks)
{
  guint repeats;

  g_string_append (out, "    \"stages\": [");
  for (guint i = 0; i < blocks->len; i += repeats)
    {
      const EffvkBlock *block = &g_array_index (blocks, EffvkBlock, i);
      for (repeats = 1; i + repeats < blocks->len; repeats++)
        if (g_array_index (blocks, EffvkBlock, i + repeats).stage != block->stage)
          break;
      g_string_append_printf (out, "%s\n      { \"kind\": \"%s\", \"expand\": ", i ? "," : "",
                              block->kind == EFFVK_BLOCK_FUSED ? "fused-mbconv" : "mbconv");
      effvk_json_append_double (out, (double) block->expanded / block->in);
      g_string_append_printf (out,
                              ", \"kernel\": %u, \"stride\": %u, \"in\": %u, \"out\": %u, "
                              "\"repeats\": %u, \"squeezed\": %u }",
                              block->kernel, block->stride, block->in, block->out, repeats,
                              block->squeezed);
    }
  g_string_append (out, "\n    ],\n");
}

static void
append_architecture (GString *out, const EffvkArch *arch)
{
  g_string_append_printf (out,
                          "  \"architecture\": {\n"
                          "    \"padding\": \"%s\",\n"
                          "    \"bn_eps\": ",
                          effvk_padding_names[arch->padding]);
  effvk_json_append_double (out, arch->bn_eps);
  g_string_append_printf (out,
                          ",\n"
                          "    \"activation\": \"%s\",\n"
                          "    \"stem\": { \"kernel\": %u, \"stride\": %u, \"out\": %u },\n",
                          effvk_activation_names[arch->activation], arch->stem_kernel,
                          arch->stem_stride, arch->stem_out);
  append_stages (out, arch->blocks);
  g_string_append_printf (out, "    \"head\": { \"out\": %u }\n  },\n", arch->head_out);
}

/* What one image in fp32 takes. The file's tensors stay: classifiers to come pack them for
 * themselves. While a network is loaded its weights are there twice, packed and on the device. */
static void
append_memory (GString *out, const EffvkModel *model)
{
  guint64 file = 0, weights = effvk_arch_n_parameters (&model->arch) * sizeof (float);
  guint64 activations = effvk_arch_activation_bytes (&model->arch);

  for (guint i = 0; i < model->file.n_tensors; i++)
    file += model->file.tensors[i].end - model->file.tensors[i].begin;
  g_string_append_printf (out,
                          "  \"memory\": {\n"
                          "    \"file\": %" G_GUINT64_FORMAT ",\n"
                          "    \"weights\": %" G_GUINT64_FORMAT ",\n"
                          "    \"activations\": %" G_GUINT64_FORMAT ",\n"
                          "    \"total\": %" G_GUINT64_FORMAT "\n"
                          "  },\n",
                          file, weights, activations, file + 2 * weights + activations);
}

/* Of a model that was taught. */
static void
append_taught (GString *out, const EffvkTaught *taught)
{
  if (taught->unknown_threshold != 0)
    {
      g_string_append (out, "  \"unknown_threshold\": ");
      effvk_json_append_double (out, taught->unknown_threshold);
      g_string_append (out, ",\n");
    }
  if (taught->teaching)
    g_string_append_printf (out, "  \"teaching\": %s,\n", taught->teaching);
}

static void
append_sources (GString *out, const EffvkSources *s)
{
  const struct
  {
    const char *key;
    EffvkSource source;
  } rows[] = {
    { "variant", s->variant },
    { "parameters", EFFVK_SOURCE_TENSORS },
    { "macs", EFFVK_SOURCE_TENSORS },
    { "classes", EFFVK_SOURCE_TENSORS },
    { "labels", s->labels },
    { "input.width", s->size },
    { "input.height", s->size },
    { "input.channels", EFFVK_SOURCE_TENSORS },
    { "input.mean", s->mean },
    { "input.std", s->std },
    { "input.resize", s->resize },
    { "input.crop", s->crop },
    { "input.interpolation", s->interpolation },
    { "input.antialias", s->antialias },
    { "output.activation", s->output },
    { "architecture.padding", s->padding },
    { "architecture.bn_eps", s->bn_eps },
    { "architecture.activation", s->activation },
    { "architecture.stem", EFFVK_SOURCE_TENSORS },
    { "architecture.stages", EFFVK_SOURCE_TENSORS },
    { "architecture.head", EFFVK_SOURCE_TENSORS },
  };

  g_string_append (out, "  \"sources\": {");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_string_append_printf (out, "%s\n    \"%s\": \"%s\"", i ? "," : "", rows[i].key,
                            effvk_source_names[rows[i].source]);
  g_string_append (out, "\n  }\n");
}

char *
effvk_model_inspect (EffvkModel *model)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);

  GString *out = g_string_new ("{\n  \"name\": ");

  effvk_json_append_string (out, effvk_model_get_name (model));
  g_string_append (out, ",\n  \"variant\": ");
  effvk_json_append_string (out, model->arch.variant);
  g_string_append_printf (out,
                          ",\n"
                          "  \"parameters\": %" G_GUINT64_FORMAT ",\n"
                          "  \"macs\": %" G_GUINT64_FORMAT ",\n"
                          "  \"classes\": %u,\n"
                          "  \"labels\": { \"first\": ",
                          effvk_arch_n_parameters (&model->arch), effvk_arch_macs (&model->arch),
                          model->arch.classes);
  effvk_json_append_string (out, model->labels[0]);
  g_string_append (out, ", \"last\": ");
  effvk_json_append_string (out, model->labels[model->arch.classes - 1]);
  g_string_append (out, " },\n");
  append_input (out, &model->arch, &model->recipe);
  g_string_append_printf (out,
                          "  \"output\": { \"activation\": \"%s\" },\n"
                          "  \"names\": \"%s\",\n",
                          effvk_output_names[model->arch.output], model->naming->id);
  if (model->output)
    {
      g_string_append (out, "  \"graph_output\": ");
      effvk_json_append_string (out, model->output);
      g_string_append (out, ",\n");
    }
  if (model->quantised)
    g_string_append (out, "  \"quantisation\": \"weights are dequantised, activations are not "
                          "rounded\",\n");
  if (model->file.prefix)
    {
      g_string_append (out, "  \"prefix\": ");
      effvk_json_append_string (out, model->file.prefix);
      g_string_append (out, ",\n");
    }
  append_architecture (out, &model->arch);
  append_memory (out, model);
  append_taught (out, &model->taught);
  append_sources (out, &model->sources);
  g_string_append (out, "}\n");
  return g_string_free (out, FALSE);
}
