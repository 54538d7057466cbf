#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk serve with a thousand streams whose results come over HTTP: how long /metrics and /api/streams
take meanwhile, and whether memory, threads and descriptors stay."""

import http.client
import os
import random
import threading
import time

from effvktool import Folder, Failure, check, equal, run_tests
from servetool import Serve

STREAMS = 1000
PUSHERS = 2
SECONDS = float(os.environ.get('EFFVK_MANY_SECONDS', 40))
LIMIT = 0.1  # s, the 99th percentile
GROWTH = 1.1  # of memory, once the streams have been seen

temporary = Folder('effvk-serve-many-')


class Pusher(threading.Thread):
    """Sends a result for each of its streams about once a second. Labels change now and then."""

    def __init__(self, host, names, seed):
        super().__init__(daemon=True)
        self.host, self.names, self.chance = host, names, random.Random(seed)
        self.sent, self.going, self.problem = 0, True, None

    def run(self):
        connection = http.client.HTTPConnection(self.host, timeout=60)  # a new one for each request
        labels = {name: 'picture' for name in self.names}
        try:
            while self.going:
                begin = time.monotonic()
                for name in self.names:
                    if not self.going:
                        break
                    if self.chance.random() < 0.05:
                        labels[name] = self.chance.choice(('picture', 'black', 'noise'))
                    connection.request('POST', f'/api/streams/{name}/results',
                                       body=f'{{"label": "{labels[name]}", "score": 0.9}}',
                                       headers={'Content-Type': 'application/json'})
                    answer = connection.getresponse()
                    if answer.status != 204:
                        raise Failure(f'{answer.status} {answer.read()}')
                    answer.read()
                    self.sent += 1
                time.sleep(max(0, begin + 1 - time.monotonic()))
        except (Failure, OSError, http.client.HTTPException) as problem:
            self.problem = problem


def time_of(connection, path):
    begin = time.monotonic()
    connection.request('GET', path)
    answer = connection.getresponse()
    body = answer.read()
    equal(answer.status, 200, path)
    return time.monotonic() - begin, len(body)


def gauges(server):
    return {name: server.metric('effvk_' + name) for name in ('resident_memory_bytes', 'threads', 'open_descriptors')}


def a_thousand_streams():
    names = [f'camera-{i}' for i in range(STREAMS)]
    config = temporary.write('many.conf', f'[server]\nlisten=127.0.0.1:0\nstate-directory={temporary.make_folder()}\n'
                             + ''.join(f'[stream {name}]\nuri=push:\ndetect=1\nrecover=1\nalarms=black\n'
                                       for name in names))
    with Serve(config, listen=None) as server:
        pushers = [Pusher(server.host, names[i::PUSHERS], i) for i in range(PUSHERS)]
        for pusher in pushers:
            pusher.start()
        time.sleep(SECONDS / 4)  # all have been seen
        before = gauges(server)
        times = {'/metrics': [], '/api/streams': [], '/api/events?newest=1': []}
        sizes, connection = {}, http.client.HTTPConnection(server.host, timeout=60)
        sent, begin = sum(pusher.sent for pusher in pushers), time.monotonic()
        while time.monotonic() < begin + SECONDS:
            for path, found in times.items():
                seconds, sizes[path] = time_of(connection, path)
                found.append(seconds)
                time.sleep(0.02)
        rate = (sum(pusher.sent for pusher in pushers) - sent) / (time.monotonic() - begin)
        after = gauges(server)
        for pusher in pushers:
            pusher.going = False
        for pusher in pushers:
            pusher.join(60)
            check(pusher.problem is None, f'{pusher.problem}')
        for path, found in times.items():
            found.sort()
            p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
            print(f'# {path}: {len(found)} requests, {sizes[path] / 1000:.0f} kB, median {p50 * 1000:.1f} ms, '
                  f'99th percentile {p99 * 1000:.1f} ms')
        print(f'# {STREAMS} streams, {rate:.0f} results a second, {server.metric("effvk_events"):.0f} events, memory '
              f'{before["resident_memory_bytes"] / 1e6:.0f} MB, {SECONDS:.0f} s later '
              f'{after["resident_memory_bytes"] / 1e6:.0f} MB')
        for path, found in times.items():
            check(found[int(len(found) * 0.99)] < LIMIT, f'{path}: {found[-20:]}')
        check(rate > STREAMS / 4, f'only {rate:.0f} results a second')
        check(after['resident_memory_bytes'] < before['resident_memory_bytes'] * GROWTH + 4e6, f'{before} {after}')
        for name in ('threads', 'open_descriptors'):
            check(after[name] <= before[name] + 2, f'{name}: {before} {after}')
        states = [stream['state'] for stream in server.get('/api/streams')['streams']]
        equal((len(states), set(states)), (STREAMS, {'playing'}), 'states')


run_tests([a_thousand_streams])
