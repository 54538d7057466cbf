#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What introspection makes of the library: errors, images and several images at once, from Python.

Prints TAP. Needs GI_TYPELIB_PATH and LD_LIBRARY_PATH of a build with introspection.
"""

import sys

import gi

gi.require_version("Effvk", "1.0")
from gi.repository import Effvk, GLib  # noqa: E402


def fails(enumeration, code, words, function, *arguments):
    """The call raises that error, whose message has all words."""
    try:
        function(*arguments)
    except GLib.Error as error:
        assert error.matches(enumeration.quark(), code), f"{error!r} is not {code}"
        for word in words:
            assert word in error.message, f"{error.message!r} does not say {word!r}"
        return
    raise AssertionError(f"{function} did not fail")


def error_domains():
    for name in "Classifier", "Device", "Image", "Model", "Teacher":
        domain = GLib.quark_to_string(getattr(Effvk, name + "Error").quark())
        assert domain == f"effvk-{name.lower()}-error-quark", domain
    fails(Effvk.ModelError, Effvk.ModelError.READ, ["/nonexistent"], Effvk.Model.new_from_file, "/nonexistent")
    fails(Effvk.ModelError, Effvk.ModelError.INVALID, [], Effvk.Model.new_from_bytes, GLib.Bytes.new(b"{" * 99))
    fails(Effvk.DeviceError, Effvk.DeviceError.NOT_FOUND, ["no such"], Effvk.Device.new, "no such device")


def version():
    parts = [Effvk.MAJOR_VERSION, Effvk.MINOR_VERSION, Effvk.MICRO_VERSION]
    assert Effvk.version_string() == ".".join(map(str, parts)), Effvk.version_string()
    assert Effvk.check_version(*parts) and not Effvk.check_version(parts[0] + 1, 0, 0)


def devices():
    for _ in range(20):  # a list that is freed twice shows
        assert all(device.get_name() and device.get_uuid() for device in Effvk.Device.list())


def images():
    error, new = Effvk.ImageError, Effvk.Image.new_from_bytes
    fails(error, error.DATA, ["36 bytes", "RGB of 4x3", "35"], new, Effvk.Format.RGB, 4, 3, GLib.Bytes.new(bytes(35)))
    fails(error, error.DATA, ["found 0"], new, Effvk.Format.RGB, 4, 3, GLib.Bytes.new(b""))
    fails(error, error.SIZE, ["16384", "0x3"], new, Effvk.Format.RGB, 0, 3, GLib.Bytes.new(bytes(36)))
    fails(error, error.SIZE, ["16384", "4x16385"], Effvk.Image.new, Effvk.Format.NV12, 4, 16385)
    fails(error, error.FORMAT, ["0"], Effvk.Image.new, Effvk.Format.UNKNOWN, 4, 3)
    assert new(Effvk.Format.RGB, 4, 3, GLib.Bytes.new(bytes(36))).get_width() == 4


def make_image(number):
    """Of various sizes, formats and colors."""
    width, gray = 60 + 4 * number, number % 2
    pixels = bytes((number * 37 + i * (number + 3)) % 256 for i in range(width * 40 * (1 if gray else 3)))
    form = Effvk.Format.GRAY8 if gray else Effvk.Format.RGB
    return Effvk.Image.new_from_bytes(form, width, 40, GLib.Bytes.new(pixels))


def scores(result):
    return [(result.get_index(rank), round(result.get_score(rank), 5)) for rank in range(result.get_n_classes())]


def many_images():
    options = Effvk.ClassifierOptions.new()
    options.set_batch_size(2)
    classifier = Effvk.Classifier.new(Effvk.Device.new(None), Effvk.Model.new_random("phi=-2", 5, 1), options)
    several = [make_image(number) for number in range(5)]
    found = [scores(result) for result in classifier.classify_many(several)]
    assert found == [scores(classifier.classify(image)) for image in several], found
    assert len({tuple(each) for each in found}) == 5, "all the same"
    assert not classifier.classify_many([])
    try:
        classifier.classify(None)
        raise AssertionError("None is an image")
    except TypeError:
        pass
    fails(Effvk.ClassifierError, Effvk.ClassifierError.EMPTY, [], classifier.collect, True)


def main():
    tests = [error_domains, version, devices, images, many_images]
    failed = False

    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        problem = None
        try:
            test()
        except (AssertionError, GLib.Error, TypeError, AttributeError, NotImplementedError) as error:
            problem = error
        print(f"{'not ok' if problem else 'ok'} {number} - {test.__name__.replace('_', ' ')}", flush=True)
        if problem:
            print(f"# {type(problem).__name__}: {problem}")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
