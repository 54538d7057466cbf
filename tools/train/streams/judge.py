# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a monitor said of a stream against what was done to it. All times are seconds of the stream."""
import dataclasses

# States that are no alarm. "unknown" is no alarm, and finds nothing either.
GOOD = {"picture", "ok", "normal", "", None}
UNKNOWN = {"unknown"}
# States that are told but are no alarm: a film may be dark or have borders.
NOTICES = {"letterbox", "pillarbox", "dark", "silence"}
# Which states name a fault. What looks the same may have either name: a dark flat colour is black.
NAMES = {
    "corruption": {"corruption", "wrong-planes"},
    "freeze": {"freeze"},
    "freeze-noise": {"freeze"},
    "black": {"black"},
    "color-bars": {"color-bars", "test-pattern"},
    "test-pattern": {"test-pattern", "color-bars", "gradient"},
    "slate": {"slate", "black", "flat-color", "no-signal"},
    "noise": {"noise"},
    "flat-color": {"flat-color", "black"},
    "wrong-planes": {"wrong-planes", "corruption"},
    "combing": {"combing"},
    "blur": {"blur"},
    "flicker": {"flicker"},
    "dark": {"dark", "black"},
    "letterbox": {"letterbox", "pillarbox"},
    "no-signal": {"no-signal", "stalled", "freeze"},
}
# Seconds for which a state has to be seen before it is told, by effvk's defaults; all others: 1.
DETECTION = {"corruption": 0.6, "combing": 1.5, "freeze": 2.0, "freeze-noise": 2.0, "black": 2.0, "blur": 3.0,
             "letterbox": 5.0, "dark": 10.0, "no-signal": 5.0}
PROMPT = 1.0  # beyond that, an event is late
EARLY = 0.5  # a fault may be seen this long before it begins: looks and timestamps are that coarse
LATE = 1.0  # an event may come this long after the fault's end: the detection time has to pass
CLEARED = 3.0  # an alarm has ended this long after its fault


@dataclasses.dataclass
class Fault:
    kind: str
    start: float
    end: float
    level: str = "severe"  # light, medium or severe; "unseen" is judged by nobody
    strength: float = 1.0
    detail: str = ""
    done: list = None  # [start, end] of what was done, where less of it can be seen: an alarm then is not false

    def reach(self):
        """When an alarm may come from it."""
        start, end = self.done or (self.start, self.end)
        return min(start, self.start) - EARLY, max(end, self.end) + LATE


@dataclasses.dataclass
class Span:
    """A state that was told: since when, until when, and when it was decided."""
    state: str
    start: float
    end: float
    decided: float


@dataclasses.dataclass
class Verdict:
    fault: Fault
    named: bool  # an event of one of the fault's names was raised
    alarmed: bool  # any event was
    delay: float | None  # from the fault's beginning to the decision that named it
    prompt: bool  # it was named within PROMPT beyond the detection time
    said: str  # the states that were told meanwhile


@dataclasses.dataclass
class Judgement:
    verdicts: list
    false_alarms: list  # Spans: the first of each episode
    stuck: list  # Spans of episodes that outlasted their fault
    notices: list  # Spans in clean stretches that are no alarms
    clean: float  # seconds in which an alarm is false


def is_told(state):
    return state not in GOOD and state not in UNKNOWN


def is_alarm(state):
    return is_told(state) and state not in NOTICES


def spans(records, duration, hold):
    """The records of `effvk monitor --json`: what was raised and cleared. Where there is no such record, a state
    lasts until the next."""
    if any(record.get("event") in ("raised", "cleared") for record in records):
        return raised_spans(records, duration)
    out = []
    for record in records:
        if record.get("pts") is None or "state" not in record:
            continue
        start = record["pts"] / 1e9
        decided = record["decided"] / 1e9 if record.get("decided") is not None else start + hold
        if out:
            out[-1].end = max(out[-1].start, start)
        out.append(Span(record["state"], start, duration, decided))
    return out


def raised_spans(records, duration):
    """Several may last at a time."""
    out, open_ = [], {}
    for record in records:
        name, since = record.get("signal"), record.get("pts")
        if record.get("event") == "raised":
            open_[name] = Span(name, since / 1e9, duration, record["decided"] / 1e9)
            out.append(open_[name])
        elif record.get("event") == "cleared" and name in open_:
            span = open_.pop(name)
            span.end = max(span.start, since / 1e9)
    return sorted(out, key=lambda span: span.start)


def episodes(told):
    """Runs of alarms without anything good between them: an operator is called once."""
    out, until = [], 0.0
    for span in told:
        if not is_alarm(span.state):
            continue
        if out and span.start <= until + 1e-6:
            out[-1].append(span)
        else:
            out.append([span])
            until = 0.0
        until = max(until, span.end)
    return out


