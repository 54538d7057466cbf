#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk classify: options as other tools have them, folders, CSV, summaries, names of files."""

import csv
import io
import os
import shutil

from effvktool import (Folder, Run, Skip, check, equal, has_fields, needs_gstreamer, plain_env,
                       run_tests, validate)

NUMBER = (int, float)
PARTS = (('smpte', 2), ('black', 6))
temporary = Folder('effvk-classify-')


def classify(*arguments):
    return Run('classify', '--device', 'cpu', *arguments, env=plain_env())


def sources_of(run):
    return [line['source'] for line in run.json_lines()]


def values_right_behind_their_option():
    picture = temporary.make_picture()
    for options in (['-k1', '-j'], ['-jk1'], ['-k', '1', '-j'], ['-jpfp32', '-k1']):
        lines = classify(*options, picture).ok().json_lines()
        equal([len(line['classes']) for line in lines], [1], f'classes with {options}')
    # What is behind an option is its value, whatever it looks like; and nothing is an option behind --.
    Run('classify', '--device', '-k1', picture).fails(1, '-k1')
    Run('classify', '-d', '-k1', picture).fails(1, '-k1')
    classify('--', '-k1').fails(1, '-k1: there is no such file')
    classify('-k0', picture).fails(2, 'top-k')
    classify('-kx', picture).fails(2, 'x')
    classify('-xk1', picture).fails(2, '-xk1')


def make_tree():
    """A folder of pictures and a video, and what is passed over."""
    root = temporary.make_folder()
    pictures = temporary.make_picture()
    os.mkdir(os.path.join(root, 'sub'))
    os.mkdir(os.path.join(root, '.hidden'))
    for name in ('p10.png', 'p2.png', 'sub/q.png', '.hidden/h.png', '.h.png'):
        shutil.copy(pictures, os.path.join(root, name))
    with open(os.path.join(root, 'notes.txt'), 'w', encoding='ascii') as file:
        file.write('not a picture\n')
    os.symlink('p2.png', os.path.join(root, 'r.png'))
    os.symlink(root, os.path.join(root, 'sub', 'round'))
    os.mkfifo(os.path.join(root, 'fifo.png'))
    return root


def a_folder():
    root = make_tree()
    names = ['p2.png', 'p10.png', 'r.png']  # as people count
    expected = [os.path.join(root, name) for name in names]
    equal(sources_of(classify('--json', root).ok()), expected, 'sources')
    for option in ('-r', '--recursive'):
        equal(sources_of(classify('--json', option, root).ok()),
              [*expected, os.path.join(root, 'sub', 'q.png')], f'sources with {option}')
    picture = temporary.make_picture('alone.png')
    equal(sources_of(classify('--json', picture, root, picture).ok()),
          [picture, *expected, picture], 'sources of a folder between files')


def a_folder_with_a_video():
    root = temporary.make_folder()
    shutil.copy(temporary.make_picture(), os.path.join(root, 'a.png'))
    shutil.copy(temporary.make_signal('v.avi', ('black', 1)), os.path.join(root, 'b.avi'))
    equal(sources_of(classify('--json', root).ok()),
          [os.path.join(root, 'a.png')] + [os.path.join(root, 'b.avi')] * 10, 'sources')


def a_folder_that_has_nothing():
    root = temporary.make_folder()
    os.mkdir(os.path.join(root, 'sub'))
    classify(root).fails(1, root, 'no picture', '-r')
    classify('-r', root).fails(1, root, 'no picture')
    shutil.copy(temporary.make_picture(), os.path.join(root, 'sub', 'a.png'))
    classify(root).fails(1, root, '-r')
    classify('-r', root).ok()
    classify('--raw', 'RGB:8x8', root).fails(1, root, 'folder')
    classify('--raw', 'RGB:8x8', '-r', root).fails(2, 'recursive')


def a_folder_that_cannot_be_read():
    if os.geteuid() == 0:
        raise Skip('root may read everything')
    root = temporary.make_folder()
    shutil.copy(temporary.make_picture(), os.path.join(root, 'a.png'))
    os.mkdir(os.path.join(root, 'closed'), mode=0)
    run = classify('--json', '-r', root).fails(1, 'closed')
    equal(sources_of(run), [os.path.join(root, 'a.png')], 'sources')


