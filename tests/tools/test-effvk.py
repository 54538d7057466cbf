#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The effvk command: every subcommand, its JSON, its exit statuses, and bad input."""

import json
import os
import re
import shutil
import socket
import stat
import struct
import subprocess
import threading
import zipfile

from effvktool import (ROOT, Failure, Folder, Run, Skip, check, diagnose, equal, has_fields, launch, write_png,
                       needs_gstreamer, plain_env, run_tests, validate, without_signals)

NUMBER = (int, float)
NO_DRIVER = {'VK_ICD_FILENAMES': '/nonexistent.json', 'VK_DRIVER_FILES': '/nonexistent.json'}
GSTREAMER = os.environ.get('EFFVK_TOOL_GSTREAMER', '1') == '1'
COMMANDS = ['devices', 'inspect', 'classify', 'bench', 'tune', 'selftest', 'export', 'init', 'teach',
            'embed', 'find', 'evaluate'] \
    + (['monitor'] if GSTREAMER else [])

temporary = Folder('effvk-tools-')
folder = temporary.name
path = temporary.path
write = temporary.write
make_picture = temporary.make_picture
make_signal = temporary.make_signal


MODEL = path('model.safetensors')


def model():
    """A small untrained model, made once."""
    if not os.path.exists(MODEL):
        Run('init', '--variant', 'b0', '--classes', 4, '--seed', 7, MODEL).ok()
    return MODEL


def make_video(name, chain):
    launch('videotestsrc num-buffers=10 ! video/x-raw,width=96,height=64,framerate=10/1 ! '
           f'{chain} ! filesink location={path(name)}')
    return path(name)


def check_line(line, source, frame, pts, n_classes, n_known=4):
    has_fields(line, {'event': str, 'source': str, 'frame': int, 'pts': (int, type(None)), 'index': int,
                      'label': str, 'score': NUMBER, 'classes': list}, 'classify')
    equal(line['event'], 'result', 'event')
    validate(line)
    equal(line['source'], source, 'source')
    equal(line['frame'], frame, 'frame')
    equal(line['pts'], pts, 'pts')
    equal(len(line['classes']), n_classes, 'classes')
    for entry in line['classes']:
        has_fields(entry, {'index': int, 'label': str, 'score': NUMBER}, 'a class')
        check(0 <= entry['index'] < n_known and 0 <= entry['score'] <= 1, f'class {entry}')
    scores = [entry['score'] for entry in line['classes']]
    equal(scores, sorted(scores, reverse=True), 'scores from the highest')
    equal({key: line[key] for key in entry}, line['classes'][0], 'the label, the first class')


# The command itself.

def help_names_every_command():
    for arguments in (['--help'], ['help'], ['-h']):
        run = Run(*arguments).ok()
        for command in COMMANDS:
            check(f'  {command}' in run.out, f'{command} is missing: {run}')


def help_of_each_command():
    for command in COMMANDS:
        for arguments in (['help', command], [command, '--help']):
            run = Run(*arguments).ok()
            check(f'effvk {command}' in run.out, f'no usage line: {run}')


def version():
    words = Run('--version').ok().out.split()
    check(words[0] == 'effvk' and words[1][0].isdigit(), f'version {words}')


def wrong_usage_is_status_2():
    run = Run()
    check(run.status == 2 and 'Usage' in run.err and not run.out, str(run))
    Run('frobnicate').fails(2, 'frobnicate')
    Run('help', 'frobnicate').fails(2, 'frobnicate')
    for command in COMMANDS:
        Run(command, '--frobnicate').fails(2, command, 'frobnicate')
    for command in ('devices', 'selftest'):
        Run(command, 'surplus').fails(2, 'surplus')
    Run('inspect', 'a', 'b').fails(2)
    Run('bench', '--model', model(), 'surplus').fails(2, 'surplus')
    Run('init', path('x')).fails(2, '--variant')
    Run('init', '--variant', 'b0').fails(2)
    for options, word in ((['--top-k', 0], 'top-k'), (['--top-k', 1001], 'top-k'),
                          (['--top-k', 'x'], 'top-k'), (['--precision', 'fp8'], 'fp8'),
                          (['--interval', -1], 'interval'), (['--interval', 'nan'], 'interval'),
                          (['--raw', 'I420'], 'I420'), (['--raw', 'I420:0x4'], 'I420'),
                          (['--raw', 'WHAT:4x4'], 'WHAT'), (['--raw', 'RGB:4x99999'], 'RGB'),
                          (['--raw', 'RGB:4x4', '--interval', 1], 'interval')):
        Run('classify', '--model', model(), *options, 'x.png').fails(2, word)
    for options, word in ((['--batch', 0], 'batch'), (['--batch', 65], 'batch'),
                          (['--frames', 0], 'frames'), (['--warmup', -1], 'warmup'),
                          (['--streams', 0], 'streams')):
        Run('bench', '--model', model(), *options).fails(2, word)
    Run('classify', '--model', model()).fails(2)
    Run('classify').fails(2, 'file')
    if GSTREAMER:
        for options, word in ((['--hold', -1], 'hold'), (['--interval', 'nan'], 'interval'),
                              (['--timeout', -1], 'timeout'), (['--summary', '--json', 'a'], 'summary'),
                              ([], 'a file or a URI'), (['--summary', 'a', 'b'], 'not for several')):
            Run('monitor', *options).fails(2, word)


def standard_output_that_cannot_be_written():
    if not os.path.exists('/dev/full'):
        raise Skip('no /dev/full')
    with open('/dev/full', 'wb') as full:
        Run('inspect', '--json', model(), stdout=full).fails(1, 'output')


# devices

