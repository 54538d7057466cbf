# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ffmpeg's filters say of the same streams."""
import dataclasses
import json
import os
import re
import subprocess
import tempfile

from streams.judge import Span

# What each measures: (kind of fault, key of its metadata, whether more of it is worse).
SCORES = {"idet": ("combing", None, True), "blockdetect": ("corruption", "lavfi.block", True),
          "blurdetect": ("blur", "lavfi.blur", True)}
WINDOW = 1.0  # seconds over which scores are averaged
FRAMES = 5  # a second that blockdetect and blurdetect see, as many as effvk looks at
LINES = 576  # pictures with more are halved for these two, which take too long


def run(path, height):
    """({state: Spans}, {filter: [(time, value)]}) of a stream: blackdetect and freezedetect with their own
    defaults, the others as values. They are kept beside the stream, as they do not change."""
    kept = path + ".filters.json"
    if not os.path.exists(kept):
        told, values = measure(path, height)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump([{state: [dataclasses.astuple(span) for span in spans] for state, spans in told.items()},
                       values], file)
    with open(kept, encoding="utf-8") as file:
        told, values = json.load(file)
    return {state: [Span(*span) for span in spans] for state, spans in told.items()}, values


def measure(path, height):
    small = ",scale=iw/2:ih/2" if height > LINES else ""
    with tempfile.TemporaryDirectory() as folder:
        slow, fast = os.path.join(folder, "slow"), os.path.join(folder, "fast")
        graph = (f"[0:v]split[a][b];[a]idet,blackdetect,freezedetect,metadata=print:file={fast},nullsink;"
                 f"[b]fps={FRAMES}{small},blockdetect,blurdetect,metadata=print:file={slow},nullsink")
        subprocess.run(["ffmpeg", "-v", "quiet", "-nostdin", "-threads", "1", "-filter_complex_threads", "1", "-i", path,
                        "-filter_complex", graph, "-f", "null", "-"], check=False)
        quick, slow = read(fast), read(slow)
    told = {"black": pairs(quick, "lavfi.black_start", "lavfi.black_end", 2.0, "black"),
            "freeze": pairs(quick, "lavfi.freezedetect.freeze_start", "lavfi.freezedetect.freeze_end", 2.0, "freeze")}
    fields = [(t, float(m.get("lavfi.idet.multiple.current_frame") in ("tff", "bff"))) for t, m in quick]
    values = {"idet": smooth(fields)}
    for name in ("blockdetect", "blurdetect"):
        key = SCORES[name][1]
        # Of a picture without edges there is no number.
        values[name] = smooth([(t, float(m[key])) for t, m in slow if key in m and "nan" not in m[key]])
    return told, values


def read(path):
    """[(time, {key: value})] of what metadata=print wrote."""
    out = []
    if not os.path.exists(path):
        return out
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.search(r"pts_time:([-\d.]+)", line)
            if match:
                out.append((float(match[1]), {}))
            elif "=" in line and out:
                key, value = line.strip().split("=", 1)
                out[-1][1][key] = value
    return out


def pairs(frames, start, end, detection, state):
    """Spans from the two keys that such a filter writes."""
    out, since = [], None
    for time, metadata in frames:
        if start in metadata:
            since = float(metadata[start])
        if end in metadata and since is not None:
            out.append(Span(state, since, float(metadata[end]), since + detection))
            since = None
    if since is not None and frames:
        out.append(Span(state, since, frames[-1][0], since + detection))
    return [span for span in out if span.end - span.start >= detection - 0.1]


def smooth(series):
    """Means over the last second."""
    out, first, total = [], 0, 0.0
    for i, (time, value) in enumerate(series):
        total += value
        while series[first][0] < time - WINDOW:
            total -= series[first][1]
            first += 1
        out.append((time, total / (i - first + 1)))
    return out