def comma_separated_values():
    picture = temporary.make_picture('a "quoted", name.png')
    labels = temporary.write('labels.txt', '\n'.join(f'l{i}, "{i}"' for i in range(12)) + '\n')
    run = classify('--csv', '-k3', '--labels', labels, picture, picture).ok()
    rows = list(csv.reader(io.StringIO(run.out)))
    equal(rows[0], ['source', 'frame', 'seconds', 'damaged', 'rank', 'index', 'label', 'score'], 'header')
    equal([row[0] for row in rows[1:]], [picture] * 6, 'sources')
    equal([row[4] for row in rows[1:]], ['1', '2', '3'] * 2, 'ranks')
    wanted = classify('--json', '-k3', picture).ok().json_lines()[0]['classes']
    for row, entry in zip(rows[1:], wanted):
        equal(row[1:4] + row[5:], ['0', '', 'false', str(entry['index']),
                                   f'l{entry["index"]}, "{entry["index"]}"',
                                   f'{entry["score"]:.6f}'], 'a row')
    rows = list(csv.DictReader(io.StringIO(
        classify('-c', '-k1', temporary.make_signal('v.avi', ('black', 1))).ok().out)))
    equal([row['seconds'] for row in rows], [f'{i / 10:.3f}' for i in range(10)], 'seconds')
    classify('--csv', '--json', picture).fails(2, 'csv', 'json')


def what_is_unknown():
    """Has no index."""
    video = temporary.make_signal('parts.avi', *PARTS)
    line = classify('--summary', '--json', '--unknown-threshold', '0.9999', video).ok().json_lines()[0]
    validate(line)
    equal([(entry['index'], entry['label']) for entry in line['classes']], [(None, 'unknown')], 'classes')
    rows = list(csv.DictReader(io.StringIO(
        classify('--csv', '-k1', '--unknown-threshold', '0.9999', temporary.make_picture()).ok().out)))
    equal([(row['index'], row['label']) for row in rows], [('-1', 'unknown')], 'rows')


def a_line_for_each_video():
    video = temporary.make_signal('parts.avi', *PARTS)
    picture = temporary.make_picture()
    lines = classify('--summary', video, picture, video).ok().out.splitlines()
    expected = f'{video}  0:00:08.0  black 75.0 %, color-bars 25.0 %'
    equal([lines[0], lines[2]], [expected] * 2, 'lines of the video')
    best = classify('--json', picture).ok().json_lines()[0]['classes'][0]
    equal(lines[1:2], [f'{picture}  {best["label"]} {best["score"] * 100:.1f} %'], 'the picture')
    equal(len(lines), 3, 'lines')


def the_summary_for_programs():
    video = temporary.make_signal('parts.avi', *PARTS)
    picture = temporary.make_picture()
    lines = classify('--summary', '--json', video, picture).ok().json_lines()
    equal(len(lines), 2, 'lines')
    for line in lines:
        has_fields(line, {'event': str, 'source': str, 'frames': int,
                          'duration': (int, type(None)), 'classes': list}, 'summary')
        equal(line['event'], 'summary', 'event')
        validate(line)
        for entry in line['classes']:
            has_fields(entry, {'index': int, 'label': str, 'share': NUMBER, 'score': NUMBER}, 'class')
    equal([(line['frames'], line['duration']) for line in lines], [(80, 8000000000), (1, None)],
          'frames and duration')
    equal([(entry['label'], entry['share']) for entry in lines[0]['classes']],
          [('black', 0.75), ('color-bars', 0.25)], 'classes')
    rows = list(csv.DictReader(io.StringIO(classify('--summary', '--csv', video).ok().out)))
    equal([(row['label'], row['share'], row['duration'], row['frames']) for row in rows],
          [('black', '0.750000', '8.000', '80'), ('color-bars', '0.250000', '8.000', '80')], 'rows')


def shares_are_of_time():
    """One frame in ten of the second part: as much time, not as many frames."""
    needs_gstreamer()
    video = temporary.make_signal('parts.avi', *PARTS)
    line = classify('--summary', '--json', '-i', 0.5, video).ok().json_lines()[0]
    equal(line['frames'], 16, 'frames')
    check(abs(line['classes'][0]['share'] - 0.75) < 0.01, f'{line}')


