#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real weights, written as other sources write them, give the answers that they gave before: as timm's
folders (other names, config.json, no metadata of ours), with lukemelas' names, and in 16 bits.

The names are spelled out here, by the sources' own rules, and owe nothing to effvk's.

usage: test-timm.py NET-RUN, and effvk in EFFVK_TOOL
"""

import atexit
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

from effvktool import SHARED, Run, Skip, check, diagnose, equal, plain_env, run_tests

try:
    import numpy
except ImportError:
    print('1..0 # SKIP numpy is not installed (python3-numpy)')
    sys.exit(0)

DATA = os.path.join(SHARED, 'data')
NET_RUN = sys.argv[1]
folder = tempfile.mkdtemp(prefix='effvk-timm-')
atexit.register(shutil.rmtree, folder, ignore_errors=True)


def read(path):
    """name: array, and the metadata."""
    if not os.path.exists(path):
        raise Skip(f'no {path} (EFFVK_SHARED names its folder)')
    with open(path, 'rb') as file:
        data = file.read()
    size, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + size])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, about in header.items():
        begin, end = about['data_offsets']
        tensors[name] = numpy.frombuffer(data[8 + size + begin:8 + size + end],
                                         '<f4').reshape(about['shape'])
    return tensors, json.loads(metadata.get('effvk', '{}'))


def encode(array, dtype):
    if dtype == 'BF16':  # rounded to nearest, ties to even
        bits = array.astype('<f4').view('<u4').astype('<u8')
        return ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype('<u2').tobytes()
    return array.astype({'F32': '<f4', 'F16': '<f2'}[dtype]).tobytes()


def write(path, tensors, dtype='F32', recipe=None):
    header = {'__metadata__': {'effvk': json.dumps(recipe)} if recipe else {'format': 'pt'}}
    chunks, offset = [], 0
    for name, array in tensors.items():
        chunks.append(encode(array, dtype))
        header[name] = {'dtype': dtype, 'shape': list(array.shape),
                        'data_offsets': [offset, offset + len(chunks[-1])]}
        offset += len(chunks[-1])
    text = json.dumps(header).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(chunks))


def blocks_of(tensors):
    """The blocks in order, each {torchvision's prefix of a layer: its weight's shape}."""
    blocks = {}
    for name, array in tensors.items():
        part = name.split('.')
        if len(part) > 4 and part[3] == 'block' and name.endswith('.weight'):
            block = blocks.setdefault((int(part[1]), int(part[2])), {})
            if part[5] in ('0', 'fc1', 'fc2'):
                block['.'.join(part[:6])] = array.shape
    return [blocks[key] for key in sorted(blocks)], sorted(blocks)


def rename(tensors, ends, name_block):
    """By @ends for stem and head, {'stem': (convolution, norm), …}, and for a block @name_block (shapes, key,
    number): (convolution, norm) of each layer."""
    blocks, keys = blocks_of(tensors)
    head = 1 + max(stage for stage, _ in keys)
    layers = {'features.0.0': ends['stem'], f'features.{head}.0': ends['head'],
              'classifier.1': (ends['classifier'], None)}
    for number, (block, key) in enumerate(zip(blocks, keys)):
        for (prefix, _), names in zip(block.items(), name_block(list(block.values()), key, number)):
            layers[prefix] = names
    renamed = {}
    for prefix, (convolution, norm) in layers.items():
        renamed[convolution + '.weight'] = tensors[prefix + '.weight']
        if norm is None:
            renamed[convolution + '.bias'] = tensors[prefix + '.bias']
            continue
        for leaf in ('weight', 'bias', 'running_mean', 'running_var'):
            renamed[f'{norm}.{leaf}'] = tensors[f'{prefix[:-1]}1.{leaf}']
    equal(len(renamed), len(tensors), 'tensors renamed')
    return renamed


def is_fused(shapes):
    return shapes[0][2] > 1 and shapes[0][1] > 1


def timm_block(shapes, key, _):
    prefix = f'blocks.{key[0] - 1}.{key[1]}.'
    squeeze = [('se.conv_reduce', None), ('se.conv_expand', None)]
    if is_fused(shapes):
        names = [('conv_exp', 'bn1'), ('conv_pwl', 'bn2')] if len(shapes) == 2 else [('conv', 'bn1')]
    elif shapes[0][2] == 1:
        names = [('conv_pw', 'bn1'), ('conv_dw', 'bn2'), *squeeze, ('conv_pwl', 'bn3')]
    else:
        names = [('conv_dw', 'bn1'), *squeeze, ('conv_pw', 'bn2')]
    if len(names) != len(shapes):  # Lite
        names = [name for name in names if name not in squeeze]
    return [(prefix + conv, norm and prefix + norm) for conv, norm in names]


TIMM = {'stem': ('conv_stem', 'bn1'), 'head': ('conv_head', 'bn2'), 'classifier': 'classifier'}


def lukemelas_block(shapes, _, number):
    prefix = f'_blocks.{number}.'
    names = [('_expand_conv', '_bn0'), ('_depthwise_conv', '_bn1'), ('_se_reduce', None),
             ('_se_expand', None), ('_project_conv', '_bn2')]
    if shapes[0][2] > 1:
        names = names[1:]
    return [(prefix + conv, norm and prefix + norm) for conv, norm in names]


LUKEMELAS = {'stem': ('_conv_stem', '_bn0'), 'head': ('_conv_head', '_bn1'), 'classifier': '_fc'}


def logits_of(model, name):
    """Of the recorded inputs, and what PyTorch recorded."""
    golden, _ = read(os.path.join(DATA, 'golden', name + '.safetensors'))
    inputs, output = os.path.join(folder, 'input.f32'), os.path.join(folder, 'output.f32')
    numpy.ascontiguousarray(golden['input'].transpose(0, 2, 3, 1)).tofile(inputs)
    done = subprocess.run([NET_RUN, model, inputs, output], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=280, check=False)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    equal(done.returncode, 0, 'net-run ' + done.stderr)
    want = golden['logits']
    return numpy.fromfile(output, '=f4').reshape(want.shape), want


def check_logits(got, want, limit, what):
    error = numpy.abs(got.astype(float) - want).max() / numpy.abs(want).max()
    diagnose(f'{what}: largest difference {error:.2e} of the largest logit')
    check(error <= limit, f'{what}: logits differ by {error}')


def check_pictures(model, original):
    """Decoded and preprocessed by the recipe that was found: the same classes, labels and scores."""
    if os.environ.get('EFFVK_TOOL_GSTREAMER') != '1':
        diagnose('pictures are not compared: built without GStreamer')
        return
    images = os.path.join(DATA, 'images', 'imagenet')
    paths = [os.path.join(images, name) for name in sorted(os.listdir(images))[:6]]
    found, wanted = ([line['classes'] for line in
                      Run('classify', '--json', '--precision', 'fp32', '--model', path, *paths,
                          env=plain_env()).ok().json_lines()] for path in (model, original))
    equal(len(wanted), len(paths), 'pictures')
    equal(found, wanted, 'classes')
    check(len({str(classes[0]['label']) for classes in wanted}) > 3, 'the pictures are all the same')


def check_timm_folder(name, architecture, short):
    path = os.path.join(folder, short)
    original = os.path.join(DATA, 'weights', name + '.safetensors')
    tensors, recipe = read(original)
    os.mkdir(path)
    write(os.path.join(path, 'model.safetensors'), rename(tensors, TIMM, timm_block))
    config = {
        'architecture': architecture, 'num_classes': recipe['num_classes'], 'num_features': 1280,
        'global_pool': 'avg', 'label_names': recipe['label_names'],
        'pretrained_cfg': {
            'tag': 'in1k', 'custom_load': False, 'input_size': recipe['input_size'],
            'fixed_input_size': False, 'interpolation': recipe['interpolation'],
            'crop_pct': recipe['crop_pct'], 'crop_mode': recipe['crop_mode'], 'mean': recipe['mean'],
            'std': recipe['std'], 'num_classes': recipe['num_classes'], 'pool_size': [7, 7],
            'first_conv': 'conv_stem', 'classifier': 'classifier'}}
    with open(os.path.join(path, 'config.json'), 'w', encoding='utf-8') as file:
        json.dump(config, file, indent=2)

    found = Run('inspect', '--json', path).json()
    equal(found['names'], 'timm', 'names')
    for key, value in (('padding', 'same'), ('bn_eps', 0.001)):
        equal(found['architecture'][key], value, key)
        equal(found['sources']['architecture.' + key], 'config.json', 'source of ' + key)
    before = Run('inspect', '--json', original).json()
    for key in ('input', 'classes', 'parameters', 'architecture', 'labels'):
        equal(found[key], before[key], key)

    got, want = logits_of(path, name)
    unchanged, _ = logits_of(original, name)
    check_logits(got, want, 1e-4, 'PyTorch')
    equal(got.tobytes(), unchanged.tobytes(), 'logits')
    check_pictures(path, original)


def v2_b0_as_a_folder_of_timm():
    check_timm_folder('efficientnet_v2_b0_imagenet1k_keras', 'tf_efficientnetv2_b0', 'v2-b0')


def lite0_as_a_folder_of_timm():
    check_timm_folder('efficientnet_lite0_imagenet1k', 'tf_efficientnet_lite0', 'lite0')


def check_types(ends, name_block, scheme):
    name = 'efficientnet_b0_trashbox7'
    tensors, recipe = read(os.path.join(DATA, 'weights', name + '.safetensors'))
    renamed = rename(tensors, ends, name_block)
    for dtype, limit in (('F32', 1e-4), ('F16', 1e-2), ('BF16', 1e-1)):
        path = os.path.join(folder, f'{scheme}-{dtype}.safetensors')
        write(path, renamed, dtype, recipe)
        equal(Run('inspect', '--json', path).json()['names'], scheme, 'names')
        got, want = logits_of(path, name)
        check_logits(got, want, limit, dtype)
        equal(list(got.argmax(1)), list(want.argmax(1)), 'best classes')


def b0_with_names_of_timm():
    check_types(TIMM, timm_block, 'timm')


def b0_with_names_of_lukemelas():
    check_types(LUKEMELAS, lukemelas_block, 'lukemelas')


def the_wrong_number_of_labels_is_refused():
    path = os.path.join(folder, 'labels')
    os.mkdir(path)
    original = os.path.join(DATA, 'weights', 'efficientnet_b0_trashbox7.safetensors')
    if not os.path.exists(original):
        raise Skip(f'no {original} (EFFVK_SHARED)')
    shutil.copy(original, os.path.join(path, 'model.safetensors'))
    for labels in ('["a", "b"]', '{"a": 0, "b": 1}', 'a\nb\n'):
        file = os.path.join(path, 'labels.any')
        with open(file, 'w', encoding='utf-8') as out:
            out.write(labels)
        Run('inspect', '--labels', file, path).fails(1, 'expected 7 labels', 'found 2')


run_tests([v2_b0_as_a_folder_of_timm, lite0_as_a_folder_of_timm, b0_with_names_of_timm,
           b0_with_names_of_lukemelas, the_wrong_number_of_labels_is_refused])
