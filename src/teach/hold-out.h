/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/validation.h"

/* Whether cross-validation would cost too much: there are many items of many classes. */
gboolean effvk_hold_out_suits (const EffvkExamples *examples);

/* Fills @validation by items that are held out. The strength is chosen with a part of the others;
 * then all others are learned from. */
gboolean effvk_hold_out (EffvkValidation *validation, const EffvkExamples *examples, guint32 seed,
                         EffvkValidationProgress tell, gpointer user_data,
                         GCancellable *cancellable, GError **error);
