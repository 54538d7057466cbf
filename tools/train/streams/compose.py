# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes streams: footage, faults in clean stretches of it, a codec, damage to its packets, and the truth beside it."""
import dataclasses
import json
import os

from streams import footage, packets, strength
from streams.faults import Faults
from streams.judge import NAMES, Fault
from captions import Captions

SIZES = [((320, 240), 6), ((426, 240), 6), ((480, 360), 4), ((640, 360), 4), ((640, 480), 4), ((854, 480), 2),
         ((720, 576), 2), ((1280, 720), 1), ((1920, 1080), 1)]
RATES = (10, 10, 10, 15, 25)
SLOWEST = 600  # lines from which a stream has the lowest rate and half of the events: it takes too long otherwise
SCENES = ("clip", "clip", "clip", "pan", "pan", "fixed", "fixed", "programme", "programme", "page", "slide")
EVENTS, CORRUPTED = 12, 5  # in each stream
# Shares of packets that are hit.
HITS = {".ts": (0.012, 0.3), ".ivf": (0.06, 0.5), ".avi": (0.08, 0.6)}
COMBED = 480  # lines from which most combing is


@dataclasses.dataclass
class Stream:
    path: str
    codec: str
    width: int
    height: int
    rate: int
    scene: str
    duration: float
    side: str
    interlaced: bool
    faults: list

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
        known["faults"] = [Fault(**fault) for fault in known["faults"]]
        return Stream(**known)


def scene_of(kind, dice, material, width, height, seconds):
    if kind != "programme":
        return footage.make(kind, dice, material, width, height)
    kinds = [dice.pick(["pan", "pan", "fixed", "slide", "page", "clip"]) for _ in range(dice.integer(2, 4))]
    return footage.Programme(dice, [footage.make(k, dice, material, width, height) for k in kinds], seconds)


