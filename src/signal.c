/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "result.h"
#include "signal-evidence.h"

#include <effvk/effvk-signal.h>
#include <math.h>
#include <string.h>

#define SECOND EFFVK_SIGNAL_SECOND
#define LONGEST_SILENCE SECOND /* for which the last that was said of a state counts */
#define SILENCE -60.0          /* dB */
#define MOST_EVENTS 64
#define NOTHING_KNOWN (2 * SECOND) /* for so long nothing is known before the state is that */

/* How a state is told. */
typedef struct
{
  double detection, recovery; /* s */
  double leak;                /* how much what speaks against it takes from the detection time */
} Rule;

/* Not seen once, it was not there. */
#define STRICT INFINITY

static const Rule rules[EFFVK_SIGNAL_STATES] = {
  [EFFVK_SIGNAL_STATE_PICTURE] = { 0.5, 2, 1 },
  [EFFVK_SIGNAL_STATE_LETTERBOX] = { 5, 1, STRICT },
  [EFFVK_SIGNAL_STATE_DARK] = { 10, 2, 1 },
  [EFFVK_SIGNAL_STATE_SILENCE] = { 10, 0.5, STRICT },
  [EFFVK_SIGNAL_STATE_BLUR] = { 3, 2, 1 },
  [EFFVK_SIGNAL_STATE_FLICKER] = { 1, 2, 1 },
  [EFFVK_SIGNAL_STATE_COMBING] = { 1.5, 2, 0.5 },
  [EFFVK_SIGNAL_STATE_FREEZE] = { 2, 0.5, STRICT },
  [EFFVK_SIGNAL_STATE_CORRUPTION] = { 0.6, 2, 0.5 },
  [EFFVK_SIGNAL_STATE_WRONG_PLANES] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_NOISE] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_GRADIENT] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_FLAT_COLOR] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_TEST_PATTERN] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_COLOR_BARS] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_SLATE] = { 1, 1, 1 },
  [EFFVK_SIGNAL_STATE_BLACK] = { 2, 0.5, STRICT },
  [EFFVK_SIGNAL_STATE_NO_SIGNAL] = { 5, 0.5, 1 },
};

/* A moment: by the stream's time stamps, and by the clock that never falls back. */
typedef struct
{
  guint64 time, clock;
} Moment;

/* What is known of one state. */
typedef struct
{
  guint64 detection, recovery;

  gboolean raised;
  Moment since;
  double sum; /* of confidences since then */
  guint64 n;

  gboolean said; /* anything; and then: */
  guint64 said_at;
  gboolean away;     /* the last was that it is not as @raised says */
  guint64 away_for;  /* ns that speak so */
  Moment away_since; /* while there are any */
  double away_sum;   /* of confidences */
  guint64 n_away;
} Condition;

struct _EffvkSignal
{
  GObject parent_instance;

  EffvkModel *model;        /* or NULL */
  EffvkSignalState *states; /* of the model's classes; 0: none */
  guint n_classes;

  EffvkSignalPast past;
  EffvkSteadyClock sound;
  Condition conditions[EFFVK_SIGNAL_STATES];
  EffvkMeasures *measures; /* of the last frame, or NULL */
  GQueue events;           /* of EffvkSignalEvent, oldest first */
  guint64 last;            /* ns, the time stamp of the last frame */
  EffvkSignalState state;
  gboolean known;       /* it was ever another than unknown */
  Moment since, turned; /* of that state; and when the newest turn was */
};

G_DEFINE_FINAL_TYPE (EffvkSignal, effvk_signal, G_TYPE_OBJECT)

static void
effvk_signal_finalize (GObject *object)
{
  EffvkSignal *signal = EFFVK_SIGNAL (object);

  g_queue_clear_full (&signal->events, g_free);
  g_clear_object (&signal->model);
  g_clear_pointer (&signal->measures, effvk_measures_free);
  g_free (signal->states);
  G_OBJECT_CLASS (effvk_signal_parent_class)->finalize (object);
}

static void
effvk_signal_class_init (EffvkSignalClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_signal_finalize;
}

