#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk monitor with several files and streams: each one's changes, and what becomes of one that fails."""

import json
import os
import re
import signal
import subprocess
import threading

from effvktool import TOOL, Folder, Run, check, equal, plain_env, run_tests, validate
from servetool import until
from streams import RtspServer, free_port, needs_element
from terminaltool import pieces, run, screen, width

temporary = Folder('effvk-monitor-many-')
OPTIONS = ('monitor', '--device', 'cpu', '--hold', '0.3', '--interval', '0.1')


def make_two():
    return (temporary.make_signal('first.avi', ('black', 3), ('smpte', 3)),
            temporary.make_signal('second.avi', ('smpte', 4)))


def states(records, source):
    return [record['state'] for record in records if record['source'] == source]


def two_files():
    first, second = make_two()
    records = Run(*OPTIONS, '--json', first, second).ok().json_lines()
    for record in records:
        validate(record)
    equal(states(records, first), ['black', 'color-bars', None], 'the first')
    equal(states(records, second), ['color-bars', None], 'the second')
    equal([record['previous'] for record in records if record['source'] == first], [None, 'black', 'color-bars'],
          'what was before')
    lines = Run(*OPTIONS, first, second).ok().out.splitlines()
    check(any('first.avi  color-bars, after 0:00:0' in line and line.endswith(' of black') for line in lines), f'{lines}')
    equal(sum('  end, after' in line for line in lines), 2, 'ends')


def on_a_terminal():
    """A line for each below the changes, cut where the terminal is narrow; none remains."""
    first, second = make_two()
    for columns in (120, 40):
        out = run(columns, *OPTIONS, first, second)
        lines = [piece for piece in pieces(out) if re.match('[a-z-]+ for |[a-z-]+ [0-9]+ % for ', piece)]
        check(all(width(line) < columns for line in lines), f'{[line for line in lines if width(line) >= columns]}')
        for state in ('connecting', 'black', 'color-bars', 'end'):
            check(any(line.startswith(state + ' ') for line in lines), f'{state} is not in {lines[:20]}')
        check(any(second[:8] in line for line in lines), f'{lines[:20]}')
        text = ''.join(screen(out, columns))
        equal(text.count(' end, after '), 2, text)
        check(' for 0:' not in text, text)


def one_that_fails():
    """The others go on; the status tells."""
    first, _ = make_two()
    run = Run(*OPTIONS, '--json', first, '/nowhere/at/all.avi')
    equal(run.status, 1, 'status')
    equal(states(run.json_lines(), first), ['black', 'color-bars', None], 'the other')
    errors = run.errors()
    check(any('/nowhere/at/all.avi: ' in line and 'no such file' in line for line in errors)
          and any('1 of the streams failed' in line for line in errors), f'{errors}')
    Run('monitor', '--summary', first, first).fails(2, '--summary', 'not for several')
    Run('monitor', '--retry', '3', first, first).fails(2, '--retry', 'not for several')
    Run('monitor', '--output', 'x', first, first).fails(2, '--output', 'not for several')


def a_stream_that_goes_away():
    needs_element('rtspsrc', 'rtpjpegpay')
    port = free_port()
    uri = f'rtsp://me:secret@127.0.0.1:{port}/live'
    black = temporary.make_signal('long.avi', ('black', 120))
    process = subprocess.Popen([TOOL, *OPTIONS, '--json', '--timeout', '2', uri, black], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True,
                               env=dict(os.environ, LC_ALL='C.UTF-8', **plain_env()))
    records = []
    def read():
        for line in process.stdout:
            records.append(json.loads(line))
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    def seen(state, source, least=1):
        until(lambda: sum(record['state'] == state and record['source'] == source for record in list(records)) >= least,
              f'{source}: {state}')
    try:
        seen('no-signal', uri)  # nobody is there yet
        with RtspServer(port, 'smpte', 'me', 'secret'):
            seen('color-bars', uri)
        seen('no-signal', uri, 2)
        seen('black', black)
        process.send_signal(signal.SIGINT)
        equal(process.wait(timeout=30), 0, 'status')
        reader.join(30)
        equal(sorted(record['source'] for record in records if record['event'] == 'end'), sorted([uri, black]), 'ends')
        check(all('secret' not in (record.get('reason') or '') for record in records), f'{records}')
    finally:
        process.kill()
        process.wait()


run_tests([two_files, on_a_terminal, one_that_fails, a_stream_that_goes_away])