def verdict(fault, told):
    def raised(span):
        return span.start < fault.end and fault.start - EARLY <= span.decided <= fault.end + LATE

    now = [span for span in told if is_told(span.state) and raised(span)]
    named = [span for span in now if span.state in NAMES[fault.kind]]
    said = [span.state for span in told if span.end > fault.start and span.start < fault.end]
    delay = max(0.0, min(span.decided for span in named) - fault.start) if named else None
    return Verdict(fault, bool(named), any(is_alarm(span.state) for span in now), delay,
                   delay is not None and delay <= DETECTION.get(fault.kind, 1.0) + PROMPT,
                   " ".join(dict.fromkeys(map(str, said))))


def cause(span, faults):
    """The fault that an alarm may come from."""
    for fault in faults:
        start, end = fault.reach()
        if start <= span.start <= end or start <= span.decided <= end:
            return fault
    return None


def clean_seconds(faults, duration):
    at, total = 0.0, 0.0
    for start, end in sorted(fault.reach() for fault in faults):
        total += max(0.0, start - at)
        at = max(at, end)
    return total + max(0.0, duration - at)


def judge(faults, told, duration):
    """faults: all that was done, seen or not. told: Spans in order."""
    verdicts = [verdict(fault, told) for fault in faults if fault.level != "unseen"]
    false, stuck = [], []
    for episode in episodes(told):
        fault = cause(episode[0], faults)
        if not fault:
            false.append(episode[0])
            continue
        # It may go over into the next fault, and then has to end with that.
        longest = max(episode, key=lambda span: span.end)
        last = max((f.reach()[1] for f in faults if f.reach()[0] <= longest.end), default=fault.end)
        others = [s for s in episode if not cause(s, faults)]
        if others or longest.end > last - LATE + CLEARED:
            stuck.append(others[0] if others else longest)
    notices = [span for span in told if span.state in NOTICES and not cause(span, faults)]
    return Judgement(verdicts, false, stuck, notices, clean_seconds(faults, duration))


def share(verdicts, what="named"):
    """In percent, or None of none."""
    return 100 * sum(getattr(v, what) for v in verdicts) / len(verdicts) if verdicts else None


def percentile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else None


def groups(verdicts):
    """Verdicts by (kind, level), in the order of NAMES and from severe to light."""
    out = {}
    for kind in NAMES:
        for level in ("severe", "medium", "light"):
            these = [v for v in verdicts if v.fault.kind == kind and v.fault.level == level]
            if these:
                out[kind, level] = these
    return out


def runs(series, threshold, above, hold):
    """Spans in which a series [(time, value)] is over (or under) a threshold for `hold` and longer."""
    out, since, before = [], None, None
    for time, value in series:
        over = value >= threshold if above else value <= threshold
        if over and since is None:
            since = time
        if not over and since is not None:
            if before - since >= hold:
                out.append((since, time))
            since = None
        before = time
    if since is not None and before - since >= hold:
        out.append((since, before))
    return out


def at_equal_alarms(streams, kind, allowed, above=True, hold=1.0, steps=60):
    """How much of a kind a measure finds with no more false alarms than that.

    streams: [(series, faults, duration)]. Returns (threshold, {level: (found, of)}, false alarms); the
    threshold is None where none has so few false alarms."""
    values = sorted(value for series, _, _ in streams for _, value in series)
    levels = [f.level for _, faults, _ in streams for f in faults if f.kind == kind and f.level != "unseen"]
    best = (None, {level: (0, levels.count(level)) for level in levels}, 0)
    if not values:
        return best
    for step in range(steps + 1):
        # Finer towards the end where alarms are.
        q = 1 - (1 - step / steps) ** 3
        threshold = values[int((q if above else 1 - q) * (len(values) - 1))]
        found, of, false = {}, {}, 0
        for series, faults, _ in streams:
            told = [Span(kind, a, b, a + hold) for a, b in runs(series, threshold, above, hold)]
            false += sum(cause(span, faults) is None for span in told)
            for fault in faults:
                if fault.kind != kind or fault.level == "unseen":
                    continue
                of[fault.level] = of.get(fault.level, 0) + 1
                found[fault.level] = found.get(fault.level, 0) + any(
                    fault.start - EARLY <= s.start <= fault.end for s in told)
        if false <= allowed and (best[0] is None or sum(found.values()) > sum(n for n, _ in best[1].values())):
            best = (threshold, {level: (found[level], of[level]) for level in of}, false)
    return best
