#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/browser in a headless Chromium: the page plays the picture, says its label, and draws the heat map. Prints TAP."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from effvktool import Skip, check, equal, run_tests  # noqa: E402

SERVER = os.path.join(HERE, "..", "..", "examples", "browser", "server.py")
SOURCE = "videotestsrc is-live=true pattern={} ! video/x-raw,width=320,height=240,framerate=10/1"
SECONDS = 120
# Everything stays on this machine.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-loopback-in-peer-connection",
         "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required"]
# How many pixels of the heat map one can see.
DRAWN = """const c = document.querySelector('canvas');
           const data = c.width ? c.getContext('2d').getImageData(0, 0, c.width, c.height).data : [];
           let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n;"""


class Page:
    """The page of a server, in a browser."""

    def __init__(self, pattern, codec):
        self.folder = tempfile.mkdtemp(prefix="effvk-browser-")
        self.server = subprocess.Popen(
            [sys.executable, SERVER, SOURCE.format(pattern), "--codec", codec, "--port", "0"],
            stdout=subprocess.PIPE, text=True)
        self.browser = None
        try:
            address = self.server.stdout.readline().strip()
            check(address.startswith("http://127.0.0.1:"), f"the server says {address!r}")
            options = webdriver.ChromeOptions()
            options.binary_location = CHROMIUM
            for flag in [*FLAGS, f"--user-data-dir={self.folder}"]:
                options.add_argument(flag)
            self.browser = webdriver.Chrome(service=Service(DRIVER), options=options)
            self.browser.get(address)
        except Exception:
            self.close()
            raise

    def text(self, name):
        return self.browser.execute_script(f"return document.getElementById('{name}').textContent")

    def wait_for(self, what, condition):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            check(self.server.poll() is None, "the server has ended")
            equal(self.text("problem"), "", "the problem on the page")
            found = condition()
            if found:
                return found
            time.sleep(0.2)
        raise ValueError(f"{what}: waited in vain")

    def clock(self):
        return self.browser.execute_script("return document.querySelector('video').currentTime")

    def size(self):
        return self.browser.execute_script("const v = document.querySelector('video'); return [v.videoWidth, v.videoHeight]")

    def close(self):
        if self.browser:
            self.browser.quit()
        self.server.terminate()
        self.server.wait()
        self.server.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def plays(pattern, label, codec):
    page = Page(pattern, codec)
    try:
        watch(page, label)
        page.browser.refresh()  # this viewer leaves, and another one comes
        watch(page, label)
    finally:
        page.close()


def watch(page, label):
    page.wait_for("the label", lambda: page.text("label") == label)
    check(page.text("score").endswith(" %"), f"the score is {page.text('score')!r}")
    started = page.wait_for("the picture", page.clock)
    equal(page.size(), [320, 240], "the size of the picture")
    page.wait_for("the video's clock", lambda: page.clock() > started + 1)
    equal(page.text("label"), label, "the label while it plays")
    page.wait_for("the heat map", lambda: page.browser.execute_script(DRAWN) > 0)


def vp8():
    plays("smpte", "color-bars", "vp8")


def h264():
    if not Gst.ElementFactory.find("openh264enc"):
        raise Skip("there is no openh264enc")
    plays("black", "black", "h264")


def has_interface():
    """Whether a network interface is up. libnice, which webrtcbin stands on, passes over loopback."""
    for _, name in socket.if_nameindex():
        with open(f"/sys/class/net/{name}/flags", encoding="ascii") as flags:
            up, loopback = 1, 8
            if int(flags.read(), 16) & (up | loopback) == up:
                return True
    return False


if __name__ == "__main__":
    CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
    try:
        import gi
        gi.require_version("Gst", "1.0")
        gi.require_version("GstWebRTC", "1.0")
        gi.require_version("GstSdp", "1.0")
        from gi.repository import Gst
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except (ImportError, ValueError) as problem:
        print(f"1..0 # SKIP {problem}")
        sys.exit(0)
    Gst.init(None)
    lacking = [name for name in ("webrtcbin", "nicesrc", "vp8enc") if not Gst.ElementFactory.find(name)]
    lacking += [name for name, path in {"chromium": CHROMIUM, "chromedriver": DRIVER}.items() if not path]
    lacking += [] if has_interface() else ["network interface besides loopback"]
    if lacking:
        print(f"1..0 # SKIP there is no {', '.join(lacking)}")
        sys.exit(0)
    run_tests([vp8, h264])