static void
effvk_signal_init (EffvkSignal *signal)
{
  g_queue_init (&signal->events);
  for (guint i = 0; i < EFFVK_SIGNAL_STATES; i++)
    {
      signal->conditions[i].detection = (guint64) (rules[i].detection * (double) SECOND);
      signal->conditions[i].recovery = (guint64) (rules[i].recovery * (double) SECOND);
    }
}

const char *
effvk_signal_state_get_name (EffvkSignalState state)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (EFFVK_TYPE_SIGNAL_STATE);
  const GEnumValue *value = g_enum_get_value (names, (int) state);

  g_return_val_if_fail (value != NULL, "unknown");
  return value->value_nick;
}

gboolean
effvk_signal_state_is_alarm (EffvkSignalState state)
{
  return state >= EFFVK_SIGNAL_STATE_SILENCE;
}

/* The state that a class of the model is, by its label. */
static EffvkSignalState
find_state (const char *label)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (EFFVK_TYPE_SIGNAL_STATE);
  const GEnumValue *value = label ? g_enum_get_value_by_nick (names, label) : NULL;

  return value ? (EffvkSignalState) value->value : EFFVK_SIGNAL_STATE_UNKNOWN;
}

EffvkSignal *
effvk_signal_new (EffvkModel *model)
{
  EffvkSignal *signal;

  g_return_val_if_fail (!model || EFFVK_IS_MODEL (model), NULL);

  signal = g_object_new (EFFVK_TYPE_SIGNAL, NULL);
  if (!model)
    return signal;
  signal->model = g_object_ref (model);
  signal->n_classes = effvk_model_get_n_classes (model);
  signal->states = g_new (EffvkSignalState, signal->n_classes);
  for (guint i = 0; i < signal->n_classes; i++)
    signal->states[i] = find_state (effvk_model_get_label (model, i));
  return signal;
}

/* One that has a detection time. */
static gboolean
is_raisable (EffvkSignalState state)
{
  return state >= EFFVK_SIGNAL_STATE_LETTERBOX && state < EFFVK_SIGNAL_STATES;
}

void
effvk_signal_set_times (EffvkSignal *signal, EffvkSignalState state, guint64 detection,
                        guint64 recovery)
{
  g_return_if_fail (EFFVK_IS_SIGNAL (signal));
  g_return_if_fail (is_raisable (state));

  signal->conditions[state].detection = detection;
  signal->conditions[state].recovery = recovery;
}

void
effvk_signal_get_times (EffvkSignal *signal, EffvkSignalState state, guint64 *detection,
                        guint64 *recovery)
{
  g_return_if_fail (EFFVK_IS_SIGNAL (signal));
  g_return_if_fail (is_raisable (state));

  if (detection)
    *detection = signal->conditions[state].detection;
  if (recovery)
    *recovery = signal->conditions[state].recovery;
}

void
effvk_signal_reset (EffvkSignal *signal)
{
  g_return_if_fail (EFFVK_IS_SIGNAL (signal));

  g_queue_clear_full (&signal->events, g_free);
  g_clear_pointer (&signal->measures, effvk_measures_free);
  signal->past = (EffvkSignalPast){ 0 };
  signal->sound = (EffvkSteadyClock){ 0 };
  signal->last = 0;
  signal->state = EFFVK_SIGNAL_STATE_UNKNOWN;
  signal->known = FALSE;
  signal->since = signal->turned = (Moment){ 0 };
  for (guint i = 0; i < EFFVK_SIGNAL_STATES; i++)
    signal->conditions[i] = (Condition){ .detection = signal->conditions[i].detection,
                                         .recovery = signal->conditions[i].recovery };
}

static double
get_mean (double sum, guint64 n)
{
  return n > 0 ? sum / (double) n : 0;
}

static void
tell (EffvkSignal *signal, EffvkSignalState state, const EffvkSignalEvent *event)
{
  if (!is_raisable (state))
    return; /* that all is well is no event */
  g_queue_push_tail (&signal->events, g_memdup2 (event, sizeof *event));
  if (signal->events.length > MOST_EVENTS)
    g_free (g_queue_pop_head (&signal->events));
}

