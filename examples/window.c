/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a video in a window, with its label and the three best classes drawn on it.
 *
 *   window VIDEO|URI|/dev/videoN [MODEL [SINK]]
 *
 * MODEL is the network ("" or none: effvk's own). SINK is another element than autovideosink, for
 * instance gtk4paintablesink. In the window the space bar pauses, o hides and shows the drawing,
 * and q ends. The standard output has a line for each change of the label.
 */
#include <gst/gst.h>
#include <gst/video/navigation.h>

#define PIPELINE                                                                                   \
  "uridecodebin name=source ! videoconvert ! effvkclassify name=classify hold=500000000 ! "        \
  "effvkoverlay name=overlay ! videoconvert ! %s name=sink"

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline, *overlay;
  char *label;
  gboolean failed;
} Window;

static void
on_key (Window *window, const char *key)
{
  GstState state = GST_STATE_NULL;
  guint show = 0;

  if (g_str_equal (key, "q"))
    g_main_loop_quit (window->loop);
  else if (g_str_equal (key, "space"))
    {
      gst_element_get_state (window->pipeline, &state, NULL, 0);
      gst_element_set_state (window->pipeline,
                             state == GST_STATE_PLAYING ? GST_STATE_PAUSED : GST_STATE_PLAYING);
    }
  else if (g_str_equal (key, "o"))
    {
      g_object_get (window->overlay, "show", &show, NULL);
      if (show)
        g_object_set (window->overlay, "show", 0, NULL);
      else
        gst_util_set_object_arg (G_OBJECT (window->overlay), "show", "label+bars+objects");
    }
}

/* The window's keys come as messages of the sink. */
static void
on_navigation (Window *window, GstMessage *message)
{
  g_autoptr (GstEvent) event = NULL;
  const char *key;

  if (gst_navigation_message_get_type (message) == GST_NAVIGATION_MESSAGE_EVENT
      && gst_navigation_message_parse_event (message, &event)
      && gst_navigation_event_get_type (event) == GST_NAVIGATION_EVENT_KEY_PRESS
      && gst_navigation_event_parse_key_event (event, &key))
    on_key (window, key);
}

/* A message for each frame that was classified: tells when the steady label is another one. */
static void
on_classified (Window *window, const GstStructure *structure)
{
  const char *label = gst_structure_get_string (structure, "label");

  if (g_strcmp0 (label, window->label) == 0)
    return;
  g_free (window->label);
  window->label = g_strdup (label);
  g_print ("%s\n", label);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Window *window = data;
  g_autoptr (GError) error = NULL;

  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name (message, "effvkclassify"))
        on_classified (window, gst_message_get_structure (message));
      else
        on_navigation (window, message);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      g_printerr ("window: %s\n", error->message);
      window->failed = TRUE;
      g_main_loop_quit (window->loop);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (window->loop);
      break;
    default:
      break;
    }
  return G_SOURCE_CONTINUE;
}

/* What uridecodebin takes for a file, a camera or a URI; NULL and an error where it is none. */
static char *
uri_of (const char *name, GError **error)
{
  if (gst_uri_is_valid (name))
    return g_strdup (name);
  if (g_str_has_prefix (name, "/dev/"))
    return g_strconcat ("v4l2://", name, NULL);
  if (!g_file_test (name, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no such file: %s", name);
      return NULL;
    }
  return gst_filename_to_uri (name, error);
}

int
main (int argc, char **argv)
{
  Window window = { 0 };
  g_autofree char *description = NULL, *uri = NULL;
  g_autoptr (GstElement) pipeline = NULL, overlay = NULL, source = NULL, classify = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GMainLoop) loop = NULL;
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  if (argc < 2 || argc > 4)
    {
      g_printerr ("usage: window VIDEO|URI|/dev/videoN [MODEL [SINK]]\n");
      return 2;
    }
  uri = uri_of (argv[1], &error);
  if (uri)
    {
      description = g_strdup_printf (PIPELINE, argc > 3 ? argv[3] : "autovideosink");
      pipeline = gst_parse_launch (description, &error);
    }
  if (!uri || error)
    {
      g_printerr ("window: %s\n", error->message);
      return 1;
    }
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  overlay = gst_bin_get_by_name (GST_BIN (pipeline), "overlay");
  g_object_set (source, "uri", uri, NULL);
  if (argc > 2 && *argv[2])
    g_object_set (classify, "model-file", argv[2], NULL);

  loop = g_main_loop_new (NULL, FALSE);
  bus = gst_element_get_bus (pipeline);
  window.loop = loop;
  window.pipeline = pipeline;
  window.overlay = overlay;
  gst_bus_add_watch (bus, on_message, &window);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (loop);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  g_free (window.label);
  return window.failed;
}
