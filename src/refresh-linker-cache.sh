#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# After `meson install` as root: the linker learns of the library. A package does that itself, later.
set -eu
[ -z "${DESTDIR:-}" ] || exit 0
[ "$(id -u)" -eq 0 ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
if command -v ldconfig >/dev/null; then
  ldconfig
fi
