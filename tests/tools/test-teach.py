#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Teaching by the command: embed, find, teach; what they write, and what they refuse."""

import atexit
import base64
import json
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile

import numpy

from effvktool import ROOT, SHARED, Run, Skip, check, equal, plain_env, run_tests, write_png

folder = tempfile.mkdtemp(prefix='effvk-teach-')
atexit.register(shutil.rmtree, folder, ignore_errors=True)

# A network that is small and has learned to see: effvk's own, for a video signal's states.
BACKBONE = next(os.path.join(ROOT, 'models', name) for name in sorted(os.listdir(os.path.join(ROOT, 'models')))
                if name.endswith('.safetensors'))
V2 = os.path.join(SHARED, 'data', 'weights', 'efficientnet_v2_b0_imagenet1k_keras.safetensors')
TRASH = os.path.join(SHARED, 'data', 'images', 'trash')
GSTREAMER = os.environ.get('EFFVK_TOOL_GSTREAMER', '1') == '1'


def path(*names):
    return os.path.join(folder, *names)


def tool(*arguments, **options):
    return Run(*arguments, env=plain_env(), **options)


def draw(name, shape, seed):
    """A disc, a square or stripes of any place, size and colours, on a ground with noise."""
    dice = random.Random(seed)
    x0, y0, r = dice.uniform(35, 60), dice.uniform(30, 42), dice.uniform(14, 26)
    ink = [dice.randint(150, 255) for _ in range(3)]
    ground = [dice.randint(0, 90) for _ in range(3)]
    period = dice.uniform(9, 16)

    def inside(x, y):
        if shape == 'disc':
            return (x - x0) ** 2 + (y - y0) ** 2 < r * r
        if shape == 'stripes':
            return (x + x0) % period < period / 2
        return abs(x - x0) < r * 0.9 and abs(y - y0) < r * 0.9

    def pixel(x, y):
        return [min(255, max(0, c + dice.randint(-6, 6))) for c in (ink if inside(x, y) else ground)]

    os.makedirs(os.path.dirname(name), exist_ok=True)
    write_png(name, 96, 72, pixel)
    return name


def draw_folder(name, n, first=0, shapes=('disc', 'stripes')):
    if not os.path.isdir(path(name)):
        for shape in shapes:
            for i in range(n):
                draw(path(name, shape, f'{i:02}.png'), shape, f'{shape} {first + i}')
    return path(name)


def taught():
    """A model that knows discs and stripes, made once."""
    model = path('taught.safetensors')
    if not os.path.exists(model):
        tool('teach', '--model', BACKBONE, '-o', model, '--keep-embeddings', draw_folder('known', 10)).ok()
    return model


def read_safetensors(name):
    with open(name, 'rb') as file:
        data = file.read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    return header, data[8 + size:]


def tensor(name, key):
    header, data = read_safetensors(name)
    begin, end = header[key]['data_offsets']
    kind = {'F32': '<f4', 'U8': 'u1'}[header[key]['dtype']]
    return numpy.frombuffer(data[begin:end], kind).reshape(header[key]['shape'])


def classify(model, *files):
    run = tool('classify', '--json', '--model', model, *files).ok()
    return [line['classes'][0]['label'] for line in run.json_lines()]


def shapes_are_learned():
    known = draw_folder('known', 10)
    run = tool('teach', '--model', BACKBONE, '-o', path('shapes.safetensors'), '--json', known)
    report = run.json()
    equal([c['label'] for c in report['classes']], ['disc', 'stripes'], 'classes')
    equal([c['images'] for c in report['classes']], [10, 10], 'pictures of each')
    equal(report['images'], 20, 'images')
    equal(sum(map(sum, report['confusion'])), 20, 'tried')
    check(report['accuracy'] > 0.9, f'{report}')
    check(report['accuracy_interval'][0] < report['accuracy'] <= report['accuracy_interval'][1], str(report))
    check(report['seconds'] > 0 and report['fit_seconds'] > 0, str(report))
    check(0.5 <= report['unknown_threshold'] < 1, str(report))
    fresh = draw_folder('fresh', 20, first=100)
    for shape in ('disc', 'stripes'):
        found = classify(path('shapes.safetensors'), '--unknown-threshold', 0,
                         *[os.path.join(fresh, shape, name) for name in sorted(os.listdir(os.path.join(fresh, shape)))])
        right = found.count(shape)
        check(right >= 19, f'{right} of {len(found)} fresh pictures of "{shape}" are right')


