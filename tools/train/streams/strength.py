# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of damage to packets can be seen: the damaged file and the whole one, decoded as effvk decodes them."""
import numpy as np

from codec import Gst
from streams.faults import level_of

OFF = 28  # levels that a 16x16 block is off every undamaged frame near it, in the mean
NEAR = 2  # frames before and after
LEAST = 0.03  # the share of blocks from which damage is one
SHORTEST = 1.5  # seconds: nobody waits for a flash to be told
EVERY = 0.2  # seconds between frames that are looked at
LINES = 576  # pictures with more are halved


def decode(path, width, height):
    """(time, luma) of every frame."""
    half = height > LINES
    size = (width // 2, height // 2) if half else (width, height)
    scale = f"videoscale ! video/x-raw,format=GRAY8,width={size[0]},height={size[1]}"
    pipeline = Gst.parse_launch(f'filesrc location="{path}" ! decodebin ! videoconvert n-threads=1 ! {scale} ! '
                                "appsink name=out sync=false max-buffers=4")
    sink, bus = pipeline.get_by_name("out"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            sample = sink.emit("try-pull-sample", Gst.SECOND)
            if sample is None:
                if sink.get_property("eos") or bus.pop_filtered(Gst.MessageType.ERROR):
                    return
                continue
            buffer, segment = sample.get_buffer(), sample.get_segment()
            row = (size[0] + 3) // 4 * 4
            data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
            time = segment.to_stream_time(Gst.Format.TIME, buffer.pts) / Gst.SECOND
            yield time, data[:row * size[1]].reshape(size[1], row)[:, :size[0]]
    finally:
        pipeline.set_state(Gst.State.NULL)


def blocks(difference, side):
    height, width = (length // side * side for length in difference.shape)
    return difference[:height, :width].reshape(height // side, side, width // side, side).mean((1, 3))


def off(frame, whole, side):
    """The share of blocks that are off every one of these frames."""
    least = None
    for other in whole:
        now = blocks(np.abs(frame.astype(np.int16) - other), side)
        least = now if least is None else np.minimum(least, now)
    return float((least >= OFF).mean())


def seen(path, whole_path, windows, width, height):
    """[(time, share of blocks)] for each window (start, end)."""
    whole, out = {}, [[] for _ in windows]
    reach = 0.5
    for time, luma in decode(whole_path, width, height):
        for i, (start, end) in enumerate(windows):
            if start - reach <= time <= end + reach:
                whole.setdefault(i, []).append((time, luma))
    side, last = (8 if height > LINES else 16), -1.0
    for time, luma in decode(path, width, height):
        if time - last < EVERY - 1e-3:
            continue
        for i, (start, end) in enumerate(windows):
            if start <= time <= end and whole.get(i):
                last = time
                times = [t for t, _ in whole[i]]
                at = int(np.argmin(np.abs(np.array(times) - time)))
                near = [frame for _, frame in whole[i][max(0, at - NEAR):at + NEAR + 1]]
                out[i].append((time, off(luma, near, side)))
    return out


def settle(fault, series):
    """Sets a fault's times and its strength from what can be seen: from the first damaged frame to the last, and
    the mean share of blocks of all frames between."""
    fault.done = [fault.start, max([fault.end] + [time for time, share in series if share > 0])]
    hit = [time for time, share in series if share >= LEAST]
    if len(hit) < 2 or hit[-1] - hit[0] < SHORTEST:
        fault.level, fault.strength = "unseen", 0.0
        return
    fault.start, fault.end = hit[0], hit[-1] + EVERY
    fault.strength = round(float(np.mean([s for t, s in series if hit[0] <= t <= hit[-1]])), 3)
    fault.level = level_of(fault.strength)
