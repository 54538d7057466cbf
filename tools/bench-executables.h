/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>

/* Prints what the driver's compiler says of a network's pipelines. */
gboolean tool_executables_print (EffvkClassifier *classifier, gboolean json, GError **error);
