#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk serve is killed again and again while events happen: no event is lost at Kafka, MQTT and a
webhook, and what comes twice has the same id and content. Everything is on loopback and bounded."""

import collections
import http.server
import json
import os
import random
import shutil
import subprocess
import threading
import time

from effvktool import Folder, Skip, check, equal, run_tests
from servetool import Serve, until
from streams import free_port

KILLS = 5
STREAMS = ('a', 'b', 'c')
BATCH = 100  # so many events an output sends at once, and again where it was killed in between

temporary = Folder('effvk-serve-crash-')


class Reader:
    """A program that prints events, a line each."""

    def __init__(self, *command, first_line=False):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.first = self.process.stdout.readline().strip() if first_line else None
        self.events = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))



class Webhook(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), WebhookHandler)
        self.events = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class WebhookHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.events += body if isinstance(body, list) else [body]
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def needs(kafka):
    if not kafka or not os.path.exists(kafka):
        raise Skip('built without librdkafka')
    if not shutil.which('mosquitto') or not shutil.which('mosquitto_sub'):
        raise Skip('no mosquitto')


def make_events(server, seconds, seed):
    """Shows changing labels until it is killed, or so long."""
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for stream in STREAMS:
            records = [{'label': chance.choice(('picture', 'black', 'noise', 'bars')), 'score': 0.9},
                       {'label': chance.choice(('open', 'shut')), 'score': 0.5, 'type': 'gate'}]
            try:
                server.request('POST', f'/api/streams/{stream}/results', records)
            except OSError:
                return


def key(event):
    return event['event'], event['id']


def killed_again_and_again():
    kafka = os.environ.get('EFFVK_KAFKA_MOCK')
    needs(kafka)
    port, folder = free_port(), temporary.make_folder()
    broker = subprocess.Popen(
        ['mosquitto', '-c', temporary.write('mosquitto.conf', f'listener {port} 127.0.0.1\nallow_anonymous true\n'
                                            'max_queued_messages 0\n')],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    readers, webhook = {}, Webhook()
    try:
        readers['kafka'] = Reader(kafka, 'effvk', first_line=True)
        time.sleep(1)
        readers['mqtt'] = Reader('mosquitto_sub', '-h', '127.0.0.1', '-p', str(port), '-t', 'effvk', '-q', '1')
        time.sleep(1)
        config = temporary.write('crash.conf', f'''[server]
listen=127.0.0.1:0
state-directory={folder}
[output kafka]
uri=kafka://{readers['kafka'].first}/effvk
[output mqtt]
uri=mqtt://127.0.0.1:{port}/effvk
[output hook]
uri=http://127.0.0.1:{webhook.server_port}/events
''' + ''.join(f'[stream {name}]\nuri=push:\ndetect=0\nrecover=0\ntimeout=600\nalarms=*\noutputs=kafka; mqtt; hook\n'
              for name in STREAMS))
        for turn in range(KILLS):
            with Serve(config, listen=None) as server:
                killer = threading.Timer(random.uniform(0.3, 2), server.process.kill)
                killer.start()
                make_events(server, 10, turn)
                killer.join()
                server.process.wait()
        with Serve(config, listen=None) as server:
            if any('without lib' in line for line in server.errors):
                raise Skip('built without libmosquitto, librdkafka or libsoup')
            make_events(server, 0.5, KILLS)
            for name in ('kafka', 'mqtt', 'hook'):
                until(lambda name=name: server.metric(f'effvk_output_waiting{{output="{name}"}}') == 0, f'{name} has all')
            wanted, since = set(), 0
            while events := server.get(f'/api/events?limit=1000&since={since}')['events']:
                since = events[-1]['seq']
                wanted |= {('raised', event['id']) for event in events}
                wanted |= {('cleared', event['id']) for event in events if event['end']}
            check(len(wanted) > 100, f'only {len(wanted)} events')
            for name, found in (('kafka', readers['kafka'].events), ('mqtt', readers['mqtt'].events),
                                ('webhook', webhook.events)):
                until(lambda found=found: wanted <= {key(event) for event in list(found)}, f'{name} has all', 30)
                equal(len({key(event) for event in found} - wanted), 0, f'{name}: what never happened')
                copies = collections.Counter(key(event) for event in found)
                again = sum(copies.values()) - len(copies)
                print(f'# {name}: {len(copies)} events, {KILLS} kills, {again} came twice')
                check(again <= KILLS * BATCH, f'{name}: {again} came twice')
                for one in found:
                    same = [event for event in found if key(event) == key(one)] if copies[key(one)] > 1 else [one]
                    check(all(event == one for event in same), f'{name}: {same} differ')
    finally:
        webhook.shutdown()
        for process in [broker, *(reader.process for reader in readers.values())]:
            process.kill()
            process.wait()


run_tests([killed_again_and_again])
