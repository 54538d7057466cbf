#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# changing-stream.sh FILE.mkv: makes a video whose signal changes every three seconds, as if it came
# from far, in H.264 or VP8: a picture, colour bars, black, noise, a test pattern, one colour, a ramp,
# and the picture again. hangar.jpg is a photograph of NASA's, in the public
# domain, from Debian's endless-sky-data.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: changing-stream.sh FILE.mkv" >&2; exit 2; }
picture=$(realpath "$(dirname "${BASH_SOURCE[0]}")")/hangar.jpg
# All of it the same: muxers refuse streams whose caps change.
caps=video/x-raw,format=I420,width=640,height=360,framerate=25/1,pixel-aspect-ratio=1/1,colorimetry=bt601,chroma-site=jpeg
encoder=(vp8enc deadline=1 cpu-used=8 target-bitrate=2000000)
if gst-inspect-1.0 --exists x264enc; then
  encoder=(x264enc speed-preset=superfast tune=zerolatency bitrate=2000)
fi

sources=()
for pattern in picture smpte black snow 'zone-plate kx2=20 ky2=20' blue gradient picture; do
  if [ "$pattern" = picture ]; then
    sources+=(filesrc "location=$picture" ! jpegdec ! imagefreeze num-buffers=75 ! videoconvert
      ! videoscale)
  else
    # shellcheck disable=SC2206 # a pattern may have options
    sources+=(videotestsrc num-buffers=75 pattern=$pattern)
  fi
  sources+=(! "$caps" ! join.)
done
exec gst-launch-1.0 -q concat name=join ! "${encoder[@]}" ! matroskamux ! filesink "location=$1" \
  "${sources[@]}"