def devices():
    found = Run('devices', '--json').json()
    check(found, 'no device')
    for i, device in enumerate(found):
        has_fields(device, {'index': int, 'name': str, 'type': str, 'driver': str, 'uuid': str, 'limits': dict,
                            'problem': (str, type(None))}, 'devices')
        equal(device['index'], i, 'index')
        equal(len(device['uuid']), 36, 'length of the UUID')
        check(device['type'] in ('discrete GPU', 'integrated GPU', 'virtual GPU', 'CPU', 'other'),
              device['type'])
    table = Run('devices').ok().out
    for device in found:
        for field in ('name', 'type', 'driver', 'uuid'):
            check(device[field] in table, f'{device[field]!r} is missing in {table!r}')


def no_driver():
    Run('devices', env=NO_DRIVER).fails(1)
    Run('selftest', env=NO_DRIVER).fails(1)
    Run('bench', '--model', model(), env=NO_DRIVER).fails(1)
    Run('classify', '--model', model(), make_picture(), env=NO_DRIVER).fails(1)
    # These need none.
    Run('inspect', model(), env=NO_DRIVER).ok()
    Run('init', '--variant', 'b0', '--classes', 2, path('n.safetensors'), env=NO_DRIVER).ok()


def unknown_device():
    for device in ('no such device', '99', '00000000-0000-0000-0000-000000000000'):
        Run('selftest', '--device', device).fails(1, device)
        Run('bench', '--model', model(), '--device', device).fails(1, device)
        Run('classify', '--model', model(), '--device', device, make_picture()).fails(1, device)


# init and inspect

def init_then_inspect():
    Run('init', '--variant', 'b3', '--classes', 3, '--seed', 5, path('b3.safetensors')).ok()
    found = Run('inspect', '--json', path('b3.safetensors')).json()
    for field, types in {'variant': str, 'parameters': int, 'macs': int, 'classes': int,
                         'input': dict, 'architecture': dict, 'memory': dict,
                         'sources': dict}.items():
        check(isinstance(found.get(field), types), f'{field} is {found.get(field)!r}')
    equal(found['variant'], 'efficientnet_b3', 'variant')
    equal(found['classes'], 3, 'classes')
    # torchvision's B3 with 1000 classes, less 997 rows of 1536 weights and a bias.
    equal(found['parameters'], 12233232 - 997 * 1537, 'parameters')
    for field in ('width', 'height', 'mean', 'std', 'resize', 'interpolation'):
        check(field in found['input'], f'input has no {field}: {found["input"]}')
    for field in ('variant', 'parameters', 'macs', 'classes'):
        check(field in found['sources'], f'sources has no {field}: {found["sources"]}')
    equal(len(found['architecture']['stages']), 7, 'stages')
    equal(found['memory']['weights'], 4 * found['parameters'], 'memory of the weights')
    # The widest place of B3 at 300x300: 24 channels become 144 at 150x150, before stage 2 halves it.
    equal(found['memory']['activations'], 4 * (300 * 300 * 4 + 150 * 150 * 144 + 75 * 75 * 144),
          'memory of the activations')
    table = Run('inspect', path('b3.safetensors')).ok().out
    for word in ('efficientnet_b3', 'from tensors', f'{found["parameters"]:,}', 'mbconv'):
        check(word in table, f'{word!r} is missing in {table!r}')


def init_is_reproducible():
    def make(name, seed):
        Run('init', '--variant', 'b0', '--classes', 2, '--seed', seed, path(name)).ok()
        with open(path(name), 'rb') as file:
            return file.read()

    check(make('s1', 1) == make('s2', 1), 'the same seed made two models')
    check(make('s1', 1) != make('s3', 2), 'two seeds made one model')


def init_fails():
    Run('init', '--variant', 'b99', path('x.safetensors')).fails(1, 'b99')
    check(not os.path.exists(path('x.safetensors')), 'a file was left')
    Run('init', '--variant', 'b0', '--classes', 2, path('no/such/folder/x')).fails(1)
    for options in (['--classes', 0], ['--seed', -1], ['--seed', 1 << 32]):
        Run('init', '--variant', 'b0', *options, path('x')).fails(2)


