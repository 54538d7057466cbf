/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* How long the device takes for each image, in us, beside what it needs; atomic, as what
   follows. */
extern gint fixture_collect_delay;

/* The element's classifiers that are alive, and their models. */
extern gint fixture_n_classifiers, fixture_n_models;
