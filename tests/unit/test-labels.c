/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model-fixtures.h"

#include "model/labels.h"

#include <sys/stat.h>

#define LABELS EFFVK_MODEL_ERROR_LABELS

static void
accept (const char *text, gsize length)
{
  GError *error = NULL;
  g_auto (GStrv) labels = effvk_labels_parse (text, length, 3, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (labels), ==, 3);
  g_assert_cmpstr (labels[0], ==, "tench");
  g_assert_cmpstr (labels[1], ==, "great white shark");
  g_assert_cmpstr (labels[2], ==,
                   "p\xc3\xaa"
                   "che");
}

static void
test_forms (void)
{
#define LINES(end)                                                                                 \
  "tench" end "great white shark" end "p\xc3\xaa"                                                  \
  "che"
  static const char *const forms[] = { LINES ("\n"),
                                       LINES ("\n") "\n",
                                       LINES ("\r\n") "\r\n",
                                       LINES ("\n") "\n\n\r\n\n",
                                       "\xef\xbb\xbf" LINES ("\n") "\n",
                                       "\xef\xbb\xbf" LINES ("\r\n") };
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    accept (forms[i], strlen (forms[i]));
}

static void
refuse (const char *text, gsize length, const char *const *words)
{
  GError *error = NULL;
  g_auto (GStrv) labels = effvk_labels_parse (text, length, 3, &error);
  fixture_refused (labels != NULL, &error, LABELS, words, "labels");
}

static void
test_refused (void)
{
  g_autoptr (GString) text = g_string_new ("a\nb\n");

  refuse ("", 0, WORDS ("expected 3 labels", "found 0"));
  refuse ("\n\n\n", 3, WORDS ("expected 3 labels", "found 0"));
  refuse ("a\nb\n", 4, WORDS ("expected 3 labels", "found 2"));
  refuse ("a\nb\nc\nd\n", 8, WORDS ("expected 3 labels", "found 4"));
  refuse ("a\n\nc\n", 5, WORDS ("line 2", "empty"));
  refuse ("a\nb\xff\nc\n", 7, WORDS ("line 2", "UTF-8", "0xff", "column 2"));
  refuse ("a\nb\0\nc\n", 7, WORDS ("line 2", "UTF-8", "0x00"));
  refuse ("a\n\x1b[2J\nc", 8, WORDS ("line 2", "control"));
  refuse ("a\rb\nc\nd", 7, WORDS ("line 1", "control"));
  refuse ("a\nb\nc\xc3", 6, WORDS ("line 3", "UTF-8"));
  refuse ("\xff\xfe"
          "a\0\n\0",
          6, WORDS ("line 1", "UTF-8"));
  for (guint i = 0; i < 4097; i++)
    g_string_append_c (text, 'x');
  refuse (text->str, text->len, WORDS ("line 3", "at most 4096", "4097"));
  g_string_truncate (text, text->len - 1);
  g_auto (GStrv) labels = effvk_labels_parse (text->str, text->len, 3, NULL);
  g_assert_nonnull (labels);
}

static void
test_json (void)
{
  static const char *const forms[]
      = { "[\"tench\",\"great white shark\",\"p\xc3\xaa\x63he\"]",
          "\xef\xbb\xbf \n[ \"tench\",\n \"great white shark\", \"p\\u00eache\" ]\n",
          "{\"0\":\"tench\",\"1\":\"great white shark\",\"2\":\"p\\u00eache\"}",
          "{\"p\\u00eache\":2,\"tench\":0,\"great white shark\":1}",
          "{\"2\":[\"n1\",\"p\\u00eache\"],\"0\":[\"n0\",\"tench\"],"
          "\"1\":[\"great white shark\"]}" };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    accept (forms[i], strlen (forms[i]));

  /* A bracket does not make text JSON. */
  g_auto (GStrv) labels = effvk_labels_parse ("[none]\nb\nc", 10, 3, NULL);
  g_assert_nonnull (labels);
  g_assert_cmpstr (labels[0], ==, "[none]");
}

static void
test_json_refused (void)
{
  const struct
  {
    const char *text;
    const char *words[3];
  } rows[] = {
    { "[\"a\",\"b\"]", { "expected 3 labels", "found 2" } },
    { "[\"a\",\"b\",\"c\",\"d\"]", { "expected 3 labels", "found 4" } },
    { "{\"0\":\"a\",\"1\":\"b\"}", { "expected 3 labels", "found 2" } },
    { "{\"0\":\"a\",\"1\":\"b\",\"3\":\"c\"}", { "0 to 2", "found 3" } },
    { "{\"0\":\"a\",\"1\":\"b\",\"1\":\"c\"}", { "class 1", "\"b\" and \"c\"" } },
    { "{\"a\":0,\"b\":1,\"c\":1}", { "class 1", "\"b\" and \"c\"" } },
    { "{\"a\":0,\"b\":-1,\"c\":1}", { "label 1", "expected a class", "-1" } },
    { "{\"a\":\"b\",\"c\":\"d\",\"e\":\"f\"}", { "label 0", "number before its name" } },
    { "{\"0\":{\"a\":1}}", { "label 0", "an object" } },
    { "[\"a\",2,\"c\"]", { "label 1", "a string", "a number" } },
    { "[\"a\",\"b\",\"c\"", { "not valid JSON" } },
    { "[\"a\",\"b\",\"c\"] []", { "more" } },
    { "[\"a\",\"b\",\"c\\u0007\"]", { "label 2", "control" } },
    { "[]", { "expected 3 labels", "found 0" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    refuse (rows[i].text, strlen (rows[i].text),
            WORDS (rows[i].words[0], rows[i].words[1] ? rows[i].words[1] : "",
                   rows[i].words[2] ? rows[i].words[2] : ""));
}

static void
test_files (void)
{
  char *path = fixture_path ("labels.txt");
  GError *error = NULL;

  fixture_refused (effvk_labels_read (path, 3, &error) != NULL, &error, LABELS,
                   WORDS (path, "opened"), "missing");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fixture_refused (effvk_labels_read (path, 3, &error) != NULL, &error, LABELS,
                   WORDS (path, "a FIFO"), "FIFO");
  g_remove (path);
  g_autofree char *huge = g_strnfill ((16 << 20) + 1, 'x');
  g_assert_true (g_file_set_contents (path, huge, -1, NULL));
  fixture_refused (effvk_labels_read (path, 3, &error) != NULL, &error, LABELS,
                   WORDS (path, "at most 16777216"), "huge");
  g_assert_true (g_file_set_contents (path, "a\nb\nc\n", -1, NULL));
  g_auto (GStrv) labels = effvk_labels_read (path, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (labels[2], ==, "c");
  fixture_remove (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/labels/forms", test_forms);
  g_test_add_func ("/labels/refused", test_refused);
  g_test_add_func ("/labels/json", test_json);
  g_test_add_func ("/labels/json-refused", test_json_refused);
  g_test_add_func ("/labels/files", test_files);
  return g_test_run ();
}
