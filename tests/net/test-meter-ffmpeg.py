#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures against what ffmpeg's filters say of the same frames. Prints TAP."""

import os
import re
import shutil
import subprocess
import sys

WIDTH, HEIGHT = 352, 288
SIZE = WIDTH * HEIGHT * 3 // 2
FFMPEG = ['ffmpeg', '-nostdin', '-loglevel', 'error', '-filter_threads', '1', '-threads', '1']


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def ffmpeg(*arguments):
    return subprocess.run([*FFMPEG, *arguments], capture_output=True, check=True, timeout=120).stdout


def make(source, n, *options):
    """@n frames of a source, I420, as bytes."""
    return ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', str(n), *options, '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-')


def filtered(frames, filters):
    """The metadata that filters leave, a dictionary for each frame that has any."""
    done = subprocess.run([*FFMPEG, '-f', 'rawvideo', '-pixel_format', 'yuv420p', '-video_size', f'{WIDTH}x{HEIGHT}',
                           '-i', '-', '-vf', f'{filters},metadata=print:file=-', '-f', 'null', '-'],
                          input=frames, capture_output=True, check=True, timeout=120)
    found = []
    for line in done.stdout.decode().splitlines():
        if line.startswith('frame:'):
            found.append({})
        elif '=' in line:
            key, value = line.split('=', 1)
            found[-1][key] = value
    return found


class Meter:
    def __init__(self):
        self.meter = Effvk.Meter.new(Effvk.Device.new('cpu'))

    def measure(self, frames):
        """For each frame its measures, by name."""
        found = []
        for at in range(0, len(frames), SIZE):
            image = Effvk.Image.new_from_bytes(Effvk.Format.I420, WIDTH, HEIGHT, GLib.Bytes.new(frames[at:at + SIZE]))
            measures = self.meter.measure(image)
            found.append({value.value_nick: measures.get(value) for value in Effvk.Measure.__enum_values__.values()})
        return found


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def luma_as_signalstats():
    frames = make(f'testsrc2=s={WIDTH}x{HEIGHT}', 5)
    theirs = filtered(frames, 'signalstats,blackframe=amount=0:threshold=38,scdet=t=0')
    for i, (ours, seen) in enumerate(zip(Meter().measure(frames), theirs)):
        check(abs(ours['luma-mean'] - float(seen['lavfi.signalstats.YAVG'])) < 0.1, f'{i}: {ours} {seen}')
        check(abs(100 * ours['black'] - int(seen['lavfi.blackframe.pblack'])) <= 1, f'{i}: {ours} {seen}')


def change_as_freezedetect():
    """A frame is frozen for ours where it is for freezedetect, at its default of -60 dB."""
    moving = make(f'testsrc2=s={WIDTH}x{HEIGHT}', 30)
    frames = moving[:10 * SIZE] + moving[9 * SIZE:10 * SIZE] * 60 + moving[10 * SIZE:]
    theirs = filtered(frames, 'freezedetect=d=0.4')
    times = [(key, float(value)) for seen in theirs for key, value in seen.items()
             if key.endswith(('freeze_start', 'freeze_end'))]
    ours = [measures['change'] < 0.001 for measures in Meter().measure(frames)]
    check([round(time * 25) for _, time in times] == [9, 70], f'{times}')
    check(ours == [10 <= i < 70 for i in range(90)], f'{ours}')


def judge_fields(measures):
    top, bottom, lines = measures['top-first'], measures['bottom-first'], measures['lines']
    if top > 1.04 * bottom:
        return 'tff'
    if bottom > 1.04 * top:
        return 'bff'
    return 'progressive' if bottom > 1.5 * lines else 'undetermined'


