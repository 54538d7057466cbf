#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""/api/openapi.json of effvk serve: a correct OpenAPI document, which says what the server does. Its
paths, methods, settings and bounds are compared with the server's, and answers with its schemas."""

import copy
import glob
import json
import os
import re

from effvktool import ROOT, Folder, Skip, check, equal, run_tests
from servetool import Serve

META_SCHEMA = '/usr/share/openapi-specification/schemas/v3.0/schema.*'  # JSON, and YAML in Debian 13
SETTING_METHODS = ('get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace')
# A token needs no program to be known, but the page's files do not belong to the API.
PAGE = {('GET', '/'), ('GET', '/{}')}

temporary = Folder('effvk-serve-api-')


def needs_jsonschema():
    try:
        import jsonschema
    except ImportError:
        raise Skip('no python3-jsonschema') from None
    return jsonschema


def operations(document):
    """(method, path, operation)"""
    for path, item in document['paths'].items():
        for method, operation in item.items():
            if method in SETTING_METHODS:
                yield method.upper(), path, operation


def routes():
    """(method, path) of each row of the tables of routes in the source, holes as {}."""
    found = set()
    for name in glob.glob(os.path.join(ROOT, 'tools', 'serve', 'api-*.c')):
        with open(name, encoding='utf-8') as file:
            found |= set(re.findall(r'^  \{ "([A-Z]+)", "(/[^"]*)", ', file.read(), re.M))
    return found - PAGE


def as_json_schema(document):
    """The document with its schemas as JSON Schema has them: OpenAPI 3.0 writes null in another way."""
    document = copy.deepcopy(document)

    def walk(node):
        if isinstance(node, dict):
            if node.pop('nullable', False):
                node['type'] = [node['type'], 'null']
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(document)
    return document


class Answers:
    """Asks a server, and checks that what it answers is what the document says."""

    def __init__(self, server, document):
        self.server, self.document = server, as_json_schema(document)
        self.seen = set()

    def ask(self, method, path, body=None, raw=None, **holes):
        jsonschema = needs_jsonschema()
        operation = self.document['paths'][path][method.lower()]
        real = path.format(**holes)
        status, text, headers = self.server.request(method, real, body if raw is None else raw)
        response = operation['responses'].get(str(status))
        check(response is not None, f'{method} {real}: {status} is not described: {text[:200]}')
        if '$ref' in response:
            response = self.document['components']['responses'][response['$ref'].rpartition('/')[2]]
        self.seen.add((method, path, status))
        content = response.get('content')
        if not content:
            equal(text, b'', f'{method} {real}: the body')
            return None
        kind = (headers['Content-Type'] or '').partition(';')[0]
        check(kind in content, f'{method} {real}: {kind} is not described')
        if kind != 'application/json':
            return text
        value = json.loads(text)
        schema = dict(content[kind].get('schema', {}), components=self.document['components'])
        problem = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(schema).iter_errors(value))
        check(problem is None, f'{method} {real}: {problem and problem.message}: {value}')
        return value


def get_document(server):
    return server.get('/api/openapi.json')


