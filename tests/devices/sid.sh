#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sid.sh [--page | GSTREAMER]: what needs Debian sid's Mesa or GStreamer, in a root of it. Prints TAP.
# Skipped, saying so, where the root cannot be made.
#
#   (nothing)   kernels compiled for GPUs that are not here (compile.py), and the self-test on lavapipe,
#               which has matrix units there
#   --page      the same, with TAP on stderr, and its tables on stdout as docs/kernels-compiled.md has them
#   GSTREAMER   the plugin's and the command's tests, with the GStreamer there: not gating,
#               docs/devices.md has what fails
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

# In the root.
if [ "${1:-}" = --inside ]; then
  shift
  cd "$here/../.."
  # shellcheck source=tests/lib/setup.sh
  . tests/lib/setup.sh
  effvk_build build-tests --buildtype=debugoptimized
  export XDG_CACHE_HOME=$PWD/build-tests/cache
  mkdir -p "$XDG_CACHE_HOME"
  case ${1:-} in
    GSTREAMER)
      exec meson test -C build-tests --no-rebuild --timeout-multiplier 10 --print-errorlogs \
        --suite unit --suite tools --suite plugin --suite net
      ;;
  esac
  export LD_LIBRARY_PATH=$PWD/build-tests/src
  exec python3 tests/devices/compile.py shims build-tests/tools/effvk "$@"
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
"$here/../lib/in-root.sh" sid true </dev/null >/dev/null 2>"$said" || code=$?
if [ $code -eq 125 ]; then
  echo "1..0 # SKIP $(grep '^error:' "$said" | tail -n 1)"
  exit 0
fi
[ $code -eq 0 ] || { cat "$said" >&2; exit $code; }
rm -f "$said"
exec "$here/../lib/in-root.sh" sid tests/devices/sid.sh --inside "$@"
