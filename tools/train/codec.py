# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames through real encoders and decoders, with damage to the packets in between."""
import numpy as np
import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401

Gst.init(None)

# encoder (with its settings to fill in), parser, decoder
CODECS = {
    "h264": ("x264enc bitrate={kilobits} key-int-max={gop} {x264} threads=1", "h264parse",
             "avdec_h264 max-threads=1"),
    "mpeg2": ("mpeg2enc format=3 constraints=false bitrate={kilobits} min-gop-size={gop} max-gop-size={gop}",
              "mpegvideoparse", "avdec_mpeg2video max-threads=1"),
    # a speed below zero is kept to; above, it follows the time that a frame takes
    "vp8": ("vp8enc target-bitrate={bitrate} keyframe-max-dist={gop} deadline=1 cpu-used=-{speed} "
            "threads=1", "identity", "avdec_vp8 max-threads=1"),
    "jpeg": ("jpegenc quality={quality}", "jpegparse", "avdec_mjpeg"),
    # libav's encoders take the time base, nanoseconds, for the frame rate: a bit rate means little to this one, and
    # avenc_mpeg2video encodes nothing
    "mpeg4": ("avenc_mpeg4 qmin={quantizer} qmax={quantizer} gop-size={gop}", "mpeg4videoparse",
              "avdec_mpeg4 max-threads=1"),
    "theora": ("theoraenc bitrate={kilobits} keyframe-force={gop} speed-level=3", "identity",
               "theoradec"),
}
TIMEOUT = 20 * Gst.SECOND


def run(description, caps, buffers):
    """Push every buffer (bytes, pts, delta), return the caps and the samples that come out."""
    pipeline = Gst.parse_launch(
        f"appsrc name=in format=time ! {description} ! appsink name=out sync=false max-buffers=0")
    source, sink = pipeline.get_by_name("in"), pipeline.get_by_name("out")
    source.set_property("caps", caps)
    source.set_property("max-bytes", 0)
    pipeline.set_state(Gst.State.PLAYING)
    for data, pts, delta in buffers:
        if not data:  # an encoder that saw no change
            continue
        buffer = Gst.Buffer.new_wrapped(data)
        buffer.pts = pts
        buffer.duration = Gst.SECOND // 25
        if delta:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    out_caps, out, bus = None, [], pipeline.get_bus()
    while True:
        sample = sink.emit("try-pull-sample", Gst.SECOND // 4)
        if sample is None:
            # A decoder that gave up posts an error, and no end of stream comes after it.
            if sink.get_property("eos") or bus.pop_filtered(Gst.MessageType.ERROR):
                break
            continue
        out_caps = sample.get_caps()
        buffer = sample.get_buffer()
        delta = buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        out.append((buffer.extract_dup(0, buffer.get_size()), buffer.pts, delta))
    pipeline.set_state(Gst.State.NULL)
    return out_caps, out


def row_bytes(width):
    """Of RGB, as GStreamer lays it out: rows begin at multiples of four bytes."""
    return (width * 3 + 3) // 4 * 4


def pixels(data, width, height):
    """A buffer of RGB as [H, W, 3]."""
    row = row_bytes(width)
    return np.frombuffer(data, np.uint8)[:row * height].reshape(height, row)[:, :width * 3].reshape(height, width, 3)


def coded(length, codec):
    """x264enc refuses odd sizes, and mpeg2enc ends the process; it and jpegenc code what lies in memory behind a
    row that ends within a block, another thing each time."""
    unit = 16 if codec in ("jpeg", "mpeg2") else 2
    return -(-length // unit) * unit


def encode(frames, codec, settings):
    shape = frames[0].shape
    height, width = (coded(length, codec) for length in shape[:2])
    caps = Gst.Caps.from_string(
        f"video/x-raw,format=RGB,width={width},height={height},framerate=25/1")
    element, parser, _ = CODECS[codec]
    raw = []
    for i, frame in enumerate(frames):
        padded = np.zeros((height, row_bytes(width)), np.uint8)
        padded[:, :width * 3] = np.pad(frame, ((0, height - shape[0]), (0, width - shape[1]), (0, 0)),
                                       "edge").reshape(height, -1)
        raw.append((padded.tobytes(), i * Gst.SECOND // 25, False))
    subsampling = "" if codec == "jpeg" and settings.get("full") else ",format=I420"
    element = element.format(**settings)
    caps, packets = run(f"videoconvert n-threads=1 ! video/x-raw{subsampling} ! {element} ! {parser}", caps, raw)
    if not packets:
        raise RuntimeError(f"nothing came out of {element}, of {len(frames)} frames of {width}x{height}")
    return caps, packets


def decode(caps, packets, codec, width, height):
    columns, rows = coded(width, codec), coded(height, codec)
    _, raw = run(f"{CODECS[codec][2]} ! videoconvert n-threads=1 ! videoscale ! "
                 f"video/x-raw,format=RGB,width={columns},height={rows}", caps, packets)
    frames = [pixels(data, columns, rows) for data, _, _ in raw if len(data) >= row_bytes(columns) * rows]
    return [frame[:height, :width] for frame in frames]


def settings(rng, width, height, harsh, split):
    """Bit rates from starved to comfortable, by the picture's area; the test's are the encoders'
    other presets."""
    low, high = (0.03, 0.25) if harsh else (0.06, 0.4)
    bitrate = int(width * height * 25 * np.exp(rng.uniform(np.log(low), np.log(high))))
    test = split == "test"
    quality = int(rng.integers(15 if harsh else 30, 92))
    return {"bitrate": max(60000, bitrate),
            "kilobits": max(60, bitrate // 1000),
            "gop": int(rng.choice([8, 15, 50] if test else [4, 12, 25])),
            "x264": "speed-preset=veryfast bframes=2" if test else
                    "speed-preset=superfast tune=zerolatency",
            "speed": 5 if test else 8,
            "quality": quality, "quantizer": 2 + (100 - quality) // 5, "full": rng.random() < 0.3}


def damage(rng, packets, headers=1):
    """Lose, cut and corrupt packets as a bad link or disk does."""
    kind = rng.choice(["flip", "cut", "hole", "lose"])
    strength, out = rng.uniform(0.4, 1.0), []
    for i, (data, pts, delta) in enumerate(packets):
        data = bytearray(data)
        if len(data) > 80 and rng.random() < strength:
            start = min(len(data) // 4, 60) if not delta or i == 0 else 12
            if kind == "flip":
                for _ in range(int(rng.integers(1, 12))):
                    data[int(rng.integers(start, len(data)))] ^= 1 << int(rng.integers(8))
            elif kind == "cut":
                del data[int(rng.integers(start, len(data))):]
            elif kind == "hole":
                at = int(rng.integers(start, len(data)))
                del data[at:at + int(rng.integers(10, max(11, len(data) // 2)))]
            elif i >= headers and rng.random() < 0.6:
                continue
        if data:
            out.append((bytes(data), pts, delta))
    return out
