/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signal-past.h"

typedef enum
{
  EFFVK_EVIDENCE_NONE, /* nothing can be said from this frame */
  EFFVK_EVIDENCE_AGAINST,
  EFFVK_EVIDENCE_FOR,
} EffvkEvidenceSays;

typedef struct
{
  EffvkEvidenceSays says;
  double confidence; /* 0 to 1 */
} EffvkEvidence;

/* What the newest frame says of @state. */
EffvkEvidence effvk_signal_judge (const EffvkSignalPast *past, EffvkSignalState state);
