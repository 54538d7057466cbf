#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk serve, shared out: several processes with one list, each stream in exactly one of them. What
happens when one is killed, and when the list or the number of processes changes."""

import hashlib
import os
import shutil
import subprocess
import time

from effvktool import Folder, Run, Skip, check, equal, plain_env, run_tests
from servetool import Serve, until

SECONDS = 10  # after a change each stream is served exactly once

temporary = Folder('effvk-serve-shards-')


def write_list(names, of):
    """All at once, as a ConfigMap is written."""
    text = f'[server]\nlisten=127.0.0.1:0\nshard=auto/{of}\n' + ''.join(
        f'[stream {name}]\nuri=push:\n' for name in names)
    os.replace(temporary.write('new.conf', text), temporary.path('list.conf'))
    return temporary.path('list.conf')


def on_host(name, path):
    """A server on a host of this name, as a pod of a StatefulSet is."""
    return Serve(path, listen=None, before=['unshare', '--uts', 'sh', '-c', f'hostname {name} && exec "$@"', 'sh'])


def served_by(servers):
    """The stream's name → the indices of those that have it."""
    found = {}
    for index, server in servers.items():
        for stream in server.get('/api/streams')['streams']:
            found.setdefault(stream['name'], []).append(index)
    return found


def settle(servers, names, what, begin=None):
    """Waits until each stream is served exactly once; returns by whom, and how long it took."""
    begin = begin or time.monotonic()

    def find():
        found = served_by(servers)
        return found if set(found) == set(names) and all(len(by) == 1 for by in found.values()) else None
    found = until(find, what, SECONDS)
    return {name: by[0] for name, by in found.items()}, time.monotonic() - begin


def count_moved(before, after):
    return sum(before[name] != after[name] for name in before if name in after)


def needs_host_names():
    if not shutil.which('unshare') or subprocess.run(['unshare', '--uts', 'hostname', 'effvk-0'], check=False,
                                                     stderr=subprocess.DEVNULL).returncode:
        raise Skip('cannot give a process a host name of its own')


def four_of_a_stateful_set():
    needs_host_names()
    names = [f'camera-{i}' for i in range(40)]
    path = write_list(names, 4)
    servers = {}
    try:
        for index in range(4):
            servers[index] = on_host(f'effvk-{index}', path)
        for server in servers.values():
            server.wait_for_url()
        first, _ = settle(servers, names, 'each stream once')
        equal(set(first.values()), set(range(4)), 'all have some')
        # One is killed. The others go on; nobody else takes its streams, as its set starts it again.
        servers.pop(2).__exit__()
        begin = time.monotonic()
        equal(served_by(servers), {name: [by] for name, by in first.items() if by != 2}, 'the others')
        servers[2] = on_host('effvk-2', path).wait_for_url()
        again, seconds = settle(servers, names, 'the same one again', begin)
        equal(again, first, 'by whom')
        check(seconds < SECONDS, f'{seconds:.1f} s')
        print(f'# one of 4 killed and started again: each stream once after {seconds:.1f} s')
        # The last is killed and the list is for three: the others take its streams.
        servers.pop(3).__exit__()
        write_list(names, 3)
        three, seconds = settle(servers, names, 'three have all')
        moved = count_moved(first, three)
        equal(moved, sum(by == 3 for by in first.values()), 'only streams of the one that is gone move')
        print(f'# 4 become 3: each stream once after {seconds:.1f} s, {moved} of {len(names)} moved')
        # The list is longer, and for four again: the fourth was there before the list said so.
        servers[3] = on_host('effvk-3', path).wait_for_url()
        equal(servers[3].get('/api/streams')['streams'], [], 'it waits')
        names += [f'door-{i}' for i in range(10)]
        write_list(names, 4)
        four, seconds = settle(servers, names, 'four have the longer list')
        moved = count_moved(three, four)
        check(0 < moved < 2 * len(three) / 4, f'{moved} of {len(three)} moved')
        equal({name: four[name] for name in first}, first, 'as at first')
        print(f'# 3 become 4, and 10 streams more: each stream once after {seconds:.1f} s, '
              f'{moved} of {len(three)} moved')
        for name, index in four.items():  # what other programs can tell
            equal(index, max(range(4), key=lambda i, name=name: hashlib.sha256(f'{name}/{i}'.encode()).digest()[:8]),
                  name)
    finally:
        for server in servers.values():
            server.__exit__()


