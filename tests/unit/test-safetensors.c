/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "model/file.h"
#include "model/json.h"
#include "model/safetensors.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#define INVALID EFFVK_MODEL_ERROR_INVALID
#define T(begin, end) "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" #begin "," #end "]}"

static void
refuse_bytes (GBytes *bytes, const char *const *words, const char *what)
{
  EffvkSafetensors file;
  GError *error = NULL;
  gint64 start = g_get_monotonic_time ();
  gboolean ok = effvk_safetensors_init (&file, bytes, &error);

  fixture_refused (ok, &error, INVALID, words, what);
  /* Far above what it takes, so that a busy machine does not fail; a quadratic reader would. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, 2 * G_USEC_PER_SEC);
  effvk_safetensors_clear (&file);
}

static void
refuse (const char *header, gsize data_size, const char *const *words)
{
  g_autoptr (GBytes) bytes = fixture_file (header, strlen (header), data_size);
  g_autofree char *what = g_utf8_make_valid (header, MIN ((gssize) strlen (header), 200));
  refuse_bytes (bytes, words, what);
}

static void
accept (EffvkSafetensors *file, const char *header, gsize data_size)
{
  g_autoptr (GBytes) bytes = fixture_file (header, strlen (header), data_size);
  GError *error = NULL;
  effvk_safetensors_init (file, bytes, &error);
  g_assert_no_error (error);
}

static void
test_sound (void)
{
  EffvkSafetensors file;

  accept (&file, "{}", 0);
  g_assert_cmpuint (file.n_tensors, ==, 0);
  effvk_safetensors_clear (&file);

  /* Any order, an empty tensor, a scalar, an integer beside the floats, padding after the header.
   */
  accept (&file,
          "{\"b\":" T (
              8, 16) ",\"__metadata__\":{\"format\":\"pt\",\"effvk\":\"{\\\"a\\\":1}\"},"
                     "\"a\":" T (
                         0,
                         8) ",\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[16,16]},"
                            "\"s\":{\"shape\":[],\"data_offsets\":[16,24],\"dtype\":\"I64\"},"
                            "\"\\u0063\\ud83d\\ude00\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_"
                            "offsets\":[24,26]}}   ",
          26);
  g_assert_cmpuint (file.n_tensors, ==, 5);
  g_assert_cmpstr (file.recipe, ==, "{\"a\":1}");
  g_assert_cmpstr (file.first->name, ==, "b");
  g_assert_nonnull (effvk_safetensors_lookup (&file, "c\xf0\x9f\x98\x80"));
  g_assert_null (effvk_safetensors_lookup (&file, "c"));
  g_assert_cmpuint (effvk_safetensors_lookup (&file, "b")->begin, ==, 8);
  g_assert_cmpuint (effvk_safetensors_lookup (&file, "s")->n, ==, 1);
  g_assert_false (effvk_safetensor_is_float (effvk_safetensors_lookup (&file, "s")));
  effvk_safetensors_clear (&file);
}

