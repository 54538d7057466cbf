/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/json.h"

#include <string.h>

#define MAX_NUMBER_LENGTH 63

enum
{
  EXPECT_VALUE,
  EXPECT_VALUE_OR_END,
  EXPECT_KEY,
  EXPECT_KEY_OR_END,
  EXPECT_COMMA_OR_END,
};

void
effvk_json_init (EffvkJson *json, const char *text, gsize length)
{
  memset (json, 0, sizeof *json);
  json->text = text;
  json->length = length;
  json->expect = EXPECT_VALUE;
}

static EffvkJsonToken
fail (EffvkJson *json, const char *problem)
{
  json->problem = problem;
  return EFFVK_JSON_ERROR;
}

/* The next byte, or -1 at the end. */
static int
peek (const EffvkJson *json)
{
  return json->offset < json->length ? (guint8) json->text[json->offset] : -1;
}

static void
skip_space (EffvkJson *json)
{
  while (json->offset < json->length)
    {
      char c = json->text[json->offset];
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
        break;
      json->offset++;
    }
}

static gboolean
scan_escape (EffvkJson *json)
{
  json->offset++;
  int c = peek (json);
  if (c < 0 || !strchr ("\"\\/bfnrtu", c) || c == 0)
    return FALSE;
  json->offset++;
  if (c != 'u')
    return TRUE;
  for (guint i = 0; i < 4; i++, json->offset++)
    {
      int h = peek (json);
      if (h < 0 || !g_ascii_isxdigit (h))
        return FALSE;
    }
  return TRUE;
}

/* At the opening quote. */
static gboolean
scan_string (EffvkJson *json)
{
  gsize start = ++json->offset;
  int c;

  json->escaped = FALSE;
  while ((c = peek (json)) != '"')
    {
      if (c < 0)
        return fail (json, "unterminated string"), FALSE;
      if (c < 0x20)
        return fail (json, "control character in a string"), FALSE;
      if (c == '\\')
        {
          json->escaped = TRUE;
          if (!scan_escape (json))
            return fail (json, "bad escape in a string"), FALSE;
        }
      else
        json->offset++;
    }
  json->token = json->text + start;
  json->token_length = json->offset - start;
  json->offset++;
  if (!g_utf8_validate_len (json->token, json->token_length, NULL))
    return fail (json, "string is not UTF-8"), FALSE;
  return TRUE;
}

static gsize
scan_digits (EffvkJson *json)
{
  gsize start = json->offset;
  while (peek (json) >= '0' && peek (json) <= '9')
    json->offset++;
  return json->offset - start;
}

static gboolean
scan_number (EffvkJson *json)
{
  gsize start = json->offset;

  if (peek (json) == '-')
    json->offset++;
  if (peek (json) == '0')
    json->offset++;
  else if (scan_digits (json) == 0)
    return FALSE;
  if (peek (json) == '.')
    {
      json->offset++;
      if (scan_digits (json) == 0)
        return FALSE;
    }
  if (peek (json) == 'e' || peek (json) == 'E')
    {
      json->offset++;
      if (peek (json) == '+' || peek (json) == '-')
        json->offset++;
      if (scan_digits (json) == 0)
        return FALSE;
    }
  json->token = json->text + start;
  json->token_length = json->offset - start;
  json->escaped = FALSE;
  return json->token_length <= MAX_NUMBER_LENGTH;
}

static EffvkJsonToken
open_container (EffvkJson *json, gboolean object)
{
  if (json->depth == EFFVK_JSON_MAX_DEPTH)
    return fail (json, "nested too deeply");
  json->offset++;
  if (object)
    json->objects |= 1u << json->depth;
  else
    json->objects &= ~(1u << json->depth);
  json->depth++;
  json->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
  return object ? EFFVK_JSON_OBJECT : EFFVK_JSON_ARRAY;
}

static gboolean
in_object (const EffvkJson *json)
{
  return json->depth > 0 && (json->objects >> (json->depth - 1) & 1);
}

