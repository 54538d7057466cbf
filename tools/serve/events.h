/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/store.h"

/* Labels become events: one is raised when a label has been seen for a while, and cleared when it
 * has not been seen for a while. Each stream and each of its regions has labels of its own. For the
 * main thread. */
typedef struct _ServeEvents ServeEvents;

/* How a stream's labels become events. */
typedef struct
{
  const char *alarms;     /* "*;!picture": the last that fits decides; NULL: none */
  double detect, recover; /* s */
} ServeEventRules;

/* An event was raised (@what is "raised"), was cleared, or was acknowledged. */
typedef void (*ServeEventNotify) (const ServeEvent *event, const char *what, gpointer user_data);

/* Events that last when the process ended go on. */
ServeEvents *serve_events_new (ServeStore *store, ServeEventNotify notify, gpointer user_data);
void serve_events_free (ServeEvents *events);

/* The label of now, as seen in @stream, in @region or (NULL) the whole picture. @label: NULL where
 * there is none. @outputs: (nullable): who is told. @now in us since 1970. */
void serve_events_see (ServeEvents *events, const char *stream, const char *region,
                       const char *label, double score, const ServeEventRules *rules,
                       const char *const *outputs, gint64 now);

/* Now and then: regions of @stream that were not seen for @silence us have no label. */
void serve_events_tick (ServeEvents *events, const char *stream, gint64 silence,
                        const ServeEventRules *rules, const char *const *outputs, gint64 now);

/* The stream is not watched any more: its events end. */
void serve_events_forget (ServeEvents *events, const char *stream, const char *const *outputs);

/* Streams that were seen, or have events that last. (element-type utf8); transfer full. */
GPtrArray *serve_events_list_streams (ServeEvents *events);

gboolean serve_events_acknowledge (ServeEvents *events, gint64 id, GError **error);

/* Whether an alarm of the stream lasts. */
gboolean serve_events_has_alarm (ServeEvents *events, const char *stream);

/* The event as JSON; @what: (nullable). Transfer full. */
char *serve_event_to_json (const ServeEvent *event, const char *what);