def test_pictures_are_learned():
    """Two of videotestsrc's pictures, at any size and with noise."""
    if not GSTREAMER or not shutil.which('gst-launch-1.0'):
        raise Skip('no GStreamer')
    def make(name, n, first):
        for pattern in ('smpte', 'ball'):
            os.makedirs(path(name, pattern), exist_ok=True)
            for i in range(n):
                dice = random.Random(f'{pattern} {first + i}')
                size = f'width={dice.randrange(80, 240, 2)},height={dice.randrange(60, 180, 2)}'
                done = subprocess.run(
                    ['gst-launch-1.0', '-q', 'videotestsrc', 'num-buffers=1', f'pattern={pattern}',
                     f'timestamp-offset={dice.randrange(10**9)}', '!', f'video/x-raw,{size}', '!', 'videobalance',
                     f'brightness={dice.uniform(-0.2, 0.2)}', f'contrast={dice.uniform(0.7, 1.3)}', '!',
                     'videoconvert', '!', 'pngenc', '!', 'filesink', f'location={path(name, pattern)}/{i}.png'],
                    capture_output=True, timeout=60, check=False)
                if done.returncode:
                    raise Skip(f'cannot make pictures: {done.stderr.decode()[-200:]}')
    make('patterns', 10, 0)
    make('fresh-patterns', 10, 100)
    tool('teach', '--model', BACKBONE, '-o', path('patterns.safetensors'), path('patterns')).ok()
    for pattern in ('smpte', 'ball'):
        files = [path('fresh-patterns', pattern, f'{i}.png') for i in range(10)]
        found = classify(path('patterns.safetensors'), *files, '--unknown-threshold', 0)
        equal(found, [pattern] * 10, f'fresh pictures of {pattern}')
        found = classify(path('patterns.safetensors'), *files)
        check(found.count('unknown') <= 2 and set(found) <= {pattern, 'unknown'}, f'what is accepted: {found}')


def the_text_is_for_people():
    run = tool('teach', '--model', BACKBONE, '-o', path('text.safetensors'), draw_folder('known', 10)).ok()
    for words in ('disc', 'cross-validation', 'What would help', 'unknown', 'text.safetensors written'):
        check(words in run.out, f'{words!r} is missing: {run}')
    check(not run.errors(), str(run))


def a_class_of_few_pictures_is_named():
    known = path('few')
    for i in range(8):
        draw(path('few', 'disc', f'{i}.png'), 'disc', i)
    for i in range(4):
        draw(path('few', 'jammed', f'{i}.png'), 'stripes', i)
    run = tool('teach', '--model', BACKBONE, '-o', path('few.safetensors'), known).ok()
    check('"jammed" has 4 pictures: more would help most' in run.out, str(run))


def the_same_again():
    known = draw_folder('known', 10)
    one, two, three = path('one.safetensors'), path('two.safetensors'), path('three.safetensors')
    tool('teach', '--model', BACKBONE, '-o', one, known).ok()
    tool('teach', '--model', BACKBONE, '-o', two, known).ok()
    tool('teach', '--model', BACKBONE, '-o', three, '--seed', 1, known).ok()
    def read(name):
        with open(name, 'rb') as file:
            return file.read()
    check(read(one) == read(two), 'the same pictures make another model')
    check(read(one) != read(three), 'another seed makes the same model')


def what_was_taught_is_known_of_the_file():
    inspected = json.loads(tool('inspect', '--json', taught()).ok().out)
    equal(inspected['teaching']['classes'], {'disc': 10, 'stripes': 10}, 'pictures')
    check(0.5 <= inspected['unknown_threshold'] < 1, str(inspected))
    equal(inspected['classes'], 2, 'classes')


