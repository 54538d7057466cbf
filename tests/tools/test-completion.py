#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk completion: each shell offers every command, every option that a command's help shows, and the
values of options that have few."""

import os
import re
import shutil
import subprocess

from effvktool import Folder, Run, Skip, check, equal, run_tests

temporary = Folder('effvk-completion-')


def script(shell):
    name = temporary.path('completion.' + shell)
    with open(name, 'w', encoding='utf-8') as file:
        file.write(Run('completion', shell).ok().out)
    return name


def commands():
    listing = Run('--help').ok().out.split('Commands:\n')[1].split('\n\n')[0]
    return [line.split()[0] for line in listing.splitlines()]


def options(command):
    text = Run(command, '--help').ok().out.split('Application Options:')
    return set(re.findall(r'^  (?:-\w, )?(--[\w-]+)', text[1], re.M)) if len(text) > 1 else set()


def run_shell(*arguments):
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False,
                         cwd=temporary.path('.'))
    equal((run.returncode, run.stderr), (0, ''), f'status and errors of {arguments}')
    return run.stdout.splitlines()


def needs(shell):
    if not shutil.which(shell):
        raise Skip(f'there is no {shell} here')


def complete_in_bash(*words):
    code = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _effvk; '
            'printf "%s\\n" "${COMPREPLY[@]}"')
    return run_shell('bash', '-c', code, 'bash', script('bash'), *words)


def bash():
    equal(set(complete_in_bash('effvk', '')), set(commands()) | {'help', '--help', '--version'}, 'commands')
    equal(complete_in_bash('effvk', 'cl'), ['classify'], 'commands with cl')
    for command in commands():
        equal(set(complete_in_bash('effvk', command, '--')), options(command) | {'--help'},
              f'options of {command}')
    equal(complete_in_bash('effvk', 'classify', '--precision', 'fp'), ['fp32', 'fp16'], 'values')
    equal(complete_in_bash('effvk', 'classify', '-p', 'a'), ['auto'], 'values of a short option')
    equal(complete_in_bash('effvk', 'classify', '--top-k', ''), [''], 'values of a number')
    equal(complete_in_bash('effvk', 'help', 'mon'), ['monitor'] if 'monitor' in commands() else [''],
          'what help takes')


def files_in_bash():
    for name in ('a model.safetensors', 'b.jpg'):
        with open(temporary.path(name), 'wb'):
            pass
    equal(complete_in_bash('effvk', 'classify', '--model', 'a'), ['a model.safetensors'], 'models')
    equal(complete_in_bash('effvk', 'classify', 'b'), ['b.jpg'], 'pictures')


def zsh():
    needs('zsh')
    run_shell('zsh', '-n', script('zsh'))
    # _arguments and _describe stand in for zsh's own, which need a terminal.
    code = ('compdef () { }; _describe () { print -l -- "${(@P)2}"; }; _arguments () { print -l -- "$@"; }; '
            'words=(${=2}); CURRENT=$3; source $1')
    name = script('zsh')
    shown = run_shell('zsh', '-f', '-c', code, 'zsh', name, 'effvk', '2')
    for command in commands():
        check(any(line.startswith(command + ':') for line in shown), f'{command} is not in {shown}')
        words = ' '.join(run_shell('zsh', '-f', '-c', code, 'zsh', name, f'effvk {command} x', '3'))
        for option in options(command):
            check(option + '[' in words, f'{option} is not in {words}')


def fish():
    needs('fish')
    name = script('fish')

    def complete(line):
        shown = run_shell('fish', '--no-config', '-c', f'source {name}; complete -C "{line}"')
        return {entry.split('\t')[0] for entry in shown}

    check(set(commands()) <= complete('effvk '), f'commands: {complete("effvk ")}')
    for command in commands():
        check(options(command) <= complete(f'effvk {command} --'), f'options of {command}')
    equal(complete('effvk classify --precision f'), {'fp32', 'fp16'}, 'values')


def other_shells():
    Run('completion').fails(2, 'bash, zsh or fish')
    Run('completion', 'tcsh').fails(2, 'bash, zsh or fish')
    Run('completion', 'bash', 'zsh').fails(2, 'bash, zsh or fish')


os.environ['LC_ALL'] = 'C.UTF-8'
run_tests([bash, files_in_bash, zsh, fish, other_shells])
