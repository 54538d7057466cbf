/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-result.h>

/* Writes the picture in the file @picture with the heat map of @result over it, as PNG, to
 * @output. FALSE with @error
 * set: the picture could not be read, or the output not be written. */
gboolean tool_heatmap_save (const char *picture, const char *output, EffvkResult *result,
                            GError **error);
