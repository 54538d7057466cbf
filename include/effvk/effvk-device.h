/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-types.h>

G_BEGIN_DECLS

/**
 * EffvkDeviceError:
 * @EFFVK_DEVICE_ERROR_NO_DRIVER: there is no Vulkan loader or driver on this system
 * @EFFVK_DEVICE_ERROR_NOT_FOUND: drivers are there, but no device matches the selector
 * @EFFVK_DEVICE_ERROR_UNSUPPORTED: the device lacks something that effvk needs; the message names
 * it
 * @EFFVK_DEVICE_ERROR_OUT_OF_MEMORY: host or device memory ran out
 * @EFFVK_DEVICE_ERROR_LOST: the device was lost; it stays lost, make a new #EffvkDevice
 * @EFFVK_DEVICE_ERROR_TIMEOUT: the device did not answer in time; treated as lost from then on
 * @EFFVK_DEVICE_ERROR_FAILED: any other failure of a Vulkan call; the message names the call
 *
 * Failures of a device.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_DEVICE_ERROR_NO_DRIVER,
  EFFVK_DEVICE_ERROR_NOT_FOUND,
  EFFVK_DEVICE_ERROR_UNSUPPORTED,
  EFFVK_DEVICE_ERROR_OUT_OF_MEMORY,
  EFFVK_DEVICE_ERROR_LOST,
  EFFVK_DEVICE_ERROR_TIMEOUT,
  EFFVK_DEVICE_ERROR_FAILED,
} EffvkDeviceError;

EFFVK_API GType effvk_device_error_get_type (void);
#define EFFVK_TYPE_DEVICE_ERROR (effvk_device_error_get_type ())

#define EFFVK_DEVICE_ERROR (effvk_device_error_quark ())

/**
 * effvk_device_error_quark:
 *
 * Gets the domain of errors of devices, %EFFVK_DEVICE_ERROR.
 *
 * Returns: the quark of the domain
 *
 * Since: 0.1
 */
EFFVK_API GQuark effvk_device_error_quark (void);

/**
 * EffvkDeviceType:
 * @EFFVK_DEVICE_TYPE_OTHER: none of the below
 * @EFFVK_DEVICE_TYPE_INTEGRATED_GPU: a GPU that shares the CPU's memory
 * @EFFVK_DEVICE_TYPE_DISCRETE_GPU: a GPU with memory of its own
 * @EFFVK_DEVICE_TYPE_VIRTUAL_GPU: a GPU of the host, seen from a virtual machine
 * @EFFVK_DEVICE_TYPE_CPU: a software device such as Mesa's lavapipe
 *
 * The values are those of VkPhysicalDeviceType.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_DEVICE_TYPE_OTHER,
  EFFVK_DEVICE_TYPE_INTEGRATED_GPU,
  EFFVK_DEVICE_TYPE_DISCRETE_GPU,
  EFFVK_DEVICE_TYPE_VIRTUAL_GPU,
  EFFVK_DEVICE_TYPE_CPU,
} EffvkDeviceType;

EFFVK_API GType effvk_device_type_get_type (void);
#define EFFVK_TYPE_DEVICE_TYPE (effvk_device_type_get_type ())

/**
 * effvk_device_type_to_string:
 * @type: a device type
 *
 * Names a device type for a person.
 *
 * Returns: (transfer none): "discrete GPU", "integrated GPU", "virtual GPU", "CPU" or "other"
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_type_to_string (EffvkDeviceType type);

/**
 * EffvkDevice:
 *
 * A Vulkan device with a queue of its own and the pipelines that were built for it.
 * One device serves any number of classifiers. All functions may be called from any thread.
 *
 * Since: 0.1
 */
#define EFFVK_TYPE_DEVICE (effvk_device_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkDevice, effvk_device, EFFVK, DEVICE, GObject)

/**
 * effvk_device_new:
 * @selector: (nullable): which device; %NULL and "" mean "auto"
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Opens a device. @selector is one of
 *
 * - "auto": the best GPU (discrete before integrated before virtual), else a CPU device; one
 *   message says so
 * - "gpu": as "auto", but a CPU device is refused
 * - "cpu": the first CPU device
 * - a number: the device's index in effvk_device_list()
 * - a UUID, with or without dashes: that device
 * - anything else: the first device whose name contains it, letter case ignored
 *
 * "auto" and "gpu" pass over a device that cannot be opened. A message is logged, and the next one
 * is tried. While the chosen device is open in this process, the same object is returned.
 *
 * Returns: (transfer full): the device, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkDevice *effvk_device_new (const char *selector, GError **error);

/**
 * effvk_device_get_name:
 * @device: a device
 *
 * Gets the name of the device.
 *
 * Returns: (transfer none): the name that its driver gives, for instance "llvmpipe (LLVM 15.0.6,
 * 256 bits)"
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_get_name (EffvkDevice *device);

/**
 * effvk_device_get_driver:
 * @device: a device
 *
 * Gets the name and version of the driver.
 *
 * Returns: (transfer none): the driver's name and version, for instance "llvmpipe, Mesa 22.3.6
 * (LLVM 15.0.6)"
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_get_driver (EffvkDevice *device);

/**
 * effvk_device_get_uuid:
 * @device: a device
 *
 * Gets the UUID of the device.
 *
 * Returns: (transfer none): the device's UUID, 36 characters with dashes
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_get_uuid (EffvkDevice *device);

/**
 * effvk_device_get_device_type:
 * @device: a device
 *
 * Gets the kind of the device.
 *
 * Returns: the type
 *
 * Since: 0.1
 */
