/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-effvkoverlay
 * @title: effvkoverlay
 * @short_description: draws on video what classification metadata says
 *
 * Draws the label of the frame with its score, the best classes as bars, and boxes with labels
 * around objects and regions. It reads the metadata of effvkclassify and of other elements: the
 * custom meta `EffvkClassificationMeta`, GstAnalytics' classifications of the frame or of
 * detections, and regions of interest with DL Streamer's parameters.
 *
 * Where downstream takes a GstVideoOverlayComposition, the drawing travels with the frame. Nobody
 * touches the frame's pixels then, in whatever memory they are. Elsewhere the element blends the
 * drawing into frames in system memory.
 *
 * The element draws only what has changed. Numbers change five times a second at most.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! effvkclassify ! effvkoverlay ! videoconvert !
 * autovideosink
 * ]| Show a camera's picture, and what effvk sees in it.
 * |[
 * gst-launch-1.0 filesrc location=video.mp4 ! decodebin ! videoconvert ! \
 *     effvkclassify model-file=b0.safetensors ! \
 *     effvkoverlay show=label+bars+strip place=bottom-left font-size=0.06 ! \
 *     videoconvert ! autovideosink
 * ]| The same of a file, with a strip of the last minute's labels.
 *
 * Since: 0.2
 */
#include "overlay/effvkoverlay.h"

#include "common/classification-meta.h"
#include "common/classification-reader.h"
#include "common/times.h"
#include "overlay/blend.h"
#include "overlay/scene.h"

#define DEFAULT_SHOW                                                                               \
  (GST_EFFVK_SHOW_LABEL | GST_EFFVK_SHOW_BARS | GST_EFFVK_SHOW_OBJECTS | GST_EFFVK_SHOW_AGE        \
   | GST_EFFVK_SHOW_HEATMAP)
#define DEFAULT_FONT "Sans"
#define DEFAULT_FONT_SIZE 0.045
#define DEFAULT_COLOR 0xffffffff
#define DEFAULT_BACKGROUND 0xb0000000
#define DEFAULT_MAX_CLASSES 3
#define DEFAULT_STRIP_DURATION GST_TIME_AS_NSECONDS (60 * GST_SECOND)

GST_DEBUG_CATEGORY_STATIC (gst_effvk_overlay_debug);
#define GST_CAT_DEFAULT gst_effvk_overlay_debug

/* GStreamer's overlaycomposition negotiates, attaches and blends. */
struct _GstEffvkOverlay
{
  GstBin parent_instance;
  GstElement *composer; /* NULL: there is none */
  GstEffvkStyle style;  /* under the object lock */

  /* the streaming thread's */
  GstEffvkBlend blend;
  GstVideoOverlayComposition *pending; /* to be blended into the next frame; NULL: nothing is */
  GstEffvkScene scene;                 /* the streaming thread's */
};

G_DEFINE_FINAL_TYPE (GstEffvkOverlay, gst_effvk_overlay, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (
    effvkoverlay, "effvkoverlay", GST_RANK_NONE, GST_EFFVK_TYPE_OVERLAY,
    GST_DEBUG_CATEGORY_INIT (gst_effvk_overlay_debug, "effvkoverlay", 0, "Draws classifications"))

#define CAPS                                                                                       \
  GST_VIDEO_CAPS_MAKE (GST_VIDEO_OVERLAY_COMPOSITION_BLEND_FORMATS)                                \
  ";" GST_VIDEO_CAPS_MAKE_WITH_FEATURES ("ANY", GST_VIDEO_FORMATS_ALL)
static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

enum
{
  PROP_SHOW = 1,
  PROP_PLACE,
  PROP_FONT,
  PROP_FONT_SIZE,
  PROP_COLOR,
  PROP_BACKGROUND,
  PROP_BOX_COLOR,
  PROP_THRESHOLD,
  PROP_MAX_CLASSES,
  PROP_STRIP_DURATION,
};

/* The size of the pictures, which caps of every kind of memory have. */
static gboolean
get_size (GstCaps *caps, guint *width, guint *height)
{
  GstStructure *structure = caps ? gst_caps_get_structure (caps, 0) : NULL;
  gint w, h;

  if (!structure || !gst_structure_get_int (structure, "width", &w)
      || !gst_structure_get_int (structure, "height", &h) || w <= 0 || h <= 0)
    return FALSE;
  *width = (guint) w;
  *height = (guint) h;
  return TRUE;
}

/* Whether the composer hands drawings on, with the frames, rather than blend them. */
static gboolean
hands_on (GstElement *composer)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (composer, "src");
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

  return caps
         && gst_caps_features_contains (gst_caps_get_features (caps, 0),
                                        GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION);
}

