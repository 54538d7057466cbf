/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/program.h"

/* What effvk_classifier_profile() documents, of programs that run one after the other. */
GVariant *effvk_programs_profile (EffvkProgram *const *programs, guint n, guint runs,
                                  GError **error);
