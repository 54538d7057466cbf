#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows a live picture in the browser, with what effvk sees in it.

usage: server.py [SOURCE] [--model FILE] [--port 8080]

SOURCE is the beginning of a pipeline (default: v4l2src). The picture goes to the page by WebRTC, as VP8 or H.264. Labels and
the heat map go there as JSON in a data channel, and the page draws them. Needs GStreamer's webrtcbin (gstreamer1.0-plugins-bad)
and gstreamer1.0-nice.
"""

import argparse
import functools
import http.server
import json
import os
import struct
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstVideo", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstVideo, GstWebRTC  # noqa: E402

CODECS = {
    "vp8": ("vp8enc deadline=1 keyframe-max-dist=60 ! rtpvp8pay", "VP8"),
    "h264": ("openh264enc ! h264parse ! rtph264pay config-interval=-1", "H264"),
}
SECONDS = 15  # to find the way to a viewer


def plain(value):
    """A value of a GstStructure as JSON has it."""
    if isinstance(value, Gst.Structure):
        return describe(value)
    if hasattr(value, "get_data"):  # the cells of a heat map
        data = value.get_data()
        return struct.unpack(f"={len(data) // 4}f", data)
    if isinstance(value, (str, int, float)):
        return value
    return [plain(item) for item in value]


def describe(structure):
    names = (structure.nth_field_name(i) for i in range(structure.n_fields()))
    return {name: plain(structure.get_value(name)) for name in names}


class Viewer:
    """One page, with a pipeline of its own: when it goes away, nobody else notices. The offer is made here, and answered by
    the page."""

    def __init__(self, caps, want_keyframe):
        self.pipeline = Gst.parse_launch(
            "appsrc name=source is-live=true format=time do-timestamp=true block=false max-bytes=1000000 leaky-type=downstream "
            "! webrtcbin name=webrtc bundle-policy=max-bundle")
        self.source, self.webrtc = map(self.pipeline.get_by_name, ("source", "webrtc"))
        self.source.set_property("caps", caps)
        self.source.get_static_pad("src").add_probe(Gst.PadProbeType.EVENT_UPSTREAM, self.on_event)
        self.want_keyframe = want_keyframe
        transceiver = self.source.get_static_pad("src").get_peer().get_property("transceiver")
        transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        transceiver.set_property("codec-preferences", caps)
        self.gathered = threading.Event()
        self.webrtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.channel = self.webrtc.emit("create-data-channel", "results", None)
        self.answered = False

    def on_gathering(self, webrtc, _):
        if webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.gathered.set()

    def on_event(self, _, info):
        """The page has lost something, and asks for a picture that stands for itself."""
        structure = info.get_event().get_structure()
        if structure and structure.get_name() == "GstForceKeyUnit":
            self.want_keyframe()
        return Gst.PadProbeReturn.OK

    def ask(self, signal, *arguments):
        """A promise that holds what webrtcbin answers, and the answer: what is in it lives as long as both."""
        promise = Gst.Promise.new()
        self.webrtc.emit(signal, *arguments, promise)
        if promise.wait() != Gst.PromiseResult.REPLIED:
            raise RuntimeError(f"webrtcbin did not answer {signal}")
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            raise RuntimeError(reply.get_value("error").message)
        return promise, reply

    def offer(self):
        """The text of the offer, with all ways to here."""
        promise, reply = self.ask("create-offer", None)
        self.ask("set-local-description", reply.get_value("offer"))
        del promise, reply
        if not self.gathered.wait(SECONDS):
            raise RuntimeError("no address was found that a viewer could reach")
        return self.webrtc.get_property("local-description").sdp.as_text()

    def take_answer(self, text):
        sdp = GstSdp.SDPMessage.new_from_text(text)[1]
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.ask("set-remote-description", answer)
        self.answered = True
        self.want_keyframe()

    def show(self, sample):
        if self.answered:
            self.source.emit("push-sample", sample)

    def tell(self, text):
        if self.channel and self.channel.get_property("ready-state") == GstWebRTC.WebRTCDataChannelState.OPEN:
            self.channel.emit("send-string", text)

    def is_gone(self):
        gone = GstWebRTC.WebRTCPeerConnectionState
        state = self.webrtc.get_property("connection-state")
        failed = self.pipeline.get_bus().have_pending() and self.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        return bool(failed) or state in (gone.FAILED, gone.CLOSED, gone.DISCONNECTED)

    def leave(self):
        self.pipeline.set_state(Gst.State.NULL)


class Show:
    """The pipeline that all viewers share, and who they are."""

    def __init__(self, source, model, codec):
        encoder, encoding = CODECS[codec]
        self.caps = Gst.Caps.from_string(
            f"application/x-rtp,media=video,encoding-name={encoding},clock-rate=90000,payload=96")
        self.viewers, self.lock = {}, threading.Lock()
        self.pipeline = Gst.parse_launch(
            f"{source} ! videoconvert ! video/x-raw,format=I420 ! "
            "effvkclassify name=classify post-messages=false attach-heatmap=true meta-mode=custom ! "
            f"queue ! {encoder} pt=96 ! appsink name=sink emit-signals=true sync=false max-buffers=100 drop=true")
        self.classify, self.sink = map(self.pipeline.get_by_name, ("classify", "sink"))
        if model:
            self.classify.set_property("model-file", model)
        self.classify.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_frame)
        self.sink.connect("new-sample", self.on_packet)

    def watching(self):
        with self.lock:
            return list(self.viewers.values())

    def on_frame(self, _, info):
        """Tells all viewers what is seen in a frame."""
        meta = info.get_buffer().get_custom_meta("EffvkClassificationMeta")
        viewers = self.watching()
        if meta and viewers:
            text = json.dumps({"pts": info.get_buffer().pts, **describe(meta.get_structure())})
            for viewer in viewers:
                viewer.tell(text)
        return Gst.PadProbeReturn.OK

    def on_packet(self, sink):
        sample = sink.emit("pull-sample")
        for viewer in self.watching():
            viewer.show(sample)
        return Gst.FlowReturn.OK

    def want_keyframe(self):
        self.sink.get_static_pad("sink").push_event(
            GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0))

    def connect(self):
        """A new viewer's number and offer. Those who went are forgotten."""
        with self.lock:
            gone = [number for number, viewer in self.viewers.items() if viewer.is_gone()]
            leaving = [self.viewers.pop(number) for number in gone]
        for viewer in leaving:
            viewer.leave()
        viewer = Viewer(self.caps, self.want_keyframe)
        offer = viewer.offer()
        with self.lock:
            self.viewers[id(viewer)] = viewer
        return {"viewer": id(viewer), "offer": offer}

    def answer(self, message):
        with self.lock:
            viewer = self.viewers[message["viewer"]]
        viewer.take_answer(message["answer"])
        return {}

    def run(self):
        """Until the stream ends. Returns the status of the program."""
        self.pipeline.set_state(Gst.State.PLAYING)
        message = self.pipeline.get_bus().timed_pop_filtered(
            Gst.CLOCK_TIME_NONE, Gst.MessageType.ERROR | Gst.MessageType.EOS)
        self.pipeline.set_state(Gst.State.NULL)
        if message.type == Gst.MessageType.ERROR:
            print(f"server.py: {message.parse_error()[0].message}", file=sys.stderr)
        return int(message.type == Gst.MessageType.ERROR)