static void
test_layout (void)
{
  refuse ("{\"a\":" T (0, 8) ",\"b\":" T (12, 20) "}", 20,
          WORDS ("b", "hole", "byte 8", "byte 12"));
  refuse ("{\"a\":" T (4, 12) "}", 12, WORDS ("a", "hole", "byte 0"));
  refuse ("{\"a\":" T (0, 8) ",\"b\":" T (4, 12) "}", 12, WORDS ("b", "overlap", "byte 8"));
  refuse ("{\"a\":" T (0, 8) ",\"b\":" T (0, 8) "}", 8, WORDS ("overlap"));
  refuse ("{\"a\":" T (0, 8) "}", 12, WORDS ("8 bytes", "12", "trailing"));
  refuse ("{}", 4, WORDS ("trailing"));
  refuse ("{\"a\":" T (0, 8) "}", 4, WORDS ("a", "0 to 8", "4 bytes"));
  refuse ("{\"a\":" T (8, 0) "}", 8, WORDS ("a", "8 to 0"));
  refuse ("{\"a\":" T (0, 4) "}", 4, WORDS ("a", "expected 8 bytes", "F32 [2]", "found 4"));
  refuse ("{\"a\":" T (0, 18446744073709551615) "}", 8, WORDS ("a", "18446744073709551615"));
  refuse ("{\"a\":" T (0, 18446744073709551616) "}", 8, WORDS ("a", "64 bits"));
  refuse ("{\"a\":" T (-1, 8) "}", 8, WORDS ("a", "whole number", "-1"));
  refuse ("{\"a\":" T (0.0, 8) "}", 8, WORDS ("a", "whole number", "0.0"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
          WORDS ("a", "overflow"));
  refuse ("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
          WORDS ("a", "overflow"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
          WORDS ("a", "at most 8 dimensions"));
}

static void
test_header (void)
{
  refuse ("[]", 0, WORDS ("an object", "an array"));
  refuse ("", 0, WORDS ("not valid JSON"));
  refuse ("{", 0, WORDS ("not valid JSON"));
  refuse ("{\"a\":1}", 0, WORDS ("a", "an object", "a number"));
  refuse ("{\"a\":{}}", 0, WORDS ("a", "dtype", "missing"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, WORDS ("data_offsets", "missing"));
  refuse ("{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
          WORDS ("a", "F16", "found F33"));
  refuse ("{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4,
          WORDS ("a", "dtype", "a number"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"file\":\"/x\"}}", 4,
          WORDS ("a", "file"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"shape\":[],\"data_offsets\":[0,4]}}", 4,
          WORDS ("duplicate", "shape"));
  refuse ("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,4]}}", 4,
          WORDS ("two offsets"));
  refuse ("{\"a\":" T (0, 8) ",\"a\":" T (8, 16) "}", 16, WORDS ("duplicate tensor", "a"));
  refuse ("{\"a\":" T (0, 8) ",\"\\u0061\":" T (8, 16) "}", 16, WORDS ("duplicate tensor", "a"));
  refuse ("{\"\":" T (0, 8) "}", 8, WORDS ("1 to 256"));
  refuse ("{\"a\\u0000b\":" T (0, 8) "}", 8, WORDS ("escape"));
  refuse ("{\"a\\ud800\":" T (0, 8) "}", 8, WORDS ("escape"));
  refuse ("{\"a\\u001b[2J\":" T (0, 8) "}", 8, WORDS ("control"));
  refuse ("{\"__metadata__\":{\"\\n\":\"\"}}", 0, WORDS ("__metadata__", "control"));
  refuse ("{\"a\xff\":" T (0, 8) "}", 8, WORDS ("UTF-8"));
  refuse ("{\"__metadata__\":{\"a\":1}}", 0, WORDS ("__metadata__", "a string", "a number"));
  refuse ("{\"__metadata__\":{\"a\":{}}}", 0, WORDS ("__metadata__", "a string", "an object"));
  refuse ("{\"__metadata__\":[]}", 0, WORDS ("__metadata__", "an object"));
  refuse ("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0,
          WORDS ("__metadata__", "duplicate", "a"));
  refuse ("{\"__metadata__\":{},\"__metadata__\":{}}", 0, WORDS ("duplicate", "__metadata__"));
  refuse ("{} {}", 0, WORDS ("after the end"));
}

static void
test_length (void)
{
  static const guint64 lengths[] = { 3, 9, 100000001, (guint64) 1 << 32, G_MAXUINT64, G_MAXINT64 };
  static const char short_file[] = "\2\0\0\0\0\0\0";

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      guint64 file[2] = { GUINT64_TO_LE (lengths[i]), 0 };
      memcpy (&file[1], "{}      ", 8);
      g_autoptr (GBytes) bytes = g_bytes_new (file, lengths[i] == 3 ? 10 : 16);
      refuse_bytes (bytes, WORDS ("not a safetensors file", "header of"), "length");
    }
  for (gsize i = 0; i < 8; i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (short_file, i);
      refuse_bytes (bytes, WORDS ("not a safetensors file", "8 bytes"), "short");
    }
}

static void
test_caps (void)
{
  GString *header = g_string_new ("{");

  for (guint i = 0; i <= EFFVK_SAFETENSORS_MAX_TENSORS; i++)
    g_string_append_printf (header,
                            "%s\"t%u\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                            i ? "," : "", i);
  g_string_append_c (header, '}');
  refuse (header->str, 0, WORDS ("at most 10000 tensors"));

  g_string_assign (header, "{\"");
  for (guint i = 0; i <= EFFVK_SAFETENSORS_MAX_NAME; i++)
    g_string_append_c (header, 'n');
  g_string_append (header, "\":" T (0, 8) "}");
  refuse (header->str, 8, WORDS ("1 to 256", "257"));

  g_string_assign (header, "{\"__metadata__\":{");
  for (guint i = 0; i <= EFFVK_SAFETENSORS_MAX_METADATA_KEYS; i++)
    g_string_append_printf (header, "%s\"%u\":\"\"", i ? "," : "", i);
  g_string_append (header, "}}");
  refuse (header->str, 0, WORDS ("__metadata__", "at most 256 keys"));

  g_string_assign (header, "{\"__metadata__\":{\"effvk\":\"");
  for (guint i = 0; i <= EFFVK_SAFETENSORS_MAX_RECIPE; i++)
    g_string_append_c (header, 'x');
  g_string_append (header, "\"}}");
  refuse (header->str, 0, WORDS ("effvk", "at most"));

  /* Ten million brackets neither overflow a stack nor take memory. */
  g_string_assign (header, "");
  for (guint i = 0; i < 10000000; i++)
    g_string_append_c (header, '[');
  refuse (header->str, 0, WORDS ("expected an object"));
  g_string_prepend (header, "{\"a\":{\"shape\":");
  refuse (header->str, 0, WORDS ("a", "a dimension", "an array"));
  g_string_free (header, TRUE);
}

/* Every cut of a sound file, and every byte of its header changed, is handled without a crash; a
 * cut is always refused. */
static void
test_mutations (void)
{
  static const char header[]
      = "{\"__metadata__\":{\"effvk\":\"{}\"},\"a\":" T (0, 8) ",\"b\":" T (8, 16) "}";
  g_autoptr (GBytes) bytes = fixture_file (header, strlen (header), 16);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  EffvkSafetensors file;

  for (gsize i = 0; i < size; i++)
    {
      /* A copy of its own, so that a sanitizer sees a byte read too far. */
      g_autoptr (GBytes) cut = g_bytes_new (data, i);
      GError *error = NULL;
      g_assert_false (effvk_safetensors_init (&file, cut, &error));
      g_assert_error (error, EFFVK_MODEL_ERROR, INVALID);
      g_clear_error (&error);
    }
  for (gsize i = 0; i < size - 16; i++)
    for (guint value = 0; value < 256; value++)
      {
        g_autofree guint8 *copy = g_memdup2 (data, size);
        copy[i] = (guint8) value;
        g_autoptr (GBytes) changed = g_bytes_new (copy, size);
        GError *error = NULL;
        if (effvk_safetensors_init (&file, changed, &error))
          g_assert_no_error (error);
        else
          g_assert_error (error, EFFVK_MODEL_ERROR, INVALID);
        g_clear_error (&error);
        effvk_safetensors_clear (&file);
      }
}

static void
test_convert (void)
{
  static const char header[] = "{\"h\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]},"
                               "\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]},"
                               "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[22,26]}}";
  static const guint8 data[26]
      = { 0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x03, 0x00, 0x80, 0xff, 0x7b, 0x00,
          0x7c, 0x01, 0x7e, 0x80, 0x3f, 0x49, 0xc0, 0x80, 0x7f, 0x00, 0x00, 0xc0, 0x3f };
  static const float halves[] = { 1, -2, 0x1p-24f, 1023 * 0x1p-24f, -0.f, 65504, INFINITY };
  gsize length = strlen (header);
  guint8 *whole = g_malloc (8 + length + sizeof data);
  guint64 le = GUINT64_TO_LE ((guint64) length);
  EffvkSafetensors file;
  GError *error = NULL;
  float out[8];

  memcpy (whole, &le, 8);
  memcpy (whole + 8, header, length);
  memcpy (whole + 8 + length, data, sizeof data);
  g_autoptr (GBytes) bytes = g_bytes_new_take (whole, 8 + length + sizeof data);
  effvk_safetensors_init (&file, bytes, &error);
  g_assert_no_error (error);

  effvk_safetensor_read (&file, effvk_safetensors_lookup (&file, "h"), 0, 8, out);
  for (guint i = 0; i < G_N_ELEMENTS (halves); i++)
    g_assert_cmpmem (&out[i], 4, &halves[i], 4);
  g_assert_true (isnan (out[7]));
  effvk_safetensor_read (&file, effvk_safetensors_lookup (&file, "h"), 5, 1, out);
  g_assert_cmpfloat (out[0], ==, 65504);
  effvk_safetensor_read (&file, effvk_safetensors_lookup (&file, "b"), 0, 3, out);
  g_assert_cmpfloat (out[0], ==, 1);
  g_assert_cmpfloat (out[1], ==, -3.140625f);
  g_assert_true (isinf (out[2]));
  effvk_safetensor_read (&file, effvk_safetensors_lookup (&file, "f"), 0, 1, out);
  g_assert_cmpfloat (out[0], ==, 1.5f);
  effvk_safetensors_clear (&file);
}

static EffvkJsonToken
last_token (const char *text)
{
  EffvkJson json;
  EffvkJsonToken token;

  effvk_json_init (&json, text, strlen (text));
  do
    token = effvk_json_next (&json);
  while (token != EFFVK_JSON_END && token != EFFVK_JSON_ERROR);
  return token;
}

static void
test_json (void)
{
  static const char *const good[] = { "1",
                                      "-0.5e+3",
                                      "\"\\u00e9\\n\"",
                                      "[]",
                                      "{}",
                                      " [1 , 2]\n",
                                      "null",
                                      "true",
                                      "false",
                                      "{\"a\":[{\"b\":{}}]}",
                                      "[[[[[[[[]]]]]]]]" };
  static const char *const bad[] = { "",         "01",
                                     "1.",       "1e",
                                     "-",        "+1",
                                     ".5",       "[1,]",
                                     "[,1]",     "[1 2]",
                                     "{,}",      "{\"a\"}",
                                     "{\"a\":}", "{\"a\":1,}",
                                     "{a:1}",    "{1:1}",
                                     "[}",       "{]",
                                     "\"\\x\"",  "\"\\u12\"",
                                     "\"\n\"",   "nul",
                                     "TRUE",     "NaN",
                                     "1 1",      "[[[[[[[[[]]]]]]]]]",
                                     "\"a",      "[",
                                     "'a'",      "\"\xc0\x80\"" };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    if (last_token (good[i]) != EFFVK_JSON_END)
      g_error ("refused: %s", good[i]);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (last_token (bad[i]) != EFFVK_JSON_ERROR)
      g_error ("accepted: %s", bad[i]);

  g_autoptr (GString) out = g_string_new (NULL);
  effvk_json_append_string (out, "a\"\\\n\x7f\xc3\xa9");
  g_assert_cmpstr (out->str, ==, "\"a\\\"\\\\\\u000a\\u007f\xc3\xa9\"");
  g_string_truncate (out, 0);
  effvk_json_append_float (out, 0.485f);
  g_assert_cmpstr (out->str, ==, "0.485");
  g_string_truncate (out, 0);
  effvk_json_append_float (out, 1 / 3.f);
  g_assert_cmpfloat ((float) g_ascii_strtod (out->str, NULL), ==, 1 / 3.f);
}

static gboolean
read_file (EffvkSafetensors *file, const char *path, GError **error)
{
  guint64 size;
  int fd = effvk_file_open (path, EFFVK_SAFETENSORS_MAX_FILE, &size, EFFVK_MODEL_ERROR_READ, error);

  return fd >= 0 && effvk_safetensors_init_header (file, fd, size, error)
         && effvk_safetensors_read_data (file, error);
}

static void
test_files (void)
{
  static const char sound[] = "\x02\0\0\0\0\0\0\0{}";
  char *path = fixture_path ("file");
  g_autofree char *directory = g_path_get_dirname (path);
  EffvkSafetensors file;
  GError *error = NULL;

  fixture_refused (read_file (&file, path, &error), &error, EFFVK_MODEL_ERROR_READ,
                   WORDS ("opened"), "missing");
  fixture_refused (read_file (&file, directory, &error), &error, EFFVK_MODEL_ERROR_READ,
                   WORDS ("regular file", "a directory"), "directory");
  fixture_refused (read_file (&file, "/dev/zero", &error), &error, EFFVK_MODEL_ERROR_READ,
                   WORDS ("regular file", "a device"), "device");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fixture_refused (read_file (&file, path, &error), &error, EFFVK_MODEL_ERROR_READ,
                   WORDS ("regular file", "a FIFO"), "FIFO");
  g_remove (path);

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  fixture_refused (read_file (&file, path, &error), &error, INVALID, WORDS ("0 bytes"), "empty");
  g_assert_true (g_file_set_contents (path, sound, 9, NULL));
  fixture_refused (read_file (&file, path, &error), &error, INVALID, WORDS ("truncated"),
                   "truncated");
  /* A file of 5 GiB that takes no room on the disk. */
  g_assert_true (g_file_set_contents (path, sound, 10, NULL));
  if (truncate (path, (off_t) 5 << 30) == 0)
    fixture_refused (read_file (&file, path, &error), &error, EFFVK_MODEL_ERROR_READ,
                     WORDS ("at most 4294967296", "5368709120"), "huge");
  g_assert_true (g_file_set_contents (path, sound, 10, NULL));
  g_assert_true (read_file (&file, path, &error));
  g_assert_no_error (error);
  effvk_safetensors_clear (&file);
  fixture_remove (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/safetensors/sound", test_sound);
  g_test_add_func ("/safetensors/layout", test_layout);
  g_test_add_func ("/safetensors/header", test_header);
  g_test_add_func ("/safetensors/length", test_length);
  g_test_add_func ("/safetensors/caps", test_caps);
  g_test_add_func ("/safetensors/mutations", test_mutations);
  g_test_add_func ("/safetensors/convert", test_convert);
  g_test_add_func ("/safetensors/json", test_json);
  g_test_add_func ("/safetensors/files", test_files);
  return g_test_run ();
}
