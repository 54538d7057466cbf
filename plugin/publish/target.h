/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/* A record on its way: an immutable text, and what a broker is to do with it. Reference-counted. */
typedef struct
{
  char *text; /* JSON, one line, without its end */
  gsize length;
  gboolean change; /* of a state: brokers that can keep the last one do */
} GstEffvkParcel;

GstEffvkParcel *gst_effvk_parcel_new (const char *text, gsize length, gboolean change);
GstEffvkParcel *gst_effvk_parcel_ref (GstEffvkParcel *parcel);
void gst_effvk_parcel_unref (GstEffvkParcel *parcel);

/* Where records go: one of the URIs of the property "location", in its parts. */
typedef struct
{
  char *text;          /* to show: without credentials */
  char *scheme, *host; /* host: NULL where there is none */
  int port;            /* -1: not given */
  char *path;          /* without percent encoding; "" where there is none */
  GHashTable *options; /* of the query: name → value */
  char *user, *password, *secret;
  char *source; /* whose records they are */
} GstEffvkAddress;

void gst_effvk_address_free (GstEffvkAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstEffvkAddress, gst_effvk_address_free)

const char *gst_effvk_address_get_option (const GstEffvkAddress *address, const char *name);

typedef enum
{
  GST_EFFVK_DELIVERED, /* all of them */
  GST_EFFVK_RETRY,     /* not now: the target is opened anew, and all of them are sent again */
  GST_EFFVK_REFUSED,   /* never: they are lost */
} GstEffvkDelivery;

/* What delivers to one kind of URI. All functions are called by one thread; they may block until
 * @cancellable is
 * cancelled, open() and send() for no more than GST_EFFVK_TARGET_TIMEOUT. */
#define GST_EFFVK_TARGET_TIMEOUT (10 * G_USEC_PER_SEC)

typedef struct
{
  const char *scheme; /* NULL at the end of the table */
  /* Whether the parts of the address make sense; once, before anything is sent. */
  gboolean (*check) (const GstEffvkAddress *address, GError **error);
  gpointer (*open) (const GstEffvkAddress *address, GCancellable *cancellable, GError **error);
  /* @parcels (element-type GstEffvkParcel), in order; delivered means that the other side has
   * them. */
  GstEffvkDelivery (*send) (gpointer target, GPtrArray *parcels, GCancellable *cancellable,
                            GError **error);
  void (*close) (gpointer target);
} GstEffvkTargetKind;

/* Splits a URI. @credentials: (nullable): a file with "user:password", or "env:NAME" of a variable
 * with that; @secret: (nullable): the same of what signs. */
GstEffvkAddress *gst_effvk_address_parse (const char *uri, const char *source,
                                          const char *credentials, const char *secret,
                                          const GstEffvkTargetKind **kind, GError **error);

/* "file, http, …": what this build can deliver to. Free with g_free(). */
char *gst_effvk_target_list_schemes (void);

extern const GstEffvkTargetKind gst_effvk_target_file, gst_effvk_target_unix,
    gst_effvk_target_stdout;
#ifdef HAVE_MOSQUITTO
extern const GstEffvkTargetKind gst_effvk_target_mqtt, gst_effvk_target_mqtts;
#endif
#ifdef HAVE_RDKAFKA
extern const GstEffvkTargetKind gst_effvk_target_kafka;
#endif
#ifdef HAVE_SOUP
extern const GstEffvkTargetKind gst_effvk_target_http, gst_effvk_target_https;
#endif
