#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An application with the element in its pipeline: plays a video into nothing and prints the classes that every
buffer carries, read from its metadata.

usage: embed_pipeline.py MODEL VIDEO [LABELS]
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def classes(buffer):
    """(label, score) from effvk's custom meta, which every version has."""
    meta = buffer.get_custom_meta("EffvkClassificationMeta")
    if meta:
        structure = meta.get_structure()
        yield from zip(structure.get_value("labels"), structure.get_value("scores"))


def on_buffer(pad, info):
    buffer = info.get_buffer()
    print(f"{buffer.pts / Gst.SECOND:.3f} s")
    for label, score in classes(buffer):
        print(f"  {100 * score:6.2f} %  {label}")
    return Gst.PadProbeReturn.OK


def main(argv):
    Gst.init(None)
    if len(argv) not in (3, 4):
        print("usage: embed_pipeline.py MODEL VIDEO [LABELS]", file=sys.stderr)
        return 2
    pipeline = Gst.parse_launch(
        "filesrc name=source ! decodebin ! videoconvert ! "
        "effvkclassify name=classify post-messages=false ! fakesink"
    )
    pipeline.get_by_name("source").props.location = argv[2]
    classify = pipeline.get_by_name("classify")
    classify.props.model_file = argv[1]
    if len(argv) == 4:
        classify.props.labels_file = argv[3]  # else the model's own
    classify.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, on_buffer)

    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR
    )
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        print(f"embed_pipeline.py: {message.parse_error()[0].message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
