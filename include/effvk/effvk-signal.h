/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-meter.h>
#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>

G_BEGIN_DECLS

/**
 * EffvkSignalState:
 * @EFFVK_SIGNAL_STATE_UNKNOWN: nothing is known yet, or what is known does not suffice
 * @EFFVK_SIGNAL_STATE_PICTURE: an ordinary picture, with which nothing is wrong
 * @EFFVK_SIGNAL_STATE_LETTERBOX: black borders on two sides; no alarm
 * @EFFVK_SIGNAL_STATE_DARK: nearly all is dark, but something is there; no alarm
 * @EFFVK_SIGNAL_STATE_SILENCE: the sound is silent
 * @EFFVK_SIGNAL_STATE_BLUR: out of focus as a whole
 * @EFFVK_SIGNAL_STATE_FLICKER: the brightness of the whole picture goes up and down
 * @EFFVK_SIGNAL_STATE_COMBING: two fields of different times in one frame
 * @EFFVK_SIGNAL_STATE_FREEZE: the picture stands still, with noise or without
 * @EFFVK_SIGNAL_STATE_CORRUPTION: a decoder's blocks, smears and missing slices
 * @EFFVK_SIGNAL_STATE_WRONG_PLANES: chroma that is missing, doubled or misread
 * @EFFVK_SIGNAL_STATE_NOISE: snow
 * @EFFVK_SIGNAL_STATE_GRADIENT: a ramp
 * @EFFVK_SIGNAL_STATE_FLAT_COLOR: one colour
 * @EFFVK_SIGNAL_STATE_TEST_PATTERN: a test pattern
 * @EFFVK_SIGNAL_STATE_COLOR_BARS: colour bars
 * @EFFVK_SIGNAL_STATE_SLATE: text on a plain ground
 * @EFFVK_SIGNAL_STATE_BLACK: black
 * @EFFVK_SIGNAL_STATE_NO_SIGNAL: no frame comes
 *
 * What a video signal is like. The worse comes later: of several states at a time the last one is
 * the signal's state.
 *
 * Since: 0.2
 */
typedef enum
{
  EFFVK_SIGNAL_STATE_UNKNOWN,
  EFFVK_SIGNAL_STATE_PICTURE,
  EFFVK_SIGNAL_STATE_LETTERBOX,
  EFFVK_SIGNAL_STATE_DARK,
  EFFVK_SIGNAL_STATE_SILENCE,
  EFFVK_SIGNAL_STATE_BLUR,
  EFFVK_SIGNAL_STATE_FLICKER,
  EFFVK_SIGNAL_STATE_COMBING,
  EFFVK_SIGNAL_STATE_FREEZE,
  EFFVK_SIGNAL_STATE_CORRUPTION,
  EFFVK_SIGNAL_STATE_WRONG_PLANES,
  EFFVK_SIGNAL_STATE_NOISE,
  EFFVK_SIGNAL_STATE_GRADIENT,
  EFFVK_SIGNAL_STATE_FLAT_COLOR,
  EFFVK_SIGNAL_STATE_TEST_PATTERN,
  EFFVK_SIGNAL_STATE_COLOR_BARS,
  EFFVK_SIGNAL_STATE_SLATE,
  EFFVK_SIGNAL_STATE_BLACK,
  EFFVK_SIGNAL_STATE_NO_SIGNAL,
} EffvkSignalState;

EFFVK_API GType effvk_signal_state_get_type (void);
#define EFFVK_TYPE_SIGNAL_STATE (effvk_signal_state_get_type ())

/**
 * effvk_signal_state_get_name:
 * @state: a state
 *
 * Gets the name of a state. Where the built-in model has a class for it, the class has this name.
 *
 * Returns: (transfer none): the name, for instance "freeze" or "no-signal"
 *
 * Since: 0.2
 */
EFFVK_API const char *effvk_signal_state_get_name (EffvkSignalState state);

/**
 * effvk_signal_state_is_alarm:
 * @state: a state
 *
 * Tells whether a state is a fault. Borders and darkness are told, but they are no faults.
 *
 * Returns: %TRUE for what an operator has to know at once
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_signal_state_is_alarm (EffvkSignalState state);

/**
 * EffvkSignalEvent:
 * @state: what began or ended; never %EFFVK_SIGNAL_STATE_UNKNOWN or %EFFVK_SIGNAL_STATE_PICTURE
 * @raised: %TRUE: it began; %FALSE: it ended
 * @time: ns, the time stamp at which that was certain
 * @since: ns, when it began; for one that ended, when it ended. Earlier than @time by the detection
 *   or the recovery time
 * @duration: ns, how long one that ended has lasted; 0 for one that began
 * @confidence: 0 to 1, how sure the evidence was on average
 *
 * Something began or ended.
 *
 * Since: 0.2
 */
typedef struct
{
  EffvkSignalState state;
  gboolean raised;
  guint64 time, since, duration;
  double confidence;
} EffvkSignalEvent;

/**
 * EffvkSignal:
 *
 * The state of one stream's signal. It is decided by the network's answers, by what was measured of
 * the frames at full resolution, and by the stream's own past. It knows a freeze from a scene in
 * which little moves, and damage from a scene that always looks damaged to the network.
 *
 * Each state has a detection time: so long must it be seen before it is raised. It also has a
 * recovery time: so long must it be gone before it is cleared. Several states may be there at a
 * time. Nothing computes here: a frame costs some microseconds.
 *
 * Times are time stamps of frames, or of any clock; only differences matter. Times that fall back,
 * stand still or leap count as one step from frame to frame. Not thread-safe: one thread at a time
 * uses a signal.
 *
 * Since: 0.2
 */
