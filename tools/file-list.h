/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What @arguments stand for. With @literally, each stands for itself. Else a folder stands for the
 * pictures and videos in it, in the order of their names. With @recursive it also stands for those
 * in the folders in it, except links to folders. Hidden files and folders are passed over. Returns
 * names (transfer full). @complete: whether all could be looked at. If not, the errors were
 * printed. */
GPtrArray *tool_file_list_new (char *const *arguments, gboolean literally, gboolean recursive,
                               gboolean *complete);
