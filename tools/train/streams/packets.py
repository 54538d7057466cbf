# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encoding by ffmpeg, and damage to what was encoded: lost packets and changed bytes, at known times."""
import struct
import subprocess

# codec: the end of its file's name, and ffmpeg's options. {kilobits}, {gop} and {quality} are filled in.
CODECS = {
    "h264": (".ts", "-c:v libx264 -preset veryfast -b:v {kilobits}k -g {gop} -bf 2 -threads 1"),
    "hevc": (".ts", "-c:v libx265 -preset ultrafast -b:v {kilobits}k -g {gop} "
                    "-x265-params log-level=error:pools=none:frame-threads=1:keyint={gop}"),
    "mpeg2": (".ts", "-c:v mpeg2video -b:v {kilobits}k -maxrate {kilobits}k -bufsize {kilobits}k -g {gop} -bf 2 "
                     "-threads 1"),
    "vp8": (".ivf", "-c:v libvpx -deadline realtime -cpu-used 8 -b:v {kilobits}k -g {gop} -threads 1"),
    "vp9": (".ivf", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v {kilobits}k -g {gop} -threads 1 "
                     "-error-resilient 1 -frame-parallel 1"),
    "mjpeg": (".avi", "-c:v mjpeg -q:v {quality} -threads 1"),
}
INTERLACED = {"h264": " -flags +ildct+ilme -x264opts tff=1", "mpeg2": " -flags +ildct+ilme -top 1"}
# Bits a pixel: from tight to comfortable. Older codecs need more.
BITS = {"h264": (0.04, 0.15), "hevc": (0.03, 0.1), "mpeg2": (0.12, 0.35), "vp8": (0.05, 0.18),
        "vp9": (0.04, 0.12), "mjpeg": (0, 0)}
PACKET = 188  # of a transport stream
GAPS = ("vp8", "vp9")  # codecs whose container keeps times where frames are missing


def settings(dice, codec, width, height, rate):
    low, high = BITS[codec]
    return {"kilobits": max(80, int(width * height * rate * dice.uniform(low, high) / 1000)),
            "gop": int(rate * dice.pick([0.5, 1, 2])), "quality": dice.integer(3, 12)}


class Encoder:
    """Raw frames go in, a file comes out."""

    def __init__(self, path, codec, width, height, rate, options, interlaced=False):
        text = CODECS[codec][1] + (INTERLACED[codec] if interlaced else "")
        self.path = path
        self.process = subprocess.Popen(
            ["ffmpeg", "-v", "fatal", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s",
             f"{width}x{height}", "-r", str(rate), "-i", "-", *text.format(**options).split(), "-muxdelay", "0",
             "-muxpreload", "0", path], stdin=subprocess.PIPE)

    def add(self, planes):
        for plane in planes:
            self.process.stdin.write(plane.tobytes())

    def close(self):
        self.process.stdin.close()
        if self.process.wait():
            raise RuntimeError(f"ffmpeg could not encode {self.path}")


class Damage:
    """What happens to the packets between two times. `rate` is the share of them that is hit."""

    def __init__(self, rng, start, end, kind, rate):
        self.rng, self.start, self.end, self.kind, self.rate = rng, start, end, kind, rate
        self.left = 0  # packets of a burst that are still to be lost

    def holds(self, time):
        return time is not None and self.start <= time < self.end

    def hits(self, mean=3):
        """Losses come in bursts."""
        if self.left > 0:
            self.left -= 1
            return True
        if self.rng.random() < self.rate / mean:
            self.left = int(self.rng.geometric(1 / mean)) - 1
            return True
        return False

    def flip(self, data, first):
        """A few bytes behind the first ones become others."""
        for _ in range(int(self.rng.integers(1, 4))):
            if len(data) > first + 1:
                data[int(self.rng.integers(first, len(data)))] ^= int(self.rng.integers(1, 256))


def of_time(damages, time):
    return next((d for d in damages if d.holds(time)), None)