def it_is_openapi():
    jsonschema = needs_jsonschema()
    import yaml
    found = glob.glob(META_SCHEMA)
    if not found:
        raise Skip('no openapi-specification')
    with open(found[0], encoding='utf-8') as file:
        schema = yaml.safe_load(file)
    with Serve() as server:
        document = get_document(server)
    problem = jsonschema.exceptions.best_match(jsonschema.Draft4Validator(schema).iter_errors(document))
    check(problem is None, f'{problem and (list(problem.absolute_path), problem.message)}')
    ids = [operation['operationId'] for _, _, operation in operations(document)]
    equal(len(ids), len(set(ids)), 'operationIds')

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get('$ref'), str):
                target = document
                for part in node['$ref'][2:].split('/'):
                    check(part in target, f'{node["$ref"]} leads nowhere')
                    target = target[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(document)
    for method, path, operation in operations(document):
        holes = set(re.findall(r'\{(\w+)\}', path))
        item = document['paths'][path].get('parameters', []) + operation.get('parameters', [])
        equal({one['name'] for one in item if one['in'] == 'path'}, holes, f'{method} {path}: parameters')


def paths_and_methods_are_those_of_the_router():
    with Serve('a=push:') as server:
        document = get_document(server)
        described = {(method, re.sub(r'\{\w+\}', '{}', path)) for method, path, _ in operations(document)}
        equal(sorted(described), sorted(routes()), 'paths and methods')
        for path in document['paths']:
            wanted = {method for method, other, _ in operations(document) if other == path}
            status, text, headers = server.request('TRACE', path.format(name='a', id=1))
            equal((status, set((headers['Allow'] or '').split(', '))), (405, wanted), f'{path}: {text}')
        for path in ('/api/openapi', '/api/streams/a/openapi.json', '/openapi'):
            equal(server.request('GET', path)[0], 404, path)


def settings_are_those_of_the_code():
    with Serve('a=push:') as server:
        document = get_document(server)
        settings = document['components']['schemas']['Settings']['properties']
        presets = server.stream('a')['settings']
        equal(sorted(settings), sorted(presets), 'settings')
        equal(sorted(document['components']['schemas']['NewStream']['properties']), sorted([*presets, 'name']),
              'settings of a new one')
        for name, schema in settings.items():
            if schema['type'] != 'number':
                continue
            equal(presets[name], schema['default'], f'{name}: the default')
            for value, wanted in ((schema['minimum'], 200), (schema['maximum'], 200),
                                  (schema['minimum'] - 0.001, 400), (schema['maximum'] + 1, 400)):
                status, text, _ = server.request('PATCH', '/api/streams/a', {name: value})
                equal(status, wanted, f'{name}={value}: {text}')


def answers_are_as_described():
    token = temporary.write('token', 'correct horse battery')
    config = temporary.write('answers.conf', '[server]\nlisten=127.0.0.1:0\n[stream a]\nuri=push:\ndetect=0\n')
    with Serve(config, listen=None) as server:
        api = Answers(server, get_document(server))
        equal(api.ask('POST', '/api/streams', {'name': 'b', 'uri': 'push:', 'detect': 0})['name'], 'b', 'name')
        for body in ({'name': 'b', 'uri': 'push:'}, {'name': 'c', 'uri': '/etc/passwd'}, {'name': 'c'}):
            api.ask('POST', '/api/streams', body)
        api.ask('POST', '/api/streams', raw='{')
        result = {'label': 'cat', 'score': 0.5, 'objects': [{'type': 'gate', 'label': 'open', 'score': 1}]}
        api.ask('POST', '/api/streams/{name}/results', [result], name='b')
        api.ask('POST', '/api/streams/{name}/results', {}, name='b')
        api.ask('POST', '/api/streams/{name}/results', {}, name='none')
        equal(len(api.ask('GET', '/api/streams')['streams']), 2, 'streams')
        for name in ('a', 'b', 'none'):
            api.ask('GET', '/api/streams/{name}', name=name)
            api.ask('PATCH', '/api/streams/{name}', {'rate': 2, 'alarms': '*'}, name=name)
            api.ask('GET', '/api/streams/{name}/snapshot.jpg', name=name)
            api.ask('POST', '/api/streams/{name}/examples', {'label': 'open'}, name=name)
        found = api.ask('GET', '/api/events')
        check(len(found['events']) >= 2, f'{found}')
        for number in (found['events'][0]['id'], 99999):
            api.ask('GET', '/api/events/{id}', id=number)
            api.ask('POST', '/api/events/{id}/acknowledge', id=number)
            api.ask('GET', '/api/events/{id}/snapshot.jpg', id=number)
        api.ask('POST', '/api/session', {'token': 'no'})
        for path in ('/healthz', '/readyz', '/metrics', '/api/openapi.json'):
            api.ask('GET', path)
        for name in ('b', 'none'):
            api.ask('DELETE', '/api/streams/{name}', name=name)
        statuses = {status for _, _, status in api.seen}
        check({200, 201, 204, 400, 403, 404, 409} <= statuses, f'{statuses}')
    with Serve('--shard', '0/2', *(f's{i}=push:' for i in range(8))) as server:
        api = Answers(server, get_document(server))
        here = {stream['name'] for stream in api.ask('GET', '/api/streams')['streams']}
        check(0 < len(here) < 8, f'{here}')
        for i in range(8):
            api.ask('GET', '/api/streams/{name}', name=f's{i}')
        check(('GET', '/api/streams/{name}', 421) in api.seen, f'{api.seen}')
    # What needs no token is described so.
    with Serve('--token', token) as server:
        document = get_document(server)
        api = Answers(server, document)
        for path in ('/api/streams', '/metrics'):
            api.ask('GET', path)
        api.ask('POST', '/api/session', {'token': 'no'})
        equal({status for _, _, status in api.seen}, {401}, 'statuses')
        for method, path, operation in operations(document):
            status, _, _ = server.request(method, path.format(name='a', id=1))
            equal(status != 401 or path == '/api/session', operation.get('security') == [{}],
                  f'{method} {path} without a token: {status}')


run_tests([it_is_openapi, paths_and_methods_are_those_of_the_router, settings_are_those_of_the_code,
           answers_are_as_described])
