#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs what the tests need, builds with warnings as errors, and runs every test that is not slow.
# The last line is `N passed, N failed, N skipped`; the exit status is 0 when none failed.
set -euo pipefail

usage='usage: tests/run.sh [--slow | --suite NAME…]'
suites=() setup=ordinary
while [ $# -gt 0 ]; do
  case $1 in
    --suite)
      [ $# -ge 2 ] || { echo "$usage" >&2; exit 2; }
      suites+=(--suite "$2")
      shift 2
      ;;
    --suite=*)
      suites+=("$1")
      shift
      ;;
    --slow)
      setup=all
      shift
      ;;
    -h|--help)
      echo "$usage"
      echo "  --slow         the large networks as well, the fuzzers, five minutes of stress and 200 changes of models"
      echo "  --suite NAME   only unit, fuzz, ops, net, tools, plugin, devices, slow or long"
      echo "  EFFVK_KNOWN_SKIPS  a list of the tests that may be skipped: others fail then, see tests/lib/summary.py"
      echo "  EFFVK_SHARED   folder with the real models and pictures (default: ../shared, if it is there)"
      exit 0
      ;;
    *)
      echo "$usage" >&2
      exit 2
      ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/lib/setup.sh
. tests/lib/setup.sh

if [ -z "${EFFVK_SHARED:-}" ] && [ -d ../shared ]; then
  EFFVK_SHARED=$(realpath ../shared)
fi
[ -z "${EFFVK_SHARED:-}" ] || export EFFVK_SHARED

packages=("${effvk_packages_build[@]}" "${effvk_packages_test[@]}")
[ $setup = ordinary ] || packages+=("${effvk_packages_slow[@]}")
effvk_packages_install "${packages[@]}"
# A driver that is not Mesa's; without it a test is skipped.
export EFFVK_SWIFTSHADER=${EFFVK_SWIFTSHADER:-${XDG_CACHE_HOME:-$HOME/.cache}/effvk-tests/swiftshader}
tests/lib/swiftshader.sh || effvk_say "warning: SwiftShader could not be fetched"
if ! effvk_build build-tests --buildtype=debugoptimized --werror; then
  effvk_say "failed: the build"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

# What the user's own effvk has cached is neither used nor changed.
export XDG_CACHE_HOME=$PWD/build-tests/cache
mkdir -p "$XDG_CACHE_HOME"

# What a test that broke off has left goes with this folder.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/effvk-tests.XXXXXX")
export TMPDIR
trap 'rm -rf --one-file-system "$TMPDIR"' EXIT

# A log of an earlier run must not be counted for this one.
log=build-tests/meson-logs/testlog-$setup.json
rm -f "$log"
status=0
# A busy or slow machine is not a failure: three times the time that a test asks for. One test more at a time than
# there are processors: some wait for a clock.
meson test -C build-tests --no-rebuild --print-errorlogs --timeout-multiplier 3 \
  --num-processes $(($(nproc) + 1)) \
  --setup "$setup" "${suites[@]}" || status=$?
/usr/bin/python3 tests/lib/summary.py "$log" "$status" \
  ${EFFVK_KNOWN_SKIPS:+"$EFFVK_KNOWN_SKIPS"}
