#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What effvkpublish sends: every record is of the schema; files, sockets, webhooks and a real MQTT broker, which fail and
come back; and what is wrong is one clear error. The records come from effvkclassify."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from effvktool import Failure, Skip, check, equal, run_tests, validate  # noqa: E402

LINE = ("videotestsrc num-buffers={n} pattern={pattern} ! video/x-raw,format=RGB,width=64,height=48,framerate=25/1 "
        "! effvkclassify device=cpu post-messages=false top-k=2 inference-interval=100000 skipped=last ! {publish} "
        "! fakesink name=end sync=false")
# As a sensor would be, a thousand times a second.
MANY = ("videotestsrc is-live=true num-buffers={n} ! video/x-raw,format=RGB,width=16,height=16,framerate=1000/1 "
        "! effvkclassify device=cpu post-messages=false top-k=2 inference-interval=1000000 skipped=last deadline=0 qos=false "
        "! effvkpublish max-messages=1000000 eos-timeout=120000000000 what=frames {publish} ! fakesink sync=false")
RECORDS = int(os.environ.get("EFFVK_PUBLISH_RECORDS", "3000"))  # through each target
AWAY = int(os.environ.get("EFFVK_PUBLISH_AWAY", "2"))  # seconds without a broker
folder = tempfile.mkdtemp(prefix="effvk-publish-")


def path(name):
    return os.path.join(folder, name)


class Stream:
    """A pipeline with effvkpublish in it."""

    def __init__(self, publish, n=5, pattern="smpte", line=LINE):
        self.pipeline = Gst.parse_launch(line.format(n=n, pattern=pattern, publish="effvkpublish name=publish " + publish))
        self.publish = self.pipeline.get_by_name("publish")
        self.messages = []

    def play(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        return self

    def wait(self, seconds=120):
        """Until the end of the stream; the warnings' texts."""
        bus, warnings = self.pipeline.get_bus(), []
        kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.WARNING | Gst.MessageType.ELEMENT
        deadline = time.monotonic() + seconds
        while True:
            message = bus.timed_pop_filtered(int(max(0, deadline - time.monotonic()) * Gst.SECOND), kinds)
            check(message is not None, "the stream did not end")
            if message.type == Gst.MessageType.ERROR:
                raise ValueError(message.parse_error()[0].message)
            if message.type == Gst.MessageType.WARNING:
                warnings.append(message.parse_warning()[0].message)
            elif message.type == Gst.MessageType.ELEMENT:
                self.messages.append(message.get_structure().to_string())
            else:
                return warnings

    def stats(self):
        text = self.publish.get_property("stats").to_string()
        return {name: int(re.search(rf"\b{name}\W+\w+\W+(\d+)", text)[1])
                for name in ("delivered", "waiting", "lost", "refused", "retries")}

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)


def run(publish, **options):
    stream = Stream(publish, **options).play()
    try:
        return stream.wait()
    finally:
        stream.stop()


def records(text):
    """The lines as records, each checked against the schema."""
    found = [json.loads(line) for line in text.splitlines()]
    for record in found:
        validate(record)
    return found