#define EFFVK_TYPE_SIGNAL (effvk_signal_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkSignal, effvk_signal, EFFVK, SIGNAL, GObject)

/**
 * effvk_signal_new:
 * @model: (nullable): the model that results come from; a reference is taken. Its classes are known
 *   by their labels: those of the built-in model count. %NULL: there is only what is measured
 *
 * Makes a signal's state.
 *
 * Returns: (transfer full): a signal that has seen nothing; its state is unknown
 *
 * Since: 0.2
 */
EFFVK_API EffvkSignal *effvk_signal_new (EffvkModel *model);

/**
 * effvk_signal_set_times:
 * @signal: a signal
 * @state: a state from %EFFVK_SIGNAL_STATE_LETTERBOX on
 * @detection: ns for which it must be seen before it is raised
 * @recovery: ns for which it must be gone before it is cleared
 *
 * Sets how fast a state is told. These are the defaults, detection and recovery in seconds:
 *
 * - no-signal: 5, 0.5
 * - black: 2, 0.5. freeze: 2, 0.5. Both as ffmpeg's blackdetect and freezedetect have them
 * - corruption: 0.6, 2
 * - combing: 1.5, 2
 * - blur: 3, 2
 * - flicker: 1, 2
 * - dark: 10, 2. letterbox: 5, 1
 * - silence: 10, 0.5
 * - all others: 1, 1
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_set_times (EffvkSignal *signal, EffvkSignalState state,
                                       guint64 detection, guint64 recovery);

/**
 * effvk_signal_get_times:
 * @signal: a signal
 * @state: a state
 * @detection: (out) (optional): ns, as set
 * @recovery: (out) (optional): ns, as set
 *
 * Gets how fast a state is told.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_get_times (EffvkSignal *signal, EffvkSignalState state,
                                       guint64 *detection, guint64 *recovery);

/**
 * effvk_signal_add:
 * @signal: a signal
 * @result: (nullable): the network's answer to the frame. It should have all classes, or logits
 *   (softmax); %NULL where the network was not asked
 * @measures: (nullable): what an #EffvkMeter measured of it, with the frame before it as its last
 *   one; %NULL where that was not done
 * @time: ns, the frame's time
 *
 * Adds a frame. Either source may be missing for any frame: the network is usually asked a few
 * times a second. Freeze, flicker and combing need measures of consecutive frames.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_add (EffvkSignal *signal, EffvkResult *result,
                                 const EffvkMeasures *measures, guint64 time);

/**
 * effvk_signal_add_damage:
 * @signal: a signal
 * @time: ns, of the frame
 *
 * Says that a decoder could not decode all of the frame at @time. It makes corruption likelier in
 * the next seconds; alone it is none, as decoders hide most of what they miss. To be called before
 * the frame is added.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_add_damage (EffvkSignal *signal, guint64 time);

/**
 * effvk_signal_add_level:
 * @signal: a signal
 * @level: the sound's level since the last call, dB below full scale (RMS), -infinity for none
 * @time: ns
 *
 * Adds what the sound is like. Less than -60 dB is silence.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_add_level (EffvkSignal *signal, double level, guint64 time);

/**
 * effvk_signal_tick:
 * @signal: a signal
 * @passed: ns that have passed since the last frame, by a clock
 *
 * Says how long no frame has come. To be called now and then while none comes: it finds that there
 * is no signal. Then all else that was raised of the picture is cleared.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_tick (EffvkSignal *signal, guint64 passed);

/**
 * effvk_signal_pop:
 * @signal: a signal
 * @event: (out caller-allocates): what happened
 *
 * Takes the oldest event that nobody has taken. At most 64 are kept.
 *
 * Returns: %FALSE where there is none
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_signal_pop (EffvkSignal *signal, EffvkSignalEvent *event);

/**
 * effvk_signal_get_state:
 * @signal: a signal
 * @confidence: (out) (optional): 0 to 1, how sure the evidence for it is on average
 * @since: (out) (optional): ns, the time since which it has been so
 *
 * Gets the signal's state: the worst of those that are raised. Borders are no state of the signal
 * as a whole, but only of effvk_signal_is_raised() and of events.
 *
 * Returns: the state
 *
 * Since: 0.2
 */
EFFVK_API EffvkSignalState effvk_signal_get_state (EffvkSignal *signal, double *confidence,
                                                   guint64 *since);

/**
 * effvk_signal_apply:
 * @signal: a signal that was made for a model
 * @result: the network's answer to the frame that was added last, or to one before it
 *
 * Makes an answer whose first class is the signal's state. Its label is the state's name, its score
 * the state's confidence. Its index is that of the model's class of this name, or
 * %EFFVK_CLASS_UNKNOWN. The network's classes follow. While nothing is known yet, the network's
 * best class stays the first. The result has the measures that were added last.
 *
 * Returns: (transfer full): a result with as many classes as @result
 *
 * Since: 0.2
 */
EFFVK_API EffvkResult *effvk_signal_apply (EffvkSignal *signal, EffvkResult *result);

/**
 * effvk_signal_is_raised:
 * @signal: a signal
 * @state: a state
 *
 * Tells whether a state is there, be it the worst or not.
 *
 * Returns: whether it is raised
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_signal_is_raised (EffvkSignal *signal, EffvkSignalState state);

/**
 * effvk_signal_reset:
 * @signal: a signal
 *
 * Forgets all but the settings, as for another stream.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_signal_reset (EffvkSignal *signal);

G_END_DECLS
