# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the tests of the effvk command: TAP, running the command, making pictures."""

import atexit
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

TOOL = os.environ.get('EFFVK_TOOL', 'effvk')
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get('EFFVK_SHARED') or os.path.join(os.path.dirname(ROOT), 'shared')


class Skip(Exception):
    """A test that cannot run here, and why."""


class Failure(Exception):
    """A test that failed, and how."""


# Whether this effvk was built with what teaching needs.
TEACHES = os.environ.get('EFFVK_TOOL_TEACHES', '1') == '1'


def check(condition, message):
    if not condition:
        raise Failure(message)


def equal(found, wanted, what):
    check(found == wanted, f'{what}: expected {wanted!r}, found {found!r}')


def diagnose(text):
    for line in str(text).splitlines():
        print('#', line, flush=True)


def without_signals(lines):
    """What effvk monitor says of the state, without what was raised and cleared."""
    return [line for line in lines if line['event'] not in ('raised', 'cleared')]


def validate(record):
    """Checks a record against docs/schema, where there is python3-jsonschema."""
    try:
        import jsonschema
    except ImportError:
        return
    with open(os.path.join(ROOT, 'docs', 'schema', 'effvk.schema.json'), encoding='utf-8') as file:
        schema = json.load(file)
    problem = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(record))
    check(problem is None, f'{record} is not of the schema: {problem and problem.message}')


def run_tests(tests):
    """Runs functions of no argument, prints TAP, and ends the process."""
    failed = False
    print(f'1..{len(tests)}', flush=True)
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace('_', ' ')
        try:
            test()
            print(f'ok {number} - {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}', flush=True)
        except (Failure, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            failed = True
            print(f'not ok {number} - {name}', flush=True)
            diagnose(f'{type(error).__name__}: {error}')
    sys.exit(1 if failed else 0)


class Run:
    """What a run of the command gave."""

    def __init__(self, *arguments, env=None, timeout=300, **options):
        self.command = ['effvk', *map(str, arguments)]
        environment = dict(os.environ, LC_ALL='C.UTF-8', **(env or {}))
        done = subprocess.run([TOOL, *map(str, arguments)], env=environment, timeout=timeout,
                              stdout=options.pop('stdout', subprocess.PIPE),
                              stderr=subprocess.PIPE, check=False, **options)
        self.status = done.returncode
        self.out = (done.stdout or b'').decode()
        self.err = done.stderr.decode(errors='replace')

    def __str__(self):
        return f'{" ".join(self.command)}: status {self.status}\n{self.out[-2000:]}{self.err[-2000:]}'

    def ok(self):
        check(self.status == 0, f'expected status 0: {self}')
        return self

    def errors(self):
        """The error lines, without the notice that there is no GPU, and what gdk-pixbuf's loader says in a container."""
        notices = ('effvk: no GPU', 'WARNING: Glycin running without sandbox')
        return [line for line in self.err.splitlines() if not line.startswith(notices)]

    def fails(self, status, *words):
        """Ended with this status and one line on stderr that has all the words."""
        check(self.status == status, f'expected status {status}: {self}')
        lines = self.errors()
        check(len(lines) == 1 and lines[0].startswith('effvk: '),
              f'expected one line "effvk: …" on stderr: {self}')
        for word in words:
            check(word in lines[0], f'expected {word!r} in the error: {self}')
        return self

    def json(self):
        return json.loads(self.ok().out)

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def has_fields(found, fields, what):
    """Exactly these fields, of these types."""
    equal(sorted(found), sorted(fields), f'{what}: the fields')
    for name, types in fields.items():
        value = found[name]
        # For Python, True is an int.
        check(isinstance(value, types) and not (isinstance(value, bool) and bool not in
                                                (types if isinstance(types, tuple) else (types,))),
              f'{what}: {name} is {value!r}')


def write_png(path, width, height, pixel):
    """pixel (x, y) gives (red, green, blue)."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))

    rows = b''.join(b'\0' + bytes(c for x in range(width) for c in pixel(x, y))
                    for y in range(height))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n'
                   + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
                   + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


class Folder:
    """A temporary folder that is gone at the end."""

    def __init__(self, prefix):
        self.name = tempfile.mkdtemp(prefix=prefix)
        atexit.register(shutil.rmtree, self.name, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.name, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def make_folder(self):
        return tempfile.mkdtemp(dir=self.name)

    def make_picture(self, name='picture.png', width=50, height=40):
        write_png(self.path(name), width, height,
                  lambda x, y: (x * 5 % 256, y * 6 % 256, (x * y) % 256))
        return self.path(name)

    def make_signal(self, name, *parts, chain='jpegenc ! avimux'):
        """A video of parts: (pattern of videotestsrc, seconds)."""
        sources = ' '.join(
            f'videotestsrc num-buffers={seconds * 10} pattern={pattern} ! '
            'video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! c.'
            for pattern, seconds in parts)
        launch(f'concat name=c ! {chain} ! filesink location={self.path(name)} {sources}')
        return self.path(name)


def needs_gstreamer():
    if os.environ.get('EFFVK_TOOL_GSTREAMER', '1') != '1':
        raise Skip('built without GStreamer')


def launch(pipeline):
    """Runs a pipeline with gst-launch-1.0."""
    needs_gstreamer()
    if shutil.which('gst-launch-1.0') is None:
        raise Skip('no gst-launch-1.0')
    done = subprocess.run(['gst-launch-1.0', '-q', *pipeline.split()], capture_output=True,
                          timeout=120, check=False)
    if done.returncode != 0 or b'ERROR' in done.stderr:
        raise Skip(f'{pipeline}: {done.stderr.decode()[-200:]}')


def plain_env():
    """For tests that run the network often: without the validation layers, which other tests have."""
    return {'EFFVK_VALIDATION': ''}