/* Behind the composer: blends what it did not. */
static GstPadProbeReturn
blend (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  GstEffvkOverlay *self = data;
  g_autoptr (GstVideoOverlayComposition) composition = g_steal_pointer (&self->pending);
  g_autoptr (GstCaps) caps = composition ? gst_pad_get_current_caps (pad) : NULL;
  GstVideoFrame frame;
  GstVideoInfo info;

  if (!caps || !gst_video_info_from_caps (&info, caps))
    return GST_PAD_PROBE_OK;
  probe->data = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (probe));
  if (gst_video_frame_map (&frame, &info, GST_PAD_PROBE_INFO_BUFFER (probe), GST_MAP_READWRITE))
    {
      gst_effvk_blend_draw (&self->blend, composition, &frame);
      gst_video_frame_unmap (&frame);
    }
  return GST_PAD_PROBE_OK;
}

static gboolean
may_blend (GstElement *composer, GstCaps *caps, GstVideoOverlayComposition *composition)
{
  GstVideoInfo info;

  return composition && !hands_on (composer) && gst_video_info_from_caps (&info, caps)
         && gst_effvk_blend_takes (composition, &info);
}

static GstVideoOverlayComposition *
draw (GstElement *composer, GstSample *sample, GstEffvkOverlay *self)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  g_autoptr (GPtrArray) seen = NULL;
  GstVideoOverlayComposition *composition;
  GstClockTime time = GST_CLOCK_TIME_NONE;
  GstEffvkStyle style;
  guint width, height;

  if (!buffer || !get_size (gst_sample_get_caps (sample), &width, &height))
    return NULL;
  GST_OBJECT_LOCK (self);
  style = self->style;
  style.font = g_strdup (style.font);
  GST_OBJECT_UNLOCK (self);
  if (gst_sample_get_segment (sample))
    time = gst_effvk_running_time (gst_sample_get_segment (sample), buffer);
  seen = gst_effvk_classifications_read (buffer, width, height);
  composition = gst_effvk_scene_draw (&self->scene, &style, seen, width, height, time);
  g_free (style.font);
  if (!may_blend (composer, gst_sample_get_caps (sample), composition))
    return composition;
  g_clear_pointer (&self->pending, gst_video_overlay_composition_unref);
  self->pending = composition;
  return NULL;
}

static GstStateChangeReturn
gst_effvk_overlay_change_state (GstElement *element, GstStateChange transition)
{
  GstEffvkOverlay *self = GST_EFFVK_OVERLAY (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !self->composer)
    {
      GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
                         ("effvkoverlay needs the element \"overlaycomposition\", and there is "
                          "none. Install GStreamer's base plugins"),
                         (NULL));
      return GST_STATE_CHANGE_FAILURE;
    }
  result = GST_ELEMENT_CLASS (gst_effvk_overlay_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_effvk_scene_reset (&self->scene);
  return result;
}

