/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Where the model is that comes with effvk, or the one that EFFVK_MODEL names instead. @name is set
 * to what the former is called, and to NULL for the latter. */
char *effvk_default_model_path (const char **name);
