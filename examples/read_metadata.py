#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads all that effvkclassify attaches, without effvk's headers: a line of JSON for each frame.

usage: read_metadata.py PIPELINE, with an element that is called seen

For instance: read_metadata.py 'videotestsrc num-buffers=5 ! effvkclassify attach-heatmap=true ! fakesink name=seen'

The custom metas hold structures of plain types. docs/metadata.md lists their fields.
"""

import json
import struct
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def plain(value):
    """A value of a GstStructure as JSON has it."""
    if isinstance(value, Gst.Structure):
        return fields(value)
    if hasattr(value, "get_data"):  # floats: the cells of a heat map, or an embedding
        data = value.get_data()
        return struct.unpack(f"={len(data) // 4}f", data)
    if isinstance(value, (str, int, float)):
        return value
    return [plain(item) for item in value]


def fields(structure):
    names = [structure.nth_field_name(i) for i in range(structure.n_fields())]
    return {name: plain(structure.get_value(name)) for name in names}


def on_buffer(_, info):
    buffer = info.get_buffer()
    record = {"pts": buffer.pts}
    for key, name in (("classes", "EffvkClassificationMeta"), ("embedding", "EffvkEmbeddingMeta")):
        # A program that did not load the plugin would have to ask Gst.Meta.get_info (name) before.
        meta = buffer.get_custom_meta(name)
        if meta:
            record[key] = fields(meta.get_structure())
    print(json.dumps(record), flush=True)
    return Gst.PadProbeReturn.OK


def main():
    if len(sys.argv) != 2:
        print("usage: read_metadata.py PIPELINE", file=sys.stderr)
        return 2
    Gst.init(None)
    pipeline = Gst.parse_launch(sys.argv[1])
    seen = pipeline.get_by_name("seen")
    if not seen:
        print("read_metadata.py: the pipeline has no element that is called seen", file=sys.stderr)
        return 1
    seen.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        print(f"read_metadata.py: {message.parse_error()[0].message}", file=sys.stderr)
    return int(message.type == Gst.MessageType.ERROR)


if __name__ == "__main__":
    sys.exit(main())
