/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What @arguments stand for. With @literally, each for itself. Else a folder stands for the
 * pictures and videos in it, in the order of their names, and with @recursive for those in the
 * folders in it as well, but for links to folders. Hidden files and folders are passed over.
 * Returns names (transfer full); @complete tells whether all could be looked at: otherwise the
 * errors were printed. */
GPtrArray *tool_file_list_new (char *const *arguments, gboolean literally, gboolean recursive,
                               gboolean *complete);