def read(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read()


def in_order(found, n):
    equal([r["sequence"] for r in found], list(range(n)), "sequence numbers")


def schema_sees_what_is_wrong():
    try:
        import jsonschema  # noqa: F401
    except ImportError as error:
        raise Skip("there is no python3-jsonschema") from error
    good = {"event": "result", "source": "a", "frame": 0, "pts": None, "classes": []}
    validate(good)
    for bad in ({**good, "pts": -1}, {**good, "event": "other"}, {**good, "surprise": 1}, {"event": "result"},
                {**good, "classes": [{"label": "a"}]}, {**good, "objects": [{"x": 2}]}):
        try:
            validate(bad)
        except Failure:
            continue
        check(False, f"{bad} passes")


def lines_of_a_file():
    stream = Stream(f"location=file:{path('a.jsonl')} source=cam what=frames+changes")
    stream.publish.set_property("tags", '{"site": [1, {}]}')
    warnings = stream.play().wait()
    stream.stop()
    equal(warnings, [], "warnings")
    found = records(read("a.jsonl"))
    in_order(found, 6)
    equal([r["event"] for r in found], ["state"] + ["result"] * 5, "events")
    equal(found[1]["frame"], 0, "frame")
    equal(found[5]["pts"], 4 * 40000000, "pts")
    equal({r["source"] for r in found}, {"cam"}, "source")
    equal(found[0]["state"], found[1]["label"], "label")
    equal(found[3]["tags"], {"site": [1, {}]}, "tags")


def several_targets():
    run(f"location=\"file:{path('one')} file:{path('two')}\" what=frames")
    equal(len(records(read("one"))), 5, "lines of the first")
    equal(read("one"), read("two"), "the second")


def standard_output():
    launch = LINE.format(n=3, pattern="smpte", publish="effvkpublish")
    done = subprocess.run(["gst-launch-1.0", "-q", *launch.split()], stdout=subprocess.PIPE, check=True)
    in_order(records(done.stdout.decode()), 3)


def rotated_file():
    stream = Stream(f"location=file:{path('rotated')} what=frames", n=200)
    stream.pipeline.get_by_name("end").set_property("sync", True)
    stream.play()
    while not os.path.exists(path("rotated")) or os.path.getsize(path("rotated")) == 0:
        time.sleep(0.02)
    os.rename(path("rotated"), path("rotated.1"))
    stream.wait()
    stream.stop()
    check(os.path.getsize(path("rotated")) > 0, "nothing was written after the rotation")
    in_order(records(read("rotated.1") + read("rotated")), 200)


def full_disk():
    warnings = run("location=file:/dev/full eos-timeout=500000000")
    check(any("No space left" in w for w in warnings), f"no warning of the full disk: {warnings}")
    check(any("could not be delivered" in w for w in warnings), f"no warning at the end: {warnings}")


def rate_limit():
    run(f"location=file:{path('rate')} what=frames max-rate=5", n=50)
    equal([r["frame"] for r in records(read("rate"))], list(range(0, 50, 5)), "frames")


def dlstreamer():
    run(f"location=file:{path('dls')} layout=dlstreamer source=cam", n=1)
    record = json.loads(read("dls"))
    equal(record["resolution"], {"width": 64, "height": 48}, "resolution")
    thing = record["objects"][0]
    equal((thing["x"], thing["y"], thing["w"], thing["h"]), (0, 0, 64, 48), "place")
    name = next(key for key in thing if key.startswith("classification/"))
    check(isinstance(thing[name]["label"], str) and 0 < thing[name]["confidence"] <= 1, f"{thing[name]}")
    equal(record["source"], "cam", "source")
    equal(record["timestamp"], 0, "timestamp")


def unix_socket():
    server = socket.socket(socket.AF_UNIX)
    server.bind(path("socket"))
    server.listen()
    received = []

    def serve():
        connection = server.accept()[0]
        while data := connection.recv(65536):
            received.append(data)

    thread = threading.Thread(target=serve)
    thread.start()
    run(f"location=unix:{path('socket')} what=frames", n=1000)
    thread.join(10)
    in_order(records(b"".join(received).decode()), 1000)
    server.close()


def queue_on_disk():
    """What could not be delivered in one run is in the next."""
    os.mkdir(path("queue"))
    options = f"location=unix:{path('later')} queue-directory={path('queue')} eos-timeout=300000000 what=frames source=cam"
    run(options, n=7)
    kept = os.listdir(path("queue"))
    equal(len(kept), 1, "files of the queue")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path("later"))
    server.listen()
    received = []

    def serve():
        connection = server.accept()[0]
        while data := connection.recv(65536):
            received.append(data)

    thread = threading.Thread(target=serve)
    thread.start()
    run(options.replace("300000000", "9000000000"), n=3)
    thread.join(10)
    found = records(b"".join(received).decode())
    equal([r["sequence"] for r in found], [0, 1, 2, 3, 4, 5, 6, 0, 1, 2], "sequence numbers of two runs")
    equal(len({r["session"] for r in found}), 2, "sessions")
    equal(os.path.getsize(path(f"queue/{kept[0]}")), 0, "what is left in the queue's file")
    server.close()


