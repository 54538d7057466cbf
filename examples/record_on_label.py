#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records only while a label is seen, with the seconds before: a file for each time.

usage: record_on_label.py LABEL SOURCE FILES [MODEL]

SOURCE is the beginning of a pipeline (v4l2src), FILES names the files (cat%03d.webm), and MODEL is the network (effvk's own).
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

# Encoders pass the metadata on, so the gate reads from each encoded picture what it shows.
PIPELINE = """{source} ! videoconvert ! effvkclassify name=classify post-messages=false ! queue !
    vp8enc deadline=1 keyframe-max-dist=25 ! effvkgate name=gate hold=2000000000 pre-roll=3000000000 !
    splitmuxsink name=files muxer-factory=webmmux async-finalize=true"""


class Recorder:
    def __init__(self, label, source, location, model=None):
        self.opened = 0
        self.pipeline = Gst.parse_launch(PIPELINE.format(source=source))
        gate, self.files, classify = map(self.pipeline.get_by_name, ("gate", "files", "classify"))
        gate.set_property("pass", label)
        self.files.props.location = location
        if model:
            classify.props.model_file = model
        gate.connect("notify::open", self.on_open)
        gate.get_static_pad("sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self.on_event, gate)

    def on_open(self, gate, _):
        """Before the first picture passes: the file ends with the pictures that it has, and the next one begins with the
        keyframe that comes."""
        if gate.props.open:
            if self.opened:
                self.files.emit("split-after")
            self.opened += 1
        print("records" if gate.props.open else "waits", flush=True)

    def on_event(self, _, info, gate):
        """splitmuxsink does not end where it was given nothing."""
        if info.get_event().type == Gst.EventType.EOS and not self.opened:
            gate.post_message(Gst.Message.new_application(gate, Gst.Structure.new_empty("never-seen")))
        return Gst.PadProbeReturn.OK

    def run(self):
        """Until the end or an error. Returns the status of the program."""
        self.pipeline.set_state(Gst.State.PLAYING)
        message = self.pipeline.get_bus().timed_pop_filtered(
            Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.APPLICATION)
        self.pipeline.set_state(Gst.State.NULL)
        if message.type == Gst.MessageType.ERROR:
            print(f"record_on_label.py: {message.parse_error()[0].message}", file=sys.stderr)
        return int(message.type == Gst.MessageType.ERROR)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        print("usage: record_on_label.py LABEL SOURCE FILES [MODEL]", file=sys.stderr)
        sys.exit(2)
    Gst.init(None)
    sys.exit(Recorder(*sys.argv[1:]).run())
