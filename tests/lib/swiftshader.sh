#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fetches SwiftShader, a Vulkan driver for CPUs that is not Mesa's: two files of Debian's package
# chromium-common (32 MB), without installing it. Does nothing when they are there.
#
#   EFFVK_SWIFTSHADER   the folder that gets them
set -euo pipefail

folder=$EFFVK_SWIFTSHADER
[ ! -e "$folder/vk_swiftshader_icd.json" ] || exit 0

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
chmod 755 "$box"
cd "$box"
apt-get -q download chromium-common >&2
dpkg-deb --fsys-tarfile chromium-common_*.deb \
  | tar -xf - --strip-components=4 ./usr/lib/chromium/libvk_swiftshader.so ./usr/lib/chromium/vk_swiftshader_icd.json
mkdir -p "$folder"
mv libvk_swiftshader.so "$folder/"
mv vk_swiftshader_icd.json "$folder/" # last: who sees it has both
