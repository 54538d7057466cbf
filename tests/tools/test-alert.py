#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/alert.sh, with a stub for the effvk command. TAP."""

import os
import subprocess
import sys
import tempfile

SCRIPT = os.path.realpath(os.path.join(os.path.dirname(__file__), '../../examples/alert.sh'))
folder = tempfile.TemporaryDirectory()
failed = 0
count = 0


def state(name):
    return (f'{{"event": "state", "source": "x", "pts": 0, "state": "{name}", "score": 0.9, '
            '"previous": "picture", "previous_duration": 1}')


def signal(kind):
    return f'{{"event": "{kind}", "source": "x", "pts": 0, "signal": "black", "alarm": true, "score": 0.9, "decided": 2}}'


def event(name):
    return (f'{{"event": "{name}", "source": "x", "pts": 0, "state": null, "score": null, '
            '"previous": "picture", "previous_duration": 1}')


def script(name, text):
    with open(os.path.join(folder.name, name), 'w', encoding='utf-8') as file:
        file.write('#!/bin/sh\n' + text)
    os.chmod(file.name, 0o755)
    return file.name


def check(name, events, expected, command=(), status=0):
    """What alert.sh prints when the monitor prints events and ends with a status."""
    global failed, count
    lines = '\n'.join(events)
    script('effvk', f"[ \"$1 $2 $3 $4\" = 'monitor --json -- x://y' ] || exit 9\n"
                    f"cat <<'END'\n{lines}\nEND\nexit {status}\n")
    done = subprocess.run([SCRIPT, 'x://y', *command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=30, check=False,
                          env=dict(os.environ, PATH=f'{folder.name}:{os.environ["PATH"]}'))
    found = done.stdout.split()
    ok = found == expected and done.returncode == status
    count += 1
    failed += not ok
    print(f'{"ok" if ok else "not ok"} {count} - {name}')
    if not ok:
        print(f'# expected {expected}, status {status}; found {found}, status {done.returncode}')
        print('#', done.stderr.replace('\n', '\n# '))


check('a stream that stays a picture', [state('picture'), event('end')], ['ended'])
check('black, and a picture again',
      [state('picture'), state('black'), state('picture'), event('end')],
      ['black', 'picture', 'ended'])
check('broken from the start', [state('corruption'), state('noise'), event('end')],
      ['corruption', 'noise', 'ended'])
check('stalled, and a picture again', [state('picture'), event('stalled'), state('picture'), event('end')],
      ['stalled', 'picture', 'ended'])
check('a monitor that fails', [state('picture')], ['lost'], status=1)
check('what is raised and cleared', [state('picture'), signal('raised'), state('black'), signal('cleared'),
                                     state('picture'), event('end')], ['black', 'picture', 'ended'])
reads = script('reads', 'cat >/dev/null; echo "$1"\n')
check('a command that reads its input', [state('black'), state('picture'), event('end')],
      ['black', 'picture', 'ended'], [reads])
fails = script('fails', 'echo "$2"; exit 3\n')
check('a command that fails', [state('black'), state('picture'), event('end')],
      ['black', 'picture', 'ended'], [fails, 'an argument'])
print(f'1..{count}')
sys.exit(failed > 0)
