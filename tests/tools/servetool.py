# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs effvk serve on loopback, and speaks to it."""

import http.client
import json
import os
import queue
import signal
import ssl
import subprocess
import threading
import time

from effvktool import TOOL, Failure, check, plain_env

PATIENCE = 90  # s; the machine may have much to do


class Serve:
    """A server that ends with the block, or after some minutes by itself."""

    def __init__(self, *arguments, env=None, token=None, life=300, listen='127.0.0.1:0', before=()):
        listening = ['--listen', listen] if listen else []
        self.process = subprocess.Popen(
            [*before, TOOL, 'serve', '--device', 'cpu', *listening, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, LC_ALL='C.UTF-8', **plain_env(), **(env or {})))
        self.alarm = threading.Timer(life, self.process.kill)
        self.alarm.start()
        self.token = token
        self.lines = queue.Queue()
        self.log, self.errors = [], []
        threading.Thread(target=self._read, args=(self.process.stdout, self.log), daemon=True).start()
        self.errors_read = threading.Thread(target=self._read, args=(self.process.stderr, self.errors),
                                            daemon=True)
        self.errors_read.start()
        self.scheme, self.host = '', ''

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip('\n'))

    def wait_for_url(self):
        def find():
            for line in self.log:
                if line.startswith('listening at '):
                    return line.split()[-1]
            if self.process.poll() is not None:
                raise Failure(f'the server ended with {self.process.poll()}: {self.errors}')
            return None
        self.scheme, _, self.host = until(find, 'listening').partition('://')
        return self

    def __enter__(self):
        try:
            return self.wait_for_url()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.alarm.cancel()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as a service manager does; returns the status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def connect(self):
        if self.scheme == 'https':
            return http.client.HTTPSConnection(self.host, timeout=60,
                                               context=ssl._create_unverified_context())
        return http.client.HTTPConnection(self.host, timeout=60)

    def request(self, method, path, body=None, headers=None):
        """(status, body, headers)"""
        sent = dict(headers or {})
        if self.token and 'Authorization' not in sent:
            sent['Authorization'] = 'Bearer ' + self.token
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault('Content-Type', 'application/json')
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def get(self, path, wanted=200):
        return self.ask('GET', path, wanted=wanted)

    def ask(self, method, path, body=None, wanted=200):
        status, text, headers = self.request(method, path, body)
        check(status == wanted, f'{method} {path}: {status} instead of {wanted}: {text[:300]}')
        if 'json' in (headers.get('Content-Type') or ''):
            return json.loads(text)
        return text

    def refuses(self, method, path, body, status, *words):
        found = self.ask(method, path, body, wanted=status)
        for word in words:
            check(word in found['error'], f'{word!r} is not in {found}')

    def stream(self, name):
        return self.get('/api/streams/' + name)

    def wait_for(self, name, what, **wanted):
        """Until the stream has these members."""
        def find():
            found = self.stream(name)
            good = all(found[key] == value for key, value in wanted.items())
            self.last = found
            return found if good else None
        try:
            return until(find, f'{name}: {what}')
        except Failure as error:
            raise Failure(f'{error}; last: {self.last}; log: {self.log[-5:]} {self.errors[-5:]}') from None

    def metric(self, name):
        for line in self.get('/metrics').decode().splitlines():
            if line.startswith(name + ' '):
                return float(line.split()[-1])
        raise Failure(f'there is no metric {name}')


def until(find, what, seconds=PATIENCE):
    """What @find returns, once it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = find()
        if found:
            return found
        time.sleep(0.05)
    raise Failure(f'{what}: not within {seconds} s')
