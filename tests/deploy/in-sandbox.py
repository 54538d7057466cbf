#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""in-sandbox.py FOLDER COMMAND…: runs a command as deploy/systemd/effvk.service would: with the system calls, sockets, /proc and
capabilities that its directives leave, as a user of no name who may write to FOLDER and a /tmp of its own only. For a machine
that no systemd runs. Needs root and python3-seccomp; to be called in mount and PID namespaces of its own. What systemd does
with devices, users and namespaces is not done here."""

import ctypes
import os
import re
import socket
import subprocess
import sys

import seccomp

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'deploy', 'systemd', 'effvk.service')
USER = 61184  # the first of systemd's dynamic users
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, CAPABILITIES = 38, 24, 40


def read_directives():
    found = {}
    with open(UNIT, encoding='utf-8') as file:
        for name, value in re.findall(r'^(\w+)=(.*)$', file.read(), re.M):
            found.setdefault(name, []).append(value)
    return found


def list_calls(group):
    """The system calls of a group of systemd's."""
    text = subprocess.run(['systemd-analyze', 'syscall-filter', group], check=True, capture_output=True, text=True).stdout
    calls = set()
    for word in text.split('\n')[1:]:
        word = word.strip()
        if word.startswith('@'):
            calls |= list_calls(word)
        elif word and not word.startswith('#'):
            calls.add(word)
    return calls


def make_filter(directives):
    allowed = set()
    for line in directives['SystemCallFilter']:
        calls = set().union(*(list_calls(group) for group in line.lstrip('~').split()))
        allowed = allowed - calls if line.startswith('~') else allowed | calls
    families = [getattr(socket, name) for name in directives['RestrictAddressFamilies'][0].split()]
    made = seccomp.SyscallFilter(seccomp.ERRNO(1))
    for call in allowed - {'socket', 'personality' if directives.get('LockPersonality') == ['yes'] else ''}:
        try:
            made.add_rule(seccomp.ALLOW, call)
        except (RuntimeError, ValueError, OSError):
            pass  # of another architecture
    for family in families:
        made.add_rule(seccomp.ALLOW, 'socket', seccomp.Arg(0, seccomp.EQ, int(family)))
    return made


def mount(*arguments):
    subprocess.run(['mount', *arguments], check=True)


def main():
    folder, *command = sys.argv[1:]
    directives = read_directives()
    made = make_filter(directives)
    options = []
    if directives.get('ProcSubset') == ['pid']:
        options.append('subset=pid')
    if directives.get('ProtectProc') == ['invisible']:
        options.append('hidepid=invisible')
    mount('-t', 'proc', '-o', ','.join(options) or 'rw', 'proc', '/proc')
    mount('--bind', folder, folder)
    mount('-o', 'remount,bind,ro', '/')
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(CAPABILITIES + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setresuid(USER, USER, USER)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    made.load()
    os.execvp(command[0], command)


main()
