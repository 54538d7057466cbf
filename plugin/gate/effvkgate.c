/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-effvkgate
 * @title: effvkgate
 * @short_description: passes buffers or drops them, by what was seen in them
 *
 * Buffers pass while a label of the list #GstEffvkGate:pass is seen. With #GstEffvkGate:drop they
 * are dropped while a label of that list is seen. The label comes from one of three sources:
 *
 * - the buffer's own classification metadata,
 * - what leaves the element of another branch that #GstEffvkGate:classifier names,
 * - #GstEffvkGate:label, which the application sets.
 *
 * A buffer without a label keeps the gate as it is. Before the first label, #GstEffvkGate:pass
 * means closed.
 *
 * A list holds labels of the frame (`cat`), of objects and regions of a type (`gate:open`), or of
 * any object (`:open`).
 *
 * When the gate opens, buffers of the last #GstEffvkGate:pre-roll ns go first. In encoded streams
 * the first one is a keyframe. Where the pre-roll has none, the gate waits for the next keyframe
 * and asks upstream for it. While the gate is closed, GAP events take the buffers' places. So sinks
 * and muxers go on.
 *
 * The element posts a message `effvkgate` at each change. It has `open` (boolean), `label`
 * (string), `running-time` and `stream-time` (guint64).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! effvkclassify ! effvkgate drop=corruption,black,blur ! \
 *     videoconvert ! autovideosink
 * ]| Show no broken frame.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! tee name=t \
 *     t. ! queue ! effvkclassify name=seen model-file=b0.safetensors ! fakesink \
 *     t. ! queue ! x264enc tune=zerolatency key-int-max=30 ! h264parse ! \
 *     effvkgate classifier=seen pass=cat hold=2000000000 pre-roll=3000000000 ! \
 *     splitmuxsink location=cat%03d.mp4
 * ]| Record when there is a cat, from three seconds before.
 *
 * Since: 0.2
 */
#include "gate/effvkgate.h"

#include "common/classification-meta.h"
#include "common/classification-reader.h"
#include "gate/effvkgate-private.h"

#define DEFAULT_PRE_ROLL_BYTES (64 * 1024 * 1024)

GST_DEBUG_CATEGORY_STATIC (gst_effvk_gate_debug);
#define GST_CAT_DEFAULT gst_effvk_gate_debug

G_DEFINE_FINAL_TYPE (GstEffvkGate, gst_effvk_gate, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (effvkgate, "effvkgate", GST_RANK_NONE, GST_EFFVK_TYPE_GATE,
                                       GST_DEBUG_CATEGORY_INIT (gst_effvk_gate_debug, "effvkgate",
                                                                0, "Gate by labels"))

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

enum
{
  PROP_PASS = 1,
  PROP_DROP,
  PROP_THRESHOLD,
  PROP_HOLD,
  PROP_PRE_ROLL,
  PROP_PRE_ROLL_BYTES,
  PROP_CLASSIFIER,
  PROP_LABEL,
  PROP_OPEN,
  PROP_STATS,
};

void
gst_effvk_gate_tell (GstEffvkGate *self, const GPtrArray *seen)
{
  g_autofree char *label = NULL, *dropped_label = NULL;
  GstEffvkSeen passed, dropped;

  GST_OBJECT_LOCK (self);
  passed = gst_effvk_labels_look (self->pass, seen, self->threshold, &label);
  dropped = gst_effvk_labels_look (self->drop, seen, self->threshold, &dropped_label);
  if (passed != GST_EFFVK_SEEN_NOTHING)
    {
      self->told.passed = passed;
      self->told.dropped = dropped;
      g_free (self->told.label);
      self->told.label = dropped == GST_EFFVK_SEEN_ONE ? g_steal_pointer (&dropped_label)
                                                       : g_steal_pointer (&label);
    }
  GST_OBJECT_UNLOCK (self);
}

void
gst_effvk_gate_get_size (GstCaps *caps, guint *width, guint *height)
{
  GstStructure *structure = caps && !gst_caps_is_any (caps) && !gst_caps_is_empty (caps)
                                ? gst_caps_get_structure (caps, 0)
                                : NULL;
  gint w = 0, h = 0;

  if (structure)
    {
      gst_structure_get_int (structure, "width", &w);
      gst_structure_get_int (structure, "height", &h);
    }
  *width = (guint) MAX (w, 1);
  *height = (guint) MAX (h, 1);
}

/* What leaves the classifier in the other branch. */
static GstPadProbeReturn
watch (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GPtrArray) seen = NULL;
  guint width, height;

  gst_effvk_gate_get_size (caps, &width, &height);
  seen = gst_effvk_classifications_read (GST_PAD_PROBE_INFO_BUFFER (info), width, height);
  gst_effvk_gate_tell (data, seen);
  return GST_PAD_PROBE_OK;
}

