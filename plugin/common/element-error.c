/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/element-error.h"

#include <effvk/effvk.h>

/* The library's messages name the file and what was expected of it; the code tells whether it is
 * there. */
static void
post_file_error (GstElement *element, const GError *error, const char *path)
{
  if (!path || !g_file_test (path, G_FILE_TEST_EXISTS))
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND, ("%s", error->message), (NULL));
  else if (error->code == EFFVK_MODEL_ERROR_READ)
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ, ("%s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, ("%s", error->message), (NULL));
}

static void
post_device_error (GstElement *element, const GError *error)
{
  switch (error->code)
    {
    case EFFVK_DEVICE_ERROR_NOT_FOUND:
      GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND, ("%s", error->message), (NULL));
      break;
    case EFFVK_DEVICE_ERROR_OUT_OF_MEMORY:
      GST_ELEMENT_ERROR (element, RESOURCE, NO_SPACE_LEFT, ("%s", error->message), (NULL));
      break;
    case EFFVK_DEVICE_ERROR_LOST:
    case EFFVK_DEVICE_ERROR_TIMEOUT:
      GST_ELEMENT_ERROR (element, RESOURCE, FAILED, ("%s", error->message),
                         ("from NULL to PLAYING the device is opened anew"));
      break;
    default:
      GST_ELEMENT_ERROR (element, LIBRARY, INIT, ("%s", error->message), (NULL));
    }
}

void
gst_effvk_element_post_error (GstElement *element, const GError *error, const char *path)
{
  if (g_error_matches (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_READ)
      || g_error_matches (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS))
    post_file_error (element, error, path);
  else if (error->domain == GST_RESOURCE_ERROR)
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, ("%s", error->message), (NULL));
  else if (error->domain == EFFVK_DEVICE_ERROR)
    post_device_error (element, error);
  else if (error->domain == EFFVK_MODEL_ERROR
           || g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE))
    GST_ELEMENT_ERROR (element, STREAM, FORMAT, ("%s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (element, LIBRARY, FAILED, ("%s", error->message), (NULL));
}
