/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/trial.h"

#include "vk/once.h"

#include <math.h>

/* Bytes before and after a guarded output; a tensor begins at a multiple of 256. */
#define GUARD 256
/* In every byte this is a NaN, in floats and in halves. */
#define CANARY 0xff
/* Bytes around a copy that nobody may write. */
#define MARGIN 13

void
effvk_trial_init (EffvkTrial *trial, EffvkSelftest *test, const char *op, const char *kernel,
                  guint32 seed, guint op_index, guint index)
{
  const guint32 seeds[] = { seed, op_index, index };

  *trial = (EffvkTrial){ .test = test, .op = op };
  trial->rand = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
  trial->shape = g_string_new (NULL);
  trial->owned = g_ptr_array_new_with_free_func (g_free);
  trial->inputs = g_array_new (FALSE, FALSE, sizeof (EffvkTrialInput));
  trial->context.program = effvk_program_new (test->device, EFFVK_PROGRAM_SEPARATE);
  trial->context.storage = test->storage;
  trial->context.kernel = kernel;
}

void
effvk_trial_clear (EffvkTrial *trial)
{
  if (!trial->rand)
    return;
  effvk_program_free (trial->context.program);
  effvk_buffer_clear (&trial->guarded);
  for (guint i = 0; i < trial->n_mapped; i++)
    effvk_buffer_clear (&trial->mapped[i]);
  g_rand_free (trial->rand);
  g_string_free (trial->shape, TRUE);
  g_ptr_array_unref (trial->owned);
  g_array_unref (trial->inputs);
  *trial = (EffvkTrial){ 0 };
}

guint
effvk_trial_size (EffvkTrial *trial, guint max)
{
  guint limit = max >> g_rand_int_range (trial->rand, 0, (gint32) MIN (g_bit_storage (max), 5));

  return (guint) g_rand_int_range (trial->rand, 1, (gint32) limit + 1);
}

void
effvk_trial_describe (EffvkTrial *trial, const char *format, ...)
{
  va_list args;

  if (trial->shape->len)
    g_string_append (trial->shape, ", ");
  va_start (args, format);
  g_string_append_vprintf (trial->shape, format, args);
  va_end (args);
}

static float *
random_values (EffvkTrial *trial, EffvkStorage storage, gsize n, double low, double high)
{
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (trial->rand, low, high);
  effvk_storage_round (storage, values, n);
  g_ptr_array_add (trial->owned, values);
  return values;
}

const float *
effvk_trial_weights (EffvkTrial *trial, gsize n, guint fan_in)
{
  /* Uniform values up to r have a variance of r^2 / 3. */
  double range = fan_in ? sqrt (12.0 / fan_in) : 1.0;

  return random_values (trial, trial->test->storage, n, -range, range);
}

EffvkTrialInput
effvk_trial_add_input (EffvkTrial *trial, const EffvkTensorInfo *info, double low, double high)
{
  gsize n = (gsize) info->n * info->h * info->w * info->c;
  EffvkTrialInput input = { .tensor = effvk_program_add_persistent (trial->context.program, info) };

  input.values = random_values (trial, info->storage, n, low, high);
  g_array_append_val (trial->inputs, input);
  return input;
}

EffvkBuffer *
effvk_trial_add_buffer (EffvkTrial *trial, const char *name, gsize size, GError **error)
{
  EffvkBuffer *buffer = &trial->mapped[trial->n_mapped];

  g_return_val_if_fail (trial->n_mapped < G_N_ELEMENTS (trial->mapped), NULL);
  if (!effvk_buffer_init (buffer, trial->test->device, EFFVK_MEMORY_UPLOAD, size, name, error))
    return NULL;
  trial->n_mapped++;
  return buffer;
}

EffvkTensor
effvk_trial_add_output (EffvkTrial *trial, const EffvkTensorInfo *info, GError **error)
{
  EffvkTensorInfo guarded = *info;

  guarded.n++;
  if (!effvk_buffer_init (&trial->guarded, trial->test->device, EFFVK_MEMORY_DEVICE,
                          effvk_tensor_info_size (&guarded) + 2 * GUARD, info->name, error))
    return EFFVK_TENSOR_NONE;
  trial->guarded_output
      = effvk_program_add_external (trial->context.program, &guarded, &trial->guarded, GUARD);
  return trial->guarded_output;
}

void
effvk_trial_watch (EffvkTrial *trial, EffvkTensor tensor)
{
  trial->watched = tensor;
}

gboolean
effvk_trial_fill (EffvkBuffer *buffer, gsize offset, gsize size, GError **error)
{
  g_autofree guint8 *bytes = g_malloc (size);

  memset (bytes, CANARY, size);
  return effvk_buffer_upload (buffer, offset, bytes, size, error);
}

