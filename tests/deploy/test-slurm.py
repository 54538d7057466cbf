#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""deploy/slurm on a Slurm of its own, with Debian's daemons on loopback: an array job classifies a list
of files, its parts are merged, and what fails is named and can be repeated."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools'))
# pylint: disable=wrong-import-position
from effvktool import ROOT, TOOL, Folder, Skip, check, equal, plain_env, run_tests, write_png
from servetool import until
from streams import free_port

SCRIPTS = os.path.join(ROOT, 'deploy', 'slurm')
DAEMONS = ('munged', 'slurmctld', 'slurmd', 'sbatch')
SBIN = '/usr/sbin:/sbin'

temporary = Folder('effvk-slurm-')


class Slurm:
    """A controller and a node in a folder, as one user. They end with the block."""

    def __init__(self):
        os.environ['PATH'] += ':' + SBIN
        for program in DAEMONS:
            if not shutil.which(program):
                raise Skip(f'no {program}')
        if os.geteuid() != 0:
            raise Skip('slurmd needs root')
        self.processes, self.folder = [], temporary.make_folder()
        for name in ('state', 'spool', 'munge'):
            os.mkdir(os.path.join(self.folder, name), 0o700)
        os.chmod(self.folder, 0o755)
        self.environment = dict(os.environ, SLURM_CONF=os.path.join(self.folder, 'slurm.conf'), **plain_env())
        self.environment['PATH'] = os.path.join(self.folder, 'bin') + ':' + os.environ['PATH']
        os.mkdir(os.path.join(self.folder, 'bin'))
        os.symlink(shutil.which(TOOL), os.path.join(self.folder, 'bin', 'effvk'))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, *command):
        with open(self.path(os.path.basename(command[0]) + '.out'), 'wb') as log:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def __enter__(self):
        key = self.path('munge', 'key')
        with open(key, 'wb') as file:
            file.write(os.urandom(1024))
        os.chmod(key, 0o400)
        socket = self.path('munge', 'socket')
        os.chmod(self.path('munge'), 0o711)
        host = subprocess.run(['hostname', '-s'], capture_output=True, text=True, check=True).stdout.strip()
        with open(self.path('slurm.conf'), 'w', encoding='utf-8') as file:
            file.write(f'''ClusterName=effvk
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={socket}
CredType=cred/munge
StateSaveLocation={self.path('state')}
SlurmdSpoolDir={self.path('spool')}
SlurmctldPidFile={self.path('slurmctld.pid')}
SlurmdPidFile={self.path('slurmd.pid')}
SlurmctldLogFile={self.path('slurmctld.log')}
SlurmdLogFile={self.path('slurmd.log')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=10 State=UP
SlurmdParameters=config_overrides
''')
        try:
            self.start('munged', '--foreground', '--force', f'--key-file={key}', f'--socket={socket}',
                       f'--pid-file={self.path("munge", "pid")}', f'--seed-file={self.path("munge", "seed")}',
                       f'--log-file={self.path("munge", "log")}')
            until(lambda: os.path.exists(socket), 'munged')
            self.start('slurmctld', '-D', '-i', '-c')
            self.start('slurmd', '-D', '-N', host)
            until(lambda: 'idle' in self.run('sinfo', '-h', '-o', '%T', check=False), 'a node that is idle')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, *command, check=True):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60,
                              check=False)
        if check and done.returncode:
            raise OSError(f'{command}: status {done.returncode}: {done.stdout}{done.stderr}')
        return done.stdout

    def submit(self, *arguments):
        """(number of the array job, number of the merging job)"""
        return self.run(os.path.join(SCRIPTS, 'submit.sh'), *map(str, arguments)).split()

    def wait_for(self, job):
        """Its state at the end."""
        def find():
            shown = self.run('scontrol', 'show', 'job', job)
            states = {word.partition('=')[2] for word in shown.split() if word.startswith('JobState=')}
            return states if not states & {'PENDING', 'RUNNING', 'COMPLETING', 'CONFIGURING'} else None
        return until(find, f'job {job} ends', 240)


