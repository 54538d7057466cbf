/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Posts what went wrong as the kind of element error that an application can tell apart: RESOURCE
 * for files and devices, STREAM for what is in them, LIBRARY for the rest.
 * @path: the file that was read, or NULL. */
void gst_effvk_element_post_error (GstElement *element, const GError *error, const char *path);