/* What is in @got, which begins with MARGIN bytes that nobody wrote, and ends with as many. */
static char *
find_copy_fault (const guint8 *got, const guint8 *expected, gsize size)
{
  for (gsize i = 0; i < size + 2 * MARGIN; i++)
    {
      gboolean inside = i >= MARGIN && i < MARGIN + size;
      guint8 wanted = inside ? expected[i - MARGIN] : CANARY;

      if (got[i] != wanted)
        return g_strdup_printf ("byte %" G_GSIZE_FORMAT " %s it is 0x%02x, expected 0x%02x",
                                inside ? i - MARGIN : i, inside ? "of" : "around", got[i], wanted);
    }
  return NULL;
}

gboolean
effvk_trial_copy_around (EffvkTrial *trial, EffvkMemoryKind kind, gsize size, char **fault,
                         GError **error)
{
  EffvkDevice *device = trial->test->device;
  const VkBufferCopy region = { .srcOffset = MARGIN, .dstOffset = MARGIN, .size = size };
  EffvkBuffer from = { 0 }, to = { 0 };
  g_auto (EffvkOnce) once = { 0 };
  gboolean ok = effvk_buffer_init (&from, device, kind, size + 2 * MARGIN, "from", error)
                && effvk_buffer_init (&to, device, kind, size + 2 * MARGIN, "to", error)
                && effvk_trial_fill (&to, 0, size + 2 * MARGIN, error);

  for (gsize i = 0; ok && i < size; i++)
    from.map[MARGIN + i] = (guint8) g_rand_int (trial->rand);
  ok = ok && effvk_buffer_flush (&from, error) && effvk_once_begin (&once, device, error);
  if (ok)
    device->vk.vkCmdCopyBuffer (once.commands, from.handle, to.handle, 1, &region);
  ok = ok && effvk_once_submit (&once, error) && effvk_buffer_invalidate (&to, error);
  *fault = ok ? find_copy_fault (to.map, from.map + MARGIN, size) : NULL;
  effvk_buffer_clear (&from);
  effvk_buffer_clear (&to);
  return ok;
}

gboolean
effvk_trial_run (EffvkTrial *trial, GError **error)
{
  EffvkProgram *program = trial->context.program;

  if (!effvk_program_compile (program, error))
    return FALSE;
  for (guint i = 0; i < trial->inputs->len; i++)
    {
      const EffvkTrialInput *input = &g_array_index (trial->inputs, EffvkTrialInput, i);

      if (!effvk_program_write (program, input->tensor, input->values, error))
        return FALSE;
    }
  if (trial->watched)
    {
      const EffvkTensorInfo *info = effvk_program_get_info (program, trial->watched);
      gsize offset;
      EffvkBuffer *buffer = effvk_program_get_buffer (program, trial->watched, &offset);

      if (!effvk_trial_fill (buffer, offset, effvk_tensor_info_size (info), error))
        return FALSE;
    }
  if (trial->guarded_output && !effvk_trial_fill (&trial->guarded, 0, trial->guarded.size, error))
    return FALSE;
  return effvk_program_run (program, error);
}

float *
effvk_trial_read (EffvkTrial *trial, EffvkTensor tensor, GError **error)
{
  const EffvkTensorInfo *info = effvk_program_get_info (trial->context.program, tensor);
  gsize size = effvk_tensor_info_size (info), offset;
  gsize n = size / effvk_storage_texel_size (info->storage) * 4;
  EffvkBuffer *buffer = effvk_program_get_buffer (trial->context.program, tensor, &offset);
  g_autofree float *texels = g_new (float, n);
  g_autofree guint8 *numbers = g_malloc (size);

  if (!effvk_buffer_download (buffer, offset, numbers, size, error))
    return NULL;
  effvk_storages[info->storage].read (numbers, n, texels);
  return g_steal_pointer (&texels);
}

void
effvk_trial_report (EffvkTrial *trial, double nmse, gboolean passed, const char *fault)
{
  g_autofree char *text = fault ? g_strdup_printf ("%s: %s", trial->shape->str, fault) : NULL;

  if (!passed)
    trial->test->n_failed++;
  if (trial->test->func)
    trial->test->func (trial->op, trial->context.kernel, text ? text : trial->shape->str, nmse,
                       passed, trial->test->user_data);
}

/* printf() gives NaN the sign that happens to be there. */
static char *
format_value (double value)
{
  return isnan (value) ? g_strdup ("NaN") : g_strdup_printf ("%.7g", value);
}

