#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the effvk command shows on a terminal: lines that are written over never wrap, whatever the
width; there are none where the terminal cannot do that; blocks tell classes apart without colours."""

import re

from effvktool import Folder, check, equal, run_tests
from terminaltool import pieces, run, screen, width

temporary = Folder('effvk-terminal-')
PARTS = (('smpte', 2), ('black', 2), ('snow', 2))


def live_lines(out):
    """Those that the monitor writes over: the state now, and the history."""
    return [piece for piece in pieces(out) if not re.match(r'\d{4}-|effvk: ', piece)]


def monitor_of_any_width():
    video = temporary.make_signal('signal.avi', *PARTS)
    labels = temporary.write('labels.txt', '\n'.join(
        f'{name} 日本語の長い名前' for name in ('picture', 'black', 'flat-color', 'color-bars', 'test-pattern',
                                         'gradient', 'noise', 'corruption', 'wrong-planes', 'combing',
                                         'blur', 'slate')))
    for columns in (80, 60, 40, 20, 5):
        for options in ([], ['--labels', labels]):
            out = run(columns, 'monitor', '--device', 'cpu', *options, video)
            shown = live_lines(out)
            check(len(shown) >= 4, f'{len(shown)} lines with {columns} columns')
            for piece in shown:
                check(width(piece) < columns, f'{piece!r} has {width(piece)} of {columns} columns')


def monitor_leaves_no_remains():
    """In the end there are the changes, and the live lines once."""
    video = temporary.make_signal('signal.avi', *PARTS)
    for columns in (80, 40, 20):
        lines = screen(run(columns, 'monitor', '--device', 'cpu', '--hold', '0.5', video), columns)
        text = ''.join(lines)
        equal([text.count(word) for word in ('color-bars', 'black', 'noise')], [2, 2, 2],
              f'how often the states are named: {lines}')
        equal([line for line in lines if set(line) <= set('█')], ['█' * 6], f'history: {lines}')


def monitor_without_colours():
    """Every class of the model has a block of its own."""
    video = temporary.make_signal('signal.avi', *PARTS)
    out = run(80, 'monitor', '--device', 'cpu', '--hold', '0.5', video, env={'NO_COLOR': '1'})
    check('\033[38' not in out, 'colours')
    history = screen(out, 80)[-1]
    equal([len(history), len(set(history))], [6, 3], f'seconds and kinds of blocks: {history}')


def monitor_without_unicode():
    video = temporary.make_signal('signal.avi', *PARTS)
    out = run(80, 'monitor', '--device', 'cpu', '--hold', '0.5', video, env={'LC_ALL': 'C', 'NO_COLOR': '1'})
    check(out.isascii(), f'{out!r}')
    equal(len(set(screen(out, 80)[-1])), 3, 'kinds of blocks')


def no_live_lines_where_they_cannot_be():
    video = temporary.make_signal('signal.avi', *PARTS)
    for env in ({'TERM': 'dumb'}, {'TERM': ''}):
        for command in (['monitor', video], ['classify', video], ['bench', '-n2', '-w0']):
            out = run(80, command[0], '--device', 'cpu', *command[1:], env=env)
            check('\033' not in out and '\r' not in out.replace('\r\n', ''), f'{command[0]}: {out[:300]!r}')


def classify_shows_how_far_it_is():
    video = temporary.make_signal('a_long_name_日本語の名前_and_so_on.avi', ('black', 60), ('snow', 40))
    for columns in (80, 20):
        out = run(columns, 'classify', '--device', 'cpu', video)
        progress = [piece for piece in pieces(out) if 'frames/s' in piece or piece.endswith('…')]
        check(len(progress) >= 1, f'no progress: {out[:500]!r}')
        for piece in progress:
            check(width(piece) < columns, f'{piece!r} has {width(piece)} of {columns} columns')
        text = ''.join(screen(out, columns))
        check('frames/s' not in text, f'remains of it: {text}')


def bench_shows_what_it_does():
    out = run(80, 'bench', '--device', 'cpu', '-n3', '-w0')
    for word in ('the start of a process', 'warming up', 'latency: ', 'throughput: ', 'every kernel'):
        check(word in out, f'{word!r} is not shown')
    equal(screen(out, 80)[0].split()[0], 'model', 'the first line that stays')


def tune_shows_what_it_does():
    model = temporary.path('model.safetensors')
    run(80, 'init', '--variant', 'phi=-4', '--classes', '2', model)
    out = run(80, 'tune', '--device', 'cpu', '--model', model,
              env={'EFFVK_CACHE_DIR': temporary.path('cache')})
    check('timing every kernel' in out, 'it is not shown')
    equal(screen(out, 80)[0].split()[0], 'device', 'the first line that stays')


run_tests([monitor_of_any_width, monitor_leaves_no_remains, monitor_without_colours,
           monitor_without_unicode, no_live_lines_where_they_cannot_be,
           classify_shows_how_far_it_is, bench_shows_what_it_does, tune_shows_what_it_does])
