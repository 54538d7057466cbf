/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/validation.h"

/* What effvk_teacher_get_report() documents. A floating reference. */
GVariant *effvk_report_new (const EffvkExamples *examples, const EffvkValidation *validation,
                            double unknown_threshold);

/* What effvk_model_get_teaching() documents: JSON. */
char *effvk_report_describe (GVariant *report, const EffvkExamples *examples, guint n_views,
                             guint32 seed);