def names_that_are_not_utf8():
    """JSON and CSV say where the file is, in a way that the command understands."""
    name = os.path.join(os.fsencode(temporary.name), b'caf\xe9 100%.png')
    shutil.copy(os.fsencode(temporary.make_picture()), name)
    line = classify('--json', os.fsdecode(name)).ok().json_lines()[0]
    check(line['source_uri'].startswith('file:///') and 'caf%E9%20100%25.png' in line['source_uri'],
          f'source_uri is {line["source_uri"]!r}')
    validate(line)
    again = classify('--json', line['source_uri']).ok().json_lines()[0]
    equal(again['classes'], line['classes'], 'classes of what was found again')
    row = next(csv.DictReader(io.StringIO(classify('--csv', os.fsdecode(name)).ok().out)))
    equal(row['source'], line['source_uri'], 'source in CSV')
    summary = classify('--json', '--summary', os.fsdecode(name)).ok().json_lines()[0]
    equal(summary['source_uri'], line['source_uri'], 'source_uri of the summary')
    plain = classify('--json', temporary.make_picture('café.png')).ok().json_lines()[0]
    check('source_uri' not in plain, 'a name that is UTF-8 has a URI')


def names_that_would_drive_the_terminal():
    picture = temporary.make_picture('a\033[2Jb\nc.png')
    for options in ([], ['--summary']):
        out = classify(*options, picture).ok().out
        check('\033' not in out and 'a [2Jb c.png' in out, f'{out!r}')
    labels = temporary.write('evil.txt', ''.join(f'x{i}\u202e\n' for i in range(12)))
    for options in ([], ['--summary']):
        out = classify('--labels', labels, *options, picture).ok().out
        check('\u202e' not in out and ' x' in out, f'{out!r}')


def classes_that_count():
    picture = temporary.make_picture()

    def found(*options):
        return [entry['label'] for entry in classify('--json', *options, picture).ok().json_lines()[0]['classes']]
    order = found('-k12')
    equal(found('-k2', '--deny', f'{order[0]},{order[2]}'), [order[1], order[3]], 'classes that are not denied')
    equal(found('--allow', f'{order[5]},{order[3]}'), [order[3], order[5]], 'classes that are allowed')
    equal(found('--allow', order[5], '--class-thresholds', f'{order[5]}=2'), ['unknown'], 'a threshold that is too high')
    classify('--deny', 'blakc', picture).fails(1, 'deny', '"blakc"', 'did you mean "black"')
    classify('--allow', '12', picture).fails(1, 'allow', '0 to 11')
    classify('--class-thresholds', 'black=x', picture).fails(1, 'black=x', 'CLASS=SCORE')
    heat = os.path.join(temporary.name, 'heat.png')
    classify('--heatmap', heat, '--allow', order[0], picture).ok()
    os.unlink(heat)
    classify('--heatmap', heat, '--deny', order[0], picture).fails(1, heat, order[0], 'does not count')
    check(not os.path.exists(heat), 'a heat map of another class was written')


def measures_of_frames():
    """Each line has them by name; a frame that is the first of its file is compared with none."""
    needs_gstreamer()
    video = temporary.make_signal('measured.avi', ('smpte', 1), ('black', 1))
    lines = classify('--json', '--measures', '--interval', 0.5, video, video).ok().json_lines()
    for line in lines:
        validate(line)
    measures = [line['measures'] for line in lines]
    firsts = [i for i, line in enumerate(lines) if line['frame'] == 0]
    equal(firsts, [0, len(lines) // 2], 'first frames')
    equal([i for i, m in enumerate(measures) if m['change'] is None], firsts, 'frames that are compared with none')
    check(measures[0]['black'] < 0.5 and measures[0]['luma-spread'] > 20, f'bars: {measures[0]}')
    check(measures[1]['change'] < 0.05, f'bars again, with snow in a corner: {measures[1]}')
    check(measures[-1]['black'] > 0.99 and measures[-1]['edge-width'] is None, f'black: {measures[-1]}')
    check(max(m['change'] or 0 for m in measures) > 0.1, 'from bars to black nothing changes')
    picture = temporary.make_picture()
    check('measures' not in classify('--json', picture).ok().json_lines()[0], 'measures that nobody asked for')
    classify('--measures', picture).fails(2, '--json')
    classify('--measures', '--json', '--summary', picture).fails(2, '--measures')


run_tests([classes_that_count, measures_of_frames, values_right_behind_their_option, a_folder, a_folder_with_a_video,
           a_folder_that_has_nothing, a_folder_that_cannot_be_read, comma_separated_values,
           what_is_unknown,
           a_line_for_each_video, the_summary_for_programs, shares_are_of_time,
           names_that_are_not_utf8, names_that_would_drive_the_terminal])