/* It is raised, or cleared, since it is away from what it was. */
static void
turn (EffvkSignal *signal, EffvkSignalState state, Moment now)
{
  Condition *condition = &signal->conditions[state];
  EffvkSignalEvent event = { .state = state,
                             .raised = !condition->raised,
                             .time = now.time,
                             .since = condition->away_since.time };

  if (condition->raised)
    {
      event.duration = condition->away_since.clock - condition->since.clock;
      event.confidence = get_mean (condition->sum, condition->n);
    }
  else
    event.confidence = get_mean (condition->away_sum, condition->n_away);
  signal->turned = condition->away_since;
  condition->raised = !condition->raised;
  condition->since = condition->away_since;
  condition->sum = condition->away_sum;
  condition->n = condition->n_away;
  condition->away = FALSE;
  condition->away_for = 0;
  tell (signal, state, &event);
}

static void
begin_away (Condition *condition, Moment now)
{
  condition->away_since = now;
  condition->away_sum = 0;
  condition->n_away = 0;
}

/* Adds what a frame says of a state. What was said last holds until then. */
static void
step (EffvkSignal *signal, EffvkSignalState state, EffvkEvidence evidence, Moment now)
{
  Condition *condition = &signal->conditions[state];
  guint64 limit = condition->raised ? condition->recovery : condition->detection, passed;
  double leak = condition->raised ? 1 : rules[state].leak;
  gboolean away = (evidence.says == EFFVK_EVIDENCE_FOR) != condition->raised;

  if (evidence.says == EFFVK_EVIDENCE_NONE)
    return;
  passed = condition->said ? MIN (now.clock - condition->said_at, LONGEST_SILENCE) : 0;
  if (condition->away)
    condition->away_for += passed;
  else if (isinf (leak) || leak * (double) passed >= (double) condition->away_for)
    condition->away_for = 0;
  else
    condition->away_for -= (guint64) (leak * (double) passed);
  if (isinf (leak) && !away)
    condition->away_for = 0;
  if (away && condition->away_for == 0 && !condition->away)
    begin_away (condition, now);
  condition->away_for = MIN (condition->away_for, limit);
  condition->said = TRUE;
  condition->said_at = now.clock;
  condition->away = away;
  if (away)
    {
      condition->away_sum += evidence.confidence;
      condition->n_away++;
      if (condition->away_for >= limit)
        turn (signal, state, now);
    }
  else
    {
      condition->sum += evidence.confidence;
      condition->n++;
    }
}

/* The worst that is raised. */
static EffvkSignalState
find_worst (EffvkSignal *signal)
{
  for (guint i = EFFVK_SIGNAL_STATES - 1; i > EFFVK_SIGNAL_STATE_LETTERBOX; i--)
    if (signal->conditions[i].raised)
      return (EffvkSignalState) i;
  return signal->conditions[EFFVK_SIGNAL_STATE_PICTURE].raised ? EFFVK_SIGNAL_STATE_PICTURE
                                                               : EFFVK_SIGNAL_STATE_UNKNOWN;
}

/* Something else than the present state may be raised soon. */
static gboolean
is_pending (EffvkSignal *signal)
{
  for (guint i = EFFVK_SIGNAL_STATE_PICTURE; i < EFFVK_SIGNAL_STATES; i++)
    if (i != EFFVK_SIGNAL_STATE_LETTERBOX && !signal->conditions[i].raised
        && signal->conditions[i].away)
      return TRUE;
  return FALSE;
}

/* A picture that the newest answer speaks against. */
static gboolean
is_doubted (EffvkSignal *signal, EffvkSignalState state)
{
  return state == EFFVK_SIGNAL_STATE_PICTURE && signal->conditions[state].away;
}

static void
update_state (EffvkSignal *signal)
{
  EffvkSignalState state = find_worst (signal);

  if ((state == EFFVK_SIGNAL_STATE_UNKNOWN || is_doubted (signal, state)) && is_pending (signal))
    return; /* from one state to the next not by way of none */
  if (state == EFFVK_SIGNAL_STATE_UNKNOWN
      && signal->past.clock.now - signal->turned.clock < NOTHING_KNOWN)
    return;
  if (state != signal->state)
    signal->since = signal->turned;
  signal->known = signal->known || state != EFFVK_SIGNAL_STATE_UNKNOWN;
  signal->state = state;
}

