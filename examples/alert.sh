#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# alert.sh URI [COMMAND…]: runs COMMAND with the state as its last argument when a stream goes black,
# turns to bars or noise, breaks or stalls, and when it is a picture again. Without COMMAND it prints.
# For instance:  examples/alert.sh rtsp://camera/stream notify-send 'camera 1'
#
# As one line, for black, broken, stalled, ended and lost:
#   effvk monitor --json URI | grep --line-buffered -E '"state": "(black|corruption)"|"event": "stalled"' \
#     | while read -r _; do alarm </dev/null; done; alarm
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: alert.sh URI [COMMAND…]" >&2; exit 2; }
uri=$1
shift
[ $# -gt 0 ] || set -- echo
command=("$@")

# A command that fails, or reads its input, does not end the watch.
alert ()
{
  "${command[@]}" "$1" </dev/null || echo "alert.sh: ${command[0]} failed ($?) for: $1" >&2
}

bad=''
effvk monitor --json -- "$uri" </dev/null | {
  while read -r line; do
    case $line in
      *'"event": "raised"'* | *'"event": "cleared"'*) continue ;; # the state says the worst of them
      *'"event": "end"'*) state=ended ;;
      *'"event": "stalled"'*) state=stalled ;;
      *) state=${line#*\"state\": \"} state=${state%%\"*} ;;
    esac
    if [ "$state" != picture ] || [ -n "$bad" ]; then alert "$state"; fi
    if [ "$state" = picture ]; then bad=''; else bad=$state; fi
  done
  # The monitor ends without an "end" when the stream breaks off.
  [ "$bad" = ended ] || alert lost
}