def requests_to_the_wrong_one():
    names = [f'camera-{i}' for i in range(8)]
    streams = [f'{name}=push:' for name in names]
    with Serve('--shard', '0/2', *streams) as first, Serve('--shard', '1/2', *streams) as second:
        by, _ = settle({0: first, 1: second}, names, 'each stream once')
        for index, server in enumerate((first, second)):
            equal(server.get('/api/streams')['shard'], {'index': index, 'of': 2}, 'shard')
            equal((server.metric('effvk_shard'), server.metric('effvk_shards')), (index, 2), 'metrics')
            for name in names:
                if by[name] == index:
                    server.stream(name)
                    continue
                for method, path, body in (('GET', '', None), ('PATCH', '', {'rate': 1}), ('DELETE', '', None),
                                           ('GET', '/snapshot.jpg', None), ('POST', '/results', {'label': 'x'})):
                    server.refuses(method, f'/api/streams/{name}{path}', body, 421,
                                   f'is of shard {1 - index}', f'shard {index} of 2')
        statuses = [server.request('POST', '/api/streams', {'name': 'new', 'uri': 'push:'})[0]
                    for server in (first, second)]
        equal(sorted(statuses), [201, 421], 'one of them takes a new stream')


def events_of_a_stream_that_moves():
    """Who has it no longer clears what lasts."""
    folder = temporary.make_folder()
    def config(of):
        return temporary.write('moves.conf', f'[server]\nlisten=127.0.0.1:0\nstate-directory={folder}\nshard=0/{of}\n' + ''.join(
            f'[stream s{i}]\nuri=push:\ndetect=0\ntimeout=600\n' for i in range(8)))
    with Serve(config(1), listen=None) as server:
        for i in range(8):
            server.ask('POST', f'/api/streams/s{i}/results', {'label': 'cat', 'score': 1}, wanted=204)
        equal(len(server.get('/api/events?open=1')['events']), 8, 'events that last')
        config(2)
        here = until(lambda: (found := server.get('/api/streams')['streams']) and len(found) < 8 and found, 'moved')
        names = {stream['name'] for stream in here}
        equal({event['stream'] for event in server.get('/api/events?open=1')['events']}, names, 'events that last')
        equal({stream['label'] for stream in here}, {'cat'}, 'the others go on')
    # Also where it was moved while nobody watched.
    config(4)
    with Serve(temporary.path('moves.conf'), listen=None) as server:
        names = {stream['name'] for stream in server.get('/api/streams')['streams']}
        check({event['stream'] for event in server.get('/api/events?open=1')['events']} <= names, f'{names}')


def options_go_before_the_file():
    """Also when the file is read again."""
    path = temporary.write('options.conf', '[server]\nlisten=127.0.0.1:1\nshard=1/2\n[stream a]\nuri=push:\n')
    with Serve('--shard', '0/1', path) as server:
        server.stream('a')
        temporary.write('options.conf', '[server]\nlisten=127.0.0.1:1\nshard=1/3\n[stream a]\nuri=push:\n'
                        '[stream b]\nuri=push:\n')
        until(lambda: server.request('GET', '/api/streams/b')[0] == 200, 'reads the file again')
        equal(server.get('/api/streams')['shard'], {'index': 0, 'of': 1}, 'shard')
        check(not any('after a restart' in line for line in server.log), f'{server.log}')


def what_is_wrong_with_a_shard():
    for text, words in (('4/4', ('shard', 'the last is 3')), ('0', ('I/N',)), ('0/0', ('I/N',)), ('a/2', ('I/N',)),
                        ('0/9999', ('from 1 to 1000',))):
        Run('serve', '--shard', text, 'a=push:', env=plain_env(), timeout=60).fails(1, *words)
    path = temporary.write('wrong.conf', '[server]\nlisten=127.0.0.1:0\nshard=1/1\n')
    Run('serve', path, env=plain_env(), timeout=60).fails(1, 'wrong.conf', '[server]', 'shard')


run_tests([four_of_a_stateful_set, requests_to_the_wrong_one, events_of_a_stream_that_moves,
           options_go_before_the_file, what_is_wrong_with_a_shard])
