/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture-damage.h"

#include <stdio.h>
#include <string.h>
#ifdef HAVE_LIBJPEG
#include <jpeglib.h>
#include <jerror.h> /* needs the former */
#include <setjmp.h>
#endif

static guint32
read_le32 (const guint8 *at)
{
  return at[0] | (guint32) at[1] << 8 | (guint32) at[2] << 16 | (guint32) at[3] << 24;
}

static guint32
read_be32 (const guint8 *at)
{
  return GUINT32_SWAP_LE_BE (read_le32 (at));
}

static char *
too_short (guint64 expected, gsize size)
{
  if (expected <= size)
    return NULL;
  return g_strdup_printf ("the file has %" G_GSIZE_FORMAT
                          " bytes, but should have %" G_GUINT64_FORMAT,
                          size, expected);
}

/* Pixels that are not compressed have a size that is known. */
static char *
check_bmp (const guint8 *data, gsize size)
{
  gint64 width, height;
  guint64 bits, row;
  guint32 compression;

  if (size < 54 || read_le32 (data + 14) < 40)
    return NULL;
  width = (gint32) read_le32 (data + 18);
  height = (gint32) read_le32 (data + 22);
  bits = data[28] | (guint64) data[29] << 8;
  compression = read_le32 (data + 30);
  if (width <= 0 || height == 0 || bits > 32)
    return NULL;
  if (compression != 0 && compression != 3)
    return too_short (read_le32 (data + 2), size);
  row = ((guint64) width * bits + 31) / 32 * 4;
  return too_short (read_le32 (data + 10) + row * (guint64) ABS (height), size);
}

/* Each picture in it has a place and a size. */
static char *
check_icon (const guint8 *data, gsize size)
{
  guint n = data[4] | (guint) data[5] << 8;
  guint64 end = 6 + (guint64) n * 16;

  for (guint i = 0; i < n && 6 + ((gsize) i + 1) * 16 <= size; i++)
    {
      const guint8 *entry = data + 6 + (gsize) i * 16;

      end = MAX (end, (guint64) read_le32 (entry + 12) + read_le32 (entry + 8));
    }
  return too_short (end, size);
}

/* Blocks of parts with their lengths, to the one that ends the file. */
static char *
check_gif (const guint8 *data, gsize size)
{
  gsize at = 13 + (data[10] & 0x80 ? (gsize) 3 << ((data[10] & 7) + 1) : 0);

  while (at < size && data[at] != 0x3b)
    {
      if (data[at] == 0x21)
        at += 2;
      else if (data[at] == 0x2c && at + 10 < size)
        at += 11 + (data[at + 9] & 0x80 ? (gsize) 3 << ((data[at + 9] & 7) + 1) : 0);
      else
        return g_strdup ("it holds what is no part of a GIF image");
      while (at < size && data[at] != 0)
        at += (gsize) data[at] + 1;
      at++;
    }
  return at < size ? NULL : g_strdup ("the file ends before the GIF image does");
}

#ifdef HAVE_LIBJPEG

typedef struct
{
  struct jpeg_error_mgr base;
  jmp_buf leave;
  char text[JMSG_LENGTH_MAX]; /* the first problem; empty: none */
} JpegErrors;

/* Whether a warning or an error is about what the data are. Cameras leave a few bytes before a
 * marker, and take liberties with headers; what libjpeg cannot do is no damage. */
static gboolean
is_damage (int code)
{
  switch (code)
    {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
    case JERR_BAD_HUFF_TABLE:
    case JERR_BAD_LENGTH:
    case JERR_DAC_INDEX:
    case JERR_DHT_INDEX:
    case JERR_DQT_INDEX:
    case JERR_NO_SOI:
    case JERR_SOF_DUPLICATE:
    case JERR_SOI_DUPLICATE:
    case JERR_SOS_NO_SOF:
    case JERR_UNKNOWN_MARKER:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
on_jpeg_message (j_common_ptr jpeg, int level)
{
  JpegErrors *errors = (JpegErrors *) jpeg->err;

  if (level < 0 && !errors->text[0] && is_damage (errors->base.msg_code))
    errors->base.format_message (jpeg, errors->text);
}

static void
on_jpeg_error (j_common_ptr jpeg)
{
  on_jpeg_message (jpeg, -1);
  longjmp (((JpegErrors *) jpeg->err)->leave, 1);
}

/* Reads all that is coded, at an eighth of the size: the pixels are not wanted. */
static char *
check_jpeg (const guint8 *data, gsize size)
{
  struct jpeg_decompress_struct jpeg;
  JpegErrors errors = { 0 };
  JSAMPARRAY row;

  jpeg.err = jpeg_std_error (&errors.base);
  errors.base.emit_message = on_jpeg_message;
  errors.base.error_exit = on_jpeg_error;
  jpeg_create_decompress (&jpeg);
  if (setjmp (errors.leave) == 0)
    {
      jpeg_mem_src (&jpeg, data, size);
      jpeg_read_header (&jpeg, TRUE);
      jpeg.out_color_space = jpeg.jpeg_color_space;
      jpeg.scale_num = 1;
      jpeg.scale_denom = 8;
      jpeg.do_fancy_upsampling = FALSE;
      jpeg_start_decompress (&jpeg);
      row = jpeg.mem->alloc_sarray ((j_common_ptr) &jpeg, JPOOL_IMAGE,
                                    jpeg.output_width * (JDIMENSION) jpeg.output_components, 1);
      while (jpeg.output_scanline < jpeg.output_height && !errors.text[0])
        jpeg_read_scanlines (&jpeg, row, 1);
    }
  jpeg_destroy_decompress (&jpeg);
  return errors.text[0] ? g_strdup (errors.text) : NULL;
}

#else

/* Whether what is coded goes on to the end of the image. */
static char *
check_jpeg (const guint8 *data, gsize size)
{
  gsize at = 2;

  while (at + 4 <= size)
    {
      guint8 marker = data[at + 1];

      if (data[at] != 0xff || marker == 0xff)
        at++; /* coded, or fills */
      else if (marker == 0xd9)
        return NULL;
      else if (marker == 0 || (marker >= 0xd0 && marker <= 0xd8))
        at += 2;
      else
        at += 2 + ((gsize) data[at + 2] << 8 | data[at + 3]);
    }
  if (size >= 2 && data[size - 2] == 0xff && data[size - 1] == 0xd9)
    return NULL;
  return g_strdup ("the file ends before the JPEG image does");
}

#endif

char *
tool_picture_find_damage (const guint8 *data, gsize size)
{
  if (size < 16)
    return NULL;
  if (data[0] == 0xff && data[1] == 0xd8)
    return check_jpeg (data, size);
  if (memcmp (data, "BM", 2) == 0)
    return check_bmp (data, size);
  if (data[0] == 0 && data[1] == 0 && (data[2] == 1 || data[2] == 2) && data[3] == 0)
    return check_icon (data, size);
  if (memcmp (data, "GIF8", 4) == 0)
    return check_gif (data, size);
  if (memcmp (data, "RIFF", 4) == 0)
    return too_short ((guint64) read_le32 (data + 4) + 8, size);
  if (memcmp (data, "icns", 4) == 0)
    return too_short (read_be32 (data + 4), size);
  return NULL;
}
