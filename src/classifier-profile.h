/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/program.h"

/* What effvk_classifier_get_executables() documents, of a program. */
GVariant *effvk_program_describe_executables (EffvkProgram *program, GError **error);

/* What effvk_classifier_profile() documents, of programs that run one after the other. */
GVariant *effvk_programs_profile (EffvkProgram *const *programs, guint n, guint runs,
                                  GError **error);
