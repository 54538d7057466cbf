#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of deploy/, without a cluster: Kubernetes' manifests against the classes of its API
(python3-kubernetes), also as the GPU variants patch them; compose.yaml; the service of systemd.

What is not in Kubernetes' API itself, ServiceMonitor and kustomization.yaml, is compared with a list
of fields in this file. `docker-compose config` reads compose.yaml where it is installed."""

import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools'))
# pylint: disable=wrong-import-position
from effvktool import ROOT, Folder, Run, Skip, check, equal, plain_env, run_tests
from servetool import Serve

DEPLOY = os.path.join(ROOT, 'deploy')
LABELS = {'app.kubernetes.io/name': 'effvk'}

temporary = Folder('effvk-deploy-')


def load(path):
    try:
        import yaml
    except ImportError:
        raise Skip('no python3-yaml') from None
    with open(os.path.join(DEPLOY, path), encoding='utf-8') as file:
        return list(yaml.safe_load_all(file))


def load_one(path):
    documents = load(path)
    equal(len(documents), 1, f'{path}: documents')
    return documents[0]


# Kubernetes

def api_class(name):
    try:
        import kubernetes.client
    except ImportError:
        raise Skip('no python3-kubernetes') from None
    found = getattr(kubernetes.client, name, None)
    return found if hasattr(found, 'openapi_types') else None


def check_type(value, kind, where):
    """Whether a value is of a type of the API, as python3-kubernetes names it."""
    if kind.startswith('list['):
        check(isinstance(value, list), f'{where}: expected a list, found {value!r}')
        for i, one in enumerate(value):
            check_type(one, kind[5:-1], f'{where}[{i}]')
    elif kind.startswith('dict('):
        check(isinstance(value, dict), f'{where}: expected a map, found {value!r}')
        for key, one in value.items():
            check(isinstance(key, str), f'{where}: {key!r} is no text')
            check_type(one, kind[5:-1].split(', ', 1)[1], f'{where}.{key}')
    elif kind in ('str', 'datetime'):
        check(isinstance(value, str), f'{where}: expected a text, found {value!r}')
    elif kind in ('int', 'bool', 'float'):
        check(type(value).__name__ == kind, f'{where}: expected {kind}, found {value!r}')
    elif kind == 'object':  # a number or a text, such as a port
        check(isinstance(value, (int, str)), f'{where}: expected a number or a text, found {value!r}')
    else:
        check_object(value, kind, where)


def check_object(value, name, where):
    found = api_class(name)
    check(found is not None, f'{where}: the API has no {name}')
    check(isinstance(value, dict), f'{where}: expected an object, found {value!r}')
    fields = {there: here for here, there in found.attribute_map.items()}
    for key, one in value.items():
        check(key in fields, f'{where}: {name} has no field {key!r}; there are {sorted(fields)}')
        check_type(one, found.openapi_types[fields[key]], f'{where}.{key}')
    try:  # what is required
        found(**{fields[key]: one for key, one in value.items()})
    except ValueError as problem:
        raise ValueError(f'{where}: {problem}') from None


CLASSES = {('v1', 'ConfigMap'): 'V1ConfigMap', ('v1', 'Service'): 'V1Service',
           ('apps/v1', 'StatefulSet'): 'V1StatefulSet',
           ('policy/v1', 'PodDisruptionBudget'): 'V1PodDisruptionBudget'}


def check_manifest(value, where):
    kind = (value.get('apiVersion'), value.get('kind'))
    check(kind in CLASSES, f'{where}: {kind} is not known')
    check_object(value, CLASSES[kind], where)
    return kind[1]


def load_base():
    """kind → manifest, of what kustomization.yaml lists."""
    base = load_one('kubernetes/kustomization.yaml')
    equal(sorted(base), ['apiVersion', 'kind', 'resources'], 'kustomization.yaml')
    there = {os.path.basename(path) for path in glob.glob(os.path.join(DEPLOY, 'kubernetes', '*.yaml'))}
    equal(sorted(base['resources']), sorted(there - {'kustomization.yaml'}), 'resources')
    found = {}
    for name in base['resources']:
        value = load_one(f'kubernetes/{name}')
        found[check_manifest(value, name)] = value
    return found


def merge(value, patch):
    """A strategic merge, as far as these patches need it: lists of named things by name."""
    if isinstance(value, dict) and isinstance(patch, dict):
        return {**value, **{key: merge(value.get(key), one) for key, one in patch.items()}}
    if isinstance(value, list) and isinstance(patch, list) and all(
            isinstance(one, dict) and 'name' in one for one in value + patch):
        names = [one['name'] for one in value]
        more = {one['name']: one for one in patch}
        return [merge(one, more.get(one['name'], {})) for one in value] + [
            one for one in patch if one['name'] not in names]
    return patch


def manifests_are_of_the_api():
    found = load_base()
    equal(sorted(found), ['ConfigMap', 'PodDisruptionBudget', 'Service', 'StatefulSet'], 'kinds')
    # The check itself sees what is wrong.
    for change in ({'spec': {'replica': 2}}, {'spec': {'replicas': '2'}}, {'spec': {'template': {'spec': {'containers': [
            {'name': 'effvk', 'securityContext': {'runAsRoot': False}}]}}}}, {'spec': {'selector': None}}):
        try:
            check_manifest(merge(found['StatefulSet'], change), 'wrong')
        except Exception:  # pylint: disable=broad-except
            continue
        check(False, f'{change} was not noticed')


def manifests_go_together():
    found = load_base()
    pods = found['StatefulSet']['spec']['template']
    container = pods['spec']['containers'][0]
    for kind, selector in (('StatefulSet', found['StatefulSet']['spec']['selector']['matchLabels']),
                           ('Service', found['Service']['spec']['selector']),
                           ('PodDisruptionBudget', found['PodDisruptionBudget']['spec']['selector']['matchLabels'])):
        equal(selector, LABELS, f'{kind}: selector')
    equal(pods['metadata']['labels'], LABELS, 'labels of the pods')
    equal(found['Service']['metadata']['labels'], LABELS, 'labels of the service')
    equal(found['StatefulSet']['spec']['serviceName'], found['Service']['metadata']['name'], 'serviceName')
    ports = {port['name']: port['containerPort'] for port in container['ports']}
    equal([port['targetPort'] for port in found['Service']['spec']['ports']], list(ports), 'ports')
    for probe in ('startupProbe', 'livenessProbe', 'readinessProbe'):
        check(container[probe]['httpGet']['port'] in ports, f'{probe}: the port')
    volumes = [volume['name'] for volume in pods['spec']['volumes']] + [
        claim['metadata']['name'] for claim in found['StatefulSet']['spec']['volumeClaimTemplates']]
    equal(sorted(mount['name'] for mount in container['volumeMounts']), sorted(volumes), 'volumes')
    config = found['ConfigMap']['data']['effvk.conf']
    mounts = {mount['mountPath'] for mount in container['volumeMounts']}
    for path in re.findall(r'^(?:token|state-directory)=(/.*)', config, re.M):
        check(any(path == mount or os.path.dirname(path) == mount for mount in mounts), f'{path} is not mounted')
    equal(re.findall(r'^shard=auto/(\d+)', config, re.M), [str(found['StatefulSet']['spec']['replicas'])], 'shards')
    with open(os.path.join(DEPLOY, 'Containerfile'), encoding='utf-8') as file:
        text = file.read()
    user = re.search(r'^USER (\d+):(\d+)$', text, re.M)
    context = pods['spec']['securityContext']
    equal((context['runAsUser'], context['runAsGroup']), (int(user[1]), int(user[2])), 'the user')
    check(f'EXPOSE {ports["http"]}\n' in text, 'EXPOSE')
    # The server takes the configuration.
    token = temporary.write('token', 'a secret of some length')
    path = temporary.write('effvk.conf', config.replace('*:8570', '127.0.0.1:0').replace(
        '/etc/effvk-secret/token', token).replace('/var/lib/effvk', temporary.make_folder()).replace('auto/', '0/'))
    with Serve(path, listen=None) as server:
        for probe in ('livenessProbe', 'readinessProbe'):
            equal(server.request('GET', container[probe]['httpGet']['path'])[0], 200, probe)


def variants_for_gpus():
    base = load_base()['StatefulSet']
    for name in ('gpu-dri', 'gpu-plugin'):
        value = load_one(f'kubernetes/{name}/kustomization.yaml')
        equal((sorted(value), value['resources']), (['apiVersion', 'kind', 'patches', 'resources'], ['..']), name)
        patched = base
        for patch in value['patches']:
            equal(sorted(patch), ['patch', 'target'], f'{name}: patch')
            equal(patch['target'], {'kind': 'StatefulSet', 'name': base['metadata']['name']}, f'{name}: target')
            import yaml
            patched = merge(patched, yaml.safe_load(patch['patch']))
        check_manifest(patched, name)
        container = patched['spec']['template']['spec']['containers'][0]
        equal(len(patched['spec']['template']['spec']['containers']), 1, f'{name}: containers')
        equal(container['image'], 'effvk:latest', f'{name}: the rest is as it was')
        if name == 'gpu-dri':
            check(container['securityContext']['privileged'] and container['securityContext']['readOnlyRootFilesystem']
                  and '/dev/dri' in {mount['mountPath'] for mount in container['volumeMounts']}, name)
        else:
            check(any('/' in resource for resource in container['resources']['limits']), name)


def service_monitor():
    monitoring = load_one('kubernetes/monitoring/kustomization.yaml')
    value = load_one(os.path.join('kubernetes/monitoring', *monitoring['resources']))
    equal((value['apiVersion'], value['kind'], sorted(value)),
          ('monitoring.coreos.com/v1', 'ServiceMonitor', ['apiVersion', 'kind', 'metadata', 'spec']), 'kind')
    equal(sorted(value['spec']), ['endpoints', 'selector'], 'spec')
    service = load_one('kubernetes/service.yaml')
    equal(value['spec']['selector'], {'matchLabels': service['metadata']['labels']}, 'selector')
    for endpoint in value['spec']['endpoints']:
        check(set(endpoint) <= {'port', 'path', 'interval', 'scrapeTimeout', 'scheme', 'authorization', 'tlsConfig'},
              f'{endpoint}')
        equal(sorted(endpoint['authorization']['credentials']), ['key', 'name'], 'credentials')
        check(endpoint['port'] in {port['name'] for port in service['spec']['ports']}, 'port')


# Compose

def compose():
    value, more = load_one('compose.yaml'), load_one('compose.gpu.yaml')
    equal(sorted(value), ['name', 'services', 'volumes'], 'compose.yaml')
    service = value['services']['effvk']
    build = service['build']
    check(os.path.exists(os.path.join(DEPLOY, build['context'], build['dockerfile'])), f'{build}')
    for volume in service['volumes']:
        source, target = volume.split(':')[:2]
        check(source in value['volumes'] or os.path.exists(os.path.join(DEPLOY, source)), f'{source} is not there')
        check(target.startswith('/'), volume)
    for port in service['ports']:
        check(re.fullmatch(r'127\.0\.0\.1:\d+:8570', port), f'{port}: not on loopback')
    check(service['read_only'] and service['cap_drop'] == ['ALL'] and 'privileged' not in service, 'rights')
    equal(sorted(more['services']['effvk']), ['devices', 'group_add'], 'compose.gpu.yaml')
    # The program of the health check is right.
    with Serve('a=push:') as server:
        host, _, port = server.host.rpartition(':')
        command = service['healthcheck']['test']
        equal(command[:3], ['CMD', 'bash', '-c'], 'healthcheck')
        text = command[3].replace('127.0.0.1/8570', f'{host}/{port}')
        check(text != command[3], text)
        subprocess.run(['bash', '-c', text], check=True, timeout=30)
        done = subprocess.run(['bash', '-c', text.replace('/healthz', '/none')], check=False, timeout=30)
        check(done.returncode != 0, 'the health check is always good')
    # The server takes the configuration.
    with open(os.path.join(DEPLOY, 'effvk.conf'), encoding='utf-8') as file:
        text = file.read()
    path = temporary.write('compose.conf', text.replace('*:8570', '127.0.0.1:0').replace(
        '/var/lib/effvk', temporary.make_folder()))
    with Serve(path, listen=None, env={'EFFVK_TOKEN': 'a secret of some length'},
               token='a secret of some length') as server:
        equal(len(server.get('/api/streams')['streams']), 1, 'streams')
    Run('serve', path, env=dict(plain_env(), EFFVK_TOKEN='')).fails(1, 'token')


def compose_by_its_own_program():
    if not shutil.which('docker-compose'):
        raise Skip('no docker-compose')
    for files in (['compose.yaml'], ['compose.yaml', 'compose.gpu.yaml']):
        options = [option for name in files for option in ('-f', os.path.join(DEPLOY, name))]
        done = subprocess.run(['docker-compose', *options, 'config', '-q'], capture_output=True, text=True, check=False,
                              env=dict(os.environ, EFFVK_TOKEN='a secret of some length'))
        equal(done.returncode, 0, f'{files}: {done.stderr}')


# systemd

def systemd():
    if not shutil.which('systemd-analyze'):
        raise Skip('no systemd-analyze')
    path = os.path.join(DEPLOY, 'systemd', 'effvk.service')
    done = subprocess.run(['systemd-analyze', 'security', '--offline=true', '--threshold=30', '--no-pager', path],
                          capture_output=True, text=True, check=False)
    level = re.search(r'exposure level for effvk\.service: ([\d.]+)', done.stdout)
    check(done.returncode == 0 and level and float(level[1]) < 3, f'{done.stdout[-300:]}{done.stderr}')
    print(f'# systemd-analyze security: {level[1]}')
    # The command and the manual need not be installed here.
    with open(path, encoding='utf-8') as file:
        text = file.read().replace('/usr/bin/effvk', '/bin/true')
    copy = temporary.write('effvk.service', re.sub(r'^Documentation=.*\n', '', text, flags=re.M))
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', copy], capture_output=True, text=True, check=False)
    equal((done.returncode, [line for line in done.stderr.splitlines() if 'effvk.service' in line]), (0, []), 'verify')


def what_the_service_may_do():
    """Its system calls, sockets, /proc and capabilities are enough to classify; other ones it does not have."""
    try:
        import seccomp  # noqa: F401 # pylint: disable=unused-import
    except ImportError:
        raise Skip('no python3-seccomp') from None
    if not shutil.which('systemd-analyze'):
        raise Skip('no systemd-analyze')
    inside = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
    if os.geteuid() != 0 or subprocess.run([*inside, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], check=False,
                                           stderr=subprocess.DEVNULL).returncode:
        raise Skip('cannot mount a small file system')
    folder = temporary.make_folder()
    for path in (temporary.name, folder):
        os.chmod(path, 0o755)
    above = os.path.dirname(temporary.name)  # of the run alone, where tests/run.sh made it
    if not os.stat(above).st_mode & 0o001:
        os.chmod(above, 0o711)
    state = os.path.join(folder, 'state')
    os.mkdir(state)
    os.chown(state, 61184, 61184)
    black = temporary.make_signal('black.avi', ('black', 3))
    path = temporary.write('sandbox.conf', f'[server]\nlisten=127.0.0.1:0\nstate-directory={state}\n'
                           f'[model default]\ndevice=cpu\n[stream black]\nuri={black}\n')
    program = os.path.join(ROOT, 'tests', 'deploy', 'in-sandbox.py')
    before = [*inside, sys.executable, program, state]
    with Serve(path, listen=None, before=before,
               env={'XDG_CACHE_HOME': state, 'GST_REGISTRY': os.path.join(state, 'registry.bin')}) as server:
        server.wait_for('black', 'is classified', label='black', state='playing')
        check('events.db' in os.listdir(state), f'{os.listdir(state)}')
    # What is not left: a look at the machine, other users' files, sockets for raw packets.
    for code in ("open('/proc/meminfo')", "open('/etc/shadow')", "open('/etc/new', 'w')",
                 "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)", "import os; os.nice(-1)"):
        done = subprocess.run([*before, '/usr/bin/python3', '-c', code], capture_output=True, text=True, check=False)
        check(done.returncode == 1 and re.search('Error: .Errno (1|2|13|30)', done.stderr), f'{code}: {done.stderr[-200:]}')


run_tests([manifests_are_of_the_api, manifests_go_together, variants_for_gpus, service_monitor, compose,
           compose_by_its_own_program, systemd, what_the_service_may_do])
