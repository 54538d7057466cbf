#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program of somebody who has installed effvk."""

import gi
gi.require_version("Effvk", "1.0")
from gi.repository import Effvk  # noqa: E402

print(Effvk.Device.new("auto").get_name())
