#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk serve with 16 RTSP streams for minutes. Four of them hang, go away and come back at random: their
states are right, the others do not notice, and memory, threads and descriptors stay.

EFFVK_SOAK_SECONDS says how long (default: 600)."""

import os
import random
import signal
import time

from effvktool import Folder, check, equal, run_tests
from servetool import Serve
from streams import RtspServer, free_port, needs_element

SECONDS = float(os.environ.get('EFFVK_SOAK_SECONDS', 600))
STREAMS, VICTIMS, RATE, TIMEOUT = 16, 4, 5, 4
SAMPLE = 5  # s

temporary = Folder('effvk-serve-soak-')


class Victim:
    """A stream with a server of its own, which hangs and dies."""

    def __init__(self, name, pattern):
        self.name, self.pattern, self.port = name, pattern, free_port()
        self.camera = None
        self.revive()

    def revive(self):
        self.camera = RtspServer(self.port, self.pattern, rate=RATE, life=SECONDS + 600)

    def kill(self):
        self.camera.process.kill()
        self.camera.process.communicate()

    def torment(self, server, kind):
        """Does something to it, and sees that its states follow."""
        if kind in ('hang', 'hang and die'):
            self.camera.signal(signal.SIGSTOP)
            server.wait_for(self.name, 'stalls', state='stalled')
        if kind == 'hang':
            self.camera.signal(signal.SIGCONT)
        else:
            self.kill()
            server.wait_for(self.name, 'is away', state='no-signal')
            self.revive()
        found = server.wait_for(self.name, 'comes back', state='playing')
        check(found['reason'] is None, f'{found}')


def sample(server):
    return {name: server.metric('effvk_' + name) for name in ('resident_memory_bytes', 'threads', 'open_descriptors')}


def frames_of(server):
    return {stream['name']: (stream['frames'], stream['inferences']) for stream in server.get('/api/streams')['streams']}


def watch_others(server, names, frames, seconds):
    """Whether they went on while others did not. Returns what they have now."""
    now = {}
    for stream in server.get('/api/streams')['streams']:
        if stream['name'] in names:
            now[stream['name']] = stream['frames']
            check(stream['state'] == 'playing' and stream['reconnects'] == 0, f'{stream}')
            came = stream['frames'] - frames[stream['name']]
            check(came > seconds * RATE * 0.7, f'{stream["name"]}: {came} frames in {seconds:.1f} s')
    return now


def sixteen_streams():
    needs_element('rtspsrc', 'rtpjpegpay')
    chance = random.Random(28)
    victims = [Victim(f'victim-{i}', ('black', 'smpte')[i % 2]) for i in range(VICTIMS)]
    port = free_port()
    others = [f'camera-{i}' for i in range(STREAMS - VICTIMS)]
    config = temporary.write('soak.conf', f'[server]\nlisten=127.0.0.1:0\nstate-directory={temporary.make_folder()}\n'
                             + ''.join(f'[stream {name}]\nuri=rtsp://127.0.0.1:{at}/live\nrate={RATE}\ntimeout={TIMEOUT}\n'
                                       for name, at in [(victim.name, victim.port) for victim in victims]
                                       + [(name, port) for name in others]))
    camera = RtspServer(port, 'smpte', rate=RATE, life=SECONDS + 600)
    try:
        with Serve(config, listen=None, life=SECONDS + 600) as server:
            for name in [*others, *(victim.name for victim in victims)]:
                server.wait_for(name, 'plays', state='playing', label='black' if name in ('victim-0', 'victim-2')
                                else 'color-bars')
            counts, begin, done, samples = frames_of(server), time.monotonic(), 0, []
            frames, last = {name: counts[name][0] for name in others}, begin
            while time.monotonic() < begin + SECONDS:
                chance.choice(victims).torment(server, chance.choice(('hang', 'die', 'hang and die')))
                done += 1
                time.sleep(SAMPLE)  # what ends has ended
                now = time.monotonic()
                frames, last = watch_others(server, others, frames, now - last), now
                samples.append((now - begin, sample(server)))
            seconds = time.monotonic() - begin
            total = {name: (after[0] - counts[name][0], after[1] - counts[name][1])
                     for name, after in frames_of(server).items()}
            early = [one for at, one in samples if at < seconds / 3] or [samples[0][1]]
            late = [one for at, one in samples if at > seconds * 2 / 3] or [samples[-1][1]]
            found = {name: (max(one[name] for one in early), max(one[name] for one in late)) for name in early[0]}
            rates = sorted(total[name][1] / seconds for name in others)
            print(f'# {STREAMS} streams, {seconds:.0f} s, {done} times that one of {VICTIMS} hung or died')
            print(f'# the others: {rates[0]:.2f} to {rates[-1]:.2f} frames a second classified, of {RATE}')
            print(f'# in the first and the last third at most: memory {found["resident_memory_bytes"][0] / 1e6:.0f} and '
                  f'{found["resident_memory_bytes"][1] / 1e6:.0f} MB, threads {found["threads"][0]:.0f} and '
                  f'{found["threads"][1]:.0f}, descriptors {found["open_descriptors"][0]:.0f} and '
                  f'{found["open_descriptors"][1]:.0f}')
            for name, (before, after) in found.items():
                check(after <= before * 1.1 + (8 if name != 'resident_memory_bytes' else 8e6), f'{name}: {samples}')
            equal(server.stop(), 0, 'status')
    finally:
        for one in [camera, *(victim.camera for victim in victims)]:
            one.__exit__()


run_tests([sixteen_streams])
