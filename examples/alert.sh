#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# alert.sh URI [COMMAND…]: runs COMMAND with the state as its last argument when a stream goes black,
# turns to bars or noise, or breaks, and when it is a picture again. Without COMMAND it prints.
# For instance:  examples/alert.sh rtsp://camera/stream notify-send 'camera 1'
#
# As one line:
#   effvk monitor --json URI | grep --line-buffered '"state": "black"' | while read -r _; do alarm; done
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: alert.sh URI [COMMAND…]" >&2; exit 2; }
uri=$1
shift
[ $# -gt 0 ] || set -- echo

bad=''
effvk monitor --json "$uri" | {
  while read -r line; do
    case $line in
      *'"event": "end"'*) "$@" ended; bad=end; continue ;;
    esac
    state=${line#*\"state\": \"}
    state=${state%%\"*}
    case $state in
      picture)
        [ -z "$bad" ] || "$@" picture
        bad=''
        ;;
      *)
        "$@" "$state"
        bad=$state
        ;;
    esac
  done
  # The monitor ends without an "end" when the stream breaks off.
  [ "$bad" = end ] || "$@" lost
}