/* What an application says. */
static void
tell_label (GstEffvkGate *self, const char *label)
{
  g_autoptr (GPtrArray) seen
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_effvk_classification_free);
  GstEffvkClassification *one = gst_effvk_classification_new ();

  g_ptr_array_add (seen, one);
  if (label)
    gst_effvk_classification_add (one, label, -1, G_MAXDOUBLE);
  gst_effvk_gate_tell (self, seen);
}

/* The element that is named, in the pipeline that this one is in. */
static GstElement *
find_classifier (GstEffvkGate *self, const char *name)
{
  GstObject *top = gst_object_ref (GST_OBJECT (self));
  GstElement *found;

  for (GstObject *parent; (parent = gst_object_get_parent (top));)
    {
      gst_object_unref (top);
      top = parent;
    }
  found = GST_IS_BIN (top) ? gst_bin_get_by_name (GST_BIN (top), name) : NULL;
  gst_object_unref (top);
  return found;
}

static gboolean
start (GstEffvkGate *self)
{
  g_autoptr (GstElement) element = NULL;
  g_autofree char *name = NULL;

  gst_effvk_gate_reset (self);
  GST_OBJECT_LOCK (self);
  self->n_passed = self->n_dropped = 0;
  name = g_strdup (self->classifier_name);
  GST_OBJECT_UNLOCK (self);
  if (!name || !*name)
    return TRUE;
  element = find_classifier (self, name);
  self->watched = element ? gst_element_get_static_pad (element, "src") : NULL;
  if (!self->watched)
    {
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
                         ("classifier=%s: this pipeline has no element of that name with a source "
                          "pad",
                          name),
                         (NULL));
      return FALSE;
    }
  self->probe = gst_pad_add_probe (self->watched, GST_PAD_PROBE_TYPE_BUFFER, watch,
                                   gst_object_ref (self), gst_object_unref);
  return TRUE;
}

static void
stop (GstEffvkGate *self)
{
  if (self->watched)
    gst_pad_remove_probe (self->watched, self->probe);
  g_clear_object (&self->watched);
  gst_effvk_gate_reset (self);
}