static void
gst_effvk_overlay_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstEffvkOverlay *self = GST_EFFVK_OVERLAY (object);
  GstEffvkStyle *style = &self->style;

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_SHOW:
      style->show = (GstEffvkShow) g_value_get_flags (value);
      break;
    case PROP_PLACE:
      style->place = (GstEffvkPlace) g_value_get_enum (value);
      break;
    case PROP_FONT:
      g_free (style->font);
      style->font = g_value_dup_string (value);
      break;
    case PROP_FONT_SIZE:
      style->font_size = g_value_get_double (value);
      break;
    case PROP_COLOR:
      style->color = g_value_get_uint (value);
      break;
    case PROP_BACKGROUND:
      style->background = g_value_get_uint (value);
      break;
    case PROP_BOX_COLOR:
      style->boxes = g_value_get_uint (value);
      break;
    case PROP_THRESHOLD:
      style->threshold = g_value_get_double (value);
      break;
    case PROP_MAX_CLASSES:
      style->max_classes = g_value_get_uint (value);
      break;
    case PROP_STRIP_DURATION:
      style->strip_duration = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_effvk_overlay_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstEffvkOverlay *self = GST_EFFVK_OVERLAY (object);
  const GstEffvkStyle *style = &self->style;

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_SHOW:
      g_value_set_flags (value, style->show);
      break;
    case PROP_PLACE:
      g_value_set_enum (value, (gint) style->place);
      break;
    case PROP_FONT:
      g_value_set_string (value, style->font);
      break;
    case PROP_FONT_SIZE:
      g_value_set_double (value, style->font_size);
      break;
    case PROP_COLOR:
      g_value_set_uint (value, style->color);
      break;
    case PROP_BACKGROUND:
      g_value_set_uint (value, style->background);
      break;
    case PROP_BOX_COLOR:
      g_value_set_uint (value, style->boxes);
      break;
    case PROP_THRESHOLD:
      g_value_set_double (value, style->threshold);
      break;
    case PROP_MAX_CLASSES:
      g_value_set_uint (value, style->max_classes);
      break;
    case PROP_STRIP_DURATION:
      g_value_set_uint64 (value, style->strip_duration);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_effvk_overlay_finalize (GObject *object)
{
  GstEffvkOverlay *self = GST_EFFVK_OVERLAY (object);

  gst_effvk_scene_clear (&self->scene);
  gst_effvk_blend_clear (&self->blend);
  g_clear_pointer (&self->pending, gst_video_overlay_composition_unref);
  g_free (self->style.font);
  G_OBJECT_CLASS (gst_effvk_overlay_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (object_class, PROP_SHOW,
                                   g_param_spec_flags ("show", "Show",
                                                       "What is drawn where the metadata has it",
                                                       GST_EFFVK_TYPE_SHOW, DEFAULT_SHOW, flags));
  g_object_class_install_property (object_class, PROP_PLACE,
                                   g_param_spec_enum ("place", "Place",
                                                      "Where the frame's label and bars stand",
                                                      GST_EFFVK_TYPE_PLACE,
                                                      GST_EFFVK_PLACE_TOP_LEFT, flags));
  g_object_class_install_property (
      object_class, PROP_FONT,
      g_param_spec_string (
          "font", "Font",
          "The font's family, or several separated by commas, by fontconfig's names", DEFAULT_FONT,
          flags));
  g_object_class_install_property (
      object_class, PROP_FONT_SIZE,
      g_param_spec_double (
          "font-size", "Font size",
          "The text's size as a share of the picture's shorter side, 8 pixels at least", 0.005, 0.5,
          DEFAULT_FONT_SIZE, flags));
  g_object_class_install_property (
      object_class, PROP_COLOR,
      g_param_spec_uint ("color", "Color", "The color of the frame's text and bars, 0xAARRGGBB", 0,
                         G_MAXUINT32, DEFAULT_COLOR, flags));
  g_object_class_install_property (object_class, PROP_BACKGROUND,
                                   g_param_spec_uint ("background", "Background",
                                                      "The color behind the text, 0xAARRGGBB", 0,
                                                      G_MAXUINT32, DEFAULT_BACKGROUND, flags));
  g_object_class_install_property (
      object_class, PROP_BOX_COLOR,
      g_param_spec_uint ("box-color", "Box color",
                         "The color of boxes around objects, 0xAARRGGBB. 0: each label has its own",
                         0, G_MAXUINT32, 0, flags));
  g_object_class_install_property (object_class, PROP_THRESHOLD,
                                   g_param_spec_double ("threshold", "Threshold",
                                                        "Classes with a lower score are not drawn",
                                                        -G_MAXDOUBLE, G_MAXDOUBLE, 0.0, flags));
  g_object_class_install_property (object_class, PROP_MAX_CLASSES,
                                   g_param_spec_uint ("max-classes", "Max classes",
                                                      "How many classes have bars", 1, 100,
                                                      DEFAULT_MAX_CLASSES, flags));
  g_object_class_install_property (
      object_class, PROP_STRIP_DURATION,
      g_param_spec_uint64 ("strip-duration", "Strip duration",
                           "How much of the past the strip shows, in ns of running time",
                           GST_SECOND, G_MAXINT64, DEFAULT_STRIP_DURATION, flags));
}

static void
gst_effvk_overlay_class_init (GstEffvkOverlayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_effvk_overlay_set_property;
  object_class->get_property = gst_effvk_overlay_get_property;
  object_class->finalize = gst_effvk_overlay_finalize;
  install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_SHOW, 0);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_PLACE, 0);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "effvk overlay", "Filter/Editor/Video",
      "Draws the classes, objects and regions of classification metadata on video",
      "the effvk maintainers");
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_effvk_overlay_change_state);
  gst_effvk_classification_meta_register ();
}

/* A ghost pad of the composer's, or of nothing as long as there is no composer. */
static void
add_pad (GstEffvkOverlay *self, const char *name)
{
  GstPadTemplate *template
      = gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), name);
  GstPad *target = self->composer ? gst_element_get_static_pad (self->composer, name) : NULL;

  gst_element_add_pad (GST_ELEMENT (self),
                       target ? gst_ghost_pad_new_from_template (name, target, template)
                              : gst_ghost_pad_new_no_target_from_template (name, template));
  g_clear_object (&target);
}

static void
gst_effvk_overlay_init (GstEffvkOverlay *self)
{
  self->style = (GstEffvkStyle){ .show = DEFAULT_SHOW,
                                 .font = g_strdup (DEFAULT_FONT),
                                 .font_size = DEFAULT_FONT_SIZE,
                                 .color = DEFAULT_COLOR,
                                 .background = DEFAULT_BACKGROUND,
                                 .max_classes = DEFAULT_MAX_CLASSES,
                                 .strip_duration = DEFAULT_STRIP_DURATION };
  gst_effvk_scene_init (&self->scene);
  gst_effvk_blend_init (&self->blend);
  self->composer = gst_element_factory_make ("overlaycomposition", NULL);
  if (self->composer)
    {
      g_autoptr (GstPad) pad = gst_element_get_static_pad (self->composer, "src");

      g_signal_connect (self->composer, "draw", G_CALLBACK (draw), self);
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, blend, self, NULL);
      gst_bin_add (GST_BIN (self), self->composer);
    }
  add_pad (self, "sink");
  add_pad (self, "src");
}
