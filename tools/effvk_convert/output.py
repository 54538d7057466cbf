# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the safetensors file where the user says, once effvk has read it: whole or not at all."""

import json
import os
import shutil
import stat
import struct
import subprocess
import tempfile

from . import Problem

KINDS = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))


def find_target(path, inputs):
    """Where a path leads, and the mode of what is there or None. A device would be replaced by a file, and so
    would a link; what is read must not be written."""
    target = os.path.realpath(path)
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(old.st_mode):
        kind = next((kind for test, kind in KINDS if test(old.st_mode)), "a device")
        raise Problem(f"{path}: expected a new name or a regular file to replace, found {kind}")
    if any(os.path.samefile(target, name) for name in inputs):
        raise Problem(f"{path}: is read from, and would be overwritten: name another file")
    return target, old


def set_mode(descriptor, old):
    """A file that is replaced keeps its owner, where that may be set, and its permissions."""
    umask = os.umask(0)
    os.umask(umask)
    mode = 0o666 & ~umask
    if old:
        mode = stat.S_IMODE(old.st_mode) & 0o777
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError:
            pass
    os.fchmod(descriptor, mode)


def write_tensors(file, tensors, metadata):
    header, offset = {"__metadata__": {"effvk": json.dumps(metadata, ensure_ascii=False)}}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for _, array in tensors.values():
        file.write(array.data)


def read_back(path, here):
    """What effvk says of the file, or None where there is no effvk. What it refuses is no result."""
    beside = os.path.join(here, "effvk")
    command = beside if os.access(beside, os.X_OK) and os.path.isfile(beside) else shutil.which("effvk")
    if not command:
        return None
    done = subprocess.run([command, "inspect", "--json", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"status {done.returncode}"]
        raise Problem("effvk cannot run this network: "
                      + lines[-1].removeprefix("effvk: ").removeprefix(f"{path}: "))
    return json.loads(done.stdout)


def write(path, tensors, metadata, inputs, here):
    """Returns what effvk says of the file."""
    target, old = find_target(path, inputs)
    folder, name = os.path.split(target)
    temporary = tempfile.NamedTemporaryFile(dir=folder, prefix=name + ".", delete=False)
    try:
        with temporary as file:
            write_tensors(file, tensors, metadata)
            set_mode(file.fileno(), old)
            file.flush()
            os.fsync(file.fileno())
        found = read_back(temporary.name, here)
        os.replace(temporary.name, target)
        return found
    except BaseException:
        os.unlink(temporary.name)
        raise
