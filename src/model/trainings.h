/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What the name of an architecture (of timm's config.json) says of how its weights were trained. */
typedef enum
{
  EFFVK_NAMED_UNKNOWN,    /* not in the table: nothing */
  EFFVK_NAMED_OWN,        /* timm's own: symmetric padding and PyTorch's epsilon */
  EFFVK_NAMED_TENSORFLOW, /* TensorFlow's: SAME padding and its epsilon */
  EFFVK_NAMED_OTHER,      /* a network that is no EfficientNet as effvk runs them */
} EffvkNamed;

/* By the whole name, without regard to case and to the tag of the weights behind a dot:
 * "tf_efficientnet_b3.in1k". */
EffvkNamed effvk_training_named (const char *name);
