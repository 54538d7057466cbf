#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serves a test signal at /live on loopback, for tests. Prints a line when it listens; ends by itself."""

import argparse
import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--rate', default=10, type=int, help='frames a second')
parser.add_argument('--life', default=120, type=int, help='seconds')
parser.add_argument('port')
parser.add_argument('pattern', help="videotestsrc's")
parser.add_argument('credentials', nargs='*', help='user and password')
arguments = parser.parse_args()
port, pattern, credentials = arguments.port, arguments.pattern, arguments.credentials
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(f'( videotestsrc is-live=true pattern={pattern} ! '
                   f'video/x-raw,format=I420,width=320,height=240,framerate={arguments.rate}/1 ! '
                   'jpegenc ! rtpjpegpay name=pay0 )')
if credentials:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'user')
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*credentials), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    for what in ('media.factory.access', 'media.factory.construct'):
        permissions.add_permission_for_role('user', what, True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory('/live', factory)
if server.attach(None) == 0:
    sys.exit('rtsp-server.py: cannot listen')
print('listening', flush=True)
loop = GLib.MainLoop()
GLib.timeout_add_seconds(arguments.life, loop.quit)
loop.run()