static EffvkJsonToken
close_container (EffvkJson *json)
{
  gboolean object = in_object (json);
  json->offset++;
  json->depth--;
  json->expect = EXPECT_COMMA_OR_END;
  return object ? EFFVK_JSON_OBJECT_END : EFFVK_JSON_ARRAY_END;
}

static EffvkJsonToken
read_literal (EffvkJson *json, const char *literal, EffvkJsonToken token)
{
  gsize n = strlen (literal);
  if (json->length - json->offset < n || memcmp (json->text + json->offset, literal, n) != 0)
    return fail (json, "unknown literal");
  json->offset += n;
  json->expect = EXPECT_COMMA_OR_END;
  return token;
}

static EffvkJsonToken
read_value (EffvkJson *json)
{
  int c = peek (json);
  switch (c)
    {
    case '{':
      return open_container (json, TRUE);
    case '[':
      return open_container (json, FALSE);
    case '"':
      if (!scan_string (json))
        return EFFVK_JSON_ERROR;
      json->expect = EXPECT_COMMA_OR_END;
      return EFFVK_JSON_STRING;
    case 't':
      return read_literal (json, "true", EFFVK_JSON_TRUE);
    case 'f':
      return read_literal (json, "false", EFFVK_JSON_FALSE);
    case 'n':
      return read_literal (json, "null", EFFVK_JSON_NULL);
    default:
      if (c != '-' && !(c >= '0' && c <= '9'))
        return fail (json, c < 0 ? "text ends where a value was expected" : "value expected");
      if (!scan_number (json))
        return fail (json, "malformed number");
      json->expect = EXPECT_COMMA_OR_END;
      return EFFVK_JSON_NUMBER;
    }
}

static EffvkJsonToken
read_key (EffvkJson *json)
{
  if (peek (json) != '"')
    return fail (json, "object key expected");
  if (!scan_string (json))
    return EFFVK_JSON_ERROR;
  skip_space (json);
  if (peek (json) != ':')
    return fail (json, "colon expected");
  json->offset++;
  json->expect = EXPECT_VALUE;
  return EFFVK_JSON_KEY;
}

EffvkJsonToken
effvk_json_next (EffvkJson *json)
{
  int c;

  if (json->problem)
    return EFFVK_JSON_ERROR;
  skip_space (json);
  c = peek (json);

  if (json->expect == EXPECT_COMMA_OR_END)
    {
      if (json->depth == 0)
        return c < 0 ? EFFVK_JSON_END : fail (json, "text after the end");
      if (c == (in_object (json) ? '}' : ']'))
        return close_container (json);
      if (c != ',')
        return fail (json, c < 0 ? "text ends inside a value" : "comma expected");
      json->offset++;
      json->expect = in_object (json) ? EXPECT_KEY : EXPECT_VALUE;
      skip_space (json);
    }
  else if ((json->expect == EXPECT_KEY_OR_END && c == '}')
           || (json->expect == EXPECT_VALUE_OR_END && c == ']'))
    return close_container (json);

  if (json->expect == EXPECT_KEY || json->expect == EXPECT_KEY_OR_END)
    return read_key (json);
  return read_value (json);
}

gboolean
effvk_json_skip (EffvkJson *json)
{
  guint depth = json->depth;
  do
    {
      EffvkJsonToken token = effvk_json_next (json);
      if (token == EFFVK_JSON_ERROR || token == EFFVK_JSON_END)
        return FALSE;
    }
  while (json->depth > depth);
  return TRUE;
}

const char *
effvk_json_token_name (EffvkJsonToken token)
{
  static const char *const names[]
      = { "malformed JSON", "an object", "the object's end", "an array", "the array's end",
          "a key",          "a string",  "a number",         "true",     "false",
          "null",           "the end" };
  return token < G_N_ELEMENTS (names) ? names[token] : "?";
}

static gunichar
read_hex4 (const char *p)
{
  gunichar value = 0;
  for (guint i = 0; i < 4; i++)
    value = value << 4 | (gunichar) g_ascii_xdigit_value (p[i]);
  return value;
}

