#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk monitor of streams that break off, hang, come again or cannot be opened, with servers on
loopback that the test starts and ends. Everything is bounded in time."""

import json
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time

from effvktool import (TOOL, Failure, Folder, Run, check, equal, launch, plain_env, run_tests,
                       validate)
from streams import RtspServer, free_port, needs_element

temporary = Folder('effvk-reconnect-')


class Launched(RtspServer):
    """A pipeline that sends."""

    def __init__(self, pipeline):  # pylint: disable=super-init-not-called
        self.process = subprocess.Popen(['gst-launch-1.0', '-q', *pipeline.split()],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Monitor:
    """effvk monitor --json, event by event."""

    def __init__(self, uri, *options):
        self.process = subprocess.Popen(
            [TOOL, 'monitor', '--json', '--device', 'cpu', '--timeout', '2', *options, uri],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, **plain_env()))
        self.alarm = threading.Timer(150, self.process.kill)
        self.alarm.start()

    def next(self, event, state, previous):
        found = self.read()
        line = json.dumps(found)
        equal((found['event'], found['state'], found['previous']), (event, state, previous), line)
        validate(found)
        return found

    def read(self):
        """The next line about the state."""
        for line in self.process.stdout:
            found = json.loads(line)
            if 'signal' not in found:
                return found
        raise Failure(f'the monitor ended: {self.process.stderr.read()}')

    def first(self, state):
        """The first state that is one; before it the stream may be too slow."""
        while True:
            found = self.read()
            if found['state'] != 'no-signal':
                equal(found['state'], state, 'state')
                return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.alarm.cancel()
        self.process.kill()
        self.process.communicate()


def fails(uri, *words, seconds=40):
    """The first connection fails at once, with these words."""
    begin = time.monotonic()
    Run('monitor', '--device', 'cpu', '--timeout', 2, uri, env=plain_env()).fails(1, *words)
    taken = time.monotonic() - begin
    check(taken < seconds, f'{uri}: it took {taken:.0f} s')


# RTSP

def rtsp_that_goes_away_and_comes_again():
    port = free_port()
    uri = f'rtsp://127.0.0.1:{port}/live'
    with RtspServer(port, 'smpte') as server, Monitor(uri) as monitor:
        monitor.next('state', 'color-bars', None)
        server.process.kill()
        lost = monitor.next('state', 'no-signal', 'color-bars')
        check(lost['reason'] and lost['score'] is None, f'{lost}')
        server.process.wait()
        with RtspServer(port, 'black'):
            back = monitor.next('state', 'black', 'no-signal')
            check(back['pts'] > lost['pts'] and back['previous_duration'] > 0,
                  f'time goes on: {lost} {back}')
            monitor.process.send_signal(signal.SIGINT)
            monitor.next('end', None, 'black')
            equal(monitor.process.wait(timeout=60), 0, 'status')


def rtsp_that_hangs():
    port = free_port()
    with RtspServer(port, 'smpte') as server, Monitor(f'rtsp://127.0.0.1:{port}/live') as monitor:
        monitor.next('state', 'color-bars', None)
        server.signal(signal.SIGSTOP)
        monitor.next('stalled', 'no-signal', 'color-bars')
        time.sleep(3)  # so that it tries in vain
        server.signal(signal.SIGCONT)
        monitor.next('state', 'color-bars', 'no-signal')


def rtsp_that_stays_away():
    port = free_port()
    uri = f'rtsp://127.0.0.1:{port}/live'
    for tries, words in ((0, ()), (2, ('nothing listens', str(port), 'tried again 2 times'))):
        with RtspServer(port, 'smpte') as server, Monitor(uri, '--retry', str(tries)) as monitor:
            monitor.next('state', 'color-bars', None)
            server.process.kill()
            monitor.next('state', 'no-signal', 'color-bars')
            equal(monitor.process.wait(timeout=100), 1, 'status')
            check(all('signal' in line for line in monitor.process.stdout), 'events')
            error = monitor.process.stderr.read()
            check(len(error.splitlines()) == 1, f'one line: {error}')
            for word in (uri, *words):
                check(word in error, f'{word!r} is not in {error!r}')


def rtsp_that_cannot_be_opened():
    needs_element('rtspsrc')
    port = free_port()
    fails('rtsp://nohost.invalid/live', "no host 'nohost.invalid'")
    fails(f'rtsp://127.0.0.1:{port}/live', 'nothing listens', f'port {port}')
    with RtspServer(port, 'smpte'):
        fails(f'rtsp://127.0.0.1:{port}/nowhere', f'127.0.0.1:{port}', "path '/nowhere'")
    with RtspServer(port, 'smpte', 'me', 'secret'):
        fails(f'rtsp://127.0.0.1:{port}/live', 'wants a user name and a password', 'USER:PASSWORD@')
        run = Run('monitor', '--device', 'cpu', f'rtsp://me:wrong@127.0.0.1:{port}/live',
                  env=plain_env()).fails(1, 'does not accept the user name and the password')
        check('wrong' not in run.err, f'the password is shown: {run.err}')
        with Monitor(f'rtsp://me:secret@127.0.0.1:{port}/live') as monitor:
            monitor.next('state', 'color-bars', None)


# HTTP

class Handler(socketserver.BaseRequestHandler):
    """Answers as the path says."""

    def handle(self):
        try:
            words = self.request.recv(4096).split(b' ')
            if len(words) > 1:
                self.answer(words[1])
        except OSError:
            pass  # who asked has gone

    def answer(self, path):
        if path == b'/hang':
            time.sleep(60)
        elif path == b'/live':
            self.server.connections += 1
            self.request.sendall(b'HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;'
                                 b'boundary=frame\r\n\r\n')
            for _ in range(self.server.frames):
                self.request.sendall(b'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n'
                                     % len(self.server.picture) + self.server.picture + b'\r\n')
                time.sleep(0.1)
        elif path == b'/locked':
            self.request.sendall(b'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n'
                                 b'Content-Length: 0\r\n\r\n')
        else:
            self.request.sendall(b'HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n')


class HttpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, frames=0):
        super().__init__(('127.0.0.1', 0), Handler)
        self.frames = frames
        self.connections = 0
        self.picture = b''
        if frames:
            path = temporary.path('frame.jpg')
            launch('videotestsrc num-buffers=1 pattern=snow ! video/x-raw,format=I420,width=320,'
                   f'height=240 ! jpegenc ! filesink location={path}')
            with open(path, 'rb') as file:
                self.picture = file.read()
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


def http_that_breaks_off():
    needs_element('souphttpsrc', 'multipartdemux')
    with HttpServer(60) as server, Monitor(f'http://127.0.0.1:{server.port}/live') as monitor:
        monitor.first('noise')
        monitor.next('state', 'no-signal', 'noise')
        monitor.first('noise')
        check(server.connections >= 2, f'{server.connections} connections')
        server.shutdown()


def http_that_cannot_be_opened():
    needs_element('souphttpsrc')
    port = free_port()
    fails('http://nohost.invalid/live', "no host 'nohost.invalid'")
    fails(f'http://127.0.0.1:{port}/live', 'nothing listens', f'port {port}')
    with HttpServer() as server:
        at = f'127.0.0.1:{server.port}'
        fails(f'http://{at}/nowhere', at, "path '/nowhere'")
        fails(f'http://{at}/locked', at, 'wants a user name and a password')
        fails(f'http://me:secret@{at}/locked', at, 'does not accept the user name and the password')
        fails(f'http://{at}/hang', at, 'takes the connection, but does not answer')
        server.shutdown()


# SRT

def srt_server(port, pattern):
    return Launched(f'videotestsrc is-live=true pattern={pattern} ! '
                    'video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! '
                    'openh264enc gop-size=5 ! h264parse config-interval=-1 ! mpegtsmux alignment=7 ! '
                    f'srtsink uri=srt://127.0.0.1:{port}?mode=listener wait-for-connection=false')


def srt_that_goes_away_and_comes_again():
    needs_element('srtsrc', 'srtsink', 'openh264enc', 'mpegtsmux', 'avdec_h264')
    port = free_port(socket.SOCK_DGRAM)
    with srt_server(port, 'black') as server:
        time.sleep(3)
        with Monitor(f'srt://127.0.0.1:{port}') as monitor:
            monitor.first('black')
            server.process.kill()
            line = monitor.read()
            equal((line['state'], line['previous']), ('no-signal', 'black'), 'state')
            with srt_server(port, 'snow'):
                monitor.first('noise')


def srt_that_cannot_be_opened():
    needs_element('srtsrc')
    fails(f'srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}', 'srt', '127.0.0.1')
    fails('srt://nohost.invalid:7001', "no host 'nohost.invalid'")


# Devices

def a_device_that_is_not_there():
    needs_element('v4l2src')
    for name in ('v4l2:///dev/video99', '/dev/video99'):
        fails(name, '/dev/video99')


run_tests([rtsp_that_goes_away_and_comes_again, rtsp_that_hangs, rtsp_that_stays_away,
           rtsp_that_cannot_be_opened, http_that_breaks_off, http_that_cannot_be_opened,
           srt_that_goes_away_and_comes_again, srt_that_cannot_be_opened,
           a_device_that_is_not_there])