def pes_time(payload):
    """The presentation time of a packet that begins here, or None."""
    if len(payload) < 14 or payload[:3] != b"\0\0\1" or not payload[7] & 0x80:
        return None
    b = payload[9:14]
    return ((b[0] >> 1 & 7) << 30 | b[1] << 22 | (b[2] >> 1) << 15 | b[3] << 7 | b[4] >> 1) / 90000


def damage_ts(data, damages):
    """A transport stream over a bad link: packets are lost, or arrive with other bytes."""
    out, time, base = bytearray(), None, None
    for at in range(0, len(data) - PACKET + 1, PACKET):
        packet = bytearray(data[at:at + PACKET])
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        if pid < 0x100 or not packet[3] & 0x10:  # tables, and what has no payload
            out += packet
            continue
        if packet[1] & 0x40:
            found = pes_time(packet[start:])
            if found is not None:
                base = found if base is None else base
                time = found - base
        damage = of_time(damages, time)
        if damage and damage.hits():
            if damage.kind == "lost":
                continue
            damage.flip(packet, min(start + (30 if packet[1] & 0x40 else 0), PACKET - 1))
        out += packet
    return bytes(out)


def damage_frame(damage, frame, first, whole):
    """One frame as it arrives: None where it is lost. About 1200 bytes are a packet. With `whole`, a frame is lost
    with any of its packets."""
    frame = bytearray(frame)
    pieces = [frame[i:i + 1200] for i in range(0, len(frame), 1200)]
    kept = []
    for i, piece in enumerate(pieces):
        if damage.hits():
            if damage.kind == "lost":
                if i == 0 or whole:  # nothing can be made of it
                    return None
                continue
            damage.flip(piece, first if i == 0 else 0)
        kept.append(piece)
    return b"".join(map(bytes, kept))


def damage_ivf(data, damages, gaps, unit, whole):
    """Frames are cut, changed or lost; of a gap nothing comes."""
    out = bytearray(data[:32])
    at = 32
    while at + 12 <= len(data):
        size, stamp = struct.unpack_from("<IQ", data, at)
        frame, time = data[at + 12:at + 12 + size], stamp * unit
        at += 12 + size
        if any(start <= time < end for start, end in gaps):
            continue
        damage = of_time(damages, time)
        if damage and stamp > 0:
            frame = damage_frame(damage, frame, len(frame) // 3, whole)
            if not frame:
                continue
        out += struct.pack("<IQ", len(frame), stamp) + frame
    return bytes(out)


def damage_avi(data, damages, rate):
    """JPEGs whose bytes are changed or missing. Sizes stay as they are, so that the index is right."""
    out, number, at = bytearray(data), 0, data.find(b"movi") + 4
    while 0 < at + 8 <= len(data) and data[at:at + 4] == b"00dc":
        size = struct.unpack_from("<I", data, at + 4)[0]
        damage = of_time(damages, number / rate)
        if damage and size > 1000:
            body = bytearray(out[at + 8:at + 8 + size])
            header = body.find(b"\xff\xda") + 12  # tables stay whole
            for begin in range(header, size, 1200):
                if damage.hits():
                    piece = body[begin:begin + 1200]
                    if damage.kind == "lost":
                        # What follows moves up, as in a file that was put together from what arrived.
                        del body[begin:begin + len(piece)]
                    else:
                        damage.flip(piece, 0)
                        body[begin:begin + len(piece)] = piece
            body += bytes(size - len(body))
            out[at + 8:at + 8 + size] = body
        number += 1
        at += 8 + size + size % 2
    return bytes(out)


def damaged(path, codec, rate, damages, gaps):
    """The file's bytes after the damage."""
    with open(path, "rb") as file:
        data = file.read()
    if codec == "mjpeg":
        return damage_avi(data, damages, rate)
    if CODECS[codec][0] == ".ts":
        return damage_ts(data, damages)
    numerator, denominator = struct.unpack_from("<II", data, 16)
    # libvpx shows nothing of a VP9 frame that is cut, and nothing after it until the next key frame.
    return damage_ivf(data, damages, gaps, denominator / numerator, codec == "vp9")
