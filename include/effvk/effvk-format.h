/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-types.h>

G_BEGIN_DECLS

/**
 * EffvkFormat:
 * @EFFVK_FORMAT_UNKNOWN: no format
 * @EFFVK_FORMAT_RGB: one plane, bytes R G B
 * @EFFVK_FORMAT_BGR: one plane, bytes B G R
 * @EFFVK_FORMAT_RGBA: one plane, bytes R G B A; alpha is ignored
 * @EFFVK_FORMAT_BGRA: one plane, bytes B G R A; alpha is ignored
 * @EFFVK_FORMAT_RGBX: one plane, bytes R G B and one unused
 * @EFFVK_FORMAT_BGRX: one plane, bytes B G R and one unused
 * @EFFVK_FORMAT_GRAY8: one plane, bytes Y
 * @EFFVK_FORMAT_I420: planes Y, U, V; U and V halved both ways
 * @EFFVK_FORMAT_YV12: planes Y, V, U; U and V halved both ways
 * @EFFVK_FORMAT_NV12: planes Y and UV interleaved; UV halved both ways
 * @EFFVK_FORMAT_NV21: planes Y and VU interleaved; VU halved both ways
 * @EFFVK_FORMAT_ARGB: one plane, bytes A R G B; alpha is ignored
 * @EFFVK_FORMAT_ABGR: one plane, bytes A B G R; alpha is ignored
 * @EFFVK_FORMAT_XRGB: one plane, one byte unused and R G B
 * @EFFVK_FORMAT_XBGR: one plane, one byte unused and B G R
 * @EFFVK_FORMAT_RGBP: planes R, G, B
 * @EFFVK_FORMAT_BGRP: planes B, G, R
 * @EFFVK_FORMAT_GBR: planes G, B, R
 * @EFFVK_FORMAT_Y42B: planes Y, U, V; U and V halved horizontally
 * @EFFVK_FORMAT_Y444: planes Y, U, V of the same size
 * @EFFVK_FORMAT_NV16: planes Y and UV interleaved; UV halved horizontally
 * @EFFVK_FORMAT_NV61: planes Y and VU interleaved; VU halved horizontally
 * @EFFVK_FORMAT_NV24: planes Y and UV interleaved, of the same size
 * @EFFVK_FORMAT_YUY2: one plane, two pixels in bytes Y U Y V
 * @EFFVK_FORMAT_UYVY: one plane, two pixels in bytes U Y V Y
 * @EFFVK_FORMAT_YVYU: one plane, two pixels in bytes Y V Y U
 * @EFFVK_FORMAT_VYUY: one plane, two pixels in bytes V Y U Y
 * @EFFVK_FORMAT_AYUV: one plane, bytes A Y U V; alpha is ignored
 * @EFFVK_FORMAT_VUYA: one plane, bytes V U Y A; alpha is ignored
 * @EFFVK_FORMAT_GRAY16_LE: one plane, Y of 16 bits, little-endian as all below
 * @EFFVK_FORMAT_P010_10LE: as NV12, 10 bits in the upper bits of 16
 * @EFFVK_FORMAT_P012_LE: as NV12, 12 bits in the upper bits of 16
 * @EFFVK_FORMAT_P016_LE: as NV12, 16 bits
 * @EFFVK_FORMAT_I420_10LE: as I420, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_I420_12LE: as I420, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_I422_10LE: as Y42B, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_I422_12LE: as Y42B, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_10LE: as Y444, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_12LE: as Y444, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_16LE: as Y444, 16 bits
 *
 * The layout of a raw frame. Names and meanings are those of GStreamer's video formats.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_FORMAT_UNKNOWN,
  EFFVK_FORMAT_RGB,
  EFFVK_FORMAT_BGR,
  EFFVK_FORMAT_RGBA,
  EFFVK_FORMAT_BGRA,
  EFFVK_FORMAT_RGBX,
  EFFVK_FORMAT_BGRX,
  EFFVK_FORMAT_GRAY8,
  EFFVK_FORMAT_I420,
  EFFVK_FORMAT_YV12,
  EFFVK_FORMAT_NV12,
  EFFVK_FORMAT_NV21,
  EFFVK_FORMAT_ARGB,
  EFFVK_FORMAT_ABGR,
  EFFVK_FORMAT_XRGB,
  EFFVK_FORMAT_XBGR,
  EFFVK_FORMAT_RGBP,
  EFFVK_FORMAT_BGRP,
  EFFVK_FORMAT_GBR,
  EFFVK_FORMAT_Y42B,
  EFFVK_FORMAT_Y444,
  EFFVK_FORMAT_NV16,
  EFFVK_FORMAT_NV61,
  EFFVK_FORMAT_NV24,
  EFFVK_FORMAT_YUY2,
  EFFVK_FORMAT_UYVY,
  EFFVK_FORMAT_YVYU,
  EFFVK_FORMAT_VYUY,
  EFFVK_FORMAT_AYUV,
  EFFVK_FORMAT_VUYA,
  EFFVK_FORMAT_GRAY16_LE,
  EFFVK_FORMAT_P010_10LE,
  EFFVK_FORMAT_P012_LE,
  EFFVK_FORMAT_P016_LE,
  EFFVK_FORMAT_I420_10LE,
  EFFVK_FORMAT_I420_12LE,
  EFFVK_FORMAT_I422_10LE,
  EFFVK_FORMAT_I422_12LE,
  EFFVK_FORMAT_Y444_10LE,
  EFFVK_FORMAT_Y444_12LE,
  EFFVK_FORMAT_Y444_16LE,
} EffvkFormat;

EFFVK_API GType effvk_format_get_type (void);
#define EFFVK_TYPE_FORMAT (effvk_format_get_type ())

/**
 * effvk_format_from_string:
 * @name: GStreamer's name of the format, for instance "NV12" or "RGBx"
 *
 * Looks a format up by its name.
 *
 * Returns: the format, or %EFFVK_FORMAT_UNKNOWN
 *
 * Since: 0.1
 */