def fields_as_idet():
    for filters, wanted in (('tinterlace=interleave_top', 'tff'), ('tinterlace=interleave_bottom', 'bff'),
                            ('null', 'progressive')):
        frames = make(f'mandelbrot=s={WIDTH}x{HEIGHT}:end_scale=0.03:end_pts=60', 20, '-vf', filters)
        theirs = [seen['lavfi.idet.single.current_frame'] for seen in filtered(frames, 'idet')][1:-1]
        ours = [judge_fields(measures) for measures in Meter().measure(frames)][1:-1]
        print(f'# {wanted}: idet {theirs.count(wanted)}, ours {ours.count(wanted)} of {len(ours)}', flush=True)
        check(theirs.count(wanted) >= len(theirs) * 0.8, f'{wanted}: idet says {theirs}')
        check(ours.count(wanted) >= theirs.count(wanted) - 1, f'{wanted}: {ours}, idet {theirs}')


def blocks_as_blockdetect():
    """More with every step of a coder's quality."""
    source = f'mandelbrot=s={WIDTH}x{HEIGHT}'
    ours, theirs = [], []
    for quality in (2, 12, 31):
        coded = ffmpeg('-f', 'lavfi', '-i', source, '-frames:v', '6', '-c:v', 'mjpeg', '-q:v', str(quality),
                       '-pix_fmt', 'yuvj420p', '-f', 'matroska', '-')
        frames = subprocess.run([*FFMPEG, '-i', '-', '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'], input=coded,
                                capture_output=True, check=True, timeout=120).stdout
        ours.append(mean(m['blockiness'] for m in Meter().measure(frames)))
        theirs.append(mean(float(seen['lavfi.block']) for seen in filtered(frames, 'blockdetect')))
    print(f'# blockiness {ours}, blockdetect {theirs}', flush=True)
    check(theirs == sorted(theirs) and ours == sorted(ours) and ours[2] > 2 * ours[0], f'{ours} {theirs}')


def edges_as_blurdetect():
    ours, theirs = [], []
    for sigma in (0, 1, 2, 4):
        frames = make(f'testsrc2=s={WIDTH}x{HEIGHT}', 4, '-vf', f'gblur=sigma={sigma}' if sigma else 'null')
        ours.append(mean(m['edge-width'] for m in Meter().measure(frames)))
        theirs.append(mean(float(seen['lavfi.blur']) for seen in filtered(frames, 'blurdetect')))
    print(f'# edge width {ours}, blurdetect {theirs}', flush=True)
    check(theirs == sorted(theirs) and ours == sorted(ours) and ours[3] > 1.5 * ours[0], f'{ours} {theirs}')


def borders_as_cropdetect():
    frames = make(f'color=white:s={WIDTH}x{HEIGHT - 64},pad={WIDTH}:{HEIGHT}:0:32', 4)
    seen = filtered(frames, 'cropdetect=round=2:limit=38:reset=1:skip=0')[-1]
    ours = Meter().measure(frames)[-1]
    check((ours['border-top'], ours['border-bottom'], ours['border-left']) == (32, 32, 0), f'{ours}')
    check((seen['lavfi.cropdetect.y'], seen['lavfi.cropdetect.h']) == ('32', str(HEIGHT - 64)), f'{seen}')


def main():
    tests = [luma_as_signalstats, change_as_freezedetect, fields_as_idet, blocks_as_blockdetect, edges_as_blurdetect,
             borders_as_cropdetect]
    failed = False
    print(f'1..{len(tests)}', flush=True)
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f'ok {number} - {test.__name__.replace("_", " ")}', flush=True)
        except (AssertionError, KeyError, subprocess.SubprocessError) as error:
            failed = True
            print(f'not ok {number} - {test.__name__.replace("_", " ")}', flush=True)
            print(re.sub('^', '# ', f'{type(error).__name__}: {error}', flags=re.MULTILINE)[:2000], flush=True)
    return failed


if __name__ == '__main__':
    if not shutil.which('ffmpeg'):
        print('1..0 # SKIP no ffmpeg')
        sys.exit()
    import gi
    gi.require_version('Effvk', '1.0')
    from gi.repository import Effvk, GLib
    sys.exit(main())