/* Whether what is usual may be learned. */
static gboolean
is_well (EffvkSignal *signal)
{
  for (guint i = EFFVK_SIGNAL_STATE_SILENCE + 1; i < EFFVK_SIGNAL_STATES; i++)
    if (signal->conditions[i].raised || signal->conditions[i].away)
      return FALSE;
  return TRUE;
}

void
effvk_signal_add (EffvkSignal *signal, EffvkResult *result, const EffvkMeasures *measures,
                  guint64 time)
{
  const EffvkEvidence here = { EFFVK_EVIDENCE_AGAINST, 1 };
  Moment now = { .time = time };
  EffvkSignalPast *past;

  g_return_if_fail (EFFVK_IS_SIGNAL (signal));

  past = &signal->past;
  effvk_signal_past_begin (past, time);
  now.clock = past->clock.now;
  if (result && signal->states)
    effvk_signal_past_answer (past, result, signal->states, signal->n_classes);
  past->frozen = signal->conditions[EFFVK_SIGNAL_STATE_FREEZE].raised;
  past->grace = signal->conditions[EFFVK_SIGNAL_STATE_FREEZE].detection / 10 * 9;
  past->corrupted = signal->conditions[EFFVK_SIGNAL_STATE_CORRUPTION].raised;
  g_clear_pointer (&signal->measures, effvk_measures_free);
  if (measures)
    {
      signal->measures = effvk_measures_copy (measures);
      effvk_signal_past_measure (past, measures);
    }
  step (signal, EFFVK_SIGNAL_STATE_NO_SIGNAL, here, now);
  for (guint i = EFFVK_SIGNAL_STATE_PICTURE; i < EFFVK_SIGNAL_STATES; i++)
    step (signal, (EffvkSignalState) i, effvk_signal_judge (past, (EffvkSignalState) i), now);
  update_state (signal);
  if (is_well (signal))
    effvk_signal_past_learn (past);
  signal->last = time;
}

void
effvk_signal_add_damage (EffvkSignal *signal, guint64 time G_GNUC_UNUSED)
{
  g_return_if_fail (EFFVK_IS_SIGNAL (signal));

  signal->past.damaged = MAX (signal->past.clock.now, 1);
}

void
effvk_signal_add_level (EffvkSignal *signal, double level, guint64 time)
{
  EffvkEvidence evidence = { level < SILENCE ? EFFVK_EVIDENCE_FOR : EFFVK_EVIDENCE_AGAINST, 1 };

  g_return_if_fail (EFFVK_IS_SIGNAL (signal));

  effvk_steady_clock_advance (&signal->sound, time);
  if (!isnan (level))
    step (signal, EFFVK_SIGNAL_STATE_SILENCE, evidence, (Moment){ time, signal->sound.now });
  update_state (signal);
}

/* Of a picture that is not there nothing can be said: what was raised of it is cleared. */
static void
clear_picture (EffvkSignal *signal, Moment last)
{
  for (guint i = EFFVK_SIGNAL_STATE_PICTURE; i < EFFVK_SIGNAL_STATE_NO_SIGNAL; i++)
    {
      Condition *condition = &signal->conditions[i];

      if (i == EFFVK_SIGNAL_STATE_SILENCE)
        continue;
      if (condition->raised)
        {
          begin_away (condition, last);
          turn (signal, (EffvkSignalState) i, last);
        }
      condition->said = condition->away = FALSE;
      condition->away_for = 0;
    }
}

void
effvk_signal_tick (EffvkSignal *signal, guint64 passed)
{
  Condition *condition;

  g_return_if_fail (EFFVK_IS_SIGNAL (signal));

  condition = &signal->conditions[EFFVK_SIGNAL_STATE_NO_SIGNAL];
  if (passed < condition->detection)
    return;
  condition->said = FALSE; /* what comes after a gap is counted from its first frame on */
  if (condition->raised)
    {
      condition->away = FALSE;
      condition->away_for = 0;
      return;
    }
  clear_picture (signal, (Moment){ signal->last, signal->past.clock.now });
  begin_away (condition, (Moment){ signal->last, signal->past.clock.now });
  condition->away_sum = 1;
  condition->n_away = 1;
  turn (signal, EFFVK_SIGNAL_STATE_NO_SIGNAL,
        (Moment){ signal->last + passed, signal->past.clock.now });
  update_state (signal);
}

