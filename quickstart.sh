#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# quickstart.sh [INPUT]: installs what is missing, builds into ./build, and watches INPUT, a video, a
# URI or a camera, with the model that effvk has, which tells the state of a video signal; a table of
# the states ends it. Without INPUT it makes a stream whose signal changes.
# quickstart.sh MODEL INPUT [LABELS]: says what INPUT shows with another model: first with the effvk
# command, then in a GStreamer pipeline.
set -euo pipefail

usage='usage: quickstart.sh [[MODEL.safetensors] VIDEO|IMAGE|URI|/dev/videoN [LABELS.txt]]'
case ${1:-} in
  -h|--help) echo "$usage"; exit 0 ;;
esac
case $#:${1:-} in
  0:|[123]:[!-]*) ;;
  *) echo "$usage" >&2; exit 2 ;;
esac

top=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/lib/setup.sh
. "$top/tests/lib/setup.sh"

# Before the long part: are the files there? They are named from where the caller is.
must_exist ()
{
  [ -f "$1" ] || { echo "quickstart.sh: no such file: $1" >&2; exit 2; }
}

model='' input='' uri='' labels=''
set_input ()
{
  case $1 in
    *://*) input=$1 uri=$1 ;;
    /dev/*)
      [ -c "$1" ] || { echo "quickstart.sh: no such camera: $1" >&2; exit 2; }
      input=v4l2://$1 uri=$input
      ;;
    *) must_exist "$1"; input=$(realpath "$1") ;;
  esac
}
if [ $# -eq 1 ]; then
  set_input "$1"
elif [ $# -gt 1 ]; then
  must_exist "$1"
  model=$(realpath "$1")
  set_input "$2"
fi
if [ $# -gt 2 ]; then
  must_exist "$3"
  labels=$(realpath "$3")
fi

cd "$top"
effvk_packages_install "${effvk_packages_build[@]}"
work=$(mktemp -d)
log=$work/log
watcher=''
trap 'if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

# Shows how far the build is: on a terminal in one line, elsewhere a line now and then.
show_build ()
{
  local step seconds=0

  while sleep 1; do
    step=$(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1) || step=''
    seconds=$((seconds + 1))
    if [ -t 2 ]; then
      printf '\r\033[Kbuilding into ./build %s %d s' "$step" "$seconds" >&2
    elif [ $((seconds % 15)) -eq 0 ]; then
      echo "building into ./build $step $seconds s" >&2
    fi
  done
}

echo "building into ./build; the first time takes a few minutes" >&2
: >"$log"
show_build &
watcher=$!
built=true
effvk_build build --buildtype=release -Dtests=false -Ddocs=disabled 2>"$log" || built=false
kill "$watcher"
wait "$watcher" 2>/dev/null || true
watcher=''
if [ -t 2 ]; then printf '\r\033[K' >&2; fi
if ! $built; then
  cat "$log" >&2
  echo "quickstart.sh: the build failed" >&2
  exit 1
fi

# What is built and not installed.
export LD_LIBRARY_PATH=$top/build/src${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export GST_PLUGIN_PATH=$top/build/plugin${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
export GST_REGISTRY=$top/build/gstreamer-registry.bin
effvk=build/tools/effvk

# Prints a command as one could type it.
show ()
{
  local word

  printf '\n$'
  for word; do
    if [ "$word" = ! ]; then printf ' !'; else printf ' %q' "$word"; fi
  done
  printf '\n'
}

run ()
{
  show "$@"
  "$@"
}

if [ -z "$model" ]; then
  run "$effvk" devices
  run "$effvk" bench
  if [ -z "$input" ]; then
    input=$work/signal.mkv
    echo
    echo "Making a stream of 24 seconds, which takes a few:"
    examples/changing-stream.sh "$input" >"$log" 2>&1 || {
      cat "$log" >&2
      echo "quickstart.sh: cannot make a video" >&2
      exit 1
    }
    echo
    echo "A stream that changes every three seconds, watched at its own speed:"
  fi
  live=()
  [ -n "$uri" ] || live=(--realtime)
  run "$effvk" monitor --interval 0 --summary "${live[@]}" "$input"
  cat <<END

$SECONDS s in all. In a pipeline, one message a frame:

  meson devenv -C build gst-launch-1.0 -m videotestsrc ! effvkclassify ! fakesink
  ./quickstart.sh VIDEO|URI|/dev/video0                    # your own stream
  ./quickstart.sh MODEL.safetensors VIDEO|URI [LABELS.txt]  # another model
END
  exit 0
fi

run "$effvk" inspect "$model"
run "$effvk" classify --model "$model" ${labels:+--labels "$labels"} "$input"

if [ -n "$uri" ]; then
  source=(uridecodebin "uri=$uri")
else
  source=(filesrc "location=$input" ! decodebin)
fi
element=(effvkclassify "model-file=$model" ${labels:+"labels-file=$labels"})

echo
echo "The same in a pipeline; -m prints the messages, of which the lines below are a summary:"
pipeline=(gst-launch-1.0 -m "${source[@]}" ! videoconvert ! "${element[@]}" ! fakesink)
show "${pipeline[@]}"
"${pipeline[@]}" >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
# One line for as long as the first class stays the same.
awk '
  # The first field of that name in the message, whose text is escaped once for each level in it.
  function field (name,    text, at) {
    text = $0
    gsub (/\\/, "", text)
    if (! (at = index (text, name "=(")))
      return ""
    text = substr (text, at)
    sub (/^[^)]*\)/, "", text)
    if (substr (text, 1, 1) == "\"")
      {
        text = substr (text, 2)
        sub (/".*/, "", text)
      }
    else
      sub (/[],;>} "].*/, "", text)
    return text
  }
  function flush () {
    if (frames)
      printf "%9.2f s  %5d frame%s  %-30s %.2f\n", since / 1e9, frames, frames == 1 ? " " : "s", label,
        sum / frames
    frames = sum = 0
  }
  /\): effvkclassify,/ {
    now = field("label")
    if (now != label || ! frames)
      {
        flush()
        label = now
        since = field("timestamp")
      }
    frames++
    all++
    sum += field("score")
  }
  END { flush(); exit all == 0 }
' "$log" || {
  echo "quickstart.sh: the pipeline ran, but no frame was classified" >&2
  exit 1
}