EFFVK_API EffvkFormat effvk_format_from_string (const char *name);

/**
 * effvk_format_to_string:
 * @format: a format
 *
 * Names a format as GStreamer does.
 *
 * Returns: (transfer none) (nullable): the name, for instance "NV12", or %NULL for no format
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_format_to_string (EffvkFormat format);

/**
 * effvk_format_get_n_planes:
 * @format: a format
 *
 * Counts the planes of a frame in this format.
 *
 * Returns: 1 to %EFFVK_IMAGE_MAX_PLANES, or 0 for no format
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_format_get_n_planes (EffvkFormat format);

/**
 * effvk_format_get_plane_size:
 * @format: the layout
 * @plane: which plane, from 0
 * @width: of the frame, in pixels
 * @height: of the frame, in pixels
 * @row_bytes: (out): bytes of a row that hold pixels, without padding
 * @rows: (out): rows of the plane
 *
 * Subsampled planes are rounded up to whole samples.
 *
 * Returns: whether the format has the plane; otherwise both sizes are 0
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_format_get_plane_size (EffvkFormat format, guint plane, guint width,
                                                guint height, gsize *row_bytes, gsize *rows);

/**
 * EffvkMatrix:
 * @EFFVK_MATRIX_BT601: ITU-R BT.601
 * @EFFVK_MATRIX_BT709: ITU-R BT.709
 * @EFFVK_MATRIX_BT2020: ITU-R BT.2020, non-constant luminance
 * @EFFVK_MATRIX_SMPTE240M: SMPTE 240M
 *
 * How Y'CbCr was made from R'G'B'. Ignored for RGB and gray formats. Primaries are not converted:
 * R'G'B' of BT.2020 is taken for that of the model's pictures, a little less saturated than it is.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_MATRIX_BT601,
  EFFVK_MATRIX_BT709,
  EFFVK_MATRIX_BT2020,
  EFFVK_MATRIX_SMPTE240M,
} EffvkMatrix;

EFFVK_API GType effvk_matrix_get_type (void);
#define EFFVK_TYPE_MATRIX (effvk_matrix_get_type ())

/**
 * EffvkChromaSite:
 * @EFFVK_CHROMA_SITE_CENTER: chroma samples lie between luma samples (JPEG, MPEG-1)
 * @EFFVK_CHROMA_SITE_LEFT: cosited horizontally, between vertically (MPEG-2, H.264)
 * @EFFVK_CHROMA_SITE_TOP_LEFT: cosited both ways (BT.2020)
 *
 * Where the chroma samples of a frame lie between its luma samples.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_CHROMA_SITE_CENTER,
  EFFVK_CHROMA_SITE_LEFT,
  EFFVK_CHROMA_SITE_TOP_LEFT,
} EffvkChromaSite;

EFFVK_API GType effvk_chroma_site_get_type (void);
#define EFFVK_TYPE_CHROMA_SITE (effvk_chroma_site_get_type ())

/**
 * EffvkOrientation:
 * @EFFVK_ORIENTATION_ROTATE_0: the picture is upright as it is
 * @EFFVK_ORIENTATION_ROTATE_90: by a quarter
 * @EFFVK_ORIENTATION_ROTATE_180: by half a turn
 * @EFFVK_ORIENTATION_ROTATE_270: by three quarters
 * @EFFVK_ORIENTATION_FLIP_ROTATE_0: mirrored only
 * @EFFVK_ORIENTATION_FLIP_ROTATE_90: mirrored, then by a quarter
 * @EFFVK_ORIENTATION_FLIP_ROTATE_180: mirrored, then by half a turn
 * @EFFVK_ORIENTATION_FLIP_ROTATE_270: mirrored, then by three quarters
 *
 * How the picture must be turned, clockwise, and before that perhaps mirrored, left to right, to be
 * upright. Names and meanings are those of GStreamer's image-orientation tag.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_ORIENTATION_ROTATE_0,
  EFFVK_ORIENTATION_ROTATE_90,
  EFFVK_ORIENTATION_ROTATE_180,
  EFFVK_ORIENTATION_ROTATE_270,
  EFFVK_ORIENTATION_FLIP_ROTATE_0,
  EFFVK_ORIENTATION_FLIP_ROTATE_90,
  EFFVK_ORIENTATION_FLIP_ROTATE_180,
  EFFVK_ORIENTATION_FLIP_ROTATE_270,
} EffvkOrientation;

EFFVK_API GType effvk_orientation_get_type (void);
#define EFFVK_TYPE_ORIENTATION (effvk_orientation_get_type ())

/**
 * EffvkRectangle:
 * @x: left edge
 * @y: top edge
 * @width: at least 1
 * @height: at least 1
 *
 * A part of a frame, in pixels from its top left corner.
 *
 * Since: 0.1
 */
typedef struct
{
  guint x, y, width, height;
} EffvkRectangle;

G_END_DECLS
