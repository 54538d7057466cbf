/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Parts short options from values that stand right behind them: "-k1" becomes "-k" "1", "-jk1"
 * becomes "-jk" "1". GOption reads only the latter. @argv[0] is the command's name. */
void tool_arguments_part (const GOptionEntry *entries, char ***argv);