char *
effvk_json_dup_string (const EffvkJson *json)
{
  static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
  const char *p = json->token, *end = p + json->token_length;

  if (!json->escaped)
    return g_strndup (p, json->token_length);

  g_autoptr (GString) out = g_string_sized_new (json->token_length);
  while (p < end)
    {
      if (*p != '\\')
        {
          g_string_append_c (out, *p++);
          continue;
        }
      const char *letter = strchr (from, p[1]);
      if (p[1] != 'u')
        {
          g_string_append_c (out, letter ? to[letter - from] : p[1]);
          p += 2;
          continue;
        }
      gunichar c = read_hex4 (p + 2);
      p += 6;
      if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u')
        {
          gunichar low = read_hex4 (p + 2);
          if (low < 0xdc00 || low > 0xdfff)
            return NULL;
          c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
          p += 6;
        }
      if (c == 0 || (c >= 0xd800 && c <= 0xdfff))
        return NULL;
      g_string_append_unichar (out, c);
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
effvk_json_excerpt (const EffvkJson *json)
{
  return g_utf8_make_valid (json->token, (gssize) MIN (json->token_length, 64));
}

gboolean
effvk_text_is_plain (const char *utf8)
{
  for (; *utf8; utf8 = g_utf8_next_char (utf8))
    if (g_unichar_iscntrl (g_utf8_get_char (utf8)))
      return FALSE;
  return TRUE;
}

gboolean
effvk_json_is (const EffvkJson *json, const char *string)
{
  if (!json->escaped)
    return json->token_length == strlen (string)
           && memcmp (json->token, string, json->token_length) == 0;
  /* Longer than six bytes a character, it is another string: no need to copy it. */
  if (json->token_length > 6 * strlen (string))
    return FALSE;
  g_autofree char *unescaped = effvk_json_dup_string (json);
  return unescaped && strcmp (unescaped, string) == 0;
}

gboolean
effvk_json_get_uint (const EffvkJson *json, guint64 *value)
{
  *value = 0;
  for (gsize i = 0; i < json->token_length; i++)
    if (!g_ascii_isdigit (json->token[i]) || !g_uint64_checked_mul (value, *value, 10)
        || !g_uint64_checked_add (value, *value, (guint64) (json->token[i] - '0')))
      return FALSE;
  return json->token_length > 0;
}

double
effvk_json_get_double (const EffvkJson *json)
{
  char buffer[MAX_NUMBER_LENGTH + 1];
  gsize n = MIN (json->token_length, MAX_NUMBER_LENGTH);
  memcpy (buffer, json->token, n);
  buffer[n] = 0;
  return g_ascii_strtod (buffer, NULL);
}

void
effvk_json_append_string (GString *out, const char *string)
{
  g_string_append_c (out, '"');
  for (const char *p = string; *p; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_printf (out, "\\%c", *p);
      else if ((guint8) *p < 0x20 || *p == 0x7f)
        g_string_append_printf (out, "\\u%04x", (guint8) *p);
      else
        g_string_append_c (out, *p);
    }
  g_string_append_c (out, '"');
}

void
effvk_json_append_float (GString *out, float value)
{
  char format[8], buffer[G_ASCII_DTOSTR_BUF_SIZE];
  for (guint digits = 6; digits <= 9; digits++)
    {
      g_snprintf (format, sizeof format, "%%.%ug", digits);
      g_ascii_formatd (buffer, sizeof buffer, format, value);
      if ((float) g_ascii_strtod (buffer, NULL) == value)
        break;
    }
  g_string_append (out, buffer);
}

void
effvk_json_append_double (GString *out, double value)
{
  char format[8], buffer[G_ASCII_DTOSTR_BUF_SIZE];
  for (guint digits = 6; digits <= 17; digits++)
    {
      g_snprintf (format, sizeof format, "%%.%ug", digits);
      g_ascii_formatd (buffer, sizeof buffer, format, value);
      if (g_ascii_strtod (buffer, NULL) == value)
        break;
    }
  g_string_append (out, buffer);
}
