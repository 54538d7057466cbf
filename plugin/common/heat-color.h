/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The colour of a cell of a heat map, 0 (which cannot be seen) to 1: from blue to red; R, G, B
 * and alpha, 0 to 1. */
void gst_effvk_heat_get_color (double heat, double color[4]);