class Handler(http.server.SimpleHTTPRequestHandler):
    """The page, and the two questions that it asks."""

    def __init__(self, show, *arguments):
        self.show = show
        super().__init__(*arguments, directory=os.path.dirname(os.path.abspath(__file__)))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            reply = {"/connect": lambda: self.show.connect(),
                     "/answer": lambda: self.show.answer(json.loads(body))}[self.path]()
        except (KeyError, ValueError, RuntimeError) as error:
            self.send_error(400, str(error))
            return
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("source", nargs="?", default="v4l2src", help="the beginning of a pipeline (default: v4l2src)")
    parser.add_argument("--model", help="the network (default: effvk's own)")
    parser.add_argument("--codec", choices=CODECS, default="vp8", help="how the picture is encoded (default: vp8)")
    parser.add_argument("--port", type=int, default=8080, help="of the page; 0: any that is free (default: 8080)")
    arguments = parser.parse_args()

    Gst.init(None)
    missing = [name for name in ("webrtcbin", "nicesrc", "effvkclassify") if not Gst.ElementFactory.find(name)]
    if missing:
        print(f"server.py: GStreamer lacks {', '.join(missing)}", file=sys.stderr)
        return 1
    show = Show(arguments.source, arguments.model, arguments.codec)
    # The page is for this machine alone. Put a web server with TLS before it for others.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), functools.partial(Handler, show))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    return show.run()


if __name__ == "__main__":
    sys.exit(main())
