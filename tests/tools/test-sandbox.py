#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""SECURITY.md's sandbox: effvk classifies in it, and has neither network nor home nor a place to write."""

import json
import os
import re
import shlex
import shutil
import subprocess

from effvktool import ROOT, TOOL, Folder, Run, Skip, check, equal, needs_gstreamer, run_tests

BUILD = os.path.dirname(os.path.dirname(os.path.realpath(TOOL)))
temporary = Folder('effvk-sandbox-')


def sandbox():
    """The words of the block in SECURITY.md, in front of the command and with it, and with what is not installed."""
    with open(os.path.join(ROOT, 'SECURITY.md'), encoding='utf-8') as file:
        words = shlex.split(re.search(r'^(bwrap (?:.*\\\n)+.*)$', file.read(), re.M)[1].replace('\\\n', ' '))
    words[words.index('effvk'):words.index('effvk')] = [
        '--ro-bind', BUILD, BUILD, '--ro-bind', ROOT, ROOT, '--setenv', 'LD_LIBRARY_PATH', os.path.join(BUILD, 'src')]
    at = words.index('effvk')
    return words[:at], [TOOL, *words[at + 1:]]


def run(*command):
    return subprocess.run(command, cwd=temporary.path('.'), capture_output=True, text=True, timeout=120, check=False)


def needs_bwrap():
    if not shutil.which('bwrap'):
        raise Skip('there is no bwrap (bubblewrap)')
    tried = run('bwrap', '--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true')
    if tried.returncode:
        raise Skip(f'bwrap makes no sandbox here: {tried.stderr.strip()}')


def make_files():
    needs_gstreamer()
    if not os.path.exists(temporary.path('model.safetensors')):
        Run('init', '--variant', 'b0', '--classes', '3', temporary.path('model.safetensors')).ok()
        shutil.copy(os.path.join(ROOT, 'examples', 'hangar.jpg'), temporary.path('picture.jpg'))


def it_classifies():
    needs_bwrap()
    make_files()
    before, command = sandbox()
    done = run(*before, *command)
    equal(done.returncode, 0, f'status: {done.stderr}')
    inside = json.loads(done.stdout)
    outside = json.loads(Run('classify', '--json', '--model', temporary.path('model.safetensors'),
                             temporary.path('picture.jpg'), env={'EFFVK_VALIDATION': ''}).ok().out)
    equal(inside['classes'], outside['classes'], 'classes')


def it_reaches_nothing():
    needs_bwrap()
    make_files()
    before, _ = sandbox()
    for attempt in ('cat /etc/passwd', f'cat {temporary.path("model.safetensors")}', 'ls /root /home',
                    'touch /in/model.safetensors', 'touch /usr/here', 'touch /here/too', f'touch {BUILD}/here',
                    'exec 3<>/dev/tcp/127.0.0.1/1', 'test -n "$LC_ALL$EFFVK_TOOL"', f'kill -0 {os.getpid()}'):
        done = run(*before, 'bash', '-c', attempt)
        check(done.returncode != 0, f'{attempt}: expected a failure, found {done.stdout!r}')
    equal(run(*before, 'cat', '/proc/net/dev').stdout.count(':'), 1, 'network interfaces: only lo')
    equal(run(*before, 'bash', '-c', 'touch /tmp/here && ls /tmp').stdout, 'here\n', 'files of its own')


run_tests([it_classifies, it_reaches_nothing])
