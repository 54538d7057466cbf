/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One log domain for the library; G_MESSAGES_DEBUG=effvk shows the debug messages. */
#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "effvk"

#include <glib.h>
