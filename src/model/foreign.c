/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/foreign.h"

#include "model/zip.h"

#include <string.h>

#define CONVERT "effvk-convert FILE OUT.safetensors"
#define PICTURE "effvk classify FILE takes it; a model is expected here"
#define UNPACK "unpack it; a model is expected here"

static const struct
{
  guint at;
  const char *magic;
  gsize length;
  const char *what, *advice;
} rows[] = {
  { 0, "\x89HDF\r\n\x1a\n", 8, "a Keras (HDF5) file", CONVERT },
  /* The number that torch.save() of before 1.6 begins with, in a pickle. */
  { 0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14, "a PyTorch checkpoint",
    CONVERT },
  { 0, "\x80\x02", 2, "a Python pickle", CONVERT },
  { 0, "\x80\x03", 2, "a Python pickle", CONVERT },
  { 0, "\x80\x04", 2, "a Python pickle", CONVERT },
  { 0, "\x80\x05", 2, "a Python pickle", CONVERT },
  { 0, "\x08\x01\x12", 3, "a TensorFlow SavedModel",
    "convert it to TFLite or ONNX with TensorFlow's own tools" },
  { 0, "\x89PNG\r\n\x1a\n", 8, "a PNG picture", PICTURE },
  { 0, "\xff\xd8\xff", 3, "a JPEG picture", PICTURE },
  { 0, "GIF8", 4, "a GIF picture", PICTURE },
  { 0, "II*\0", 4, "a TIFF picture", PICTURE },
  { 0, "MM\0*", 4, "a TIFF picture", PICTURE },
  { 8, "WEBP", 4, "a WebP picture", PICTURE },
  { 8, "AVI ", 4, "an AVI video", PICTURE },
  { 4, "ftyp", 4, "a video or picture in an MP4 container", PICTURE },
  { 0, "\x1a\x45\xdf\xa3", 4, "a Matroska or WebM video", PICTURE },
  { 0, "\x1f\x8b", 2, "a gzip archive", UNPACK },
  { 0, "BZh", 3, "a bzip2 archive", UNPACK },
  { 0,
    "\xfd"
    "7zXZ",
    5, "an xz archive", UNPACK },
  { 0, "7z\xbc\xaf", 4, "a 7-Zip archive", UNPACK },
  { 257, "ustar", 5, "a tar archive", UNPACK },
  { 0, "GGUF", 4, "a GGUF file, of language models", "an EfficientNet is expected here" },
  { 0, "version https://git-lfs", 23, "a Git LFS pointer, not the file that it stands for",
    "git lfs pull in its folder fetches that" },
};

static const struct
{
  const char *end; /* of a member's name */
  const char *what, *advice;
} members[] = {
  { "/constants.pkl", "a TorchScript file",
    "load it with torch.jit.load () in Python, torch.save () its state_dict (), and "
    "then " CONVERT },
  { "model.weights.h5", "a Keras file", CONVERT },
  { "/data.pkl", "a PyTorch checkpoint", CONVERT },
  { "saved_model.pb", "a TensorFlow SavedModel in a zip archive",
    "convert it to TFLite or ONNX with TensorFlow's own tools" },
};

static char *
describe_zip (const guint8 *end, gsize size, guint64 before)
{
  EffvkZip zip;

  if (effvk_zip_init (&zip, end, size, before))
    for (guint i = 0; i < G_N_ELEMENTS (members); i++)
      {
        EffvkZipMember member = { 0 };

        for (guint n = 0; n < EFFVK_ZIP_MAX_MEMBERS && effvk_zip_next (&zip, &member); n++)
          if (effvk_zip_name_ends (&member, members[i].end))
            return g_strdup_printf ("this is %s: %s", members[i].what, members[i].advice);
      }
  return g_strdup ("this is a zip archive: " UNPACK ", or, if PyTorch or Keras wrote it: " CONVERT);
}

/* A text's first characters that are no space, without regard to case. */
static gboolean
text_begins (const guint8 *start, gsize size, const char *text)
{
  gsize at = 0, length = strlen (text);

  while (at < size && g_ascii_isspace (start[at]))
    at++;
  return size - at >= length && g_ascii_strncasecmp ((const char *) start + at, text, length) == 0;
}

char *
effvk_foreign_describe (const guint8 *start, gsize size, const guint8 *end, gsize end_size,
                        guint64 before)
{
  if (size >= 4 && memcmp (start, "PK\3\4", 4) == 0)
    return describe_zip (end, end_size, before);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (size >= rows[i].at + rows[i].length
        && memcmp (start + rows[i].at, rows[i].magic, rows[i].length) == 0)
      return g_strdup_printf ("this is %s: %s", rows[i].what, rows[i].advice);
  if (text_begins (start, size, "<!DOCTYPE") || text_begins (start, size, "<html"))
    return g_strdup (
        "this is a web page, which a download gave instead of the file: fetch it again");
  if (text_begins (start, size, "{") || text_begins (start, size, "["))
    return g_strdup ("this is JSON: name the model's file or its folder; labels go to --labels, "
                     "what overrides the model's own metadata to --overrides");
  return NULL;
}
