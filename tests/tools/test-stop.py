#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ctrl-C and SIGTERM end a command as it would end by itself."""

import json
import os
import signal
import subprocess
import time

from effvktool import ROOT, TEACHES, TOOL, Folder, Skip, check, equal, needs_gstreamer, plain_env, run_tests

folder = Folder('effvk-stop-')
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Running:
    """A command that runs, with a temporary folder of its own."""

    def __init__(self, *arguments, **options):
        self.temporary = folder.make_folder()
        env = dict(os.environ, TMPDIR=self.temporary, EFFVK_CACHE_DIR=self.temporary + '-cache',
                   LC_ALL='C.UTF-8', **plain_env())
        self.process = subprocess.Popen([TOOL, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env, **options)

    def end(self, number):
        """Sends a signal; returns status, output, errors."""
        self.process.send_signal(number)
        if self.process.stdin:
            self.process.wait(timeout=120)  # communicate() would end its input
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err

    def wait_for(self, what, condition):
        end = time.monotonic() + 120
        while not condition():
            check(self.process.poll() is None, f'it ended before {what}: {self.process.returncode}')
            check(time.monotonic() < end, f'no {what}')
            time.sleep(0.02)

    def children(self):
        """Processes that it has started."""
        path = f'/proc/{self.process.pid}/task/{self.process.pid}/children'
        try:
            with open(path, encoding='ascii') as file:
                return [int(pid) for pid in file.read().split()]
        except FileNotFoundError:
            raise Skip('no list of children in /proc') from None


def ends(pid):
    """Whether a process is gone, or soon is."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as file:
                if file.read().rsplit(')', 1)[1].split()[0] == 'Z':
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def monitor_prints_its_end_and_summary():
    video = folder.make_signal('long.avi', ('smpte', 60))
    for number in SIGNALS:
        run = Running('monitor', '--device', 'cpu', '--realtime', '--summary', video)
        first = run.process.stdout.readline()
        check('color-bars' in first, f'the first line: {first!r}')
        status, out, err = run.end(number)
        equal(status, 0, 'status')
        equal(err, '', 'errors')
        lines = out.splitlines()
        check('end, after' in lines[0] and 'color-bars' in lines[0], f'no end: {out}')
        check(lines[2].split()[0] == 'state' and lines[3].startswith('color-bars')
              and lines[4].endswith('frames/s'), f'no summary: {out}')


def monitor_ends_in_json():
    video = folder.make_signal('long.avi', ('smpte', 60))
    run = Running('monitor', '--json', '--device', 'cpu', '--realtime', video)
    run.process.stdout.readline()
    status, out, err = run.end(signal.SIGINT)
    equal((status, err), (0, ''), 'status and errors')
    events = [json.loads(line)['event'] for line in out.splitlines()]
    equal([event for event in events if event != 'raised'], ['end'], 'events')


def monitor_of_a_stream_that_is_silent():
    needs_gstreamer()
    run = Running('monitor', '--device', 'cpu', '--timeout', '0.2', 'udp://127.0.0.1:1')
    run.wait_for('a stall', lambda: 'no-signal' in run.process.stdout.readline())
    status, out, err = run.end(signal.SIGTERM)
    equal((status, err), (0, ''), 'status and errors')
    check('end' in out, out)


def classify_prints_what_it_has():
    video = folder.make_signal('long.avi', ('smpte', 60))
    for number in SIGNALS:
        run = Running('classify', '--json', '--device', 'cpu', *[video] * 50)
        run.process.stdout.readline()
        status, out, err = run.end(number)
        equal((status, err), (0, ''), 'status and errors')
        for line in out.splitlines():
            json.loads(line)
    run = Running('classify', '--summary', '--device', 'cpu', *[video] * 50)
    run.wait_for('a line', lambda: run.process.stdout.readline())
    status, out, err = run.end(signal.SIGINT)
    equal((status, err), (0, ''), 'status and errors')
    check('color-bars 100.0 %' in out, f'no line of what was seen of the last video: {out!r}')


def classify_that_waits_for_its_input():
    fifo = folder.path('fifo')
    os.mkfifo(fifo)
    for source, options in (('-', {'stdin': subprocess.PIPE}), (fifo, {})):
        run = Running('classify', '--device', 'cpu', '--raw', 'RGB:8x8', source, **options)
        time.sleep(3)
        status, out, err = run.end(signal.SIGTERM)
        equal((status, out, err), (0, '', ''), 'status, output and errors')


def bench_prints_what_it_has():
    run = Running('bench', '--json', '--device', 'cpu', '--warmup', 1, '--frames', 1000000)
    run.wait_for('the first process', run.children)
    run.wait_for('the end of the start', lambda: not run.children() and not os.listdir(run.temporary))
    time.sleep(3)
    status, out, err = run.end(signal.SIGINT)
    check(status in (0, 1), f'status {status}')
    if status == 0:
        found = json.loads(out)
        check(found['stopped'] and 0 < found['frames'] < 1000000 and found['median_ms'] > 0, out)
    else:  # a slow machine: not one image was done
        check('stopped' in err and not out, f'{out} {err}')
    equal(os.listdir(run.temporary), [], 'what is left in the temporary folder')


def bench_leaves_nothing_behind():
    for number in SIGNALS:
        run = Running('bench', '--device', 'cpu')
        run.wait_for('a process', run.children)
        children = run.children()
        status, out, err = run.end(number)
        equal((status, out), (1, ''), 'status and output')
        check('stopped' in err and len(err.splitlines()) == 1, err)
        check(all(ends(pid) for pid in children), 'its child runs on')
        equal(os.listdir(run.temporary), [], 'what is left in the temporary folder')


def a_killed_bench_leaves_no_child():
    run = Running('bench', '--device', 'cpu')
    run.wait_for('a process', run.children)
    children = run.children()
    run.end(signal.SIGKILL)
    check(all(ends(pid) for pid in children), 'its child runs on')


def start_tune():
    """Of a network that takes long enough."""
    large = folder.path('b4.safetensors')
    if not os.path.exists(large):
        subprocess.run([TOOL, 'init', '--variant', 'b4', '--classes', '2', large], check=True)
    run = Running('tune', '--device', 'cpu', '--model', large)
    time.sleep(3)
    return run


def tune_remembers_nothing():
    run = start_tune()
    status, out, err = run.end(signal.SIGINT)
    equal((status, out), (1, ''), 'status and output')
    check('stopped' in err and len(err.splitlines()) == 1, err)
    cache = run.temporary + '-cache'
    kept = os.listdir(cache) if os.path.exists(cache) else []
    equal([name for name in kept if name.startswith('kernels-')], [], 'what is remembered')


def make_pictures():
    """Two classes of far more pictures than can be looked at before the signal comes."""
    pictures = folder.path('pictures')
    if not os.path.exists(pictures):
        picture = folder.make_picture()
        for label in ('a', 'b'):
            os.makedirs(os.path.join(pictures, label))
            for i in range(5000):
                os.link(picture, os.path.join(pictures, label, f'{i}.png'))
    return pictures


def what_looks_at_pictures_writes_nothing():
    """teach, evaluate, embed and find: what was there before stays, and nothing else is left."""
    pictures = make_pictures()
    model = os.path.join(ROOT, 'models', 'signal.safetensors')
    for number, command in ((signal.SIGINT, ['teach', '--keep-embeddings', '-o', 'old.safetensors']),
                            (signal.SIGTERM, ['teach', '-o', 'new.safetensors']),
                            (signal.SIGINT, ['evaluate', '--report', 'old.html']),
                            (signal.SIGINT, ['embed', '-o', 'old.npy']),
                            (signal.SIGINT, ['find', '--like', f'{pictures}/a/0.png'])):
        if command[0] == 'teach' and not TEACHES:
            continue
        place = folder.make_folder()
        old = [name for name in command if name.startswith('old.')]
        for name in old:
            with open(os.path.join(place, name), 'w', encoding='ascii') as file:
                file.write('old')
        run = Running(*command, '--model', model, '--device', 'cpu', pictures, cwd=place)
        time.sleep(3)
        status, out, err = run.end(number)
        equal((status, out), (1, ''), f'status and output of {command[0]}')
        check('stopped' in err and len(err.splitlines()) == 1, err)
        equal(os.listdir(place), old, f'what {command[0]} leaves')
        for name in old:
            equal(os.path.getsize(os.path.join(place, name)), 3, f'size of {name}')


def embeddings_that_were_printed_are_whole():
    run = Running('embed', '-o', '-', '--device', 'cpu', '--model', os.path.join(ROOT, 'models', 'signal.safetensors'),
                  make_pictures())
    run.process.stdout.readline()
    status, out, err = run.end(signal.SIGINT)
    equal((status, err), (0, ''), 'status and errors')
    for line in out.splitlines():
        json.loads(line)


def a_second_signal_ends_at_once():
    run = start_tune()
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    status, _, _ = run.end(signal.SIGINT)
    check(status in (-signal.SIGINT, 1), f'status {status}')


run_tests([monitor_prints_its_end_and_summary, monitor_ends_in_json,
           monitor_of_a_stream_that_is_silent, classify_prints_what_it_has,
           classify_that_waits_for_its_input, bench_prints_what_it_has,
           bench_leaves_nothing_behind, a_killed_bench_leaves_no_child, tune_remembers_nothing,
           what_looks_at_pictures_writes_nothing, embeddings_that_were_printed_are_whole,
           a_second_signal_ends_at_once])
