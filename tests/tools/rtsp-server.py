#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtsp-server.py PORT PATTERN [USER PASSWORD]: serves a test signal at /live on loopback, for tests.
Prints a line when it listens; ends after two minutes by itself."""

import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
port, pattern, *credentials = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
factory.set_launch(f'( videotestsrc is-live=true pattern={pattern} ! '
                   'video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! '
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
GLib.timeout_add_seconds(120, loop.quit)
loop.run()
