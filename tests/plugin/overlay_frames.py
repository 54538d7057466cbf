# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames with classes of one's own, drawn by effvkoverlay: for its tests, and for pictures of the documentation."""

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstApp, GstVideo  # noqa: E402, F401


def quote(text):
    """As the text of a GstStructure has a string: what is not plain in octal, byte by byte."""
    plain = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def attach(buffer, width, height, labels, kind="frame", place=(0, 0, 1, 1)):
    """Classes in DL Streamer's layout, as anybody's element might attach them: pairs of a label and a score, the best first.
    place: in shares of the picture."""
    x, y, w, h = (round(share * side) for share, side in zip(place, (width, height) * 2))
    region = GstVideo.buffer_add_video_region_of_interest_meta(buffer, kind, x, y, w, h)
    for number, (label, score) in enumerate(labels):
        region.add_param(Gst.Structure.from_string(
            f"classification, label=(string){quote(label)}, label_id=(int){number}, "
            f"confidence=(double){score}, model_name=(string)b0;")[0])


def take(launch):
    """The last sample of a pipeline that ends in an appsink called sink."""
    pipeline = Gst.parse_launch(launch)
    pipeline.set_state(Gst.State.PLAYING)
    sink, last = pipeline.get_by_name("sink"), None
    while (sample := sink.emit("pull-sample")) is not None:
        last = sample
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if last is None:
        raise RuntimeError(message.parse_error()[0].message if message else "no frame came")
    return last


def draw(launch, width, height, attachments, overlay="", classify=""):
    """The RGB pixels of the last frame that `launch`, a source and what follows it, gives, with what attach() takes as
    attachments drawn over it; and what `classify`, elements with a ! behind them, attaches."""
    frame = take(f"{launch} ! video/x-raw,width={width},height={height} ! appsink name=sink sync=false")
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time ! {classify} effvkoverlay {overlay} ! videoconvert ! video/x-raw,format=RGB "
        "! appsink name=sink sync=false")
    buffer = Gst.Buffer.new_wrapped(frame.get_buffer().extract_dup(0, frame.get_buffer().get_size()))
    buffer.pts = 0
    for attachment in attachments:
        attach(buffer, width, height, *attachment)
    source = pipeline.get_by_name("source")
    source.set_property("caps", frame.get_caps())
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    sample = pipeline.get_by_name("sink").emit("pull-sample")
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if sample is None:
        raise RuntimeError(message.parse_error()[0].message if message else "no frame came")
    return unpadded(sample, width, height)


def unpadded(sample, width, height):
    """Rows of RGB without the padding at their ends."""
    data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
    stride = len(data) // height
    return b"".join(data[row * stride:row * stride + 3 * width] for row in range(height))


def write_ppm(path, width, height, pixels):
    with open(path, "wb") as file:
        file.write(f"P6 {width} {height} 255\n".encode() + pixels)


def write_jpeg(path, width, height, pixels):
    """Also of odd sizes: rows are padded for GStreamer."""
    padding = b"\0" * (-width * 3 % 4)
    rows = b"".join(pixels[y * width * 3:(y + 1) * width * 3] + padding for y in range(height))
    pipeline = Gst.parse_launch("appsrc name=source format=time ! videoconvert ! jpegenc quality=80 ! filesink name=sink")
    pipeline.get_by_name("sink").set_property("location", path)
    source = pipeline.get_by_name("source")
    source.set_property("caps", Gst.Caps.from_string(
        f"video/x-raw,format=RGB,width={width},height={height},framerate=1/1"))
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", Gst.Buffer.new_wrapped(rows))
    source.emit("end-of-stream")
    pipeline.get_bus().timed_pop_filtered(10 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