class Composer:
    """`count` remembers which kinds there were, so that all are met as often."""

    def __init__(self, folder, side, seed, material, slates=()):
        self.folder, self.side, self.seed, self.material, self.slates = folder, side, seed, material, slates
        self.count = dict.fromkeys((kind for kind in NAMES if kind != "corruption"), 0)

    def kinds(self, dice, scene, codec, height, events):
        """What happens in a stream, in a random order."""
        corrupted = events * CORRUPTED // EVENTS
        # Where little moves, little is damaged: what a decoder shows in place of what it lost is as good.
        out = ["corruption"] * max(1, corrupted if scene.moves else corrupted // 2)
        while len(out) < events:
            fit = [kind for kind in self.count if (kind != "no-signal" or codec in packets.GAPS)
                   and (kind != "freeze-noise" or scene.moves)
                   and (kind != "combing" or scene.moves and (height >= COMBED or dice.chance(0.3)))]
            # Combing has few streams that it can be in, and takes what it can get.
            fit = [kind for kind in fit if kind not in out] or fit
            least = min(self.count[kind] for kind in fit)
            kind = "combing" if "combing" in fit and height >= COMBED else \
                dice.pick([kind for kind in fit if self.count[kind] == least])
            self.count[kind] += 1
            out.append(kind)
        dice.rng.shuffle(out)
        return out

    def plan(self, faults, kinds):
        """Faults with times, most 3 to 10 s long, with clean stretches between them; and the stream's length."""
        at, out = faults.uniform(10, 14), []
        for kind in kinds:
            # What is told late has to last longer.
            least = {"no-signal": 6, "corruption": 4, "blur": 4.5, "letterbox": 6.5, "dark": 12}.get(kind, 3)
            seconds = min(max(10, least + 1), least + faults.rng.exponential(2.2))
            out.append(faults.plan(kind, round(at, 2), round(seconds, 2)))
            at += seconds + faults.uniform(5, 7)
        return out, at

    def damages(self, faults, planned, codec):
        low, high = HITS[packets.CODECS[codec][0]]
        out = []
        for fault in planned:
            if fault.kind == "corruption":
                rate = low * (high / low) ** faults.uniform(0, 1)
                kind = faults.pick(["lost", "lost", "changed"])
                fault.detail = f"{codec}, {100 * rate:.1f} % of packets {kind}"
                out.append(packets.Damage(faults.rng, fault.start, fault.end, kind, rate))
        return out

    def draw(self, stream, scene, faults, planned, encoder):
        """Every frame of a stream, into the encoder."""
        now = None
        for index in range(int(stream.duration * stream.rate)):
            t = index / stream.rate
            planes = scene.frame(t)
            if now and t >= now.end:
                faults.finish(now)
                now = None
            if not now:
                now = next((f for f in planned if f.start <= t < f.end), None)
                if now and now.kind in ("corruption", "no-signal"):
                    now = None
                if now:
                    faults.begin(now)
            if now:
                planes = faults.apply(now, scene, planes, index)
            encoder.add(planes)
        if now:
            faults.finish(now)

    def make(self, number, events=EVENTS, seconds=None, size=None, codec=None, scene=None):
        """Makes a stream, or finds that it was made. Without events it is clean, and `seconds` long."""
        dice = Captions([self.seed, number, self.side == "judge"], self.material.words)
        codec = codec or list(packets.CODECS)[number % len(packets.CODECS)]
        sizes = [s for s, often in SIZES for _ in range(often)]
        width, height = size or dice.pick(sizes)
        rate = RATES[0] if height > SLOWEST else dice.pick(RATES)
        events = events // 2 if height > SLOWEST and not size else events
        name = scene or dice.pick(SCENES)
        scene = scene_of(name, dice, self.material, width, height, 200)
        if rate < 20 and getattr(scene, "rate", 0) > 20 and height <= SLOWEST and dice.chance(0.25):
            rate = 25
        faults = Faults([self.seed, number, 7], self.material.words, width, height, rate, self.slates)
        kinds = self.kinds(dice, scene, codec, height, events) if events else []
        planned, duration = self.plan(faults, kinds)
        interlaced = codec in packets.INTERLACED and dice.chance(0.3)
        stream = Stream(os.path.join(self.folder, f"{self.side}-{self.seed}-{number:03}{packets.CODECS[codec][0]}"),
                        codec, width, height, rate, name, round(seconds or duration, 2), self.side, interlaced,
                        planned)
        truth = os.path.splitext(stream.path)[0] + ".json"
        if os.path.exists(truth):
            return Stream.load(truth)
        self.write(stream, scene, faults, planned, packets.settings(dice, codec, width, height, rate))
        with open(truth, "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(stream), file, indent=1)
        return stream

    def write(self, stream, scene, faults, planned, options):
        whole = stream.path + ".whole" + packets.CODECS[stream.codec][0]
        encoder = packets.Encoder(whole, stream.codec, stream.width, stream.height, stream.rate, options,
                                  stream.interlaced)
        self.draw(stream, scene, faults, planned, encoder)
        encoder.close()
        damages = self.damages(faults, planned, stream.codec)
        gaps = [(f.start, f.end) for f in planned if f.kind == "no-signal"]
        with open(stream.path, "wb") as file:
            file.write(packets.damaged(whole, stream.codec, stream.rate, damages, gaps))
        # A coder that reorders frames begins later than at 0.
        first = next(strength.decode(whole, stream.width, stream.height), (0.0, None))[0]
        for fault in planned:
            fault.start, fault.end = round(fault.start + first, 3), round(fault.end + first, 3)
        gaps = [(start + first, end + first) for start, end in gaps]
        after = options["gop"] / stream.rate
        # Until the next key frame a decoder may show what it likes: nobody judges that.
        planned += [Fault("corruption", end, end + after, "unseen", 0, "after a gap") for _, end in gaps]
        corrupted = [f for f in planned if f.kind == "corruption" and f.level != "unseen"]
        if corrupted:
            windows = [(f.start, f.end + after + 0.5) for f in corrupted]
            series = strength.seen(stream.path, whole, windows, stream.width, stream.height)
            for fault, part in zip(corrupted, series):
                strength.settle(fault, part)
        planned.sort(key=lambda fault: fault.start)
        os.remove(whole)