gboolean
effvk_signal_pop (EffvkSignal *signal, EffvkSignalEvent *event)
{
  EffvkSignalEvent *oldest;

  g_return_val_if_fail (EFFVK_IS_SIGNAL (signal), FALSE);
  g_return_val_if_fail (event != NULL, FALSE);

  oldest = g_queue_pop_head (&signal->events);
  if (!oldest)
    return FALSE;
  *event = *oldest;
  g_free (oldest);
  return TRUE;
}

static double
get_confidence (EffvkSignal *signal)
{
  const Condition *condition = &signal->conditions[signal->state];

  return get_mean (condition->sum, condition->n);
}

EffvkSignalState
effvk_signal_get_state (EffvkSignal *signal, double *confidence, guint64 *since)
{
  g_return_val_if_fail (EFFVK_IS_SIGNAL (signal), EFFVK_SIGNAL_STATE_UNKNOWN);

  if (confidence)
    *confidence = get_confidence (signal);
  if (since)
    *since = signal->since.time;
  return signal->state;
}

/* The model's class that is the state, or EFFVK_CLASS_UNKNOWN. */
static guint
find_class (EffvkSignal *signal)
{
  for (guint i = 0; i < signal->n_classes; i++)
    if (signal->states[i] == signal->state && signal->state != EFFVK_SIGNAL_STATE_UNKNOWN)
      return i;
  return EFFVK_CLASS_UNKNOWN;
}

/* Fills @classes with the state and the others of @result, which has @n. */
static void
put_first (EffvkSignal *signal, EffvkResult *result, EffvkClass *classes, guint n)
{
  guint filled = 1;

  classes[0] = (EffvkClass){ find_class (signal), 0 };
  classes[0].score = (float) get_confidence (signal);
  for (guint i = 0; i < n && filled < n; i++)
    {
      guint index = effvk_result_get_index (result, i);

      if (index != classes[0].index)
        classes[filled++] = (EffvkClass){ index, effvk_result_get_score (result, i) };
    }
}

EffvkResult *
effvk_signal_apply (EffvkSignal *signal, EffvkResult *result)
{
  g_autofree EffvkClass *classes = NULL;
  const float *logits, *embedding;
  guint n, n_logits, n_features;
  EffvkResult *told;

  g_return_val_if_fail (EFFVK_IS_SIGNAL (signal), NULL);
  g_return_val_if_fail (result != NULL, NULL);

  g_return_val_if_fail (signal->model != NULL, NULL);

  n = effvk_result_get_n_classes (result);
  classes = g_new0 (EffvkClass, n + 1);
  for (guint i = 0; i < n; i++)
    classes[i]
        = (EffvkClass){ effvk_result_get_index (result, i), effvk_result_get_score (result, i) };
  if (signal->known && n > 0)
    put_first (signal, result, classes, n);
  logits = effvk_result_get_logits (result, &n_logits);
  told
      = effvk_result_new (signal->model, classes, n, logits, n_logits,
                          effvk_result_get_gpu_time (result), effvk_result_get_total_time (result));
  if (signal->known)
    effvk_result_set_name (told, effvk_signal_state_get_name (signal->state));
  embedding = effvk_result_get_embedding (result, &n_features);
  effvk_result_set_embedding (told, embedding, n_features);
  effvk_result_set_heatmap (told, effvk_result_peek_heatmap (result));
  effvk_result_set_measures (told, signal->measures);
  return told;
}

gboolean
effvk_signal_is_raised (EffvkSignal *signal, EffvkSignalState state)
{
  g_return_val_if_fail (EFFVK_IS_SIGNAL (signal), FALSE);
  g_return_val_if_fail (state < EFFVK_SIGNAL_STATES, FALSE);

  return signal->conditions[state].raised;
}
