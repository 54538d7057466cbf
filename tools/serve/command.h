/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "publish/target.h"

/* A program that is run for each event, which it reads from its standard input. @command: as in a
 * shell, without the shell. NULL with @error: it cannot be read. */
GstEffvkAddress *serve_command_parse (const char *command, const GstEffvkTargetKind **kind,
                                      GError **error);
