#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SOURCE BUILD: the tests of threads with ThreadSanitizer, in a build of their own in BUILD. TAP.
set -euo pipefail
source=$(realpath "$1")
build=$2
here=$source/tests/tsan

net=(classifier tuning vulkan warm-up)
unit=(device image model pipeline-cache smoother)
plugin=(cascade dmabuf effvkclassify faults frames live memory metadata objects order pace properties sharing steady
  streams stress swap vulkan)

programs=("${net[@]/#/tests/net/test-}" "${unit[@]/#/tests/unit/test-}"
  "${plugin[@]/#/tests/plugin/test-}")
[ -e "$build/build.ninja" ] || meson setup "$build" "$source" --buildtype=debugoptimized \
  -Db_sanitize=thread -Db_lundef=false -Dintrospection=disabled >&2
ninja --quiet -C "$build" "${programs[@]}" plugin/libgsteffvk.so >&2
flags=(-fsanitize=thread -g -O1 -Wall -Werror)
# shellcheck disable=SC2046 # words
gcc "${flags[@]}" -shared -fPIC -o "$build/glib-sync.so" "$here/glib-sync.c" \
  $(pkg-config --cflags --libs gobject-2.0)
# shellcheck disable=SC2046
gcc "${flags[@]}" -o "$build/race" "$here/race.c" $(pkg-config --cflags --libs glib-2.0)

cd "$build"
export G_SLICE=always-malloc EFFVK_CACHE_DIR='' EFFVK_VALIDATION=0 GST_REGISTRY=$PWD/registry.bin
export GST_PLUGIN_PATH=$PWD/plugin LD_LIBRARY_PATH=$PWD/src GST_REGISTRY_FORK=no
export GST_TRACERS=leaks G_DEBUG=fatal-warnings
export TSAN_OPTIONS="suppressions=$here/suppressions"

# Where new kernels put things at random, older versions of it have their own.
fixed=(setarch -R)
"${fixed[@]}" true 2>/dev/null || fixed=()

sanitized ()
{
  "${fixed[@]}" env LD_PRELOAD="$PWD/glib-sync.so" "$@"
}

number=0 failed=0
check ()
{
  local name=$1

  shift
  number=$((number + 1))
  if "$@" >output 2>&1; then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    sed 's/^/# /' output
    failed=1
  fi
}

# shellcheck disable=SC2317 # called by check
is_found () # 66: what was reported
{
  local status=0

  sanitized ./race || status=$?
  [ "$status" -eq 66 ]
}

echo "1..$((${#programs[@]} + 2))"
check "a race is found" is_found
check "a mutex of GLib is known" sanitized ./race locked
# Looks for all plugins, some of which are not innocent.
TSAN_OPTIONS="$TSAN_OPTIONS report_bugs=0" sanitized tests/plugin/test-pace -p /none >/dev/null 2>&1 || true
for program in "${programs[@]}"; do
  check "$program" sanitized "$program" --tap
done
exit $failed