static GstStateChangeReturn
gst_effvk_gate_change_state (GstElement *element, GstStateChange transition)
{
  GstEffvkGate *self = GST_EFFVK_GATE (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (gst_effvk_gate_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return result;
}

/* "cat, dog" as a list; NULL and "" are none. */
static char **
split (const char *text)
{
  char **list = text && *text ? g_strsplit (text, ",", -1) : NULL;

  for (guint i = 0; list && list[i]; i++)
    g_strstrip (list[i]);
  return list;
}

static void
set_list (char **text, char ***list, const GValue *value)
{
  g_free (*text);
  g_strfreev (*list);
  *text = g_value_dup_string (value);
  *list = split (*text);
}

static void
gst_effvk_gate_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstEffvkGate *self = GST_EFFVK_GATE (object);

  if (id == PROP_LABEL)
    {
      tell_label (self, g_value_get_string (value));
      return;
    }
  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_PASS:
      set_list (&self->pass_text, &self->pass, value);
      break;
    case PROP_DROP:
      set_list (&self->drop_text, &self->drop, value);
      break;
    case PROP_THRESHOLD:
      self->threshold = g_value_get_double (value);
      break;
    case PROP_HOLD:
      self->hold = g_value_get_uint64 (value);
      break;
    case PROP_PRE_ROLL:
      self->pre_roll = g_value_get_uint64 (value);
      break;
    case PROP_PRE_ROLL_BYTES:
      self->pre_roll_bytes = g_value_get_uint64 (value);
      break;
    case PROP_CLASSIFIER:
      g_free (self->classifier_name);
      self->classifier_name = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_effvk_gate_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstEffvkGate *self = GST_EFFVK_GATE (object);

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_PASS:
      g_value_set_string (value, self->pass_text);
      break;
    case PROP_DROP:
      g_value_set_string (value, self->drop_text);
      break;
    case PROP_THRESHOLD:
      g_value_set_double (value, self->threshold);
      break;
    case PROP_HOLD:
      g_value_set_uint64 (value, self->hold);
      break;
    case PROP_PRE_ROLL:
      g_value_set_uint64 (value, self->pre_roll);
      break;
    case PROP_PRE_ROLL_BYTES:
      g_value_set_uint64 (value, self->pre_roll_bytes);
      break;
    case PROP_CLASSIFIER:
      g_value_set_string (value, self->classifier_name);
      break;
    case PROP_LABEL:
      g_value_set_string (value, self->told.label);
      break;
    case PROP_OPEN:
      g_value_set_boolean (value, self->open);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, gst_structure_new ("effvkgate-stats", "passed", G_TYPE_UINT64,
                                                    self->n_passed, "dropped", G_TYPE_UINT64,
                                                    self->n_dropped, NULL));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_effvk_gate_finalize (GObject *object)
{
  GstEffvkGate *self = GST_EFFVK_GATE (object);

  gst_effvk_pre_roll_clear (&self->roll);
  g_strfreev (self->pass);
  g_strfreev (self->drop);
  g_free (self->pass_text);
  g_free (self->drop_text);
  g_free (self->classifier_name);
  g_free (self->told.label);
  G_OBJECT_CLASS (gst_effvk_gate_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS,
                    playing = flags | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (
      object_class, PROP_PASS,
      g_param_spec_string ("pass", "Pass",
                           "Labels, separated by commas. Buffers pass while one of them is seen. "
                           "\"type:label\" is for objects and regions",
                           NULL, playing));
  g_object_class_install_property (
      object_class, PROP_DROP,
      g_param_spec_string ("drop", "Drop",
                           "Labels, separated by commas. Buffers are dropped while one of them is "
                           "seen, even if pass would let them through",
                           NULL, playing));
  g_object_class_install_property (object_class, PROP_THRESHOLD,
                                   g_param_spec_double ("threshold", "Threshold",
                                                        "Labels with a lower score do not count",
                                                        -G_MAXDOUBLE, G_MAXDOUBLE, 0.0, playing));
  g_object_class_install_property (
      object_class, PROP_HOLD,
      g_param_spec_uint64 ("hold", "Hold",
                           "How long, in ns, the gate stays open after a label of pass was last "
                           "seen. Without pass: how long it stays closed after a label of drop",
                           0, G_MAXINT64, 0, playing));
  g_object_class_install_property (
      object_class, PROP_PRE_ROLL,
      g_param_spec_uint64 (
          "pre-roll", "Pre-roll",
          "When the gate opens, the last so many ns are sent first, from the keyframe before them",
          0, G_MAXINT64, 0, playing));
  g_object_class_install_property (object_class, PROP_PRE_ROLL_BYTES,
                                   g_param_spec_uint64 ("pre-roll-bytes", "Pre-roll bytes",
                                                        "How many bytes the pre-roll holds at most",
                                                        0, G_MAXINT64, DEFAULT_PRE_ROLL_BYTES,
                                                        playing));
  g_object_class_install_property (
      object_class, PROP_CLASSIFIER,
      g_param_spec_string ("classifier", "Classifier",
                           "The name of an element of this pipeline whose output tells the label. "
                           "Unset: the buffers' own metadata tells it",
                           NULL, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_LABEL,
                                   g_param_spec_string ("label", "Label",
                                                        "The last label. An application may set it",
                                                        NULL, playing));
  g_object_class_install_property (
      object_class, PROP_OPEN,
      g_param_spec_boolean ("open", "Open", "Whether buffers pass. Changes are notified", FALSE,
                            readable));
  g_object_class_install_property (object_class, PROP_STATS,
                                   g_param_spec_boxed ("stats", "Statistics",
                                                       "How many buffers were passed and dropped",
                                                       GST_TYPE_STRUCTURE, readable));
}

static void
gst_effvk_gate_class_init (GstEffvkGateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_effvk_gate_set_property;
  object_class->get_property = gst_effvk_gate_get_property;
  object_class->finalize = gst_effvk_gate_finalize;
  install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "effvk gate", "Filter/Video",
                                         "Passes or drops buffers by their classification metadata",
                                         "the effvk maintainers");
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_effvk_gate_change_state);
  gst_effvk_classification_meta_register ();
}

static void
gst_effvk_gate_init (GstEffvkGate *self)
{
  self->pre_roll_bytes = DEFAULT_PRE_ROLL_BYTES;
  gst_effvk_pre_roll_init (&self->roll);
  gst_effvk_gate_reset (self);
  gst_effvk_gate_add_pads (self);
}