def full_queue_counts():
    stream = Stream(f"location=unix:{path('nobody')} max-messages=10 eos-timeout=1200000000 what=frames", n=500).play()
    stream.wait()
    stats = stream.stats()
    stream.stop()
    equal((stats["lost"], stats["waiting"], stats["delivered"]), (490, 10, 0), "lost, waiting, delivered")
    check(any("lost=(guint64)490" in text for text in stream.messages), f"no message tells of the loss: {stream.messages}")


class Hook(http.server.ThreadingHTTPServer):
    """A webhook that does as it is told: a list of statuses, or 0 to hang until it is asked again; then all is well."""

    def __init__(self, moods=()):
        self.asked_again = threading.Event()
        self.moods, self.bodies, self.headers = list(moods), [], []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mood = hook.moods.pop(0) if hook.moods else 200
                if mood == 0:
                    hook.asked_again.wait(60)
                    self.close_connection = True
                    return
                hook.asked_again.set()
                if mood == 200:
                    hook.bodies.append(body)
                    hook.headers.append(self.headers)
                self.send_response(mood)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def location(self):
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"

    def records(self):
        found = [record for body in self.bodies for record in json.loads(body)]
        for record in found:
            validate(record)
        return found


def webhook():
    need("http")
    with open(path("secret"), "w", encoding="utf-8") as file:
        file.write("key\n")
    os.environ["EFFVK_TEST_CREDENTIALS"] = "user:pass"
    with Hook([500, 429, 503]) as hook:
        warnings = run(f"location={hook.location()} secret={path('secret')} credentials=env:EFFVK_TEST_CREDENTIALS "
                       "what=frames batch-size=7 eos-timeout=20000000000", n=30)
        hook.shutdown()
        equal(len(warnings), 1, f"warnings {warnings}")
        in_order(hook.records(), 30)
        for body, headers in zip(hook.bodies, hook.headers):
            check(len(json.loads(body)) <= 7, "a batch is too large")
            equal(headers["X-Effvk-Signature"], "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest(), "signature")
            equal(headers["Authorization"], "Basic " + base64.b64encode(b"user:pass").decode(), "authorization")
            equal(headers["Content-Type"], "application/json", "content type")


def webhook_that_refuses():
    need("http")
    with Hook([422]) as hook:
        stream = Stream(f"location={hook.location()} what=frames batch-size=1", n=5).play()
        warnings = stream.wait()
        stats = stream.stats()
        stream.stop()
        hook.shutdown()
    check(any("422" in w for w in warnings), f"{warnings}")
    equal((stats["refused"], stats["delivered"]), (1, 4), "refused, delivered")


def webhook_that_hangs():
    """It takes the connection and the records, and does not answer. After ten seconds it is asked again."""
    need("http")
    with Hook([0]) as hook:
        warnings = run(f"location={hook.location()} what=frames eos-timeout=60000000000", n=20)
        hook.shutdown()
        in_order(hook.records(), 20)
    equal(len(warnings), 1, f"warnings {warnings}")
    check("wait until it is back" in warnings[0], f"{warnings}")


def need(scheme):
    if scheme not in Gst.ElementFactory.make("effvkpublish", None).get_property("targets").split(", "):
        raise Skip(f"this build has no {scheme}")


class Broker:
    """mosquitto on loopback, with TLS and a password."""

    def __init__(self):
        need("mqtts")
        self.program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if not self.program or not shutil.which("openssl"):
            raise Skip("there is no mosquitto, or no openssl")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("key.pem"), "-out",
                        path("cert.pem"), "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)
        with open(path("users"), "w", encoding="utf-8") as file:
            file.write("")
        os.chmod(path("users"), 0o600)
        subprocess.run(["mosquitto_passwd", "-b", path("users"), "camera", "s3cret"], check=True,
                       stderr=subprocess.DEVNULL)
        with open(path("mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write(f"listener {self.port} 127.0.0.1\ncertfile {path('cert.pem')}\nkeyfile {path('key.pem')}\n"
                       f"password_file {path('users')}\nallow_anonymous false\nuser root\n"
                       "max_queued_messages 0\nmax_inflight_messages 0\npersistence true\n"
                       f"persistence_location {folder}/\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.program, "-c", path("mosquitto.conf")], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        check(False, "mosquitto does not start")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.process = None

    def location(self, topic, options=""):
        return f"mqtts://localhost:{self.port}/{topic}?cafile={path('cert.pem')}{options}"


class Subscriber:
    """What mosquitto_sub sees, kept in a file; the broker remembers it by its name while it is away."""

    def __init__(self, broker, topic, name="sub"):
        arguments = ["mosquitto_sub", "-h", "localhost", "-p", str(broker.port), "--cafile", path("cert.pem"), "-u",
                     "camera", "-P", "s3cret", "-q", "1", "-v", "-t", topic, "-i", name, "-c"]
        self.output = open(path(f"sub-{id(self)}"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(arguments, stdout=self.output, stderr=subprocess.DEVNULL)

    def lines(self):
        self.output.seek(0)
        return [line.split(" ", 1) for line in self.output.read().splitlines()]

    def wait_for(self, condition, seconds=40):
        for _ in range(seconds * 20):
            if condition(self.lines()):
                return
            time.sleep(0.05)
        check(False, f"the subscriber waits in vain; it has {len(self.lines())} lines")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.output.close()


def start_broker():
    """A broker that runs, and the file `login` with its password."""
    broker = Broker()
    if not shutil.which("mosquitto_sub"):
        raise Skip("there is no mosquitto_sub")
    with open(path("login"), "w", encoding="utf-8") as file:
        file.write("camera:s3cret\n")
    broker.start()
    return broker


def mqtt_with_tls_that_goes_away():
    """The broker stops in the middle: every message arrives once it is back, in order."""
    broker = start_broker()
    seen = Subscriber(broker, "cams/#")
    time.sleep(1)
    n = 25 * (AWAY + 4)  # at 25 a second
    stream = Stream(f"location={broker.location('cams/door', '&discovery=cams/ha')} credentials={path('login')} "
                    "what=frames+changes source=Door eos-timeout=30000000000", n=n)
    stream.pipeline.get_by_name("end").set_property("sync", True)
    stream.play()
    seen.wait_for(lambda lines: len([1 for t, _ in lines if t == "cams/door"]) > 10)
    broker.stop()
    seen.stop()
    before = [json.loads(text) for topic, text in seen_lines(seen) if topic == "cams/door"]
    time.sleep(AWAY)
    broker.start()
    again = Subscriber(broker, "cams/#")  # the broker has kept what came before it
    warnings = stream.wait()
    stream.stop()
    again.wait_for(lambda lines: ["cams/door/status", "offline"] in lines)
    lines = again.lines()
    again.stop()
    broker.stop()
    check(any("wait until it is back" in w for w in warnings), f"{warnings}")
    after = [json.loads(text) for topic, text in lines if topic == "cams/door"]
    numbers = [r["sequence"] for r in before + after]
    equal(sorted(set(numbers)), list(range(n + 1)), "sequence numbers of both halves")
    equal(list(dict.fromkeys(numbers)), list(range(n + 1)), "the order in which they came first")
    check(not any("s3cret" in w for w in warnings), "the password is in a warning")


def seen_lines(subscriber):
    with open(subscriber.output.name, encoding="utf-8") as file:
        return [line.rstrip("\n").split(" ", 1) for line in file]


def mqtt_keeps_the_last_state():
    broker = start_broker()
    run(f"location={broker.location('yard', '&discovery=ha')} credentials={path('login')} what=changes source=Yard")
    late = Subscriber(broker, "#", "late")
    late.wait_for(lambda lines: len(lines) >= 3)
    kept = dict(late.lines())
    late.stop()
    broker.stop()
    validate(json.loads(kept["yard/state"]))
    equal(kept["yard/status"], "offline", "the status after an orderly end")
    sensor = json.loads(kept["ha/sensor/effvk_yard/config"])
    equal(sensor["state_topic"], "yard/state", "the sensor's topic")
    equal(sensor["name"], "Yard", "the sensor's name")


def home_assistant_configuration():
    """The sensor of examples/home-assistant is the one that discovery announces; its templates read what is sent."""
    try:
        import jinja2
        import yaml
    except ImportError as error:
        raise Skip(f"there is no python3-{error.name}") from error
    with open(os.path.join(HERE, "..", "..", "examples", "home-assistant", "configuration.yaml"), encoding="utf-8") as file:
        configuration = yaml.safe_load(file)
    broker = start_broker()
    run(f"location={broker.location('cameras/door', '&discovery=homeassistant')} credentials={path('login')} "
        "what=changes source=Door", pattern="black")
    late = Subscriber(broker, "#", "assistant")
    late.wait_for(lambda lines: len(lines) >= 3)
    kept = dict(late.lines())
    late.stop()
    broker.stop()

    sensor, = configuration["mqtt"]["sensor"]
    equal(sensor, json.loads(kept[f"homeassistant/sensor/{sensor['unique_id']}/config"]), "the sensor")
    state = json.loads(kept[sensor["state_topic"]])
    equal(jinja2.Template(sensor["value_template"]).render(value_json=state), "black", "the sensor's state")
    automation, = configuration["automation"]
    shows, gone = automation["trigger"]
    for trigger, value in ((shows, "black"), (gone, None)):
        check(trigger["topic"] in kept, f"nobody sends {trigger['topic']}")
        if value:
            equal(jinja2.Template(trigger["value_template"]).render(value_json=state), trigger["payload"], "the trigger")
            picture = {**state, "state": "picture"}
            equal(jinja2.Template(trigger["value_template"]).render(value_json=picture), "False", "the trigger of a picture")
    equal(kept[gone["topic"]], gone["payload"], "what tells that the camera is gone")
    message = jinja2.Template(automation["action"][0]["data"]["message"])
    check(message.render(trigger={"payload_json": state}).endswith("black"), "the notification does not tell the state")
    check(message.render(trigger={"payload": "offline"}).endswith("nothing"), "the notification does not tell that it is gone")


def mqtt_refuses_a_wrong_password():
    broker = Broker()
    with open(path("wrong"), "w", encoding="utf-8") as file:
        file.write("camera:other-s3cret\n")
    broker.start()
    warnings = run(f"location={broker.location('a')} credentials={path('wrong')} eos-timeout=1000000000", n=2)
    broker.stop()
    check(any("refuses" in w for w in warnings), f"{warnings}")
    check(not any("other-s3cret" in w for w in warnings), f"the password is in {warnings}")


def unreachable_host():
    """The video flows on."""
    for location in ("http://127.0.0.1:9/x", "mqtt://127.0.0.1:9/x", "kafka://127.0.0.1:9/x"):
        try:
            need(location.split(":")[0])
        except Skip:
            continue
        started = time.monotonic()
        warnings = run(f"location={location} eos-timeout=300000000", n=50)
        check(time.monotonic() - started < 60, f"{location}: the stream took too long")
        check(any("could not be delivered" in w for w in warnings), f"{location}: {warnings}")


def what_is_wrong_is_told():
    cases = {"location=ftp://a/b": "no scheme", "location=mqtt://h": "topic", "location=file:": "expected a path",
             "location=nonsense": "URI", "location=http:///x": "expected", "location=mqtt://u:pw@h/t": "credentials",
             "tags=3": "tags", "credentials=/nonexistent location=file:/tmp/x": "credentials",
             "secret=env:EFFVK_NOT_SET location=file:/tmp/x": "secret",
             f"queue-directory=/nonexistent location=unix:{path('q')}": "queue-directory"}
    for options, word in cases.items():
        stream = Stream(options)
        equal(stream.pipeline.set_state(Gst.State.PAUSED), Gst.StateChangeReturn.FAILURE, options)
        message = stream.pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        check(message is not None, f"{options}: no error")
        text = message.parse_error()[0].message
        check(word in text or "built without" in text, f"{options}: {text}")
        check("pw@" not in text, f"{options}: the password is in {text!r}")
        stream.stop()


def labels_with_anything():
    """The labels of a file with quotes, control characters and other scripts."""
    names = ['a"b\\', "'{}[]", "猫", "עברית"] + [f"l{i}" for i in range(8)]
    with open(path("labels.json"), "w", encoding="utf-8") as file:
        json.dump(names, file)
    run(f"location=file:{path('odd')} what=frames",
        line=LINE.replace("top-k=2", f"top-k=12 labels-file={path('labels.json')}"), n=1)
    found = records(read("odd"))[0]
    check({c["label"] for c in found["classes"]} <= set(names), f"{found}")


class Count:
    """Counts records that come in, checks their order, and looks at the memory of who sends them."""

    def __init__(self):
        self.n, self.process, self.memory, self.problem = 0, None, [], None

    def take(self, record):
        """One may come twice, but never a later one before it."""
        if record["sequence"] > self.n:
            self.problem = self.problem or f"{record['sequence']} came instead of {self.n}"
        self.n += record["sequence"] == self.n
        if self.n % 100 == 0 and self.n >= RECORDS / 5:
            self.memory.append(resident(self.process.pid))


def resident(pid):
    """MiB; 0: it has ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        found = re.search(r"VmRSS:\s+(\d+)", file.read())
    return int(found[1]) / 1024 if found else 0


def many(location, count, wait=lambda: None):
    """All come, in order, and nothing grows: what is delivered is let go of."""
    launch = MANY.format(n=RECORDS, publish=f"location={location}")
    count.process = subprocess.Popen(["gst-launch-1.0", "-q", *launch.split()])
    equal(count.process.wait(), 0, "status of gst-launch-1.0")
    wait()
    check(count.problem is None, count.problem)
    equal(count.n, RECORDS, "records")
    print(f"# memory: {count.memory[0]:.1f} MiB after a fifth, {max(count.memory):.1f} at most")
    check(0 < max(count.memory) < count.memory[0] + 12, f"memory grows: {count.memory}")


def many_to_a_file():
    count = Count()
    following = threading.Thread(target=follow, args=(path("many"), count))
    following.start()
    many(f"file:{path('many')}", count, following.join)


def follow(name, count):
    """Reads a file as it grows, up to the last record."""
    while not os.path.exists(name):
        time.sleep(0.02)
    with open(name, encoding="utf-8") as file:
        rest, since = "", time.monotonic()
        while count.n < RECORDS and time.monotonic() - since < 60:
            text = file.read()
            if not text:
                time.sleep(0.02)
                continue
            *lines, rest = (rest + text).split("\n")
            since = time.monotonic()
            for line in lines:
                count.take(json.loads(line[line.index("{"):]))  # behind the topic, if there is one


def many_to_a_socket():
    count, server = Count(), socket.socket(socket.AF_UNIX)
    server.bind(path("many-socket"))
    server.listen()

    def serve():
        for line in server.accept()[0].makefile("r", encoding="utf-8"):
            count.take(json.loads(line))

    serving = threading.Thread(target=serve)
    serving.start()
    many(f"unix:{path('many-socket')}", count, serving.join)
    server.close()


def many_to_a_webhook():
    need("http")
    count = Count()

    class Bodies(list):
        def append(self, body):
            for record in json.loads(body):
                count.take(record)

    with Hook() as hook:
        hook.bodies = Bodies()
        many(hook.location(), count)
        hook.shutdown()


def many_to_mqtt():
    broker = start_broker()
    count, seen = Count(), Subscriber(broker, "many", "many")
    time.sleep(1)
    following = threading.Thread(target=follow, args=(seen.output.name, count))
    following.start()
    many(f"{broker.location('many')} credentials={path('login')}", count, following.join)
    seen.stop()
    broker.stop()


if __name__ == "__main__":
    try:
        import gi
        gi.require_version("Gst", "1.0")
        from gi.repository import Gst
    except (ImportError, ValueError) as problem:
        print(f"1..0 # SKIP {problem}")
        sys.exit(0)
    Gst.init(None)
    tests = [schema_sees_what_is_wrong, lines_of_a_file, several_targets, standard_output, rotated_file, full_disk,
             rate_limit, dlstreamer, unix_socket, queue_on_disk, full_queue_counts, webhook, webhook_that_refuses, webhook_that_hangs,
             mqtt_with_tls_that_goes_away, mqtt_keeps_the_last_state, home_assistant_configuration, mqtt_refuses_a_wrong_password, unreachable_host,
             what_is_wrong_is_told, labels_with_anything, many_to_a_file, many_to_a_socket, many_to_a_webhook, many_to_mqtt]
    wanted = sys.argv[1:]
    try:
        run_tests([test for test in tests if not wanted or test.__name__ in wanted])
    finally:
        shutil.rmtree(folder)
