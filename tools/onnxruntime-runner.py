# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a network in ONNX Runtime for 'effvk bench --compare', one inference a line of the standard input.

usage: onnxruntime-runner.py MODEL.onnx INPUT.f32 SHAPE THREADS

INPUT.f32 holds native floats of SHAPE (1,3,224,224). Says "ready VERSION"; then for each line "run" the
milliseconds that it took, and for "logits" the output. Exit status 3: no ONNX Runtime here.
"""

import sys
import time

try:
    import numpy
    import onnxruntime
except ImportError:
    sys.exit(3)

model, path, shape, threads = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
x = numpy.fromfile(path, "=f4").reshape([int(n) for n in shape.split(",")])
feeds = {session.get_inputs()[0].name: x}
print("ready ONNX Runtime " + onnxruntime.__version__, flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    output = session.run(None, feeds)[0]
    ms = (time.perf_counter() - begin) * 1e3
    print(" ".join(map(str, output.ravel().tolist())) if line.strip() == "logits" else f"{ms:.4f}", flush=True)
