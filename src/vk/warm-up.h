/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/program.h"

/* Called when the program is compiled: a driver that compiles shaders when they first run does so
   now. */
void effvk_program_warm_up (EffvkProgram *program);
