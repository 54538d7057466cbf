#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk classify on real pictures says what PyTorch said of them, decoding and all."""

import csv
import os

from effvktool import SHARED, Run, Skip, check, diagnose, plain_env, run_tests

DATA = os.path.join(SHARED, 'data')
V2_B0 = 'efficientnet_v2_b0_imagenet1k_keras'
LITE0 = 'efficientnet_lite0_imagenet1k'
TRASH = 'efficientnet_b0_trashbox7'


def read_answers(name, index, probability):
    """file name: (class, probability)"""
    path = os.path.join(DATA, 'images', name)
    if not os.path.exists(path):
        raise Skip(f'no {path} (EFFVK_SHARED names its folder)')
    with open(path, newline='', encoding='utf-8') as file:
        rows = csv.reader(file, delimiter='\t')
        columns = None
        answers = {}
        for row in rows:
            if columns is None:
                # With a header, or without one.
                columns = {title: i for i, title in enumerate(row)}
                if index in columns:
                    index, probability = columns[index], columns[probability]
                    continue
            answers[row[0]] = (int(row[index]), float(row[probability]))
    return answers


def compare(model, precision, folder, answers, may_differ):
    weights = os.path.join(DATA, 'weights', model + '.safetensors')
    if not os.path.exists(weights):
        raise Skip(f'no {weights} (EFFVK_SHARED)')
    paths = [os.path.join(DATA, 'images', folder, name) for name in answers]
    run = Run('classify', '--json', '--model', weights, '--precision', precision, '--top-k', 5,
              *paths, env=plain_env(), timeout=900).ok()
    lines = run.json_lines()
    check(len(lines) == len(paths), f'{len(paths)} pictures gave {len(lines)} lines: {run}')

    same, near, worst = 0, 0, 0.0
    for path, line in zip(paths, lines):
        name = os.path.basename(path)
        wanted, probability = answers[name]
        check(line['source'] == path, f'expected the line of {path}: {line}')
        score = next((c['score'] for c in line['classes'] if c['index'] == wanted), 0.0)
        difference = abs(score - probability)
        worst = max(worst, difference)
        near += difference <= 0.03
        same += line['classes'][0]['index'] == wanted
        if line['classes'][0]['index'] != wanted or difference > 0.03:
            best = line['classes'][0]
            diagnose(f'{name}: expected {wanted} with {probability:.4f}, found {score:.4f}; '
                     f'best {best["index"]} {best["score"]:.4f}')
    n = len(answers)
    diagnose(f'{model} {precision}: top-1 equal on {same} of {n}, probability within 0.03 on {near}, '
             f'worst difference {worst:.4f}')
    check(same >= n - may_differ, f'top-1 equal on {same} of {n}, at least {n - may_differ} expected')
    check(near >= 0.95 * n, f'the probability is within 0.03 on {near} of {n}, 95 % expected')


def v2_b0_fp32():
    compare(V2_B0, 'fp32', 'imagenet', read_answers('imagenet.tsv', 'v2_b0_top1', 'v2_b0_prob'), 1)


def v2_b0_fp16():
    compare(V2_B0, 'fp16', 'imagenet', read_answers('imagenet.tsv', 'v2_b0_top1', 'v2_b0_prob'), 2)


def lite0_fp32():
    compare(LITE0, 'fp32', 'imagenet', read_answers('imagenet.tsv', 'lite0_top1', 'lite0_prob'), 1)


def lite0_fp16():
    compare(LITE0, 'fp16', 'imagenet', read_answers('imagenet.tsv', 'lite0_top1', 'lite0_prob'), 2)


def b0_trashbox7_fp32():
    compare(TRASH, 'fp32', 'trash', read_answers('trash.tsv', 2, 3), 1)


run_tests([v2_b0_fp32, v2_b0_fp16, lite0_fp32, lite0_fp16, b0_trashbox7_fp32])
