/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/* Ctrl-C and SIGTERM ask a command to end as it would by itself, with its summary and nothing left
 * behind. A second signal ends the process at once. */

/* From now on, what is true of this process. To be called before the work begins; again does
   nothing. */
void tool_stop_watch (void);

/* Whether the command is to end. From any thread. */
gboolean tool_stopped (void);

/* For functions that wait: cancelled when the command is to end. Not owned. */
GCancellable *tool_stop_cancellable (void);

/* Runs @loop, of the default context, until it is quit or the command is to end. */
void tool_stop_run (GMainLoop *loop);

/* A process that is started so ends when this one does, however that ends. */
void tool_stop_bind_child (GSubprocessLauncher *launcher);

/* Ends a process and waits until it has ended. */
void tool_stop_child (GSubprocess *process);

/* Waits so many us. Returns FALSE, and at once, when the command is to end. */
gboolean tool_stop_sleep (gint64 us);
