# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sources of streams on loopback, for the tests of the effvk command."""

import os
import socket
import subprocess
import sys

from effvktool import Failure, Skip, needs_gstreamer

HERE = os.path.dirname(os.path.abspath(__file__))


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def needs_element(*names):
    needs_gstreamer()
    for name in names:
        try:
            done = subprocess.run(['gst-inspect-1.0', '--exists', name], check=False)
        except FileNotFoundError:
            raise Skip('no gst-inspect-1.0') from None
        if done.returncode != 0:
            raise Skip(f'GStreamer has no {name} here')


class RtspServer:
    def __init__(self, port, pattern, *credentials, rate=10, life=120):
        needs_element('rtspsrc', 'rtpjpegpay')
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, 'rtsp-server.py'), f'--rate={rate}', f'--life={life:.0f}', str(port),
             pattern, *credentials],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != 'listening\n':
            error = self.process.stderr.read()
            self.process.wait()
            if 'not available' in error or 'No module named' in error:
                raise Skip('no GIR of gst-rtsp-server (gir1.2-gst-rtsp-server-1.0)')
            raise Failure(f'the server does not start: {error[-300:]}')

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
