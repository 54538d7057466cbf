#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SOURCE BUILD: builds with all options off, and with each of those off that take code away, with warnings as
# errors, in BUILD. TAP.
set -euo pipefail
source=$(realpath "$1")
build=$2

none=(-Dgstreamer=disabled -Doverlay=disabled -Dmqtt=disabled -Dkafka=disabled -Dwebhook=disabled
  -Dintrospection=disabled -Dvapi=disabled -Ddocs=disabled -Dteaching=disabled)
names=(none no-teaching no-gstreamer)
options=("${none[*]}" '-Dteaching=disabled -Dintrospection=disabled -Dvapi=disabled -Ddocs=disabled'
  '-Dgstreamer=disabled -Dintrospection=disabled -Dvapi=disabled -Ddocs=disabled')

echo "1..${#names[@]}"
failed=0
mkdir -p "$build"
for i in "${!names[@]}"; do
  name=${names[i]} folder=$build/${names[i]} log=$build/${names[i]}.log
  read -r -a chosen <<<"${options[i]}"
  rm -rf "$folder"
  if meson setup "$folder" "$source" --buildtype=debugoptimized --werror "${chosen[@]}" >"$log" 2>&1 \
    && ninja -C "$folder" >>"$log" 2>&1; then
    echo "ok $((i + 1)) - $name"
  else
    failed=1
    echo "not ok $((i + 1)) - $name"
    grep -E ' error: |^ERROR|meson.build:.*ERROR' "$log" | head -20 | sed 's/^/# /'
  fi
  rm -rf "$folder"
done
exit $failed