def the_backbone_stays_as_it_is():
    ours, data = read_safetensors(taught())
    theirs, other = read_safetensors(BACKBONE)
    n = 0
    for name, info in ours.items():
        if name == '__metadata__' or name.startswith('classifier.') or info['dtype'] != 'F32':
            continue
        if theirs.get(name, {}).get('dtype') == 'F32':
            begin, end = info['data_offsets']
            from_, to = theirs[name]['data_offsets']
            check(data[begin:end] == other[from_:to], f'{name} changed')
            n += 1
    check(n > 20 or not any(v.get('dtype') == 'F32' for k, v in theirs.items() if k != '__metadata__'),
          f'only {n} tensors compared')


def a_taught_model_becomes_onnx():
    tool('export', taught(), path('taught.onnx')).ok()
    picture = draw(path('onnx.png'), 'disc', 'onnx')
    a = tool('classify', '--json', '--model', taught(), picture).json_lines()
    b = tool('classify', '--json', '--model', path('taught.onnx'), picture).json_lines()
    equal([c['label'] for c in a[0]['classes']], [c['label'] for c in b[0]['classes']], 'labels')
    for x, y in zip(a[0]['classes'], b[0]['classes']):
        check(abs(x['score'] - y['score']) < 1e-4, f'{a} {b}')


def more_classes_are_added():
    for i in range(6):
        draw(path('more', 'square', f'{i}.png'), 'square', i)
    added = path('added.safetensors')
    report = tool('teach', '--add', taught(), '-o', added, '--json', path('more')).json()
    equal([(c['label'], c['images']) for c in report['classes']],
          [('disc', 10), ('square', 6), ('stripes', 10)], 'classes')
    check(os.path.exists(path('added.embeddings.safetensors')), 'no embeddings for the next time')
    again = path('again.safetensors')
    report = tool('teach', '--add', added, '-o', again, '--json', path('more')).json()
    equal(report['images'], 32, 'pictures')
    tool('teach', '--model', BACKBONE, '-o', path('kept-none.safetensors'), draw_folder('known', 10)).ok()
    tool('teach', '--add', path('kept-none.safetensors'), '-o', again, path('more')) \
        .fails(1, 'kept-none.embeddings.safetensors', '--keep-embeddings')
    tool('teach', '--add', added, '--model', added, '-o', again, path('more')).fails(2, '--add')


