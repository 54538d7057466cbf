/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/embedding-meta.h"

#include "common/analytics-meta.h"

void
gst_effvk_embedding_meta_register (void)
{
  static const gchar *tags[] = { NULL };
  static gsize registered;

  if (g_once_init_enter (&registered))
    {
      if (!gst_meta_get_info (GST_EFFVK_EMBEDDING_META))
        gst_meta_register_custom (GST_EFFVK_EMBEDDING_META, tags, NULL, NULL, NULL);
      g_once_init_leave (&registered, 1);
    }
}

#ifdef HAVE_GST_TENSOR_META
static void
attach_tensor (GstBuffer *buffer, EffvkResult *const *results, guint n, guint size)
{
  gsize dims[2] = { n, size };
  GstBuffer *data = gst_buffer_new_allocate (NULL, dims[0] * dims[1] * sizeof (float), NULL);

  for (guint i = 0; i < n; i++)
    gst_buffer_fill (data, (gsize) i * size * sizeof (float),
                     effvk_result_get_embedding (results[i], &size), size * sizeof (float));
  gst_effvk_analytics_add_tensor (
      buffer, gst_tensor_new_simple (g_quark_from_static_string ("effvk-embedding"),
                                     GST_TENSOR_DATA_TYPE_FLOAT32, data,
                                     GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims));
}
#endif

void
gst_effvk_embedding_attach (GstBuffer *buffer, EffvkResult *const *results, guint n)
{
  GValue list = G_VALUE_INIT;
  GstStructure *structure;
  guint size = 0;

  for (guint i = 0; i < n; i++)
    if (!effvk_result_get_embedding (results[i], &size))
      return;
  if (n == 0)
    return;
  gst_value_array_init (&list, n);
  for (guint i = 0; i < n; i++)
    {
      const float *values = effvk_result_get_embedding (results[i], &size);
      GValue item = G_VALUE_INIT;

      g_value_init (&item, G_TYPE_BYTES);
      g_value_take_boxed (&item, g_bytes_new (values, size * sizeof *values));
      gst_value_array_append_and_take_value (&list, &item);
    }
  structure = gst_custom_meta_get_structure (
      gst_buffer_add_custom_meta (buffer, GST_EFFVK_EMBEDDING_META));
  gst_structure_set (structure, "size", G_TYPE_UINT, size, NULL);
  gst_structure_take_value (structure, "embeddings", &list);
#ifdef HAVE_GST_TENSOR_META
  attach_tensor (buffer, results, n, size);
#endif
}