void
effvk_trial_compare_values (EffvkTrial *trial, const float *got, const double *expected, gsize n,
                            const char *fault)
{
  double bound = effvk_storages[trial->test->storage].kernel_nmse;
  double error = 0.0, energy = 0.0, worst = -1.0, nmse;
  g_autofree char *outlier = NULL;
  gsize worst_at = 0;

  for (gsize i = 0; i < n; i++)
    {
      double square = (got[i] - expected[i]) * (got[i] - expected[i]);

      error += square;
      energy += expected[i] * expected[i];
      if (!(square <= worst) && !isnan (worst)) /* a NaN is the worst of all */
        {
          worst = square;
          worst_at = i;
        }
    }
  /* Values are sums of values of order one, each rounded to 2^-24. Where by chance nearly all sums
   * are close to zero, relative errors mean nothing. */
  energy = MAX (energy, 1e-2 * (double) n);
  nmse = isnan (error) ? (double) NAN : error / energy;
  /* The mean alone would hide a few wrong values among many. */
  if (!(worst <= 100.0 * bound * energy / (double) n))
    {
      g_autofree char *value = format_value (got[worst_at]);

      outlier = g_strdup_printf ("value %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                                 " is %s, expected %.7g",
                                 worst_at, n, value, expected[worst_at]);
    }
  if (!fault)
    fault = outlier;
  effvk_trial_report (trial, nmse, !fault && nmse <= bound, fault);
}

/* The images of a tensor, without the one that guards it. */
static guint
images (EffvkTrial *trial, EffvkTensor tensor)
{
  return effvk_program_get_info (trial->context.program, tensor)->n
         - (tensor == trial->guarded_output);
}

/* Whether the output's guard from @begin to @end is as it was. */
static gboolean
is_intact (EffvkTrial *trial, gsize begin, gsize end, gboolean *intact, GError **error)
{
  g_autofree guint8 *guard = g_malloc (end - begin);

  if (!effvk_buffer_download (&trial->guarded, begin, guard, end - begin, error))
    return FALSE;
  *intact = TRUE;
  for (gsize i = 0; i < end - begin; i++)
    *intact = *intact && guard[i] == CANARY;
  return TRUE;
}

gboolean
effvk_trial_find_fault (EffvkTrial *trial, EffvkTensor tensor, const float *texels,
                        EffvkPaddingChannels padding, char **fault, GError **error)
{
  const EffvkTensorInfo *info = effvk_program_get_info (trial->context.program, tensor);
  EffvkTensorInfo own = *info;
  gsize pixels, stride = 4 * (gsize) effvk_c4 (info->c);

  *fault = NULL;
  own.n = images (trial, tensor);
  pixels = (gsize) own.n * info->h * info->w;
  if (tensor == trial->guarded_output)
    {
      gboolean before, after;

      if (!is_intact (trial, 0, GUARD, &before, error)
          || !is_intact (trial, GUARD + effvk_tensor_info_size (&own), trial->guarded.size, &after,
                         error))
        return FALSE;
      if (!before || !after)
        {
          *fault = g_strdup_printf ("it wrote %s the output", before ? "beyond" : "before");
          return TRUE;
        }
    }
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = info->c; c < stride; c++)
      {
        float value = texels[p * stride + c];

        if (padding == EFFVK_PADDING_CHANNELS_ZERO ? value != 0.0f : !isfinite (value))
          {
            g_autofree char *text = format_value (value);

            *fault
                = g_strdup_printf ("padding channel %" G_GSIZE_FORMAT " of pixel %" G_GSIZE_FORMAT
                                   " is %s, expected %s",
                                   c, p, text,
                                   padding == EFFVK_PADDING_CHANNELS_ZERO ? "0" : "a finite value");
            return TRUE;
          }
      }
  return TRUE;
}

gboolean
effvk_trial_compare (EffvkTrial *trial, EffvkTensor tensor, const double *expected,
                     EffvkPaddingChannels padding, GError **error)
{
  const EffvkTensorInfo *info = effvk_program_get_info (trial->context.program, tensor);
  gsize pixels = (gsize) images (trial, tensor) * info->h * info->w;
  gsize stride = 4 * (gsize) effvk_c4 (info->c);
  g_autofree float *texels = effvk_trial_read (trial, tensor, error);
  g_autofree char *fault = NULL;

  if (!texels || !effvk_trial_find_fault (trial, tensor, texels, padding, &fault, error))
    return FALSE;
  for (gsize p = 0; p < pixels; p++) /* in place: values never move up */
    memmove (texels + p * info->c, texels + p * stride, info->c * sizeof (float));
  effvk_trial_compare_values (trial, texels, expected, pixels * info->c, fault);
  return TRUE;
}