def a_list_names_parts_and_stretches():
    """Two halves of one picture, and two stretches of one video, are of different classes."""
    for i in range(5):
        dice = random.Random(i)
        write_png(path(f'halves{i}.png'), 80, 40,
                  lambda x, y: (250 * (x // 4 % 2),) * 3 if x < 40 else (dice.randint(90, 100), 90, 220))
    with open(path('halves.csv'), 'w', encoding='utf-8') as file:
        file.write('source,label,start,end,x,y,width,height\n# the halves\n')
        for i in range(5):
            file.write(f'halves{i}.png,"striped, ""left""",,,0,0,40,40\n')
            file.write(f'{path(f"halves{i}.png")},blue,,,40,0,40,40\n\n')
    report = tool('teach', '--model', BACKBONE, '-o', path('halves.safetensors'), '--keep-embeddings',
                  '--views', 1, '--json', '--list', path('halves.csv')).json()
    equal([c['label'] for c in report['classes']], ['blue', 'striped, "left"'], 'labels')
    check(report['accuracy'] == 1, f'the parts are not looked at: {report}')
    items = json.loads(tensor(path('halves.embeddings.safetensors'), 'items').tobytes())
    equal(items[1]['source'], path('halves0.png') + '#xywh=40,0,40,40', 'source')
    if not GSTREAMER:
        return
    command = ['gst-launch-1.0', '-q', 'concat', 'name=c', '!', 'jpegenc', '!', 'matroskamux', '!',
               'filesink', f'location={path("two.mkv")}']
    for pattern in ('black', 'white'):
        command += ['videotestsrc', f'pattern={pattern}', 'num-buffers=50', '!',
                    'video/x-raw,width=64,height=48,framerate=10/1', '!', 'c.']
    if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode:
        raise Skip('cannot make a video')
    with open(path('stretches.csv'), 'w', encoding='utf-8') as file:
        file.write('two.mkv,dark,0,4.5\ntwo.mkv,bright,5.5,\n')
    report = tool('teach', '--model', BACKBONE, '-o', path('stretches.safetensors'), '--interval', 0.5,
                  '--json', '--list', path('stretches.csv')).json()
    equal([(c['label'], c['images']) for c in report['classes']], [('bright', 9), ('dark', 10)], 'frames')
    check(report['accuracy'] == 1, str(report))


def several_labels_of_a_picture():
    with open(path('several.csv'), 'w', encoding='utf-8') as file:
        for i in range(12):
            red, green = i & 1, i & 2
            write_png(path(f'several{i}.png'), 60, 40,
                      lambda x, y: (250 if red and x < 30 else 20, 250 if green and x >= 30 else 20, i))
            labels = '|'.join(name for name, there in (('red', red), ('green', green)) if there)
            file.write(f'several{i}.png,{labels}\n')
    report = tool('teach', '--model', BACKBONE, '-o', path('several.safetensors'), '--multi-label',
                  '--views', 1, '--json', '--list', path('several.csv')).json()
    equal([c['label'] for c in report['classes']], ['green', 'red'], 'labels')
    equal(report['confusion'], None, 'confusion')
    inspected = json.loads(tool('inspect', '--json', path('several.safetensors')).ok().out)
    equal(inspected['output']['activation'], 'sigmoid', 'activation')


def one_picture_under_two_labels():
    twice = path('twice')
    shutil.copytree(draw_folder('known', 10), twice)
    shutil.copy(path('twice', 'disc', '03.png'), path('twice', 'stripes', 'wrong.png'))
    out = path('twice.safetensors')
    report = tool('teach', '--model', BACKBONE, '-o', out, '--json', twice).json()
    pairs = [{os.path.basename(d['one']), os.path.basename(d['other'])} for d in report['duplicates']]
    check({'03.png', 'wrong.png'} in pairs, f'{report["duplicates"]}')
    check('wrong.png' in [os.path.basename(o['source']) for o in report['offenders']], str(report['offenders']))
    run = tool('teach', '--model', BACKBONE, '-o', out, twice).ok()
    check('under different labels' in run.out and 'wrong.png' in run.out, str(run))


def bad_files_are_passed_over():
    bad = path('bad')
    shutil.copytree(draw_folder('known', 10), bad)
    with open(path('bad', 'disc', 'broken.png'), 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\nand no more')
    with open(path('bad', 'stripes', 'notes.txt'), 'w', encoding='utf-8') as file:
        file.write('no picture')
    run = tool('teach', '--model', BACKBONE, '-o', path('bad.safetensors'), '--json', bad)
    report = json.loads(run.ok().out)
    equal(report['failed'], 2, 'failed')
    equal(report['images'], 20, 'images')
    errors = '\n'.join(run.errors())
    check('broken.png' in errors and 'notes.txt' in errors, str(run))


def bad_input_is_refused():
    out = path('never.safetensors')
    known = draw_folder('known', 10)
    os.makedirs(path('empty'), exist_ok=True)
    os.makedirs(path('hollow', 'a'), exist_ok=True)
    no_model = dict(plain_env(), EFFVK_MODEL='')
    for arguments, status, words in (
            (['--model', BACKBONE, '-o', out, path('empty')], 1, ['folder for each class']),
            (['--model', BACKBONE, '-o', out, path('hollow')], 1, ['folder for each class']),
            (['--model', BACKBONE, '-o', out, path('nowhere')], 1, ['nowhere']),
            (['--model', BACKBONE, '-o', out, '--list', path('nowhere.csv')], 1, ['nowhere.csv']),
            (['--model', path('nowhere.safetensors'), '-o', out, known], 1, ['nowhere.safetensors']),
            (['-o', out, known], 2, ['EFFVK_MODEL', '--model', 'docs/models.md']),
            (['--model', BACKBONE, known], 2, ['--output']),
            (['--model', BACKBONE, '-o', out], 2, ['folder']),
            (['--model', BACKBONE, '-o', out, '--list', 'x', known], 2, ['--list']),
            (['--model', BACKBONE, '-o', out, '--views', 0, known], 2, ['views']),
            (['--model', BACKBONE, '-o', path('no', 'such', 'folder', 'x'), known], 1, ['no/such/folder'])):
        Run('teach', *arguments, env=no_model).fails(status, *words)
    check(not os.path.exists(out), 'a model was written')


def bad_lists_are_refused():
    picture = draw(path('list.png'), 'disc', 'list')
    for text, words in (('', ['no picture']), ('source,label\n', ['no picture']), (f'{picture}\n', [':1:', 'label']),
                        (f'{picture},\n', [':1:', 'label']), (f'{picture},a,x\n', [':1:', 'seconds']),
                        (f'\n{picture},a,5,2\n', [':2:', 'before']), (f'{picture},a,,,1,2\n', [':1:', 'width']),
                        (f'{picture},a,,,0,0,0,5\n', [':1:', 'empty']), (f'{picture},"a\n', ['quotation']),
                        (f'{picture},a,,,,,,,9\n', [':1:']), (f'{picture},"a\nb"\n{picture},"a\nb"\n', ['line end'])):
        with open(path('bad.csv'), 'w', encoding='utf-8') as file:
            file.write(text)
        tool('teach', '--model', BACKBONE, '-o', path('never.safetensors'), '--list', path('bad.csv')) \
            .fails(1, *words)
    with open(path('bad.csv'), 'wb') as file:
        file.write(b'a.png,\xff\n')
    tool('teach', '--model', BACKBONE, '-o', path('never.safetensors'), '--list', path('bad.csv')).fails(1, 'UTF-8')


def a_class_of_one_picture_is_refused():
    for i in range(3):
        draw(path('lonely', 'disc', f'{i}.png'), 'disc', i)
    draw(path('lonely', 'single', '0.png'), 'stripes', 0)
    tool('teach', '--model', BACKBONE, '-o', path('never.safetensors'), path('lonely')) \
        .fails(1, '"single" has 1 picture')
    check(not os.path.exists(path('never.safetensors')), 'a model was written')


def a_full_disk_leaves_nothing():
    if not os.path.exists('/dev/full'):
        raise Skip('no /dev/full')
    small = path('small')
    os.makedirs(small)
    if os.geteuid() or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small],
                                      capture_output=True, check=False).returncode:
        raise Skip('cannot mount a small file system')
    try:
        tool('teach', '--model', BACKBONE, '-o', os.path.join(small, 'm.safetensors'),
             draw_folder('known', 10)).fails(1, 'm.safetensors')
        equal(os.listdir(small), [], 'what is left')
    finally:
        subprocess.run(['umount', small], check=False)


def embeddings_in_every_format():
    pictures = [draw(path('embed', f'{i}.png'), 'disc', f'embed {i}') for i in range(3)]
    tool('embed', '--model', BACKBONE, '-o', path('e.safetensors'), *pictures).ok()
    tool('embed', '--model', BACKBONE, '-o', path('e.npy'), *pictures).ok()
    lines = tool('embed', '--model', BACKBONE, '-o', '-', path('embed')).ok().json_lines()
    array = numpy.load(path('e.npy'))
    check(numpy.array_equal(array, tensor(path('e.safetensors'), 'embeddings')), 'they differ')
    equal([line['source'] for line in lines], pictures, 'sources')
    check(numpy.allclose(array, [line['embedding'] for line in lines], rtol=1e-6, atol=1e-7), 'JSON differs')
    with open(path('e.npy.json'), encoding='utf-8') as file:
        equal([item['source'] for item in json.load(file)], pictures, 'names beside the array')
    check(len({tuple(row) for row in array.tolist()}) == 3, 'all are the same')
    tool('embed', '--model', BACKBONE, pictures[0]).fails(2, '--output')
    tool('embed', '--model', BACKBONE, '-o', path('e2.npy'), path('nowhere.png')).status == 1
    check(not os.path.exists(path('e2.npy')), 'a file without a picture was written')


def alike_pictures_are_found():
    known = draw_folder('known', 10)
    like = os.path.join(known, 'stripes', '04.png')
    found = tool('find', '--like', like, '--model', BACKBONE, '--json', '--top', 5, known).json()
    equal(found['like'], like, 'like')
    equal(found['found'][0]['source'], like, 'the first is the picture itself')
    check(abs(found['found'][0]['similarity'] - 1) < 1e-5, str(found))
    equal([os.path.basename(os.path.dirname(f['source'])) for f in found['found']], ['stripes'] * 5, 'found')
    tool('embed', '--model', BACKBONE, '-o', path('index.safetensors'), known).ok()
    again = tool('find', '--like', like, '--model', BACKBONE, '--json', '--top', 5, path('index.safetensors')).json()
    equal(again, found, 'by the index')
    text = tool('find', '--like', like, '--model', BACKBONE, '-n', 1, path('index.safetensors')).ok().out
    equal(text.split(), ['1.000', like], 'text')
    Run('init', '--variant', 'b0', '--classes', 3, path('other.safetensors')).ok()
    tool('find', '--like', like, '--model', path('other.safetensors'), path('index.safetensors')) \
        .fails(1, 'another model')
    tool('find', known).fails(2, '--like')
    tool('find', '--like', path('nowhere.png'), '--model', BACKBONE, known).fails(1, 'nowhere.png')


def moments_of_a_video_are_found():
    if not GSTREAMER or not os.path.exists(path('two.mkv')):
        raise Skip('no video')
    write_png(path('white.png'), 64, 48, lambda x, y: (255, 255, 255))
    found = tool('find', '--like', path('white.png'), '--model', BACKBONE, '--json', '--top', 3,
                 path('two.mkv')).json()['found']
    check(all(f['time'] >= 5e9 for f in found), str(found))


def what_a_model_does_not_know():
    """The model's own threshold counts, unless the option says otherwise."""
    picture = draw(path('disc.png'), 'disc', 'unknown')
    sure = ['--overrides', '{"unknown_threshold": 1.0}']
    def first(*options):
        return tool('classify', '--json', '--model', taught(), *options, picture).ok().json_lines()[0]['classes']
    known = first()
    equal((known[0]['label'], known[0]['index']), ('disc', 0), 'known')
    unknown = first(*sure)
    equal((unknown[0]['label'], unknown[0]['index']), ('unknown', None), 'unknown')
    equal(unknown[1], known[0], 'the best class follows')
    check(abs(unknown[0]['score'] + known[0]['score'] - 1) < 1e-5, f'{unknown} {known}')
    equal(first(*sure, '--unknown-threshold', 0), known, 'by the option')
    equal(first('--unknown-threshold', 1)[0]['label'], 'unknown', 'by the option')


def how_good_a_model_is():
    fresh = path('to-evaluate')
    shutil.copytree(draw_folder('fresh', 20, first=100), fresh)
    shutil.copy(path('fresh', 'disc', '00.png'), path('to-evaluate', 'stripes', 'wrong.png'))
    for i in range(4):
        draw(path('to-evaluate', 'square <b>', f'{i}.png'), 'square', i)
    report = tool('evaluate', '--model', taught(), '--json', '--report', path('report.html'), fresh).json()
    equal(report['images'], 41, 'images')
    equal(report['unknown'], 4, 'pictures with another label')
    matrix = report['confusion']
    equal(sum(map(sum, matrix)), 41, 'the matrix')
    right = matrix[0][0] + matrix[1][1]
    check(abs(report['top1'] - right / 41) < 1e-3, f'top-1 is not what the matrix says: {report}')
    equal(report['top5'], 1, 'top-5 of two classes')
    check(right >= 38, str(report))
    for c, entry in enumerate(report['classes']):
        check(abs(entry['recall'] - matrix[c][c] / sum(matrix[c])) < 1e-3, 'recall')
        check(abs(entry['precision'] - matrix[c][c] / (matrix[0][c] + matrix[1][c])) < 1e-3, 'precision')
        equal(entry['images'], sum(matrix[c]), 'images')
    mistakes = [os.path.basename(m['source']) for m in report['mistakes']]
    equal(len(mistakes), 41 - right, 'mistakes')
    check('wrong.png' in mistakes, str(mistakes))
    check(0 <= report['calibration_error'] < 0.5, str(report))
    curve = report['thresholds']
    equal([point['threshold'] for point in curve], [i / 20 for i in range(20)], 'thresholds')
    equal((curve[0]['accepted'], curve[0]['unknown_accepted']), (1, 1), 'at 0')
    check(all(a['accepted'] >= b['accepted'] for a, b in zip(curve, curve[1:])), str(curve))
    with open(path('report.html'), encoding='utf-8') as file:
        page = file.read()
    check(page.count('data:image/jpeg;base64,') == len(mistakes), 'a picture for each mistake')
    check(page.count('preserveAspectRatio') == len(mistakes), 'a heat map for each mistake')
    check('<svg' in page and 'wrong.png' in page and '<b>square' not in page, 'the page')
    check('src="http' not in page and 'href=' not in page, 'the page needs another file')
    text = tool('evaluate', '--model', taught(), fresh).ok().out
    for words in ('surest mistakes', 'wrong.png', 'calibration error', 'threshold', "model's own"):
        check(words in text, f'{words!r} is missing: {text}')
    tool('evaluate', '--model', taught(), path('more')).fails(1, 'label that the model knows', 'square')
    tool('evaluate', '--model', taught(), path('empty')).fails(1, 'folder for each class')
    tool('evaluate', '--model', taught()).fails(2, 'folder')


def frames_of_videos_are_shown():
    """A mistake of a video has its frame on the page, upright, and the part that a list names."""
    if not GSTREAMER or not os.path.exists(path('two.mkv')):
        raise Skip('no video')
    taught_of_video = path('stretches.safetensors')
    with open(path('wrong.csv'), 'w', encoding='utf-8') as file:
        file.write('two.mkv,bright,0,2\ntwo.mkv,dark,6,7,8,4,48,12\n')  # they are the other way round
    report = tool('evaluate', '--model', taught_of_video, '--json', '--interval', 1, '--report', path('video.html'),
                  '--list', path('wrong.csv')).json()
    equal((report['top1'], len(report['mistakes'])), (0, 5), 'what is wrong')
    with open(path('video.html'), encoding='utf-8') as file:
        page = file.read()
    pictures = [base64.b64decode(text) for text in re.findall('data:image/jpeg;base64,([^"]*)', page)]
    equal(len(pictures), 5, 'pictures on the page')
    for picture, source in zip(pictures, re.findall('at ([0-9.]+) s<', page)):
        late = float(source) > 5
        equal(jpeg_size(picture), (192, 48) if late else (192, 144), f'size of the picture at {source}')


def jpeg_size(data):
    """Of a baseline or progressive JPEG."""
    at = 2
    while data[at + 1] not in (0xc0, 0xc2):
        at += 2 + struct.unpack('>H', data[at + 2:at + 4])[0]
    height, width = struct.unpack('>HH', data[at + 5:at + 9])
    return width, height


def a_backbone_that_is_no_efficientnet():
    header = {'conv1.weight': {'dtype': 'F32', 'shape': [64, 3, 7, 7], 'data_offsets': [0, 37632]},
              'fc.weight': {'dtype': 'F32', 'shape': [10, 64], 'data_offsets': [37632, 40192]}}
    text = json.dumps(header).encode()
    with open(path('resnet.safetensors'), 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + bytes(40192))
    for command in (['teach', '-o', path('never.safetensors')], ['embed', '-o', path('never.npy')], ['evaluate'],
                    ['find', '--like', draw(path('like.png'), 'disc', 1)]):
        run = tool(*command, '--model', path('resnet.safetensors'), draw_folder('known', 10))
        run.fails(1, 'resnet.safetensors', 'not an EfficientNet', 'conv1.weight')
        equal(len(run.errors()), 1, 'messages')
    check(not os.path.exists(path('never.safetensors')) and not os.path.exists(path('never.npy')), 'it was written')


def embeddings_and_model_appear_together():
    """Where the model does not fit on the disk its embeddings are not left there, nor are the old ones lost."""
    small = path('together')
    os.makedirs(small)
    if os.geteuid() or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', small],
                                      capture_output=True, check=False).returncode:
        raise Skip('cannot mount a small file system')
    try:
        old = os.path.join(small, 'm.embeddings.safetensors')
        with open(old, 'wb') as file:
            file.write(b'old')
        tool('teach', '--model', BACKBONE, '--keep-embeddings', '--views', 1, '-o', os.path.join(small, 'm.safetensors'),
             draw_folder('known', 10)).fails(1, 'm.safetensors')
        equal(os.listdir(small), ['m.embeddings.safetensors'], 'what is left')
        equal(os.path.getsize(old), 3, 'size of the old embeddings')
    finally:
        subprocess.run(['umount', small], check=False)


def trash_as_scikit_learn_has_it():
    """Cross-validated on the shared pictures, with features of V2-B0, against scikit-learn on PyTorch's."""
    if not os.path.exists(V2):
        raise Skip('the shared data is not here (EFFVK_SHARED)')
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_score
    except ImportError as missing:
        raise Skip('no scikit-learn') from missing
    names = sorted(os.listdir(TRASH))
    labels = [name.rstrip('0123456789.jpg') for name in names]
    with open(path('trash.csv'), 'w', encoding='utf-8') as file:
        file.writelines(f'{os.path.join(TRASH, name)},{label}\n' for name, label in zip(names, labels))
    report = tool('teach', '--model', V2, '-o', path('trash.safetensors'), '--keep-embeddings', '--json',
                  '--list', path('trash.csv'), timeout=600).json()
    equal([c['label'] for c in report['classes']], ['cardboard', 'glass', 'metal', 'paper', 'plastic'], 'classes')
    features = tensor(path('trash.embeddings.safetensors'), 'embeddings')[::4]
    equal(len(features), 50, 'pictures')
    scores = [cross_val_score(LogisticRegression(max_iter=3000), features, labels,
                              cv=StratifiedKFold(10, shuffle=True, random_state=seed)).mean()
              for seed in range(5)]
    theirs = sum(scores) / len(scores)
    print(f'# accuracy {report["accuracy"]:.3f}, scikit-learn {theirs:.3f}', flush=True)
    check(report['accuracy'] >= theirs - 0.02, f'{report["accuracy"]} where scikit-learn has {theirs}')


if __name__ == '__main__':
    run_tests([shapes_are_learned, test_pictures_are_learned, the_text_is_for_people,
               a_class_of_few_pictures_is_named, the_same_again, what_was_taught_is_known_of_the_file,
               the_backbone_stays_as_it_is, a_taught_model_becomes_onnx, more_classes_are_added,
               a_list_names_parts_and_stretches, several_labels_of_a_picture, one_picture_under_two_labels,
               bad_files_are_passed_over, bad_input_is_refused, bad_lists_are_refused,
               a_class_of_one_picture_is_refused, a_full_disk_leaves_nothing, embeddings_in_every_format,
               alike_pictures_are_found, moments_of_a_video_are_found, what_a_model_does_not_know,
               how_good_a_model_is, frames_of_videos_are_shown, a_backbone_that_is_no_efficientnet,
               embeddings_and_model_appear_together,
               trash_as_scikit_learn_has_it])