def bad_models():
    with open(model(), 'rb') as file:
        data = file.read()
    with open(path('short.safetensors'), 'wb') as file:
        file.write(data[:len(data) // 2])
    write('text.safetensors', 'This is no model.\n' * 10)
    write('empty.safetensors', '')
    for name in ('missing', 'short', 'text', 'empty'):
        file = path(name + '.safetensors')
        Run('inspect', file).fails(1)
        Run('classify', '--model', file, make_picture()).fails(1)
        Run('bench', '--model', file).fails(1)
    Run('inspect', path('missing.safetensors')).fails(1, path('missing.safetensors'))
    os.makedirs(path('no-model'), exist_ok=True)
    Run('inspect', path('no-model')).fails(1, path('no-model/model.safetensors'))


def zip_file(name, *members):
    with zipfile.ZipFile(path(name), 'w') as archive:
        for member in members:
            archive.writestr(member, b'x' * 1000)
    return path(name)


def archives_are_named():
    """A zip archive by what it holds."""
    convert = 'effvk-convert FILE OUT.safetensors'
    many = [f'archive/data/{i}' for i in range(3000)]
    for name, members, words in (
            ('checkpoint.pth', ['archive/data.pkl', *many], ('a PyTorch checkpoint', convert)),
            ('script.pt', ['net/data.pkl', 'net/code/__torch__.py', 'net/constants.pkl', *many],
             ('a TorchScript file', 'torch.jit.load', 'state_dict')),
            ('model.keras', ['metadata.json', 'config.json', 'model.weights.h5'], ('a Keras file', convert)),
            ('pictures.zip', ['a.png'], ('a zip archive', 'unpack it'))):
        Run('inspect', zip_file(name, *members)).fails(1, name, *words)
    os.mkdir(path('huggingface'))
    bin_file = zip_file('huggingface/pytorch_model.bin', 'archive/data.pkl')
    Run('inspect', path('huggingface')).fails(1, 'expected model.safetensors', 'found pytorch_model.bin',
                                              f'effvk-convert {bin_file} {path("huggingface/model.safetensors")}')


def what_a_header_says_is_refused_before_the_data_are_read():
    """A file of a million and more classes, gigabytes that take no room on the disk: neither read nor held in
    memory."""
    small, large = path('few.safetensors'), path('many.safetensors')
    Run('init', '--variant', 'phi=-8', '--classes', 2, small).ok()
    with open(small, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    classes, shift = 1100000, 0
    for key, about in header.items():
        if key == '__metadata__':
            continue
        begin, end = about['data_offsets']
        length = end - begin
        if key.startswith('classifier.'):
            length *= classes // 2
            about['shape'][0] = classes
        about['data_offsets'] = [begin + shift, begin + shift + length]
        shift += length - (end - begin)
    text = json.dumps(header).encode()
    with open(large, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)
        file.truncate(8 + len(text) + len(data) + shift)
    check(os.path.getsize(large) > 2 << 30, 'the file is not large')
    process = subprocess.Popen([os.environ['EFFVK_TOOL'], 'inspect', large], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    error = process.stderr.read()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    equal(process.returncode, 1, 'status')
    check('at most 1000000 classes, found 1100000' in error, error)
    check(used.ru_maxrss < 200 << 10, f'took {used.ru_maxrss} KiB of memory')


def folders_and_overrides():
    os.makedirs(path('timm'), exist_ok=True)
    shutil.copy(model(), path('timm/model.safetensors'))
    write('timm/config.json', '{"architecture": "efficientnet_b0", "label_names": '
          '{"a": 0, "b": 1, "c": 2, "d": 3}}')
    found = Run('inspect', '--json', path('timm')).json()
    equal(found['labels'], {'first': 'a', 'last': 'd'}, 'labels')
    equal(found['sources']['labels'], 'config.json', 'source')
    found = Run('inspect', '--json', '--overrides', '{"padding": "same"}', path('timm')).json()
    equal(found['architecture']['padding'], 'same', 'padding')
    equal(found['sources']['architecture.padding'], 'override', 'source')
    Run('inspect', '--overrides', '{"padding": "none"}', path('timm')).fails(
        1, 'override padding')
    write('timm/config.json', '{"architecture": "efficientnet_b0", "num_classes": 5}')
    Run('inspect', path('timm')).fails(1, 'config.json num_classes: expected the 4 classes')


# classify

def raw_frames():
    with open(path('raw.rgb'), 'wb') as file:
        for i in range(3):
            file.write(bytes((i * 50 + j) % 256 for j in range(8 * 6 * 3)))
    run = Run('classify', '--json', '--model', model(), '--raw', 'RGB:8x6', path('raw.rgb')).ok()
    lines = run.json_lines()
    equal(len(lines), 3, 'lines')
    for i, line in enumerate(lines):
        check_line(line, path('raw.rgb'), i, None, 4)
    with open(path('raw.rgb'), 'rb') as file:
        piped = Run('classify', '--json', '--model', model(), '--raw', 'RGB:8x6', '-',
                    stdin=file).ok().json_lines()
    equal([line['classes'] for line in piped], [line['classes'] for line in lines], 'from stdin')


def raw_frames_that_are_cut_off():
    with open(path('cut.nv12'), 'wb') as file:
        file.write(bytes(5 * 3 + 6 * 2 + 7))  # 5x3: chroma of 3x2 pairs
    run = Run('classify', '--json', '--model', model(), '--raw', 'NV12:5x3', path('cut.nv12'))
    run.fails(1, 'cut.nv12', '27 bytes')
    equal(len(run.json_lines()), 1, 'lines')
    Run('classify', '--model', model(), '--raw', 'RGB:8x6', write('none.rgb', '')).fails(1)
    Run('classify', '--model', model(), '--raw', 'RGB:8x6', path('missing.rgb')).fails(1, 'missing')


def heatmap():
    """The picture with where its class was seen; what would overwrite it is refused."""
    picture = make_picture("heat-in.png", 60, 40)
    Run('classify', '--heatmap', path('heat.png'), '--model', model(), picture).ok()
    with open(path('heat.png'), 'rb') as file:
        written = file.read()
    equal(written[:8], b'\x89PNG\r\n\x1a\n', 'signature')
    equal(written[16:24], bytes((0, 0, 0, 60, 0, 0, 0, 40)), 'size')
    Run('classify', '--heatmap', picture, '--model', model(), picture).fails(2, 'overwrite')
    Run('classify', '--heatmap', path('h.png'), '--model', model(), picture, picture).fails(2, 'one still picture')
    Run('classify', '--heatmap', path('h.png'), '--model', model(), '--raw', 'RGB:10x10', picture).fails(2, 'still')


def image():
    needs_gstreamer()
    picture = make_picture()
    lines = Run('classify', '--json', '--model', model(), picture).ok().json_lines()
    equal(len(lines), 1, 'lines')
    check_line(lines[0], picture, 0, None, 4)
    lines = Run('classify', '--json', '--top-k', 2, '--model', model(), picture).ok().json_lines()
    check_line(lines[0], picture, 0, None, 2)
    table = Run('classify', '--model', model(), picture).ok().out
    check(picture in table and 'class ' in table and '%' in table, table)


def image_and_its_raw_pixels_agree():
    needs_gstreamer()
    picture = make_picture()
    with open(path('same.rgb'), 'wb') as file:
        file.write(bytes(c for y in range(40) for x in range(50)
                         for c in (x * 5 % 256, y * 6 % 256, (x * y) % 256)))
    first = Run('classify', '--json', '--model', model(), picture).ok().json_lines()[0]
    second = Run('classify', '--json', '--model', model(), '--raw', 'RGB:50x40',
                 path('same.rgb')).ok().json_lines()[0]
    equal(first['classes'], second['classes'], 'the classes of the same pixels')


def labels():
    needs_gstreamer()
    picture = make_picture()
    names = ['one', 'zwei', 'trois "3"', '四']
    lines = Run('classify', '--json', '--model', model(), '--labels',
                write('labels.txt', '\n'.join(names) + '\n'), picture).ok().json_lines()
    for entry in lines[0]['classes']:
        equal(entry['label'], names[entry['index']], 'label')
    for bad in (write('few.txt', 'one\ntwo\n'), path('missing.txt'), folder):
        Run('classify', '--model', model(), '--labels', bad, picture).fails(1)


def video():
    for name, chain in (('video.avi', 'jpegenc ! avimux'), ('video.webm', 'vp8enc ! webmmux')):
        source = make_video(name, chain)
        lines = Run('classify', '--json', '--model', model(), source).ok().json_lines()
        equal(len(lines), 10, f'lines of {name}')
        for i, line in enumerate(lines):
            check(isinstance(line['pts'], int) and abs(line['pts'] - i * 100000000) < 2000000,
                  f'{name}: pts of frame {i} is {line["pts"]}')
            check_line(line, source, i, line['pts'], 4)
        table = Run('classify', '--model', model(), source).ok().out
        check(source in table and ' frame' in table and '0:00:00.000' in table, table)


def interval():
    source = make_video('interval.avi', 'jpegenc ! avimux')
    lines = Run('classify', '--json', '--interval', 0.25, '--model', model(), source)
    equal([line['frame'] for line in lines.ok().json_lines()], [0, 3, 6, 9], 'frames')


def scores_of(source):
    """Without rounding between the passes of the resize, so that their order does not count."""
    line = Run('classify', '--json', '--model', model(), '--overrides', '{"antialias": false}',
               source).ok().json_lines()[0]
    return [score for _, score in sorted((c['index'], c['score']) for c in line['classes'])]


def close(a, b):
    return max(abs(x - y) for x, y in zip(a, b)) < 1e-4


def a_video_on_its_side():
    """As phones write it: the film's track header holds the rotation."""
    begin = 'videotestsrc num-buffers=2 pattern=gradient ! video/x-raw,format=RGB,width=96,height=64'
    end = ' ! qtmux ! filesink location='
    launch(begin + end + path('lying.mov'))
    launch(begin + ' ! videoflip video-direction=90r' + end + path('turned.mov'))
    with open(path('lying.mov'), 'rb') as file:
        film = bytearray(file.read())
    matrix = film.index(b'tkhd') + 44
    film[matrix:matrix + 36] = struct.pack('>9i', 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    with open(path('tagged.mov'), 'wb') as file:
        file.write(film)
    turned = scores_of(path('turned.mov'))
    check(close(scores_of(path('tagged.mov')), turned), 'the rotation is not heeded')
    check(not close(scores_of(path('lying.mov')), turned), 'the test has nothing to tell')


def write_jpeg(name, colours, orientation=None):
    """Blocks of 16 pixels, which JPEG hardly changes, with or without Exif's word on orientation."""
    height, width = len(colours) * 16, len(colours[0]) * 16
    rows = [b''.join(bytes(colour) * 16 for colour in row) * 16 for row in colours]
    with open(path('blocks.rgb'), 'wb') as file:
        file.write(b''.join(rows))
    launch(f'filesrc location={path("blocks.rgb")} ! '
           f'rawvideoparse format=rgb width={width} height={height} ! videoconvert ! '
           f'jpegenc quality=100 ! filesink location={path(name)}')
    if orientation:
        with open(path(name), 'rb') as file:
            data = file.read()
        entry = struct.pack('>HHIHH', 0x112, 3, 1, orientation, 0)
        exif = b'Exif\0\0MM\0*' + struct.pack('>IH', 8, 1) + entry + bytes(4)
        with open(path(name), 'wb') as file:
            file.write(data[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + data[2:])
    return path(name)


def a_picture_on_its_side():
    colours = [[((x * 70 + y * 31) % 256, (y * 90 + x * x * 20) % 256, (x * y * 50) % 256)
                for x in range(4)] for y in range(3)]
    turned = [list(row) for row in zip(*colours[::-1])]  # a quarter clockwise
    expected = scores_of(write_jpeg('turned.jpg', turned))
    check(close(scores_of(write_jpeg('tagged.jpg', colours, 6)), expected), 'Exif is not heeded')
    plain = scores_of(write_jpeg('lying.jpg', colours))
    check(not close(plain, expected), 'the test has nothing to tell')
    equal(scores_of(write_jpeg('upright.jpg', colours, 1)), plain, 'scores')


def uri():
    picture = make_picture('with space.png')
    needs_gstreamer()
    name = 'file://' + picture.replace(' ', '%20')
    lines = Run('classify', '--json', '--model', model(), name).ok().json_lines()
    check_line(lines[0], name, 0, None, 4)


def a_bad_file_does_not_stop_the_others():
    needs_gstreamer()
    picture = make_picture()
    empty = temporary.make_folder()
    bad = {write('noise.jpg', 'no picture'): 'noise.jpg', path('missing.png'): 'missing.png',
           empty: empty, write('empty.mp4', ''): 'empty.mp4',
           'file:///missing.mp4': 'missing.mp4'}
    for source, word in bad.items():
        Run('classify', '--model', model(), source).fails(1, word)
    run = Run('classify', '--json', '--model', model(), picture, *bad, picture)
    check(run.status == 1, f'expected status 1: {run}')
    equal(len(run.errors()), len(bad), 'errors')
    equal([line['source'] for line in run.json_lines()], [picture, picture], 'sources')


def sound_without_a_picture():
    needs_gstreamer()
    launch(f'audiotestsrc num-buffers=5 ! wavenc ! filesink location={path("a.wav")}')
    Run('classify', '--model', model(), path('a.wav')).fails(1, 'a.wav', 'neither')


def many_images_in_order():
    needs_gstreamer()
    pictures = [make_picture(f'p{i}.png', 20 + 7 * i, 30 + 3 * i) for i in range(8)]
    lines = Run('classify', '--json', '--model', model(), *pictures).ok().json_lines()
    equal([line['source'] for line in lines], pictures, 'sources')


# bench and selftest

def bench():
    found = Run('bench', '--json', '--model', model(), '--frames', 4, '--warmup', 1, '--batch', 2,
                '--precision', 'fp32', '--streams', 2, '--layers', env=plain_env()).json()
    has_fields(found, {'model': str, 'variant': str, 'device': str, 'driver': str,
                       'precision': str, 'batch': int, 'median_ms': NUMBER, 'p99_ms': NUMBER, 'gpu_ms': (int, float, type(None)),
                       'fps': NUMBER, 'dispatches': int, 'cold_start_ms': NUMBER,
                       'warm_start_ms': NUMBER, 'peak_rss_mb': NUMBER, 'streams': int,
                       'p90_ms': NUMBER, 'device_bytes': int, 'weights_bytes': int,
                       'arena_bytes': int, 'clock': str, 'ops': list, 'layers': list,
                       'roofline': dict}, 'bench')
    equal(found['variant'], 'efficientnet_b0', 'variant')
    equal(found['precision'], 'fp32', 'precision')
    equal(found['batch'], 2, 'batch')
    equal(found['streams'], 2, 'streams')
    check(0 < found['median_ms'] <= found['p90_ms'] <= found['p99_ms'], f'latency: {found}')
    equal(len(found['layers']), found['dispatches'], 'layers')
    equal(sum(op['dispatches'] for op in found['ops']), found['dispatches'], 'dispatches of ops')
    for rows in (found['ops'], found['layers']):
        check(abs(sum(row['share'] for row in rows) - 1) < 0.01, f'shares do not add up: {rows}')
    flops = sum(op['gflops'] * op['ms'] * 1e6 for op in found['ops'] if op['gflops'])
    check(1.5e9 < flops < 1.7e9, f'2 images of B0 take 1.6 GFLOP, the table has {flops}')
    for op in found['ops']:
        check(op['ms'] > 0 and op['gb_s'] >= 0, f'{op}')
    roof = found['roofline']
    check(roof['peak_gflops'] > 0 and roof['peak_gb_s'] > 0, f'{roof}')
    check(max(roof['compute_ms'], roof['memory_ms']) <= roof['roof_ms'] * 1.001, f'{roof}')
    for field in ('fps', 'dispatches', 'cold_start_ms', 'warm_start_ms', 'peak_rss_mb'):
        check(found[field] > 0, f'{field} is {found[field]}')
    table = Run('bench', '--model', model(), '--frames', 1, '--warmup', 0, env=plain_env()).ok().out
    for word in ('latency', 'throughput', 'cold', 'pointwise', 'roofline'):
        check(word in table, f'{word!r} is missing in {table!r}')


def bench_leaves_nothing_behind():
    temporary = path('tmp')
    os.mkdir(temporary)
    Run('bench', '--model', model(), '--frames', 1, '--warmup', 0,
        env=dict(plain_env(), TMPDIR=temporary)).ok()
    equal(os.listdir(temporary), [], 'what is left in the temporary folder')


def compare_without_onnxruntime():
    Run('bench', '--model', model(), '--compare', 'other').fails(2, 'other')
    Run('bench', '--model', model(), '--frames', 1, '--warmup', 0, '--compare', 'onnxruntime',
        env=dict(plain_env(), PATH=path('nowhere'))).fails(1, 'npm install onnxruntime-node')


def compare_with_onnxruntime():
    probe = [['node', '-e', 'require("onnxruntime-node")'], ['python3', '-c', 'import onnxruntime, numpy']]
    for command in probe:
        try:
            if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                break
        except OSError:
            pass
    else:
        raise Skip('there is no ONNX Runtime here, of node (NODE_PATH) or of python3')
    found = Run('bench', '--json', '--model', model(), '--frames', 3, '--warmup', 1, '--precision', 'fp32',
                '--compare', 'onnxruntime', env=plain_env()).json()['comparison']
    has_fields(found, {'runtime': str, 'threads': int, 'runtime_ms': NUMBER, 'effvk_ms': NUMBER,
                       'ratio': NUMBER, 'difference': NUMBER, 'agrees': bool}, 'comparison')
    check(found['agrees'] and found['difference'] < 1e-4, f'the answers differ: {found}')


def the_model_that_effvk_has():
    """Has a name, and is what is taken by default."""
    found = Run('inspect', '--json').json()
    equal((found['name'], found['labels']['first']), ('signal', 'picture'), 'name and first label')
    check(Run('inspect').ok().out.startswith('name            signal\n'), 'no name in the table')
    equal(Run('inspect', '--json', model()).json()['name'], 'efficientnet_b0', 'name of another')
    equal(Run('inspect', '--json', env={'EFFVK_MODEL': model()}).json()['name'], 'efficientnet_b0',
          'name of the one that EFFVK_MODEL names')
    Run('export', path('own.onnx')).ok()
    equal(Run('inspect', '--json', path('own.onnx')).json()['labels'], found['labels'], 'labels')
    run = Run('bench', '--json', '-n1', '-w0', '-b2', env=plain_env())
    equal((run.json()['model'], run.json()['batch']), ('signal', 2), 'model and batch')
    check('\nmodel        signal, ' in '\n' + Run('bench', '-n1', '-w0', env=plain_env()).ok().out,
          'no name in the table of bench')


def the_cpu_notice_comes_once():
    for command in (['bench', '-n1', '-w0'], ['classify', make_picture(), make_picture()],
                    ['tune', '--model', model()]):
        run = Run(*command, env=dict(plain_env(), EFFVK_CACHE_DIR=path('notice'))).ok()
        notices = [line for line in run.err.splitlines() if line.startswith('effvk: no GPU')]
        check(len(notices) <= 1, f'{len(notices)} notices: {run.err}')


def export():
    file, raw = path('export.onnx'), path('export.raw')
    Run('export', model(), file).ok()
    with open(raw, 'wb') as out:
        out.write(bytes(i * 37 % 251 for i in range(64 * 48 * 3)))
    answers = [Run('classify', '--json', '--raw', 'RGB:64x48', '--model', which, raw,
                   env=plain_env()).json()['classes'] for which in (model(), file)]
    equal(answers[1], answers[0], 'classes by the exported model')
    Run('export', model()).fails(2, 'exists')
    Run('export').fails(2)
    Run('export', path('none'), file).fails(1, 'none')
    Run('export', model(), path('none/x.onnx')).fails(1, 'x.onnx')


def outputs_replace_nothing_but_files():
    """export and init: a device, FIFO or folder is refused and stays; a symlink's target is written; what is
    read is not overwritten."""
    writers = [('export', model()), ('init', '--variant', 'phi=-8', '--classes', '2')]
    fifo, folder = path('out.fifo'), path('out.folder')
    os.mkfifo(fifo)
    os.mkdir(folder)
    null = path('out.device')
    try:
        os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        null = None  # not root: then the directory of devices protects them
        diagnose('devices are not tried: not root')
    for writer in writers:
        for name, kind in ((fifo, 'a FIFO'), (folder, 'a directory'), (null, 'a device')):
            if name:
                before = os.lstat(name)
                Run(*writer, name).fails(1, name, 'expected a new name or a regular file', 'found ' + kind)
                equal((os.lstat(name).st_ino, os.lstat(name).st_mode), (before.st_ino, before.st_mode), name)
        target, link, second = path('out.target'), path('out.link'), path('out.second')
        for present in (False, True):
            if present:
                write(os.path.basename(target), 'old')
                os.chmod(target, 0o640)
            os.symlink('out.target', second)
            os.symlink(second, link)
            Run(*writer, link).ok()
            check(os.path.islink(link) and os.path.islink(second), 'the links are still links')
            check(os.path.getsize(target) > 1000, 'the file that they lead to is written')
            if present:
                equal(stat.S_IMODE(os.stat(target).st_mode), 0o640, 'the permissions of the replaced file')
            for name in (link, second, target):
                os.unlink(name)
        os.symlink('out.loop', path('out.loop'))
        Run(*writer, path('out.loop')).fails(1, 'out.loop', 'symbolic links')
        os.unlink(path('out.loop'))
    pictures = path('pictures/class 0')
    os.makedirs(pictures)
    write_png(os.path.join(pictures, 'a.png'), 32, 32, lambda x, y: (x, y, 0))
    for name, kind in ((fifo, 'FIFO'), (folder, 'directory'), (null, 'device')):
        if name:
            before = os.lstat(name)
            Run('evaluate', '--model', model(), '--report', name, path('pictures')).fails(1, name)
            equal((os.lstat(name).st_ino, os.lstat(name).st_mode), (before.st_ino, before.st_mode), kind)
    left = [name for name in os.listdir(os.path.dirname(fifo)) if name.startswith('out.') and name.count('.') > 1]
    equal(left, [], 'temporary files')

    own = path('own.safetensors')
    shutil.copy(model(), own)
    with open(own, 'rb') as file:
        before = file.read()
    os.link(own, path('own.hard'))
    os.symlink(own, path('own.link'))
    labels = write('own.txt', '\n'.join('abcd') + '\n')
    for name in ('own.safetensors', 'own.hard', 'own.link'):
        Run('export', own, path(name)).fails(1, name, 'is read from')
    Run('export', '--labels', labels, own, labels).fails(1, 'own.txt', 'is read from')
    os.mkdir(path('own'))
    shutil.copy(own, path('own/model.safetensors'))
    Run('export', path('own'), path('own/model.safetensors')).fails(1, 'is read from')
    with open(own, 'rb') as file:
        equal(file.read(), before, 'the model')


def tune():
    cache = path('cache')
    found = Run('tune', '--json', '--model', model(), '--precision', 'fp32',
                env=dict(plain_env(), EFFVK_CACHE_DIR=cache)).json()
    has_fields(found, {'device': str, 'driver': str, 'ops': int, 'before_ms': NUMBER,
                       'after_ms': NUMBER, 'changes': list}, 'tune')
    check(0 < found['after_ms'] <= found['before_ms'], f'{found}')
    kept = [name for name in os.listdir(cache) if name.startswith('kernels-')]
    equal(len(kept), 1, 'files of kernels')
    with open(os.path.join(cache, kept[0]), encoding='ascii') as file:
        equal(len(file.read().splitlines()), found['ops'] + 2, 'lines of the file')
    Run('tune', '--model', model(), '--batch', 65).fails(2, 'batch')
    Run('tune', '--model', model(), 'surplus').fails(2, 'surplus')


def selftest():
    for precision in ('fp32', 'fp16'):
        found = Run('selftest', '--json', '--precision', precision, '--shapes', 1, '--seed', 3,
                    env=plain_env()).json()
        has_fields(found, {'device': str, 'driver': str, 'precision': str, 'seed': int,
                           'kernels': list, 'comparisons': int, 'failed': int}, 'selftest')
        equal(found['precision'], precision, 'precision')
        equal(found['failed'], 0, 'failed')
        check(found['kernels'], 'no kernel was tried')
        for kernel in found['kernels']:
            has_fields(kernel, {'op': str, 'kernel': str, 'comparisons': int, 'failed': int,
                                'worst_nmse': NUMBER, 'worst_shape': str}, 'a kernel')
        equal(sum(kernel['comparisons'] for kernel in found['kernels']), found['comparisons'],
              'comparisons')
    table = Run('selftest', '--shapes', 1, env=plain_env()).ok().out
    for word in ('pointwise', 'depthwise', 'worst NMSE', 'replayed', 'queues', 'mapped'):
        check(word in table, f'{word!r} is missing in {table!r}')
    none = Run('selftest', '--shapes', 1, '--replays', 0, '--report', path('report.txt'),
               env=plain_env()).ok().out
    check('replayed' not in none, f'replayed, but --replays 0: {none!r}')
    with open(path('report.txt'), encoding='utf-8') as file:
        report = file.read()
    for word in ('selftest --precision fp32', 'driver', 'maxTexelBufferElements', 'memory type 0',
                 'queue family 0', 'pointwise', 'passed'):
        check(word in report, f'{word!r} is missing in {report!r}')
    text = Run('selftest', '--shapes', 1, '--replays', 1, '--report', '-',
               env=plain_env()).ok().out
    check('queue family 0' in text and 'worst NMSE' not in text, text)
    Run('selftest', '--shapes', 1, '--replays', 0, '--report', '/no/such/folder/file',
        env=plain_env()).fails(1, '/no/such/folder')
    Run('selftest', '--replays', -1).fails(2, 'replays')


# monitor

PARTS = (('smpte', 3), ('black', 3), ('snow', 3))
STATES = ['color-bars', 'black', 'noise']


def monitor_says_what_changes():
    video = make_signal('signal.avi', *PARTS)
    run = Run('monitor', '--json', '--device', 'cpu', video, env=plain_env()).ok()
    signals = [line for line in run.json_lines() if 'signal' in line]
    for line in signals:
        has_fields(line, {'event': str, 'source': str, 'pts': int, 'clock': str, 'signal': str, 'alarm': bool,
                          'score': NUMBER, 'decided': int,
                          **({} if line['event'] == 'raised' else {'duration': int})}, 'monitor')
        validate(line)
    equal([(line['event'], line['signal']) for line in signals],
          [('raised', 'color-bars'), ('cleared', 'color-bars'), ('raised', 'black'), ('cleared', 'black'),
           ('raised', 'noise')], 'what was raised and cleared')
    check(1.9 <= (signals[2]['decided'] - signals[2]['pts']) / 1e9 <= 2.5, f'2 s of black: {signals[2]}')
    check(abs(signals[3]['duration'] / 1e9 - 3) <= 0.5, f'duration: {signals[3]}')
    lines = without_signals(run.json_lines())
    for line in lines:
        has_fields(line, {'event': str, 'source': str, 'pts': int, 'clock': str,
                          'state': (str, type(None)), 'score': (float, int, type(None)),
                          'previous': (str, type(None)),
                          'previous_duration': (int, type(None))}, 'monitor')
        validate(line)
    equal([line['event'] for line in lines], ['state'] * 3 + ['end'], 'events')
    equal([line['state'] for line in lines], STATES + [None], 'states')
    equal([line['previous'] for line in lines], [None] + STATES, 'previous states')
    for line, seconds in zip(lines, (0, 3, 6)):
        check(abs(line['pts'] / 1e9 - seconds) <= 0.3, f'expected it at {seconds} s: {line}')
    check(abs(lines[1]['previous_duration'] / 1e9 - 3) <= 0.3, f'duration: {lines[1]}')

    plain = Run('monitor', '--device', 'cpu', video, env=plain_env()).ok().out.splitlines()
    equal(len(plain), 4, 'lines')
    for line, state in zip(plain, STATES):
        check(re.match(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d:\d\d:\d\d\.\d  ' + state, line),
              f'expected the time of day, the time and {state}: {line}')
    check('\033' not in ''.join(plain), 'colours where there is no terminal')

    run = Run('monitor', '--device', 'cpu', '--interval', 0, '--summary', video, env=plain_env()).ok()
    table = run.out.splitlines()[-5:]
    equal([line.split()[0] for line in table], ['state', *STATES, '90'], 'lines of the summary')
    for line, seconds in zip(table[1:], (0, 3, 6)):
        equal(line.split()[1], f'0:00:0{seconds}.0', f'start, in {line!r}')
    check(table[-1].startswith('90 frames in ') and table[-1].endswith(' frames/s'), table[-1])


def monitor_of_the_stream_of_quickstart():
    """A picture, and signals of every kind that it is said to have."""
    needs_gstreamer()
    video = path('changing.mkv')
    done = subprocess.run([os.path.join(ROOT, 'examples/changing-stream.sh'), video],
                          capture_output=True, timeout=120, check=False)
    check(done.returncode == 0, f'cannot make the stream: {done.stderr.decode()[-200:]}')
    lines = without_signals(Run('monitor', '--json', '--device', 'cpu', video, env=plain_env()).ok().json_lines())
    states = ['picture', 'freeze', 'color-bars', 'black', 'noise', 'test-pattern', 'flat-color', 'gradient', 'picture',
              'freeze', None]
    equal([line['state'] for line in lines], states, 'states')
    for line, second in zip(lines, (0, 0, 3, 6, 9, 12, 15, 18, 21, 21)):  # the pictures stand still
        check(abs(line['pts'] / 1e9 - second) <= 0.4, f'expected it at {second} s: {line}')


def monitor_has_inertia():
    """A second of black is none where a state must last longer, and one where it need not."""
    video = make_signal('long.avi', ('smpte', 3), ('black', 1), ('smpte', 3))
    for hold, states in ((1.5, ['color-bars']), (0.5, ['color-bars', 'black', 'color-bars'])):
        run = Run('monitor', '--json', '--device', 'cpu', '--hold', hold, video, env=plain_env()).ok()
        equal([line['state'] for line in without_signals(run.json_lines())], [*states, None], f'states, hold {hold}')


def monitor_says_what_the_model_does_not_know():
    """The model's own threshold counts, unless the option says otherwise."""
    video = make_signal('short.avi', ('smpte', 2))
    sure = ['--overrides', '{"unknown_threshold": 1.0}']  # a threshold that nothing reaches
    for options, state in (([], 'color-bars'), (sure, 'unknown'), ([*sure, '--unknown-threshold', 0], 'color-bars'),
                           (['--unknown-threshold', 1], 'unknown')):
        run = Run('monitor', '--json', '--device', 'cpu', *options, video, env=plain_env()).ok()
        lines = without_signals(run.json_lines())
        equal([line['state'] for line in lines], [state, None], f'states, with {options}')
        check(0 <= lines[0]['score'] <= 1, f'score: {lines[0]}')
        for line in lines:
            validate(line)
    table = Run('monitor', '--device', 'cpu', '--summary', *sure, video, env=plain_env()).ok().out.splitlines()
    check(table[-2].startswith('unknown ') and table[-2].endswith('%'), f'summary: {table}')
    for command in ('monitor', 'classify'):
        for value in ('-0.5', 'nan'):
            Run(command, '--unknown-threshold', value, video).fails(2, '--unknown-threshold')


def monitor_says_that_a_stream_stalls():
    """A stream in the network that stops, and goes on."""
    needs_gstreamer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]

    def send(pattern):
        launch(f'videotestsrc is-live=true num-buffers=100 pattern={pattern} ! '
               'video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! '
               'openh264enc gop-size=5 ! h264parse config-interval=-1 ! mpegtsmux alignment=7 ! '
               f'udpsink host=127.0.0.1 port={port}')

    monitor = subprocess.Popen(
        [os.environ['EFFVK_TOOL'], 'monitor', '--json', '--device', 'cpu', '--timeout', '1',
         f'udp://127.0.0.1:{port}'],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, **plain_env()))
    alarm = threading.Timer(100, monitor.kill)
    alarm.start()
    try:
        events = (line for line in map(json.loads, monitor.stdout) if 'signal' not in line)
        first = next(events)
        equal((first['event'], first['state'], first['previous']), ('stalled', 'no-signal', None),
              'event before the first frame')
        seen = []
        for _ in range(20):  # what is sent before the decoder is ready may be lost
            send('black')
            seen = [next(events)]
            if seen[0]['event'] == 'state':
                break
        seen.append(next(events))
        send('snow')
        seen.append(next(events))
        equal([line['event'] for line in seen], ['state', 'stalled', 'state'], 'events')
        equal([line['state'] for line in seen], ['black', 'no-signal', 'noise'], 'states')
        equal([line['previous'] for line in seen], ['no-signal', 'black', 'no-signal'], 'states before')
        check(seen[1]['reason'] == 'no frame came for 1 s', f'reason: {seen[1]}')
    except StopIteration:
        raise Failure('the monitor ended') from None
    finally:
        alarm.cancel()
        monitor.kill()
        monitor.wait()


def monitor_on_a_terminal():
    video = make_signal('terminal.avi', *PARTS)
    if shutil.which('script') is None:
        raise Skip('no script(1)')
    command = f'{os.environ["EFFVK_TOOL"]} monitor --device cpu {video}'
    done = subprocess.run(['script', '-qec', command, '/dev/null'], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False,
                          env=dict(os.environ, TERM='xterm', LC_ALL='C.UTF-8', **plain_env()))
    equal(done.returncode, 0, 'status')
    last = done.stdout.decode().replace('\r', '').rstrip('\n').split('\n')
    equal(last[-1].count('█'), 9, f'blocks, one a second, in {last[-1]!r}')
    check('noise for 0:00:0' in last[-2], f'the state now in {last[-2]!r}')


def monitor_fails_as_it_should():
    needs_gstreamer()
    Run('monitor', '/nonexistent.mp4').fails(1, 'nonexistent', 'no such file')
    Run('monitor', write('text.mp4', 'no video at all\n')).fails(1, 'text.mp4')
    Run('monitor', '--model', '/nonexistent', 'x').fails(1, 'nonexistent')


run_tests([monitor_says_what_changes, monitor_of_the_stream_of_quickstart, monitor_has_inertia,
           monitor_says_what_the_model_does_not_know, monitor_says_that_a_stream_stalls, monitor_on_a_terminal,
           monitor_fails_as_it_should, help_names_every_command, help_of_each_command, version, wrong_usage_is_status_2,
           standard_output_that_cannot_be_written, devices, no_driver, unknown_device,
           init_then_inspect, init_is_reproducible, init_fails, bad_models, archives_are_named,
           what_a_header_says_is_refused_before_the_data_are_read, folders_and_overrides,
           raw_frames,
           raw_frames_that_are_cut_off, heatmap, image, image_and_its_raw_pixels_agree, labels, video,
           interval, a_video_on_its_side, a_picture_on_its_side, uri, a_bad_file_does_not_stop_the_others, sound_without_a_picture,
           many_images_in_order, bench, bench_leaves_nothing_behind, compare_without_onnxruntime,
           compare_with_onnxruntime, the_model_that_effvk_has, the_cpu_notice_comes_once, export,
           outputs_replace_nothing_but_files, tune, selftest])
