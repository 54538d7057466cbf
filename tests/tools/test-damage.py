#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk classify and what is damaged: pictures of every format that are cut off or altered, and videos
with data that cannot be decoded. They are classified as far as they can be read, and marked."""

import csv
import io
import os
import random
import struct
import subprocess

from effvktool import (ROOT, Folder, Run, Skip, check, equal, launch, needs_gstreamer, plain_env,
                       run_tests, validate)

temporary = Folder('effvk-damage-')
WIDTH, HEIGHT = 60, 48


def classify(*arguments):
    return Run('classify', '--device', 'cpu', *arguments, env=plain_env())


def pixel(x, y):
    return ((x * 4 + y) % 256, (y * 5) % 256, (x * y) % 256)


ROWS = [[pixel(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]


def write(name, data):
    with open(temporary.path(name), 'wb') as file:
        file.write(data)
    return temporary.path(name)


def read(name):
    with open(name, 'rb') as file:
        return file.read()


def make_bmp(top_down=False):
    rows = ROWS if top_down else ROWS[::-1]
    pixels = b''.join(bytes(c for p in row for c in p[::-1]) + bytes(-3 * WIDTH % 4) for row in rows)
    return (b'BM' + struct.pack('<IHHI', 54 + len(pixels), 0, 0, 54)
            + struct.pack('<IiiHHIIiiII', 40, WIDTH, -HEIGHT if top_down else HEIGHT, 1, 24, 0,
                          len(pixels), 2835, 2835, 0, 0) + pixels)


def make_ico():
    pixels = b''.join(bytes(c for p in row[:32] for c in (*p[::-1], 255)) for row in ROWS[31::-1])
    image = struct.pack('<IiiHHIIiiII', 40, 32, 64, 1, 32, 0, len(pixels), 0, 0, 0, 0) + pixels \
        + bytes(4 * 32)
    return struct.pack('<HHH', 0, 1, 1) + struct.pack('<BBBBHHII', 32, 32, 0, 0, 1, 32, len(image), 22) \
        + image


def make_tga():
    return struct.pack('<BBBHHBHHHHBB', 0, 0, 2, 0, 0, 0, 0, 0, WIDTH, HEIGHT, 24, 0x20) \
        + bytes(c for row in ROWS for p in row for c in p[::-1])


def make_ppm():
    return b'P6\n%d %d\n255\n' % (WIDTH, HEIGHT) + bytes(c for row in ROWS for p in row for c in p)


def make_gif():
    """Grey; LZW codes of 8 bits that are never longer, as the table is cleared in time."""
    codes = [128]
    for i, grey in enumerate(sum(p) // 6 for row in ROWS for p in row):
        codes += [grey] + ([128] if i % 100 == 99 else [])
    codes.append(129)
    blocks = b''.join(bytes([len(codes[i:i + 255]), *codes[i:i + 255]]) for i in range(0, len(codes), 255))
    return (b'GIF89a' + struct.pack('<HHBBB', WIDTH, HEIGHT, 0xf6, 0, 0)
            + b''.join(bytes([i * 2] * 3) for i in range(128))
            + b',' + struct.pack('<HHHHB', 0, 0, WIDTH, HEIGHT, 0) + b'\x07' + blocks + b'\0;')


def whole_pictures():
    """By their names, with what they hold."""
    pictures = {'a.png': read(temporary.make_picture('whole.png', WIDTH, HEIGHT)), 'a.bmp': make_bmp(),
                'down.bmp': make_bmp(True), 'a.ico': make_ico(), 'a.tga': make_tga(),
                'a.ppm': make_ppm(), 'a.gif': make_gif(),
                'a.jpg': read(os.path.join(ROOT, 'examples', 'hangar.jpg'))}
    launch(f'filesrc location={os.path.join(ROOT, "examples", "hangar.jpg")} ! jpegdec ! videoconvert ! '
           f'video/x-raw,format=GRAY8 ! jpegenc ! filesink location={temporary.path("grey.jpg")}')
    pictures['grey.jpg'] = read(temporary.path('grey.jpg'))
    return pictures


def check_whole(names):
    run = classify('--json', *names).ok()
    equal(run.errors(), [], 'warnings')
    for line in run.json_lines():
        check('damaged' not in line, f'{line["source"]} is not damaged')


def check_damaged(name):
    run = classify('--json', '-k1', name).ok()
    equal(len(run.errors()), 1, f'warnings of {name}: {run}')
    check(name in run.err and ': damaged: ' in run.err, f'the warning of {name}: {run.err}')
    line, = run.json_lines()
    validate(line)
    equal(line.get('damaged'), True, f'damaged, of {name}')


def pictures_that_are_whole():
    needs_gstreamer()
    check_whole([write(name, data) for name, data in whole_pictures().items()])


def pictures_that_are_cut():
    needs_gstreamer()
    for name, data in whole_pictures().items():
        for share in (0.34, 0.9):
            check_damaged(write(f'cut-{share}-{name}', data[:int(len(data) * share)]))


def pictures_that_were_altered():
    """Of formats that can tell."""
    needs_gstreamer()
    pictures = whole_pictures()
    for name in ('a.png', 'a.jpg', 'grey.jpg'):
        data = bytearray(pictures[name])
        random.seed(1)
        for i in range(len(data) // 2, len(data) // 2 + len(data) // 20):
            data[i] = random.randrange(256)
        check_damaged(write('noisy-' + name, data))


def what_is_seen_of_it():
    """The part that is there: a picture whose last rows are missing looks like the whole one, not like
    nothing."""
    needs_gstreamer()
    whole = read(os.path.join(ROOT, 'examples', 'hangar.jpg'))
    label = [classify('--json', write(name, data)).json_lines()[0]['label'] for name, data in
             (('w.jpg', whole), ('m.jpg', whole[:int(len(whole) * 0.97)]))]
    equal(label[1], label[0], 'label')


def the_other_formats_of_output():
    needs_gstreamer()
    cut = write('cut.bmp', make_bmp()[:3000])
    check(f'{cut}  (damaged)\n' in classify(cut).ok().out, 'not in the table')
    rows = list(csv.DictReader(io.StringIO(classify('--csv', '-k1', cut).ok().out)))
    equal([row['damaged'] for row in rows], ['true'], 'damaged')
    check(classify('--summary', cut).ok().out.endswith('  (damaged)\n'), 'not in the summary')
    equal(classify('--summary', '--json', cut).ok().json_lines()[0]['damaged'], True, 'damaged')


def what_cannot_be_read_at_all():
    """Is an error, as ever."""
    needs_gstreamer()
    for name, data in whole_pictures().items():
        run = classify('--json', write('stub-' + name, data[:20]))
        equal((run.status, run.out, len(run.errors())), (1, '', 1), f'status, output and errors of {name}')


# Videos

def needs_decoder(*names):
    for name in names:
        if subprocess.run(['gst-inspect-1.0', '--exists', name], check=False).returncode != 0:
            raise Skip(f'GStreamer has no {name} here')


def make_video(name, chain, rate=10, width=160, height=120):
    launch(f'videotestsrc num-buffers=40 pattern=snow ! video/x-raw,format=I420,width={width},'
           f'height={height},framerate={rate}/1 ! {chain} ! filesink location={temporary.path(name)}')
    return temporary.path(name)


def check_video(name, alter):
    """Damaged from somewhere in the middle to the end."""
    check_whole([name])
    data = bytearray(read(name))
    random.seed(1)
    alter(data)
    damaged = write('damaged-' + os.path.basename(name), data)
    run = classify('--json', damaged).ok()
    equal(len(run.errors()), 1, f'warnings of {name}: {run}')
    check(f'{damaged}: damaged at 0:00:0' in run.err, f'the warning: {run.err}')
    marks = [line.get('damaged', False) for line in run.json_lines()]
    first = marks.index(True)
    check(5 <= first <= 30, f'the first that is marked: {first}')
    equal(marks[first:], [True] * (len(marks) - first), 'marks from there on')
    table = classify(damaged).ok().out.splitlines()
    marks = [line.endswith('(damaged)') for line in table]
    check(marks == sorted(marks) and marks[1:].count(False) >= 1 and marks[-1], f'marks in {table}')
    equal(classify('--summary', '--json', damaged).json_lines()[0]['damaged'], True, 'damaged')


def shuffle(data, begin, end, step=1, size=None):
    for at in range(begin, end, step):
        for i in range(at, at + (size or step)):
            data[i] = random.randrange(256)


def motion_jpeg():
    """jpegdec shows what it can of a frame, and says nothing; without its beginning it drops it.

    Inside of a frame it is a marker that no JPEG has. Bytes at random may be a second marker of dimensions, at
    which GStreamer 1.26's jpegparse ends the stream."""
    needs_gstreamer()
    name = make_video('m.avi', 'jpegenc ! avimux')

    def alter_inside(data):
        frame = data.index(b'\xff\xd8\xff', len(data) // 2)
        data[frame + 3000:frame + 3002] = b'\xff\x09'

    def alter_beginning(data):
        frame = data.index(b'\xff\xd8\xff', len(data) // 2)
        shuffle(data, frame, frame + 600)

    check_video(name, alter_inside)
    check_video(name, alter_beginning)


def alter_packets(data):
    packet = len(data) // 2 // 188 * 188
    shuffle(data, packet + 60, packet + 60 + 3 * 188, 188, 100)


def h264():
    """libav conceals what it cannot decode."""
    needs_gstreamer()
    needs_decoder('openh264enc', 'avdec_h264')
    check_video(make_video('h.ts', 'openh264enc gop-size=10 ! h264parse ! mpegtsmux', 10, 320, 240),
                alter_packets)


run_tests([pictures_that_are_whole, pictures_that_are_cut, pictures_that_were_altered,
           what_is_seen_of_it, the_other_formats_of_output, what_cannot_be_read_at_all, motion_jpeg,
           h264])
