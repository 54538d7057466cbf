# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the effvk command on a terminal of a test's own, and tells what it shows."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from effvktool import TOOL, Skip, equal, plain_env


def run(columns, *arguments, env=None):
    """All that the command writes to a terminal of so many columns, stdout and stderr."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 100, columns, 0, 0))
    environment = dict(os.environ, TERM='xterm-256color', LC_ALL='C.UTF-8', **plain_env())
    environment.pop('NO_COLOR', None)
    environment.update(env or {})
    process = subprocess.Popen([TOOL, *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=environment)
    os.close(theirs)
    out = b''
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        out += piece
    os.close(ours)
    equal(process.wait(timeout=60), 0, f'status: {out[-300:]}')
    return out.decode()


def width(text):
    """In columns, of what is here: letters and wide characters."""
    return sum(2 if '\u3000' <= c <= '\uffef' else 1 for c in text)


def pieces(out):
    """What is shown between two moves of the cursor, without colours."""
    plain = re.sub('\033\\[[0-9;]*m', '', out)
    return [piece for piece in re.split('\r\n|\r|\033\\[K|\033\\[A|\n', plain) if piece]


def screen(out, columns):
    """The lines that a terminal shows in the end."""
    try:
        import pyte
    except ImportError:
        raise Skip('no python3-pyte, which shows what a terminal would') from None
    shown = pyte.Screen(columns, 100)
    pyte.Stream(shown).feed(out)
    return [line.rstrip() for line in shown.display if line.strip()]
