/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/json-writer.h"

/* A time in us since 1970 as "2026-01-31T12:00:00.123456Z"; null for 0. */
void serve_json_time (GstEffvkJson *json, const char *name, gint64 time);
