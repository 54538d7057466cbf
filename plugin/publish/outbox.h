/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "publish/target.h"

/* Parcels that wait for one target, and the thread that delivers them in order, each at least once.
 * While the target is away it tries again and again. The queue is bounded: when it is full the
 * oldest parcel is lost and counted. With a file for the queue, what waits outlives the process. */
typedef struct _GstEffvkOutbox GstEffvkOutbox;

typedef struct
{
  guint messages; /* that may wait */
  guint64 bytes;
  guint batch;      /* parcels that are delivered at once, at most */
  char *spool_path; /* nullable */
} GstEffvkOutboxLimits;

typedef struct
{
  guint64 delivered, lost, refused, retries;
  guint waiting;
  guint64 waiting_bytes;
  gboolean connected;
} GstEffvkOutboxStatus;

/* The outbox's thread calls it when the target goes away, comes back or refuses. @error says why,
 * and is NULL when the target is back. It also calls it when parcels are lost, once a second at
 * most. */
typedef void (*GstEffvkOutboxNotify) (const GstEffvkOutboxStatus *status, const char *location,
                                      const GError *error, gpointer user_data);

/* Takes @address, and copies @limits. */
GstEffvkOutbox *gst_effvk_outbox_new (const GstEffvkTargetKind *kind, GstEffvkAddress *address,
                                      const GstEffvkOutboxLimits *limits,
                                      GstEffvkOutboxNotify notify, gpointer user_data,
                                      GError **error);

/* Never waits for the target. */
void gst_effvk_outbox_put (GstEffvkOutbox *outbox, GstEffvkParcel *parcel);

/* Waits until nothing is left to be delivered, or until @deadline of g_get_monotonic_time(). */
gboolean gst_effvk_outbox_drain (GstEffvkOutbox *outbox, gint64 deadline);

GstEffvkOutboxStatus gst_effvk_outbox_get_status (GstEffvkOutbox *outbox);
const char *gst_effvk_outbox_get_location (GstEffvkOutbox *outbox);

/* Ends all waiting at once. What is not delivered is lost, but for what its file holds. */
void gst_effvk_outbox_free (GstEffvkOutbox *outbox);
