#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How tools/train/evaluate_streams.py compares a monitor's events with the truth, and how it damages packets. Prints
TAP."""
import os
import random
import struct
import sys

from effvktool import ROOT, check, equal, run_tests

sys.path.insert(0, os.path.join(ROOT, 'tools', 'train'))
from streams import judge, packets  # noqa: E402
from streams.judge import Fault, Span  # noqa: E402


def records(*states):
    """(seconds, state) or (seconds, state, decided) as `effvk monitor --json` writes them."""
    out = []
    for since, state, *decided in states:
        out.append({'event': 'state', 'pts': int(since * 1e9), 'state': state})
        if decided:
            out[-1]['decided'] = int(decided[0] * 1e9)
    return out


def judged(faults, duration, *states):
    return judge.judge(faults, judge.spans(records(*states), duration, 0.5), duration)


def test_spans():
    told = judge.spans(records((0, 'picture'), (10, 'black', 12), (15, 'picture')), 20, 0.5)
    equal([(s.state, s.start, s.end, s.decided) for s in told],
          [('picture', 0, 10, 0.5), ('black', 10, 15, 12), ('picture', 15, 20, 15.5)], 'spans')
    equal(judge.spans([{'event': 'state', 'pts': None, 'state': 'x'}, {'event': 'other', 'pts': 1}], 5, 0), [],
          'records without time or state')


def test_raised():
    """What is raised and cleared is taken in place of the states, and several may last at a time."""
    def record(event, name, since, decided):
        return {'event': event, 'signal': name, 'pts': int(since * 1e9), 'decided': int(decided * 1e9)}

    told = judge.spans([*records((0, 'picture'), (10, 'black'), (15, 'picture')), record('raised', 'black', 10, 12),
                        record('raised', 'freeze', 11, 13), record('cleared', 'black', 15, 16),
                        record('raised', 'dark', 30, 32)], 40, 0.5)
    equal([(s.state, s.start, s.end, s.decided) for s in told],
          [('black', 10, 15, 12), ('freeze', 11, 40, 13), ('dark', 30, 40, 32)], 'spans')
    result = judge.judge([Fault('black', 10, 15)], told, 40)
    equal((result.verdicts[0].named, result.false_alarms, len(result.stuck), [s.state for s in result.notices]),
          (True, [], 1, ['dark']), 'what comes of them')


def test_notice():
    """A state that is no alarm names its fault all the same."""
    verdict = judged([Fault('dark', 10, 15)], 30, (0, 'picture'), (10, 'dark'), (15, 'picture')).verdicts[0]
    equal((verdict.named, verdict.alarmed), (True, False), 'a notice')


def test_found():
    result = judged([Fault('black', 10, 15)], 30, (0, 'picture'), (10.2, 'black', 12.2), (15.1, 'picture'))
    verdict = result.verdicts[0]
    check(verdict.named and verdict.alarmed, 'the black was not found')
    check(abs(verdict.delay - 2.2) < 1e-9 and verdict.prompt, f'the delay is {verdict.delay}')
    equal((result.false_alarms, result.stuck), ([], []), 'alarms beside it')
    check(abs(result.clean - (30 - 5 - judge.EARLY - judge.LATE)) < 1e-9, f'clean for {result.clean}')


def test_other_name():
    verdict = judged([Fault('freeze', 10, 15)], 30, (0, 'picture'), (10.2, 'blur'), (15, 'picture')).verdicts[0]
    equal((verdict.named, verdict.alarmed, verdict.said), (False, True, 'picture blur'), 'another name')
    verdict = judged([Fault('freeze', 10, 15)], 30, (0, 'picture'), (10.2, 'blur'), (12, 'freeze')).verdicts[0]
    check(verdict.named, 'a name that came second is none')


def test_unknown_finds_nothing():
    result = judged([Fault('blur', 10, 15)], 30, (0, 'picture'), (3, 'unknown'), (5, 'picture'), (10, 'unknown'))
    equal((result.verdicts[0].alarmed, result.false_alarms), (False, []), 'unknown')


def test_false_alarm():
    result = judged([Fault('black', 20, 25)], 60, (0, 'picture'), (5, 'corruption'), (6, 'blur'), (8, 'picture'),
                    (40, 'noise'), (41, 'picture'))
    equal([(s.state, s.start) for s in result.false_alarms], [('corruption', 5), ('noise', 40)],
          'false alarms: one for each episode')
    check(not result.verdicts[0].alarmed, 'a false alarm found something')


def test_late_is_missed():
    """What is told when the fault is over has not found it. An old alarm has not found it, either."""
    told = (0, 'picture'), (14.9, 'black', 17), (18, 'picture')
    result = judged([Fault('black', 10, 15)], 30, *told)
    equal((result.verdicts[0].named, result.false_alarms), (False, []), 'an event that is too late')
    verdict = judged([Fault('black', 10, 15)], 30, (0, 'picture'), (10, 'black', 14), (15, 'picture')).verdicts[0]
    equal((verdict.named, verdict.prompt), (True, False), 'an event that is late')
    result = judged([Fault('corruption', 20, 25)], 40, (0, 'picture'), (5, 'corruption'))
    check(not result.verdicts[0].named, 'an alarm from before found it')
    equal(len(result.false_alarms), 1, 'false alarms')


def test_stuck():
    result = judged([Fault('noise', 10, 15)], 60, (0, 'picture'), (10, 'noise'), (30, 'picture'))
    equal((len(result.stuck), result.false_alarms), (1, []), 'an alarm that does not end')
    result = judged([Fault('noise', 10, 15)], 60, (0, 'picture'), (10, 'noise'), (16, 'blur'), (30, 'picture'))
    equal(len(result.stuck), 1, 'an alarm that goes over into another')
    result = judged([Fault('noise', 10, 15), Fault('black', 17, 20)], 60, (0, 'picture'), (10, 'noise'),
                    (17, 'black'), (20, 'picture'))
    equal((len(result.stuck), result.verdicts[1].named), (0, True), 'one fault that follows another')


def test_unseen():
    """Damage that cannot be seen is not judged, and an alarm meanwhile is not false."""
    fault = Fault('corruption', 12, 13, 'unseen', done=[10, 15])
    result = judged([fault], 30, (0, 'picture'), (10, 'corruption'), (14, 'picture'))
    equal((result.verdicts, result.false_alarms, result.stuck), ([], [], []), 'unseen damage')


def test_runs():
    series = [(t, 1.0 if 3 <= t <= 5 or t == 8 else 0.0) for t in range(12)]
    equal(judge.runs(series, 0.5, True, 1), [(3, 6)], 'runs over a threshold')
    equal(judge.runs(series, 0.5, False, 1), [(0, 3), (6, 8), (9, 11)], 'runs under a threshold')


def test_equal_alarms():
    """A measure that is 3 in clean stretches now and then, and 2 or 5 in the faults."""
    series = [(t / 2, 5.0 if 10 <= t / 2 < 15 else 2.0 if 20 <= t / 2 < 25 else 3.0 if 30 <= t / 2 < 33 else 0.0)
              for t in range(100)]
    faults = [Fault('blur', 10, 15, 'severe'), Fault('blur', 20, 25, 'medium')]
    threshold, found, false = judge.at_equal_alarms([(series, faults, 50)], 'blur', 0)
    equal((found, false), ({'severe': (1, 1), 'medium': (0, 1)}, 0), 'without a false alarm')
    check(3 < threshold <= 5, f'the threshold is {threshold}')
    _, found, false = judge.at_equal_alarms([(series, faults, 50)], 'blur', 1)
    equal((found, false), ({'severe': (1, 1), 'medium': (1, 1)}, 1), 'with one')


class Always:
    """A random generator that hits each packet."""

    def random(self):
        return 0.0

    def geometric(self, share):
        return 1

    def integers(self, low, high):
        return random.Random(low + high).randrange(low, high)


def ts_packet(number, time=None):
    """188 bytes of PID 256, with the header of a PES packet where a frame begins."""
    head = bytes([0x47, 0x41 if time is not None else 0x01, 0x00, 0x10 | number % 16])
    if time is None:
        return head + bytes(184)
    pts = int(time * 90000)
    stamp = bytes([0x21 | pts >> 29 & 0xE, pts >> 22 & 0xFF, 1 | pts >> 14 & 0xFE, pts >> 7 & 0xFF, 1 | pts << 1 & 0xFE])
    return head + b'\0\0\1\xe0\0\0\x80\x80\x05' + stamp + bytes(170)


def test_transport_stream():
    table = bytes([0x47, 0x40, 0x00, 0x10]) + bytes(184)
    data = b''.join([table, *(ts_packet(i, i / 10 + 1.4) for i in range(40)), table])
    damage = packets.Damage(Always(), 1.0, 2.0, 'lost', 1.0)
    equal(len(packets.damage_ts(data, [damage])) // 188, 42 - 10, 'packets that are left')
    damage = packets.Damage(Always(), 1.0, 2.0, 'changed', 1.0)
    damaged = packets.damage_ts(data, [damage])
    equal(len(damaged), len(data), 'bytes after a change')
    changed = {i // 188 - 1 for i, (a, b) in enumerate(zip(data, damaged)) if a != b}
    equal(changed, set(range(10, 20)), 'packets that were changed')


def test_ivf():
    def number(data):
        at, out = 32, []
        while at < len(data):
            size, stamp = struct.unpack_from('<IQ', data, at)
            out.append(stamp)
            at += 12 + size
        return out

    data = bytes(32) + b''.join(struct.pack('<IQ', 100, i) + bytes(100) for i in range(30))
    equal(number(packets.damage_ivf(data, [], [(1.0, 2.0)], 0.1, False)), [*range(10), *range(20, 30)], 'a gap')
    damage = packets.Damage(Always(), 1.0, 2.0, 'lost', 1.0)
    equal(number(packets.damage_ivf(data, [damage], [], 0.1, False)), [*range(10), *range(20, 30)], 'lost frames')


run_tests([test_spans, test_raised, test_notice, test_found, test_other_name, test_unknown_finds_nothing, test_false_alarm,
           test_late_is_missed, test_stuck, test_unseen, test_runs, test_equal_alarms, test_transport_stream,
           test_ivf])
