/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

#include <effvk/effvk-selftest.h>

/* A self-test of a device in one precision. */
typedef struct
{
  EffvkDevice *device;
  EffvkStorage storage;
  EffvkSelftestFunc func; /* or NULL */
  gpointer user_data;
  guint n_failed;
} EffvkSelftest;

/* A tensor with random values that a trial's op reads. */
typedef struct
{
  EffvkTensor tensor;
  float *values; /* [N,H,W,C], owned by the trial; may be changed before effvk_trial_run() */
} EffvkTrialInput;

/*
 * A trial: one kernel of one op on one random shape. Its output is filled with NaN beforehand, so
 * that what a kernel leaves out is seen. It has one image more than the input, which nobody may
 * write: beyond a binding some devices ignore what is written, and a fault there would not show.
 * Around it all are two more guards, for the devices that do not.
 */
typedef struct
{
  EffvkSelftest *test;
  const char *op;
  EffvkOpContext context; /* for the op: the program, the storage, the kernel */
  GRand *rand;
  GString *shape;      /* for people; the case appends to it */
  GPtrArray *owned;    /* arrays of floats */
  GArray *inputs;      /* (element-type EffvkTrialInput) */
  EffvkBuffer guarded; /* holds the output that effvk_trial_add_output() made */
  EffvkTensor guarded_output;
  EffvkTensor watched; /* of effvk_trial_watch() */
  EffvkBuffer mapped[2];
  guint n_mapped;
} EffvkTrial;

/* The same @seed, @op_index and @index make the same shape and values, whatever the kernel. */
void effvk_trial_init (EffvkTrial *trial, EffvkSelftest *test, const char *op, const char *kernel,
                       guint32 seed, guint op_index, guint index);
void effvk_trial_clear (EffvkTrial *trial);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkTrial, effvk_trial_clear)

/* A random number from 1 to @max, more often a small one than chance would have it. */
guint effvk_trial_size (EffvkTrial *trial, guint max);

/* Appends a comma where one is needed, then the text. */
void effvk_trial_describe (EffvkTrial *trial, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @n random weights with a sum of squares of about 4 per @fan_in, or biases with @fan_in 0. They
 * are rounded to what the storage can hold, so that kernel and reference read the same. */
const float *effvk_trial_weights (EffvkTrial *trial, gsize n, guint fan_in);

/* Values from @low to @high, as the tensor's storage can hold them. */
EffvkTrialInput effvk_trial_add_input (EffvkTrial *trial, const EffvkTensorInfo *info, double low,
                                       double high);

/* A buffer that the CPU writes, through its map, and an op reads as it is; the trial's, at most
 * two. effvk_buffer_flush() tells the device. NULL with @error set when there is no memory. */
EffvkBuffer *effvk_trial_add_buffer (EffvkTrial *trial, const char *name, gsize size,
                                     GError **error);

/* At most one a trial; its guards are not in @info. EFFVK_TENSOR_NONE with @error set when there is
 * no memory. */
EffvkTensor effvk_trial_add_output (EffvkTrial *trial, const EffvkTensorInfo *info, GError **error);
/* A tensor that the op itself made: it too is filled with NaN before the run. At most one. */
void effvk_trial_watch (EffvkTrial *trial, EffvkTensor tensor);

/* Fills a part of a buffer with bytes that are a NaN in every storage. */
gboolean effvk_trial_fill (EffvkBuffer *buffer, gsize offset, gsize size, GError **error);

/* Lets the device copy @size random bytes between two memories of a kind that the CPU maps, from
 * and to unaligned places. @fault receives what came out wrong, or NULL. FALSE with @error set when
 * it could not be done. */
gboolean effvk_trial_copy_around (EffvkTrial *trial, EffvkMemoryKind kind, gsize size, char **fault,
                                  GError **error);

/* Compiles the program, writes inputs and NaN, runs. */
gboolean effvk_trial_run (EffvkTrial *trial, GError **error);

/* All texels of a tensor as floats, with the padding: [N,H,W,ceil(C/4)*4], then the guard's.
 * Transfer full. */
float *effvk_trial_read (EffvkTrial *trial, EffvkTensor tensor, GError **error);

typedef enum
{
  EFFVK_PADDING_CHANNELS_ZERO,   /* of activations: those who read them rely on it */
  EFFVK_PADDING_CHANNELS_FINITE, /* of gates: they are multiplied by zeros */
} EffvkPaddingChannels;

/* Compares a tensor with what it should hold, [N,H,W,C], and reports. Beside the NMSE within the
 * precision's bound it wants no single value further off than ten times that, padding channels as
 * @padding says and the guards untouched. FALSE with @error set when it cannot be read. */
gboolean effvk_trial_compare (EffvkTrial *trial, EffvkTensor tensor, const double *expected,
                              EffvkPaddingChannels padding, GError **error);

/* The same for @n values that were read already. @fault: what else is wrong, or NULL. */
void effvk_trial_compare_values (EffvkTrial *trial, const float *got, const double *expected,
                                 gsize n, const char *fault);

/* What is wrong around and between the values of a tensor that was read: @fault receives it, or
 * NULL. FALSE with @error set when the guards cannot be read. Transfer full. */
gboolean effvk_trial_find_fault (EffvkTrial *trial, EffvkTensor tensor, const float *texels,
                                 EffvkPaddingChannels padding, char **fault, GError **error);

void effvk_trial_report (EffvkTrial *trial, double nmse, gboolean passed, const char *fault);
