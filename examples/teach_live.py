#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Teaches a model while you watch: a camera or a file plays, keys 1 to 9 give examples, and the label on
the picture changes as soon as two classes have two examples each.

usage: teach_live.py MODEL [SOURCE] [--labels gate open,gate closed] [--output taught.safetensors]

MODEL is any EfficientNet that effvk reads. SOURCE is a file, a URI or a device (/dev/video0, the
default). Keys: 1 to 9 say "this is class 1 to 9"; q ends.
"""

import argparse
import os
import sys
import termios
import tty

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


def source_of(text):
    """The beginning of a pipeline that plays @text."""
    if text.startswith("/dev/"):
        return f'v4l2src device="{text}"'
    uri = text if Gst.uri_is_valid(text) else Gst.filename_to_uri(os.path.abspath(text))
    return f'uridecodebin uri="{uri}"'


class TeachLive:
    """A pipeline that is taught. key() takes what the user types."""

    def __init__(self, source, model, labels, output, sink="autovideosink"):
        self.labels = labels
        self.counts = {}
        self.label = None  # what the newest frame is said to show
        self.fitting = self.again = self.taught = False
        self.loop = GLib.MainLoop()
        self.status = 0
        overlay = "effvkoverlay ! videoconvert !" if Gst.ElementFactory.find("effvkoverlay") else ""
        self.pipeline = Gst.parse_launch(
            f"{source} ! videoconvert ! effvkclassify name=classify ! {overlay} {sink}"
        )
        self.classify = self.pipeline.get_by_name("classify")
        self.classify.props.model_file = model
        self.classify.props.teach_file = output
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self.on_message)

    def state(self):
        """The keys, how many examples each has, and what the picture shows."""
        keys = "   ".join(f"{i}: {label} ({self.counts.get(label, 0)})"
                          for i, label in enumerate(self.labels, 1))
        return f"{keys}   now: {self.label if self.taught and self.label else '…'}"

    def key(self, character):
        """What the user typed. Returns whether it means something."""
        if character == "q":
            self.loop.quit()
            return True
        if not character.isdigit() or not 1 <= int(character) <= len(self.labels):
            return False
        return self.classify.emit("teach-example", self.labels[int(character) - 1])

    def fit(self):
        """Has the examples learned, as soon as there are enough, and again when more came meanwhile."""
        if sum(count >= 2 for count in self.counts.values()) < 2 or 1 in self.counts.values():
            return
        if self.fitting:
            self.again = True
        else:
            self.again, self.fitting = False, self.classify.emit("teach-fit")

    def on_message(self, bus, message):
        structure = message.get_structure()
        if message.type == Gst.MessageType.ERROR:
            print(f"teach_live.py: {message.parse_error()[0].message}", file=sys.stderr)
            self.status = 1
            self.loop.quit()
        elif message.type == Gst.MessageType.EOS:
            self.loop.quit()
        elif message.type == Gst.MessageType.ELEMENT and structure:
            self.on_element(structure)

    def on_element(self, structure):
        name = structure.get_name()
        if name == "effvkclassify-example":
            self.counts[structure.get_value("label")] = structure.get_value("examples")
            self.fit()
        elif name == "effvkclassify-taught":
            self.fitting = False
            if not structure.get_value("taught"):
                print(f"teach_live.py: {structure.get_value('reason')}", file=sys.stderr)
            if self.again:
                self.fit()
        elif name == "effvkclassify-model" and structure.get_value("swapped"):
            self.taught = True
        elif name == "effvkclassify":
            classes = structure.get_value("classes")
            self.label = classes[0].get_value("label") if len(classes) else None
        if sys.stderr.isatty():
            print(f"\r\033[K{self.state()}", end="", file=sys.stderr, flush=True)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        return self.status


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("model", help="the network to teach")
    parser.add_argument("source", nargs="?", default="/dev/video0", help="a file, a URI or a device")
    parser.add_argument("--labels", default="one,two,three", help="the classes, with commas between them")
    parser.add_argument("--output", default="taught.safetensors", help="the model that is written")
    arguments = parser.parse_args()

    Gst.init(None)
    teach = TeachLive(source_of(arguments.source), arguments.model, arguments.labels.split(",")[:9],
                      arguments.output)
    terminal = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    if terminal:
        tty.setcbreak(sys.stdin)  # keys come at once, without a line end
    GLib.io_add_watch(sys.stdin, GLib.IO_IN, lambda *_: teach.key(sys.stdin.read(1)) or True)
    print("keys: 1 to 9 give examples, q ends", file=sys.stderr)
    try:
        return teach.run()
    finally:
        if terminal:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)


if __name__ == "__main__":
    sys.exit(main())