EFFVK_API EffvkDeviceType effvk_device_get_device_type (EffvkDevice *device);

/**
 * effvk_device_is_lost:
 * @device: a device
 *
 * Tells whether the device was lost or stopped answering.
 *
 * Returns: whether the device was lost or stopped answering. It never recovers; a new
 * effvk_device_new() opens it afresh.
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_device_is_lost (EffvkDevice *device);

/**
 * effvk_device_wait_idle:
 * @device: a device
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Waits until the device is done with all that was submitted to its queue before. That includes
 * what others submit to the queue of a device of effvk_device_new_from_vulkan().
 *
 * Returns: whether it is done; %FALSE with @error set when the device was lost or does not answer
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_device_wait_idle (EffvkDevice *device, GError **error);

/**
 * effvk_device_measure_peaks:
 * @device: a device
 * @flops: (out): floating-point operations a second, two for a multiply-add in 32 bits
 * @bytes: (out): bytes a second, read once from a buffer that is larger than a GPU's caches
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Measures what the device can do at most, with a kernel that only computes and one that only
 * reads. Takes a second or two and, on a GPU, 256 MB of its memory. What other programs do with the
 * device meanwhile lowers the figures.
 *
 * Returns: whether both were measured
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_device_measure_peaks (EffvkDevice *device, double *flops, double *bytes,
                                               GError **error);

/**
 * EffvkDeviceInfo:
 *
 * What is known of a device without opening it. Immutable.
 *
 * Since: 0.1
 */
typedef struct _EffvkDeviceInfo EffvkDeviceInfo;

#define EFFVK_TYPE_DEVICE_INFO (effvk_device_info_get_type ())
EFFVK_API GType effvk_device_info_get_type (void);

/**
 * effvk_device_info_copy:
 * @info: a description of a device
 *
 * Copies a description.
 *
 * Returns: (transfer full): the copy, to be freed with effvk_device_info_free()
 *
 * Since: 0.1
 */
EFFVK_API EffvkDeviceInfo *effvk_device_info_copy (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_free:
 * @info: (transfer full) (nullable): a description of a device
 *
 * Frees a description.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_device_info_free (EffvkDeviceInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkDeviceInfo, effvk_device_info_free)

/**
 * effvk_device_info_get_index:
 * @info: a description of a device
 *
 * Gets the number by which effvk_device_new() finds the device.
 *
 * Returns: the index in effvk_device_list(), from 0
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_device_info_get_index (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_name:
 * @info: a description of a device
 *
 * Gets the name of the device.
 *
 * Returns: (transfer none): as effvk_device_get_name(), valid as long as @info
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_info_get_name (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_driver:
 * @info: a description of a device
 *
 * Gets the name and version of the driver.
 *
 * Returns: (transfer none): as effvk_device_get_driver(), valid as long as @info
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_info_get_driver (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_uuid:
 * @info: a description of a device
 *
 * Gets the UUID of the device.
 *
 * Returns: (transfer none): 36 characters with dashes, valid as long as @info
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_info_get_uuid (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_device_type:
 * @info: a description of a device
 *
 * Gets the kind of the device.
 *
 * Returns: the type
 *
 * Since: 0.1
 */
EFFVK_API EffvkDeviceType effvk_device_info_get_device_type (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_problem:
 * @info: a device's description
 *
 * Gets the reason why effvk cannot use the device.
 *
 * Returns: (transfer none) (nullable): why effvk cannot use the device, or %NULL when it can
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_device_info_get_problem (const EffvkDeviceInfo *info);

/**
 * effvk_device_info_get_limits:
 * @info: a device's description
 *
 * Gets the limits of the device that kernels are chosen by. They have Vulkan's names and are of
 * type u:
 *
 * - "maxStorageBufferRange": bytes of the largest tensor that a network may have there
 * - "maxTexelBufferElements"
 * - "maxComputeSharedMemorySize": bytes
 * - "maxComputeWorkGroupInvocations", "maxPerStageDescriptorStorageBuffers"
 * - "subgroupSize"
 *
 * May be called from any thread.
 *
 * Returns: (transfer full) (nullable): a #GVariant of type a{sv}
 *
 * Since: 0.2
 */
EFFVK_API GVariant *effvk_device_info_get_limits (const EffvkDeviceInfo *info);

/**
 * effvk_device_list:
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Lists the Vulkan devices of this system in the driver's order. The list can be empty.
 *
 * Returns: (transfer container) (element-type EffvkDeviceInfo): the devices, or %NULL with @error
 * set when there is no Vulkan at all
 *
 * Since: 0.1
 */
EFFVK_API GPtrArray *effvk_device_list (GError **error);

/**
 * effvk_device_describe:
 * @device: a device
 *
 * Describes the device for a problem report: driver, version, limits, memory types and queue
 * families, one a line. The text is for people, and may change. May be called from any thread.
 *
 * Returns: (transfer full): text of several lines
 *
 * Since: 0.2
 */
EFFVK_API char *effvk_device_describe (EffvkDevice *device);

G_END_DECLS
