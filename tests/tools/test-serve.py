#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk serve: its configuration, its streams, and who may speak to it. Everything is on loopback
and bounded in time."""

import json
import shutil
import signal
import socket
import subprocess
import time

from effvktool import Folder, Run, Skip, check, equal, launch, plain_env, run_tests
from servetool import Serve, until
from streams import RtspServer, free_port, needs_element

temporary = Folder('effvk-serve-')


def make_config(name, text):
    return temporary.write(name, '[server]\nlisten=127.0.0.1:0\n[model default]\ndevice=cpu\n' + text)


def push(server, name, label, score=0.9):
    server.ask('POST', f'/api/streams/{name}/results', {'label': label, 'score': score}, wanted=204)


def lint(server):
    """Whether Prometheus likes the metrics."""
    if not shutil.which('promtool'):
        return
    done = subprocess.run(['promtool', 'check', 'metrics'], input=server.get('/metrics'), capture_output=True, check=False)
    equal((done.returncode, done.stderr), (0, b''), 'promtool')


# Streams

def streams_of_the_command_line():
    black = temporary.make_signal('black.avi', ('black', 4))
    bars = temporary.make_signal('bars.avi', ('smpte', 4))
    with Serve(black, f'bars={bars}') as server:
        first = server.wait_for('stream-1', 'black', label='black', state='playing')
        second = server.wait_for('bars', 'color bars', label='color-bars', state='playing')
        check(first['frames'] > 0 and second['inferences'] > 0, f'{first} {second}')
        equal([stream['name'] for stream in server.get('/api/streams')['streams']],
              ['bars', 'stream-1'], 'streams')
        # A file begins anew, without a word.
        until(lambda: server.stream('stream-1')['reconnects'] > 0, 'played again')
        equal(server.stream('stream-1')['state'], 'playing', 'state')
        check(server.metric('effvk_stream_inferences_total{stream="bars"}') > 0, 'no inferences')
        equal(server.metric('effvk_stream_state{stream="bars",state="playing"}'), 1, 'state')
        equal(server.metric('effvk_stream_state{stream="bars",state="failed"}'), 0, 'state')
        buckets = server.metric('effvk_stream_latency_seconds_bucket{stream="bars",le="+Inf"}')
        equal(buckets, server.metric('effvk_stream_latency_seconds_count{stream="bars"}'), 'latency')
        check(buckets > 0, 'no latencies')
        for quantile in ('0.5', '0.95', '0.99'):
            seconds = server.metric(f'effvk_model_device_seconds{{model="default",quantile="{quantile}"}}')
            check(0 < seconds < 10, f'the network takes {seconds} s')
        check(server.metric('effvk_model_submissions_total{model="default"}') > 0
              and server.metric('effvk_model_memory_bytes{model="default"}') > 1e6, 'the network')
        lint(server)
        equal(server.get('/readyz'), {'waiting': [], 'ready': True}, 'ready')
        equal(server.stop(), 0, 'status')


def a_file_of_one_frame():
    """It is shown again and again, but only once a second."""
    path = temporary.path('one.avi')
    launch('videotestsrc num-buffers=1 pattern=black ! video/x-raw,width=320,height=240,framerate=10/1 ! '
           f'jpegenc ! avimux ! filesink location={path}')
    with Serve(path) as server:
        server.wait_for('stream-1', 'black', label='black', state='playing')
        begin, before = time.monotonic(), server.stream('stream-1')['reconnects']
        time.sleep(6)
        again = server.stream('stream-1')['reconnects'] - before
        check(0 < again <= time.monotonic() - begin + 1, f'played again {again} times')
        check(not any('no-signal' in line or 'stalled' in line for line in server.log), f'{server.log}')


def a_lone_stream_keeps_its_network():
    """Where it begins anew nobody else has the network, which would take seconds to make again."""
    path = temporary.make_signal('lone.avi', ('black', 1))
    with Serve(path) as server:
        until(lambda: server.stream('stream-1')['reconnects'] >= 4, 'played again')
        server.wait_for('stream-1', 'plays', state='playing')
        submissions = until(lambda: metric_or_none(server, 'effvk_model_submissions_total{model="default"}'), 'network')
        inferences = server.metric('effvk_stream_inferences_total{stream="stream-1"}')
        check(submissions >= inferences - 5 and inferences > 12, f'{submissions} submissions, {inferences} inferences')
        # It goes with the stream.
        threads = server.metric('effvk_threads')
        server.ask('DELETE', '/api/streams/stream-1', wanted=204)
        until(lambda: server.metric('effvk_pipelines') == 0 and server.metric('effvk_threads') < threads, 'it ends')
        equal(server.stop(), 0, 'status')


def metric_or_none(server, name):
    return server.metric(name) if name + ' ' in server.get('/metrics').decode() else None


def states_and_their_reasons():
    needs_element('rtspsrc', 'rtpjpegpay')
    port, other = free_port(), free_port()
    black = temporary.make_signal('states.avi', ('black', 3))
    config = make_config('states.conf', f'''
[stream still]
uri={black}
[stream camera]
uri=rtsp://127.0.0.1:{port}/live
timeout=2
[stream nobody]
uri=rtsp://me:secret@127.0.0.1:{other}/live
[stream missing]
uri=/nowhere/at/all.avi
[stream text]
uri={config_path('words.txt')}
''')
    with RtspServer(port, 'smpte') as camera, Serve(config) as server:
        server.wait_for('camera', 'plays', state='playing', label='color-bars')
        away = server.wait_for('nobody', 'is away', state='no-signal')
        check('nothing listens' in away['reason'] and 'secret' not in str(away), f'{away}')
        missing = server.wait_for('missing', 'failed', state='failed')
        check('no such file' in missing['reason'], f'{missing}')
        server.wait_for('text', 'is no video', state='failed')
        # The camera hangs, goes away and comes again; the file plays on.
        camera.signal(signal.SIGSTOP)
        stalled = server.wait_for('camera', 'stalls', state='stalled')
        check('no frame came for 2 s' in stalled['reason'], f'{stalled}')
        camera.process.kill()
        server.wait_for('camera', 'is away', state='no-signal')
        with RtspServer(port, 'black'):
            back = server.wait_for('camera', 'is back', state='playing', label='black')
            check(back['reconnects'] > 0 and back['reason'] is None, f'{back}')
        frames = server.stream('still')['frames']
        until(lambda: server.stream('still')['frames'] > frames, 'the file plays on')
        check(all('secret' not in line for line in server.log + server.errors), f'{server.log}')


def config_path(name):
    return temporary.write(name, 'These are words and no video.\n' * 50)


def credentials_of_a_file():
    needs_element('rtspsrc', 'rtpjpegpay')
    port = free_port()
    secret = temporary.write('secret', 'me:secret\n')
    config = make_config('credentials.conf', f'''
[stream good]
uri=rtsp://127.0.0.1:{port}/live
credentials={secret}
[stream bad]
uri=rtsp://127.0.0.1:{port}/live
''')
    with RtspServer(port, 'smpte', 'me', 'secret'), Serve(config) as server:
        server.wait_for('good', 'plays', state='playing')
        bad = server.wait_for('bad', 'is refused', state='failed')
        check('user name and a password' in bad['reason'], f'{bad}')


def results_from_elsewhere():
    with Serve('edge=push:', 'other=push:') as server:
        equal(server.stream('edge')['state'], 'connecting', 'state')
        record = {'event': 'frame', 'label': 'cat', 'score': 0.75, 'classes': [],
                  'objects': [{'type': 'gate', 'label': 'open', 'score': 0.5, 'x': 0, 'y': 0}]}
        server.ask('POST', '/api/streams/edge/results', [record], wanted=204)
        found = server.stream('edge')
        equal((found['state'], found['label'], found['score']), ('playing', 'cat', 0.75), 'result')
        equal([(region['region'], region['label']) for region in found['seen_regions']],
              [('gate', 'open')], 'regions')
        for bad in ({}, [1], 'text', {'label': 3}, [{'label': None}]):
            status, _, _ = server.request('POST', '/api/streams/edge/results', bad)
            check(status == 400 or bad == 'text', f'{bad}: {status}')
        equal(server.stream('other')['state'], 'connecting', 'the other')
        server.refuses('POST', '/api/streams/none/results', record, 404, 'no stream')


# The API

def streams_are_added_changed_and_removed():
    with Serve() as server:
        made = server.ask('POST', '/api/streams', {'name': 'a', 'uri': 'push:', 'rate': 2}, wanted=201)
        equal((made['name'], made['settings']['rate']), ('a', 2), 'made')
        server.refuses('POST', '/api/streams', {'name': 'a', 'uri': 'push:'}, 409, 'already')
        push(server, 'a', 'cat')
        changed = server.ask('PATCH', '/api/streams/a', {'detect': 7, 'regions': 'x=0,0,0.5,0.5'})
        equal((changed['settings']['detect'], changed['settings']['rate'], changed['label']),
              (7, 2, 'cat'), 'changed, without a new start')
        equal(server.ask('PATCH', '/api/streams/a', {'detect': None})['settings']['detect'], 2, 'preset')
        for body, words in (
                ({'name': 'b'}, ('uri',)),
                ({'name': '../b', 'uri': 'push:'}, ('cannot be a name',)),
                ({'uri': 'push:'}, ('cannot be a name',)),
                ({'name': 'b', 'uri': 'push:', 'ratte': 1}, ('unknown key "ratte"', 'rate')),
                ({'name': 'b', 'uri': 'push:', 'rate': 'fast'}, ('rate takes a number', 'fast')),
                ({'name': 'b', 'uri': 'push:', 'rate': 1e9}, ('rate takes a number',)),
                ({'name': 'b', 'uri': 'push:', 'rate': [1]}, ('expected a text',)),
                ({'name': 'b', 'uri': 'push:', 'model': 'none'}, ('no [model none]',)),
                ({'name': 'b', 'uri': 'push:', 'outputs': 'none'}, ('no [output none]',)),
                ({'name': 'b', 'uri': 'push:', 'regions': 'x=1,2'}, ('regions', 'x=1,2')),
                ({'name': 'b', 'uri': 'push:', 'regions': 'x=0,0,nan,1'}, ('regions',)),
                ({'name': 'b', 'uri': 'rt sp'}, ('stream',)),
                ([], ('object',)), ('{', ('JSON',)), ('', ('JSON',)), (b'\xff\xfe', ('UTF-8',))):
            status = 403 if body == {'name': 'b', 'uri': 'rt sp'} else 400
            server.refuses('POST', '/api/streams', body, status, *words)
        for body in ({'name': 'b', 'uri': 'file:///etc/passwd'}, {'name': 'b', 'uri': '/etc/passwd'},
                     {'name': 'b', 'uri': '/dev/video0'},
                     {'name': 'b', 'uri': 'push:', 'credentials': '/etc/passwd'}):
            server.refuses('POST', '/api/streams', body, 403, 'configuration')
        equal(len(server.get('/api/streams')['streams']), 1, 'nothing was half-made')
        server.ask('DELETE', '/api/streams/a', wanted=204)
        server.refuses('DELETE', '/api/streams/a', None, 404, 'no stream "a"')
        equal(server.get('/api/streams')['streams'], [], 'streams')


def changes_are_written_back():
    config = temporary.write('back.conf', '[server]\nlisten=127.0.0.1:0\nwrite-back=true\n'
                             '# mine\n[stream old]\nuri=push:\n[stream gone]\nuri=push:\n')
    with Serve(config) as server:
        server.ask('POST', '/api/streams', {'name': 'new', 'uri': 'push:', 'rate': 3}, wanted=201)
        server.ask('PATCH', '/api/streams/old', {'hold': 1.5})
        server.ask('DELETE', '/api/streams/gone', wanted=204)
    with open(config, encoding='utf-8') as file:
        text = file.read()
    check('# mine' in text and 'gone' not in text and 'hold=1.5' in text, text)
    with Serve(config) as server:
        equal({stream['name']: stream['settings']['rate']
               for stream in server.get('/api/streams')['streams']}, {'new': 3, 'old': 5}, 'streams')


def paths_and_methods():
    with Serve('a=push:') as server:
        for path in ('/nothing', '/api', '/api/streams/', '/api/streams/a/', '/api/streams/a/b',
                     '/../../etc/passwd', '/api/streams/../../etc/passwd', '/%2e%2e/etc/passwd',
                     '/api/streams/%2e%2e', '/api/streams/..%2f..%2fetc%2fpasswd'):
            status, text, _ = server.request('GET', path)
            check(status in (400, 404) and b'root:' not in text, f'{path}: {status} {text}')
        status, _, headers = server.request('PUT', '/api/streams/a')
        equal((status, set(headers['Allow'].split(', '))), (405, {'GET', 'PATCH', 'DELETE'}), 'PUT')
        status, text, _ = server.request('HEAD', '/api/streams')
        equal((status, text), (200, b''), 'HEAD')
        # Who keeps a connection is told that it ends.
        connection = server.connect()
        for method, path, wanted in (('GET', '/healthz', 200), ('POST', '/api/streams/a/results', 204),
                                     ('GET', '/nothing', 404)) * 2:
            connection.request(method, path, body='{"label": "cat"}' if method == 'POST' else None,
                               headers={'Content-Type': 'application/json'})
            answer = connection.getresponse()
            answer.read()
            equal((answer.status, answer.headers['Connection']), (wanted, 'close'), path)
        # What a page of another site could send.
        for headers, wanted in (({'Origin': 'http://evil.example'}, 403), ({'Host': 'evil.example'}, 403),
                                ({'Content-Type': 'text/plain'}, 415),
                                ({'Origin': f'http://{server.host}'}, 201)):
            status, text, _ = server.request('POST', '/api/streams', {'name': 'x', 'uri': 'push:'}, headers)
            equal(status, wanted, f'{headers}: {text}')


# The configuration

def what_is_wrong_in_a_configuration():
    busy = socket.create_server(('127.0.0.1', 0))
    port = busy.getsockname()[1]
    for text, words in (
            ('[stream a]\nuri=push:\nraet=2\n', ('[stream a]', 'unknown key "raet"', 'rate')),
            ('[stream a]\nuri=push:\n[stream a]\nuri=push:\n', ('line 3', '[stream a] is there twice')),
            ('[stream a]\nuri=push:\nuri=push:\n', ('line 3', 'uri is there twice')),
            ('[streem a]\nuri=push:\n', ('[streem a]', 'unknown group', '[stream NAME]')),
            ('[stream a b]\nuri=push:\n', ('"a b" cannot be a name',)),
            ('[stream a]\nrate=1\n', ('[stream a]', 'expected a uri')),
            ('[stream a]\nuri=push:\nrate=nan\n', ('rate takes a number from 0.01 to 1000, not "nan"',)),
            ('[stream a]\nuri=no uri\n', ('"no uri" is neither a URI nor a file',)),
            ('[stream a]\nuri=push:\nmodel=x\n', ('there is no [model x]',)),
            ('[stream a]\nuri=push:\noutputs=x\n', ('there is no [output x]',)),
            ('[output x]\n', ('[output x]', 'either uri or command')),
            ('uri=push:\n', ('group',)),
            ('[server]\nwrite-back=yes\n', ('write-back takes true or false, not "yes"',)),
            ('[server]\nlisten=nonsense\n', ('expected ADDRESS:PORT', 'nonsense')),
            ('[server]\nlisten=*:0\n', ('can be reached by others', 'token')),
            ('[server]\nlisten=127.0.0.1:99999\n', ('expected ADDRESS:PORT',)),
            ('[server]\nlisten=127.0.0.1:0\ntoken=/nowhere\n', ('token', '/nowhere')),
            ('[server]\nlisten=127.0.0.1:0\ntoken=env:NO_SUCH_VARIABLE\n', ('env:NO_SUCH_VARIABLE',)),
            ('[server]\nlisten=127.0.0.1:0\ncertificate=/nowhere\n', ('certificate', '/nowhere')),
            (f'[server]\nlisten=127.0.0.1:{port}\n', (f'cannot listen at 127.0.0.1:{port}', 'in use'))):
        path = temporary.write('wrong.conf', text)
        Run('serve', path, env=plain_env(), timeout=60).fails(1, *words)
    Run('serve', temporary.path('none.conf'), env=plain_env()).fails(1, 'none.conf')
    Run('serve', 'a=push:', 'a=push:', env=plain_env()).fails(1, 'two streams are called "a"')
    Run('serve', '--listen', f'127.0.0.1:{port}', env=plain_env()).fails(1, 'cannot listen')
    busy.close()


def a_configuration_that_changes():
    body = '[stream same]\nuri=push:\n[stream live]\nuri=push:\n'
    path = make_config('change.conf', body + '[stream gone]\nuri=push:\n')
    with Serve(path) as server:
        for name in ('same', 'live', 'gone'):
            push(server, name, 'cat')
        server.ask('POST', '/api/streams', {'name': 'mine', 'uri': 'push:'}, wanted=201)
        make_config('change.conf', body + 'detect=9\n[stream new]\nuri=push:\n')
        until(lambda: server.request('GET', '/api/streams/new')[0] == 200, 'reads the file again')
        server.ask('GET', '/api/streams/gone', wanted=404)
        equal(server.stream('same')['label'], 'cat', 'what did not change goes on')
        live = server.stream('live')
        equal((live['label'], live['settings']['detect']), ('cat', 9), 'live settings')
        server.stream('mine')  # the file does not know of it; it stays
        # A mistake changes nothing, and is told.
        make_config('change.conf', body + 'detect=never\n')
        server.process.send_signal(signal.SIGHUP)
        until(lambda: any('detect takes a number' in line for line in server.errors), 'tells the mistake')
        server.stream('new')
        check(server.metric('effvk_config_failed_reloads_total') > 0, 'not counted')
        make_config('change.conf', body)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.request('GET', '/api/streams/new')[0] == 404, 'mended')


def only_what_changed_starts_anew():
    black = temporary.make_signal('anew.avi', ('black', 60))
    path = make_config('anew.conf', f'[stream a]\nuri={black}\n[stream b]\nuri={black}\n')
    with Serve(path) as server:
        for name in 'ab':
            server.wait_for(name, 'plays', state='playing', label='black')
        frames = server.stream('a')['frames']
        bars = temporary.make_signal('anew-bars.avi', ('smpte', 60))
        make_config('anew.conf', f'[stream a]\nuri={black}\nrate=2\n[stream b]\nuri={bars}\n')
        server.wait_for('b', 'is another one', label='color-bars')
        found = server.stream('a')
        check(found['frames'] >= frames and found['reconnects'] == 0 and found['settings']['rate'] == 2
              and 'a: connecting' not in server.log, f'{found} {server.log}')


# Who may come in

def tokens():
    path = temporary.write('token', 'correct horse battery\n')
    with Serve('a=push:', '--token', path, listen='*:0', token='correct horse battery') as server:
        server.host = server.host.replace('0.0.0.0', '127.0.0.1')
        server.stream('a')
        for headers in ({'Authorization': ''}, {'Authorization': 'Bearer wrong'},
                        {'Authorization': 'Bearer correct horse batterx'},
                        {'Authorization': 'Bearer '}, {'Authorization': 'Basic correct horse battery'},
                        {'Authorization': '', 'Cookie': 'effvk=1; x=2'}):
            for method, url in (('GET', '/api/streams'), ('GET', '/metrics'), ('DELETE', '/api/streams/a'),
                                ('GET', '/api/nothing')):
                status, text, answered = server.request(method, url, headers=headers)
                equal((status, answered['WWW-Authenticate']), (401, 'Bearer realm="effvk"'), f'{headers} {url}')
                check(b'correct' not in text, f'{text}')
        for url in ('/healthz', '/readyz'):
            equal(server.request('GET', url, headers={'Authorization': ''})[0], 200, url)
        server.stream('a')
    Run('serve', '--token', temporary.write('short', 'abc'), env=plain_env()).fails(1, 'at least 8')


def tls():
    if not shutil.which('openssl'):
        raise Skip('no openssl')
    key, certificate = temporary.path('key.pem'), temporary.path('certificate.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out',
                    certificate, '-days', '2', '-subj', '/CN=localhost'], check=True, capture_output=True)
    path = temporary.write('tls.conf', f'[server]\nlisten=127.0.0.1:0\ncertificate={certificate}\n'
                           f'key={key}\nrequest-timeout=2\n[stream a]\nuri=push:\n')
    server = Serve(path, listen=None)
    try:
        until(lambda: server.log or server.process.poll() is not None, 'a word')
        if any('glib-networking' in line for line in server.errors):
            raise Skip('no glib-networking')
        server.wait_for_url()
        equal(server.scheme, 'https', 'scheme')
        equal(server.stream('a')['name'], 'a', 'stream')
        # Nothing but silence, and nothing but nonsense, instead of a handshake.
        host, _, port = server.host.rpartition(':')
        with socket.create_connection((host, int(port))) as silent, \
                socket.create_connection((host, int(port))) as nonsense:
            nonsense.sendall(b'GET / HTTP/1.1\r\n\r\n')
            for client in (silent, nonsense):
                client.settimeout(30)
                try:
                    while client.recv(1000):
                        pass
                except ConnectionError:
                    pass
        server.stream('a')
    finally:
        server.__exit__()


def bodies_and_requests_have_bounds():
    path = temporary.write('bounds.conf', '[server]\nlisten=127.0.0.1:0\nrequest-timeout=2\n[stream a]\nuri=push:\n')
    with Serve(path) as server:
        host, _, port = server.host.rpartition(':')
        def talk(data):
            with socket.create_connection((host, int(port))) as client:
                client.settimeout(30)
                answer = b''
                try:
                    client.sendall(data)
                    while part := client.recv(65536):
                        answer += part
                except ConnectionError:
                    pass
                return answer
        head = b'POST /api/streams HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
        for data, wanted in (
                (head + b'Content-Length: 300000\r\n\r\n' + b' ' * 300000, b' 413 '),
                (head + b'Content-Length: 99999999999999\r\n\r\n', b''),
                (head + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', b' 411 '),
                (head + b'Content-Length: 100\r\n\r\n{"name":', b''),  # it never ends
                (head, b''), (b'', b''), (b'G', b''),
                (b'nonsense\r\n\r\n', b' 400 '),
                (b'GET /' + b'x' * 200000 + b' HTTP/1.1\r\n\r\n', None),
                (b'GET / HTTP/1.1\r\n' + b'X: ' + b'y' * 300000 + b'\r\n\r\n', None)):
            begin = time.monotonic()
            answer = talk(data)
            check(time.monotonic() - begin < 25, f'{data[:100]} was not cut off')
            check(wanted is None or wanted in answer, f'{data[:100]}: {answer[:200]}')
        server.stream('a')


def more_clients_than_there_is_room_for():
    path = temporary.write('clients.conf', '[server]\nlisten=127.0.0.1:0\nmax-clients=20\nrequest-timeout=3\n'
                           '[stream a]\nuri=push:\n')
    with Serve(path) as server:
        host, _, port = server.host.rpartition(':')
        push(server, 'a', 'cat')
        memory = server.metric('effvk_resident_memory_bytes')
        answers = {}
        for _ in range(20):  # 10,000 in all
            clients = [socket.create_connection((host, int(port)), timeout=30) for _ in range(500)]
            for client in clients:
                try:
                    client.sendall(b'GET /api/streams/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
                except ConnectionError:
                    pass
            for client in clients:
                try:
                    status = client.recv(65536).split(b' ')[1:2]
                except ConnectionError:
                    status = []
                answers[status[0] if status else b'cut'] = answers.get(status[0] if status else b'cut', 0) + 1
                client.close()
        check(set(answers) <= {b'200', b'503', b'cut'} and answers[b'200'] > 0, f'{answers}')
        until(lambda: server.request('GET', '/healthz')[0] == 200, 'answers again')
        equal(server.stream('a')['label'], 'cat', 'the stream')
        check(server.metric('effvk_resident_memory_bytes') < memory + 64e6, 'memory grew')
        # They hold the room, but not for ever.
        held = [socket.create_connection((host, int(port)), timeout=30) for _ in range(20)]
        check(b' 503 ' in socket.create_connection((host, int(port)), timeout=30).recv(1000), 'room for one more')
        until(lambda: server.request('GET', '/healthz')[0] == 200, 'those who are silent are cut off')
        for client in held:
            client.close()


# Others who read

def prometheus_reads_the_metrics():
    if not shutil.which('prometheus') or not shutil.which('promtool'):
        raise Skip('no prometheus')
    with Serve('a=push:', 'b=push:') as server:
        server.ask('PATCH', '/api/streams/a', {'timeout': 600})
        push(server, 'a', 'cat')
        lint(server)
        port, folder = free_port(), temporary.make_folder()
        config = temporary.write('prometheus.yml', 'scrape_configs:\n- job_name: effvk\n  scrape_interval: 1s\n'
                                 f'  static_configs:\n  - targets: ["{server.host}"]\n')
        process = subprocess.Popen(['prometheus', f'--config.file={config}', f'--storage.tsdb.path={folder}',
                                    f'--web.listen-address=127.0.0.1:{port}'],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            reader = Serve.__new__(Serve)
            reader.scheme, reader.host, reader.token = 'http', f'127.0.0.1:{port}', None
            def find():
                try:
                    status, text, _ = reader.request(
                        'GET', '/api/v1/query?query=effvk_stream_state%7Bstate%3D%22playing%22%7D')
                except OSError:
                    return None  # it does not listen yet
                return json.loads(text)['data']['result'] if status == 200 else None
            values = {one['metric']['stream']: one['value'][1] for one in until(find, 'prometheus')}
            equal(values, {'a': '1', 'b': '0'}, 'what prometheus knows')
        finally:
            process.kill()
            process.wait()


run_tests([streams_of_the_command_line, a_file_of_one_frame, a_lone_stream_keeps_its_network, states_and_their_reasons, credentials_of_a_file,
           results_from_elsewhere, streams_are_added_changed_and_removed, changes_are_written_back,
           paths_and_methods, what_is_wrong_in_a_configuration, a_configuration_that_changes,
           only_what_changed_starts_anew, tokens, tls, bodies_and_requests_have_bounds,
           more_clients_than_there_is_room_for, prometheus_reads_the_metrics])
