#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documents show is run: every block of code in every Markdown file. Prints TAP.

A comment in front of a block says how it is run here:

    <!-- test: s|v4l2src|videotestsrc num-buffers=30| -->   with these replacements, several with spaces between
    <!-- test -->                                           as it is
    <!-- output -->                                         it is no command, but shows what one prints
    <!-- not run: needs a GPU -->                           and why

A block without one fails. Rust needs cargo and the crate gstreamer, as Debian's librust-gstreamer-dev has it (or
EFFVK_CRATES, a folder of crates): without them its blocks are skipped. Blocks run in an empty folder, which has the files that the documents speak of: small
videos, pictures, a model, labels. A link to a file of the tree must lead somewhere.

usage: docs.py BUILD [DOCUMENT…]
"""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
BLOCK = re.compile(r"(?:^<!-- (?P<how>(?:test|not run|output)[^\n]*?) -->\n+)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
                   re.M | re.S)
REPLACE = re.compile(r"s(?P<mark>[|~#])(?P<old>.*?)(?P=mark)(?P<new>.*?)(?P=mark)")
LINK = re.compile(r"\[[^\]]*\]\(([^)#: ]+)(?:#[^)]*)?\)")
SECONDS = 120
CRATES = os.environ.get("EFFVK_CRATES", "/usr/share/cargo/registry")
CARGO = """[package]
name = "block"
version = "0.0.0"
edition = "2021"

[dependencies]
gstreamer = { version = "*", features = ["v1_20"] }
"""
CARGO_SOURCE = f"""[source.crates-io]
replace-with = "here"

[source.here]
directory = "{CRATES}"
"""


def documents():
    """All of the tree, README first."""
    paths = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".", "build", "obj-"))]
        paths += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names if name.endswith(".md")]
    return sorted(paths, key=lambda path: (path != "README.md", path))


def environment(build, folder):
    values = dict(os.environ)
    paths = {
        "PATH": [os.path.join(build, "tools"), os.path.join(ROOT, "tools")],
        "LD_LIBRARY_PATH": [os.path.join(build, "src")],
        "GST_PLUGIN_PATH": [os.path.join(build, "plugin")],
        "GI_TYPELIB_PATH": [os.path.join(build, "src")],
    }
    for name, folders in paths.items():
        values[name] = ":".join(folders + ([values[name]] if values.get(name) else []))
    values["GST_REGISTRY"] = os.path.join(folder, ".registry")
    values["CPATH"] = ":".join([os.path.join(ROOT, "include"), os.path.join(build, "include")])
    values["LIBRARY_PATH"] = os.path.join(build, "src")
    values["EFFVK_EXAMPLES"] = os.path.join(ROOT, "examples")
    return values


def make_files(folder, values):
    """The files that the documents speak of."""
    def run(*command):
        subprocess.run(command, cwd=folder, env=values, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)

    def video(name, pattern, *encoder):
        run("gst-launch-1.0", "-q", "videotestsrc", "num-buffers=30", f"pattern={pattern}", "!",
            "video/x-raw,format=I420,width=160,height=120,framerate=30/1", "!", *encoder, "!", "filesink",
            f"location={name}")

    video("video.mp4", "smpte", "openh264enc", "!", "h264parse", "!", "mp4mux")
    shutil.copy(os.path.join(folder, "video.mp4"), os.path.join(folder, "wolf.mp4"))
    run("gst-launch-1.0", "-q", "videotestsrc", "num-buffers=1", "!", "video/x-raw,width=160,height=120", "!",
        "jpegenc", "!", "filesink", "location=cat.jpg")
    for pattern, name in (("smpte", "gate open"), ("ball", "gate closed")):
        for path in (f"pictures/{name}", f"more-pictures/{name}", f"new-pictures/{name}", f"archive/{name}"):
            os.makedirs(os.path.join(folder, path))
            run("gst-launch-1.0", "-q", "videotestsrc", f"pattern={pattern}", "num-buffers=3", "!",
                "video/x-raw,width=160,height=120", "!", "jpegenc", "!", "multifilesink", f"location={path}/%03d.jpg")
    shutil.copy(os.path.join(folder, "cat.jpg"), os.path.join(folder, "picture.jpg"))
    run("effvk", "init", "--variant", "b0", "--classes", "10", "b0.safetensors")
    for name in ("model.safetensors", "other.safetensors", "cars.safetensors", "efficientnet_v2_b0.safetensors"):
        shutil.copy(os.path.join(folder, "b0.safetensors"), os.path.join(folder, name))
    with open(os.path.join(folder, "labels.txt"), "w", encoding="utf-8") as file:
        file.write("".join(f"label {i}\n" for i in range(10)))


def commands(code):
    """A shell block's commands, without the comments behind them."""
    return re.sub(r"\s+# .*$", "", code, flags=re.M)


