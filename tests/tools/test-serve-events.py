#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events of effvk serve: raised and cleared, told to those who listen and sent to outputs, which
restarts and crashes do not change. Everything is on loopback and bounded in time."""

import http.server
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

from effvktool import Folder, Skip, check, equal, run_tests, validate
from servetool import Serve, until
from streams import free_port

temporary = Folder('effvk-serve-events-')
QUICK = 'uri=push:\ndetect=0.3\nrecover=0.3\ntimeout=600\nalarms=*;!picture\n'


def make_config(name, text, server=''):
    return temporary.write(name, f'[server]\nlisten=127.0.0.1:0\n{server}[model default]\ndevice=cpu\n{text}')


def push(server, label, stream='a', seconds=0.0, **more):
    """Shows a label for a while."""
    end = time.monotonic() + seconds
    while True:
        server.ask('POST', f'/api/streams/{stream}/results', {'label': label, 'score': 0.9, **more}, wanted=204)
        if time.monotonic() >= end:
            return
        time.sleep(0.05)


def show_until(server, label, find, what, stream='a', **more):
    """Shows a label until something is found."""
    def look():
        push(server, label, stream, **more)
        return find()
    return until(look, what)


def event_of(server, label, over, stream='a', **wanted):
    """The event of a label, or None."""
    for event in server.get(f'/api/events?stream={stream}&limit=1000')['events']:
        if event['label'] == label and (event['end'] is not None) == over:
            if all(event[key] == value for key, value in wanted.items()):
                return event
    return None


def alarm_and_back(server, label='black', stream='a'):
    """Makes an alarm, and ends it."""
    show_until(server, label, lambda: event_of(server, label, False, stream), 'raised', stream)
    return show_until(server, 'picture', lambda: event_of(server, label, True, stream), 'cleared', stream)


class Listener:
    """Reads /api/events/live."""

    def __init__(self, server, headers=None):
        self.connection = server.connect()
        self.connection.request('GET', '/api/events/live', headers=headers or {})
        self.answer = self.connection.getresponse()
        equal((self.answer.status, self.answer.headers['Content-Type']), (200, 'text/event-stream'), 'live')
        self.found = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        fields = {}
        try:
            for line in self.answer:
                line = line.decode().rstrip('\n')
                if line:
                    name, _, value = line.partition(': ')
                    fields[name] = value
                    continue
                if 'data' in fields:
                    self.found.append((fields['event'], json.loads(fields['data']), fields.get('id')))
                fields = {}
        except (OSError, ValueError, AttributeError):
            pass  # it ended

    def wait_for(self, what, label):
        def find():
            for kind, data, number in self.found:
                if kind == what and data.get('label') == label:
                    return data, number
            return None
        return until(find, f'{what} {label} is told')


def raised_and_cleared():
    config = make_config('two.conf', f'[stream a]\n{QUICK}[stream b]\n{QUICK}')
    with Serve(config, listen=None) as server:
        listener = Listener(server)
        push(server, 'picture', seconds=0.5)
        push(server, 'noise')  # a moment is no event
        event = alarm_and_back(server)
        check(event['alarm'] and not event['acknowledged'] and event['start'] < event['end']
              and event['region'] is None, f'{event}')
        check(event_of(server, 'noise', False) is None and event_of(server, 'noise', True) is None, 'noise')
        check(event_of(server, 'picture', False, alarm=False), 'a picture is no alarm')
        equal(server.get('/api/events?stream=b')['events'], [], 'of the other stream')
        equal(server.stream('a')['alarm'], False, 'alarm')
        data, number = listener.wait_for('cleared', 'black')
        equal((data['id'], data['end']), (event['id'], event['end']), 'told')
        validate(data)
        listener.wait_for('raised', 'black')
        # Since when: what changed after that.
        later = server.get(f'/api/events?since={number}')['events']
        check(all(one['seq'] > int(number) for one in later), f'{later}')
        equal([one['id'] for one in server.get('/api/events?alarms=1')['events']], [event['id']], 'alarms')
        # Who comes again is told what happened meanwhile.
        again = Listener(server, {'Last-Event-ID': str(int(number) - 1)})
        again.wait_for('cleared', 'black')
        server.ask('POST', f'/api/events/{event["id"]}/acknowledge', wanted=204)
        listener.wait_for('acknowledged', 'black')
        equal(server.get(f'/api/events/{event["id"]}')['acknowledged'], True, 'acknowledged')
        for path in ('/api/events/99999', '/api/events/x', f'/api/events/{event["id"]}/snapshot.jpg'):
            server.refuses('GET', path, None, 404)
        server.refuses('GET', '/api/events?limit=0', None, 400, 'limit', '1 to 1000')
        server.refuses('GET', '/api/events?since=x', None, 400, 'since')
        server.refuses('POST', '/api/events/99999/acknowledge', None, 404, '99999')


def regions_and_silence():
    config = make_config('silence.conf', f'[stream a]\n{QUICK}[stream b]\n{QUICK}timeout=0.5\n'.replace(
        'timeout=600\nalarms=*;!picture\ntimeout=0.5', 'timeout=0.5\nalarms=*;!picture'))
    with Serve(config, listen=None) as server:
        listener = Listener(server)
        show_until(server, 'open', lambda: event_of(server, 'open', False, region='gate'), 'gate', type='gate')
        # Nothing comes for one stream: there is no signal, until something comes.
        push(server, 'picture', 'b')
        until(lambda: event_of(server, 'no-signal', False, 'b', alarm=True), 'no signal')
        equal(server.stream('b')['alarm'], True, 'alarm')
        check(any(kind == 'state' and data['stream'] == 'b' and data['state'] == 'stalled'
                  for kind, data, _ in listener.found), f'{listener.found}')
        show_until(server, 'picture', lambda: event_of(server, 'no-signal', True, 'b'), 'signal', 'b')
        # A region that is not told of any more has no label, and a stream that is removed no events.
        until(lambda: event_of(server, 'open', True, region='gate'), 'no gate')
        show_until(server, 'open', lambda: event_of(server, 'open', False), 'open')
        server.ask('DELETE', '/api/streams/a', wanted=204)
        check(event_of(server, 'open', True, region=None), 'removed')


def slow_listeners_are_cut_off():
    config = make_config('slow.conf', f'[stream a]\n{QUICK}detect=0\n'.replace('detect=0.3\n', ''))
    with Serve(config, listen=None) as server:
        host, _, port = server.host.rpartition(':')
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(b'GET /api/events/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
        clients = server.metric('effvk_http_clients')
        record = [{'label': 'x' * 200 + str(i), 'score': 1} for i in range(30)]
        def cut():
            # Acknowledging tells again and again.
            for _ in range(300):
                server.ask('POST', '/api/events/1/acknowledge', wanted=204)
            return server.metric('effvk_http_clients') < clients
        server.ask('POST', '/api/streams/a/results', record[:1], wanted=204)
        until(cut, 'cut off', 200)
        slow.close()


# Outputs

class Webhook(http.server.ThreadingHTTPServer):
    """Counts events; fails while it is told to."""
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(('127.0.0.1', port), WebhookHandler)
        self.events, self.failing, self.requests = [], False, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class WebhookHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.requests += 1
        if not self.server.failing:
            self.server.events += json.loads(body)
        self.send_response(500 if self.server.failing else 200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def keys(events):
    return [(event['event'], event['id']) for event in events]


def outputs_that_fail_and_crashes():
    """Nothing is lost and nothing is told twice, although the server is killed while the webhook
    fails."""
    folder, lines = temporary.make_folder(), temporary.path('lines.json')
    told = temporary.path('told.json')
    program = temporary.write('program.sh', f'#!/bin/sh\ncat >> {told}\n')
    os.chmod(program, 0o700)
    webhook = Webhook()
    config = make_config('outputs.conf', f'''[output hook]
uri=http://127.0.0.1:{webhook.server_port}/events
[output lines]
uri=file:{lines}
[output program]
command={program}
[stream a]
{QUICK}outputs=hook; lines; program
''', server=f'state-directory={folder}\n')
    with Serve(config, listen=None) as server:
        first = alarm_and_back(server)
        until(lambda: ('cleared', first['id']) in keys(webhook.events), 'the webhook knows')
        webhook.failing = True
        before = webhook.requests
        second = alarm_and_back(server)
        until(lambda: webhook.requests > before, 'it was tried')
        show_until(server, 'noise', lambda: event_of(server, 'noise', False), 'raised')
        noise = event_of(server, 'noise', False)
        check(server.metric('effvk_output_waiting{output="hook"}') > 0, 'waits')
        equal(server.metric('effvk_output_connected{output="hook"}'), 0, 'connected')
        server.process.kill()
        server.process.wait()
    webhook.failing = False
    with Serve(config, listen=None) as server:
        until(lambda: ('raised', noise['id']) in keys(webhook.events), 'after the restart')
        check(event_of(server, 'noise', False, id=noise['id']), 'the event lasts')
        show_until(server, 'picture', lambda: event_of(server, 'noise', True), 'cleared')
        until(lambda: ('cleared', noise['id']) in keys(webhook.events), 'cleared')
        until(lambda: server.metric('effvk_output_waiting{output="program"}') == 0, 'the program')
        until(lambda: server.metric('effvk_output_waiting{output="lines"}') == 0, 'the file')
        found = server.get('/api/events?limit=1000')['events']
        wanted = {('raised', event['id']) for event in found} | {
            ('cleared', event['id']) for event in found if event['end']}
    for path in (lines, told):
        with open(path, encoding='utf-8') as file:
            found = keys(json.loads(line) for line in file)
        # What was being sent when the server was killed may come again, with the same id.
        equal(sorted(set(found)), sorted(wanted), path)
        check(len(found) <= len(wanted) + 1, f'{path}: {found}')
    equal(sorted(keys(webhook.events)), sorted(wanted), 'webhook')
    check(('cleared', second['id']) in wanted, 'the second')
    with open(lines, encoding='utf-8') as file:
        for line in file:
            validate(json.loads(line))


def events_to_mqtt():
    if not shutil.which('mosquitto') or not shutil.which('mosquitto_sub'):
        raise Skip('no mosquitto')
    port, folder = free_port(), temporary.make_folder()
    broker_config = temporary.write('mosquitto.conf', f'listener {port} 127.0.0.1\nallow_anonymous true\n')
    config = make_config('mqtt.conf', f'''[output broker]
uri=mqtt://127.0.0.1:{port}/effvk
[stream a]
{QUICK}outputs=broker
''', server=f'state-directory={folder}\n')
    with Serve(config, listen=None) as server:
        if any('without libmosquitto' in line for line in server.errors):
            raise Skip('built without libmosquitto')
        # The broker is not there yet; what happens meanwhile is told when it is.
        first = alarm_and_back(server)
        server.process.kill()
        server.process.wait()
    broker = reader = None
    try:
        broker = subprocess.Popen(['mosquitto', '-c', broker_config], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(1)
        found = []
        reader = subprocess.Popen(['mosquitto_sub', '-h', '127.0.0.1', '-p', str(port), '-t', 'effvk', '-q', '1'],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        def read():
            for line in reader.stdout:
                found.append(json.loads(line))
        threading.Thread(target=read, daemon=True).start()
        time.sleep(1)
        with Serve(config, listen=None) as server:
            until(lambda: ('cleared', first['id']) in keys(found), 'the broker knows')
            second = alarm_and_back(server)
            until(lambda: ('cleared', second['id']) in keys(found), 'and the second')
        equal(len(keys(found)), len(set(keys(found))), f'twice: {keys(found)}')
    finally:
        for process in (broker, reader):
            if process:
                process.kill()
                process.wait()


# The store

def what_is_wrong_with_the_store():
    folder = temporary.make_folder()
    config = make_config('broken.conf', f'[stream a]\n{QUICK}', server=f'state-directory={folder}\n')
    with Serve(config, listen=None) as server:
        alarm_and_back(server)
        # Nobody else may have it.
        done = subprocess.run([server.process.args[0], 'serve', config], capture_output=True, text=True, timeout=60,
                              check=False)
        equal(done.returncode, 1, 'status')
        check('used by another process' in done.stderr, done.stderr)
        equal(server.stop(), 0, 'status')
    path = os.path.join(folder, 'events.db')
    with open(path, 'r+b') as file:
        file.seek(100)
        file.write(b'\xff' * (os.path.getsize(path) - 200))
    with Serve(config, listen=None) as server:
        check(any('broken' in line and 'new one begins' in line for line in server.errors), f'{server.errors}')
        equal(server.get('/api/events')['events'], [], 'events')
        alarm_and_back(server)
    check(any('broken' in name for name in os.listdir(folder)), 'not kept')
    done = sqlite3.connect(path).execute('PRAGMA integrity_check').fetchone()
    equal(done, ('ok',), 'the new one')


def a_full_disk():
    """A file that cannot grow is to SQLite what a full disk is."""
    folder = temporary.make_folder()
    config = make_config('full.conf', f'[stream a]\n{QUICK}', server=f'state-directory={folder}\n')
    with Serve(config, listen=None) as server:
        alarm_and_back(server)
        pid = server.process.pid
        full = os.path.getsize(os.path.join(folder, 'events.db-wal'))
        # SIGXFSZ would end the process where a full disk does not.
        if signal.SIGXFSZ not in ignored(pid):
            raise Skip('SIGXFSZ is not ignored')
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        def failed():
            push(server, 'noise')
            return server.metric('effvk_store_errors_total') > 0
        until(failed, 'the write fails')
        check(any('tried again' in line for line in server.errors), f'{server.errors}')
        equal(server.stream('a')['label'], 'noise', 'the stream goes on')
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        show_until(server, 'noise', lambda: event_of(server, 'noise', False), 'there is room again')


def ignored(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        for line in file:
            if line.startswith('SigIgn:'):
                mask = int(line.split()[1], 16)
                return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}
    return set()


# Pictures

def size_of(jpeg):
    check(jpeg[:2] == b'\xff\xd8' and jpeg[-2:] == b'\xff\xd9', 'no JPEG')
    at = 2
    while jpeg[at + 1] not in (0xc0, 0xc2):
        at += 2 + int.from_bytes(jpeg[at + 2:at + 4], 'big')
    return int.from_bytes(jpeg[at + 7:at + 9], 'big'), int.from_bytes(jpeg[at + 5:at + 7], 'big')


def pictures_of_streams_and_events():
    bars = temporary.make_signal('bars.avi', ('smpte', 30))
    config = make_config('pictures.conf', f'[stream bars]\nuri={bars}\ndetect=0\n[stream none]\nuri=push:\n')
    with Serve(config, listen=None) as server:
        server.wait_for('bars', 'plays', label='color-bars')
        path = '/api/streams/bars/snapshot.jpg'
        plain = server.get(path)
        equal(size_of(plain), (320, 240), 'size')
        equal(size_of(server.get(path + '?width=160')), (160, 120), 'small')
        equal(size_of(server.get(path + '?width=3000')), (320, 240), 'no larger than it is')
        drawn = server.get(path + '?overlay=1')
        equal(size_of(drawn), (320, 240), 'overlay')
        check(drawn != plain, 'nothing is drawn on it')
        server.refuses('GET', path + '?width=x', None, 400, 'width')
        server.refuses('GET', '/api/streams/none/snapshot.jpg', None, 404, 'no picture')
        event = until(lambda: event_of(server, 'color-bars', False, 'bars', snapshot=True), 'the event has a picture')
        equal(size_of(server.get(f'/api/events/{event["id"]}/snapshot.jpg')), (320, 240), 'of the event')


def examples_of_classes():
    folder = temporary.make_folder()
    bars = temporary.make_signal('examples.avi', ('smpte', 30))
    body = f'[stream bars]\nuri={bars}\n[stream none]\nuri=push:\n'
    with Serve(make_config('examples.conf', body, server=f'examples-directory={folder}\n'), listen=None) as server:
        equal(server.wait_for('bars', 'plays', label='color-bars')['takes_examples'], True, 'takes examples')
        for _ in range(2):
            made = server.ask('POST', '/api/streams/bars/examples', {'label': 'open'}, wanted=201)
            check(made['label'] == 'open' and made['file'].startswith('bars-'), f'{made}')
        names = os.listdir(os.path.join(folder, 'open'))
        check(len(names) == 2 and made['file'] in names, f'{names}')
        with open(os.path.join(folder, 'open', made['file']), 'rb') as file:
            equal(size_of(file.read()), (320, 240), 'size')
        for label in ('../open', '', '.hidden', 'a/b', 3, None):
            server.refuses('POST', '/api/streams/bars/examples', {'label': label}, 400, 'label')
        server.refuses('POST', '/api/streams/bars/examples', [], 400, 'label')
        server.refuses('POST', '/api/streams/none/examples', {'label': 'open'}, 404, 'no picture')
        server.refuses('POST', '/api/streams/nobody/examples', {'label': 'open'}, 404, 'no stream')
        # A folder that cannot be made, and none at all: the file is read again.
        with open(os.path.join(folder, 'taken'), 'w', encoding='utf-8'):
            pass
        server.refuses('POST', '/api/streams/bars/examples', {'label': 'taken'}, 500, 'taken')
        make_config('examples.conf', body)
        until(lambda: not server.stream('bars')['takes_examples'], 'takes no more')
        server.refuses('POST', '/api/streams/bars/examples', {'label': 'open'}, 409, 'examples-directory')


if __name__ == '__main__':
    run_tests([raised_and_cleared, regions_and_silence, slow_listeners_are_cut_off,
               outputs_that_fail_and_crashes, events_to_mqtt, what_is_wrong_with_the_store, a_full_disk,
               pictures_of_streams_and_events, examples_of_classes])