def make_files():
    """Pictures with awkward names, and a video."""
    folder = temporary.make_folder()
    names = []
    for i in range(6):
        names.append(os.path.join(folder, f'picture {i} of "six".png'))
        write_png(names[-1], 64, 48, lambda x, y, i=i: (x * 4 % 256, y * 5 % 256, 40 * i))
    names.append(temporary.make_signal('black.avi', ('black', 2)))
    return names


def write_list(name, names):
    return temporary.write(name, ''.join(f'{name}\n' for name in names))


def read_results(results):
    text = pathlib.Path(results, 'results.jsonl').read_text(encoding='utf-8')
    return [json.loads(line) for line in text.splitlines()]


def a_list_and_what_fails():
    files = make_files()
    options = ['--device', 'cpu', '--top-k', '1', '--interval', '1']
    alone = subprocess.run([TOOL, 'classify', '--json', *options, *files], capture_output=True, text=True,
                           check=True, env=dict(os.environ, **plain_env())).stdout
    wanted = [json.loads(line) for line in alone.splitlines()]
    with Slurm() as slurm:
        results = slurm.path('results')
        begin = time.monotonic()
        job, merge = slurm.submit(3, write_list('all.txt', files), results, *options)
        equal((slurm.wait_for(job), slurm.wait_for(merge)), ({'COMPLETED'}, {'COMPLETED'}), 'states')
        found = read_results(results)
        equal([(one['source'], one.get('label')) for one in found], [(one['source'], one.get('label')) for one in wanted],
              'results, in the order of the list')
        print(f'# {len(files)} files in 3 tasks: {len(found)} results after {time.monotonic() - begin:.0f} s')
        # More tasks than files; one is missing, and its task says so. Then it is there, and only its
        # task runs again.
        missing = os.path.join(temporary.name, 'later.png')
        few = write_list('few.txt', [files[0], missing])
        results = slurm.path('few')
        job, merge = slurm.submit(4, few, results, *options)
        equal((slurm.wait_for(merge), slurm.wait_for(job)), ({'FAILED'}, {'FAILED', 'COMPLETED'}), 'states')
        equal([one['source'] for one in read_results(results)], [files[0]], 'what is there is merged')
        said = pathlib.Path(results, 'merge.log').read_text(encoding='utf-8')
        number = [i for i in range(4) if f'task {i} could not' in said]
        check(len(number) == 1, said)
        check('later.png' in pathlib.Path(results, f'part-{number[0]}.log').read_text(encoding='utf-8'), 'its log')
        shutil.copy(files[1], missing)
        whole = os.stat(os.path.join(results, f'part-{(number[0] + 1) % 4}.jsonl')).st_mtime_ns
        job = slurm.run('sbatch', '--parsable', f'--array=0,{number[0]}', f'--output={results}/part-%a.log',
                        os.path.join(SCRIPTS, 'classify.sbatch'), '4', few, results, *options).strip()
        equal(slurm.wait_for(job), {'COMPLETED'}, 'again')
        merge = slurm.run('sbatch', '--parsable', f'--output={results}/merge.log',
                          os.path.join(SCRIPTS, 'merge.sbatch'), '4', results).strip()
        equal(slurm.wait_for(merge), {'COMPLETED'}, 'merged')
        equal([one['source'] for one in read_results(results)], [files[0], missing], 'all')
        equal(os.stat(os.path.join(results, f'part-{(number[0] + 1) % 4}.jsonl')).st_mtime_ns, whole, 'the others')


def wrong_arguments():
    for arguments in ([], ['0', 'list', 'results'], ['3', 'list'], ['x', 'list', 'results']):
        done = subprocess.run([os.path.join(SCRIPTS, 'submit.sh'), *arguments], capture_output=True, text=True,
                              check=False)
        equal(done.returncode, 2, f'{arguments}')
        check('usage' in done.stderr, done.stderr)


run_tests([a_list_and_what_fails, wrong_arguments])
