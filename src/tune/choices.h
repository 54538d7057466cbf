/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/*
 * The kernels of a network's ops, in the order in which the ops choose: what was chosen, or what
 * shall be. On disk, one file for each device and network, beside the pipeline cache. It is taken
 * only for the device, the driver and the network that it was made for, and only whole.
 */
typedef struct _EffvkChoices EffvkChoices;

typedef struct
{
  const char *op, *kernel;
  const char *const *usable; /* (nullable): all kernels that the device can run; NULL-terminated */
  guint dispatch;            /* of the program: the first of the op */
} EffvkChoice;

EffvkChoices *effvk_choices_new (void);
void effvk_choices_free (EffvkChoices *choices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkChoices, effvk_choices_free)

/* @choice's strings must be constants; the list @usable is copied. */
void effvk_choices_add (EffvkChoices *choices, const EffvkChoice *choice);
guint effvk_choices_get_n (const EffvkChoices *choices);
const EffvkChoice *effvk_choices_get (const EffvkChoices *choices, guint i);

/* The kernel of the next op, or NULL where the list has no more or is of another op. */
const char *effvk_choices_take (EffvkChoices *choices, const char *op);

/* @network: what the choices are for, one line; the device is added. */
EffvkChoices *effvk_choices_load (EffvkDevice *device, const char *network); /* NULL: none */
gboolean effvk_choices_save (const EffvkChoices *choices, EffvkDevice *device, const char *network,
                             GError **error);
