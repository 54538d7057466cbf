/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/safetensors.h"

#include "model/json.h"

#include <string.h>

void
effvk_safetensors_writer_init (EffvkSafetensorsWriter *writer, const char *recipe)
{
  writer->offset = 0;
  writer->json = g_string_new ("12345678{\"__metadata__\":{\"format\":\"pt\",\"effvk\":");
  effvk_json_append_string (writer->json, recipe);
  g_string_append_c (writer->json, '}');
}

static void
add (EffvkSafetensorsWriter *writer, const char *name, const char *dtype, guint64 size,
     const guint64 *shape, guint rank)
{
  guint64 begin = writer->offset;

  g_string_append_c (writer->json, ',');
  effvk_json_append_string (writer->json, name);
  g_string_append_printf (writer->json, ":{\"dtype\":\"%s\",\"shape\":[", dtype);
  for (guint i = 0; i < rank; i++)
    {
      g_string_append_printf (writer->json, "%s%" G_GUINT64_FORMAT, i ? "," : "", shape[i]);
      size *= shape[i];
    }
  writer->offset += size;
  g_string_append_printf (writer->json,
                          "],\"data_offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}",
                          begin, writer->offset);
}

void
effvk_safetensors_writer_add (EffvkSafetensorsWriter *writer, const char *name,
                              const guint64 *shape, guint rank)
{
  add (writer, name, "F32", 4, shape, rank);
}

void
effvk_safetensors_writer_add_bytes (EffvkSafetensorsWriter *writer, const char *name, guint64 n)
{
  add (writer, name, "U8", 1, &n, 1);
}

GBytes *
effvk_safetensors_writer_finish (EffvkSafetensorsWriter *writer, guint64 *data_size)
{
  guint64 length;

  g_string_append_c (writer->json, '}');
  while (writer->json->len % 8)
    g_string_append_c (writer->json, ' ');
  length = GUINT64_TO_LE ((guint64) writer->json->len - 8);
  memcpy (writer->json->str, &length, sizeof length);
  *data_size = writer->offset;
  return g_string_free_to_bytes (g_steal_pointer (&writer->json));
}