def replaced(code, how):
    """The block with the replacements of its comment, and those that changed nothing."""
    idle = []
    for match in REPLACE.finditer(how):
        old, new = match["old"], match["new"]
        if old not in code:
            idle.append(f"nothing to replace: {old!r}")
        code = code.replace(old, new)
    return code, idle


def lacks(language):
    """Why blocks in this language cannot be run here, or None."""
    if language != "rust" or (shutil.which("cargo") and glob.glob(os.path.join(CRATES, "gstreamer-[0-9]*"))):
        return None
    return "there is no cargo with the crate gstreamer (librust-gstreamer-dev)"


def build_rust(code, folder, values):
    """The command that runs the block, and what the compiler says when there is none."""
    project = os.path.join(folder, "block-rust")
    for path, text in (("Cargo.toml", CARGO), (".cargo/config.toml", CARGO_SOURCE), ("src/main.rs", code)):
        os.makedirs(os.path.dirname(os.path.join(project, path)), exist_ok=True)
        with open(os.path.join(project, path), "w", encoding="utf-8") as file:
            file.write(text)
    built = subprocess.run(["cargo", "build", "--offline", "--quiet"], cwd=project, env=values,
                           stderr=subprocess.PIPE, check=False)
    return ([os.path.join(project, "target", "debug", "block")] if built.returncode == 0 else None,
            built.stderr.decode(errors="replace"))


def run_block(language, code, folder, values):
    """What went wrong when the block ran, or None."""
    if language == "python":
        command = ["/usr/bin/python3", "-c", code]
    elif language == "c":
        source = os.path.join(folder, "block.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(code)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gio-2.0", "gstreamer-1.0", "gstreamer-video-1.0"],
                               stdout=subprocess.PIPE, check=True).stdout.decode()
        built = subprocess.run(["cc", "-Werror", "-o", os.path.join(folder, "block"), source, "-leffvk-1.0",
                                *shlex.split(flags)], env=values, cwd=folder, stderr=subprocess.PIPE, check=False)
        if built.returncode:
            return built.stderr.decode()
        command = [os.path.join(folder, "block")]
    elif language == "rust":
        command, said = build_rust(code, folder, values)
        if not command:
            return said
    else:
        command = ["/bin/bash", "-euo", "pipefail", "-c", commands(code)]
    try:
        done = subprocess.run(command, cwd=folder, env=values, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {SECONDS} s"
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        return f"exit status {done.returncode}\n{said}"
    if re.search(r"\b(CRITICAL|ERROR)\b", said):
        return said
    return None


def check_links(path, text):
    folder = os.path.dirname(os.path.join(ROOT, path))
    return [f"the link to {target} leads nowhere" for target in LINK.findall(text)
            if not os.path.exists(os.path.join(folder, target))]


def check(path, folder, values):
    """Points of one document: (name, complaints, why it is skipped)."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    yield f"{path}: links", check_links(path, text), None
    for number, block in enumerate(BLOCK.finditer(text), 1):
        line = text.count("\n", 0, block.start("code")) + 1
        name = f"{path}:{line}: {block['code'].strip().splitlines()[0][:60].replace('#', '')}"
        how = block["how"]
        if how is None and block["language"] in ("sh", "python", "c", "rust", ""):
            yield name, ["no comment in front of it says how it is run"], None
        elif how is None or how == "output":
            continue
        elif how.startswith("not run"):
            if not re.match(r"not run: \w", how):
                yield name, ["nothing says why it is not run"], None
        elif why := lacks(block["language"]):
            yield name, [], why
        else:
            code, idle = replaced(block["code"], how)
            said = None if idle else run_block(block["language"], code, folder, values)
            yield name, idle + ((said or "").strip().splitlines()[-20:]), None


def main():
    build = os.path.realpath(sys.argv[1])
    failed = n = 0
    with tempfile.TemporaryDirectory() as folder:
        values = environment(build, folder)
        make_files(folder, values)
        for path in sys.argv[2:] or documents():
            for name, bad, skip in check(path, folder, values):
                n += 1
                for line in bad:
                    print(f"# {line}")
                print(f"{'not ok' if bad else 'ok'} {n} - {name}{f' # SKIP {skip}' if skip else ''}", flush=True)
                failed += bool(bad)
    print(f"1..{n}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
