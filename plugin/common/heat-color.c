/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/heat-color.h"

#include <glib.h>
#include <math.h>

void
gst_effvk_heat_get_color (double heat, double color[4])
{
  double bounded = isfinite (heat) ? CLAMP (heat, 0.0, 1.0) : 0.0;

  color[0] = CLAMP (bounded * 3 - 1, 0, 1);
  color[1] = CLAMP (1.5 - fabs (bounded * 4 - 2), 0, 1);
  color[2] = CLAMP (2 - bounded * 3, 0, 1);
  color[3] = 0.6 * bounded;
}
