#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh SOURCE BUILD: tests and the command with AddressSanitizer, LeakSanitizer and
# UndefinedBehaviorSanitizer, in a build of their own in BUILD. TAP.
#
# The command runs as users have it: with a cache of pipelines and of tuned kernels.
set -euo pipefail
source=$(realpath "$1")
build=$2
here=$source/tests/asan

net=(classifier tuning)
unit=(arch arena config device half image labels model names onnx-writer pipeline-cache safetensors selector
  smoother)
fuzz=(config external labels onnx safetensors tflite)
tools=(monitor-state)

programs=("${net[@]/#/tests/net/test-}" "${unit[@]/#/tests/unit/test-}" "${tools[@]/#/tests/tools/test-}")
replays=("${fuzz[@]/%/-replay}")
replays=("${replays[@]/#/tests/fuzz/fuzz-}")
[ -e "$build/build.ninja" ] || meson setup "$build" "$source" --buildtype=debugoptimized \
  -Db_sanitize=address,undefined -Db_lundef=false -Dintrospection=disabled >&2
ninja --quiet -C "$build" tools/effvk "${programs[@]}" "${replays[@]}" >&2
gcc -fsanitize=address,undefined -g -O0 -Wall -Werror -o "$build/mistake" "$here/mistake.c"

cd "$build"
rm -rf cache pictures
mkdir cache pictures
export G_SLICE=always-malloc EFFVK_VALIDATION=0 G_DEBUG=fatal-warnings LC_ALL=C.UTF-8
export EFFVK_CORPUS=$source/tests/fuzz/corpus XDG_CACHE_HOME=$PWD/cache
export LD_LIBRARY_PATH=$PWD/src GST_REGISTRY=$PWD/registry.bin GST_REGISTRY_FORK=no
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 LSAN_OPTIONS=suppressions=$here/suppressions

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
is_found ()
{
  ! ./mistake "$1" && grep -q "$2" output
}

# shellcheck disable=SC2317 # called by check
tune ()
{
  tools/effvk init --variant phi=-2 --classes 5 pictures/small.safetensors
  tools/effvk tune --model pictures/small.safetensors
  ls cache/effvk/kernels-*.txt
}

picture=$source/examples/hangar.jpg
echo "1..$((${#programs[@]} + ${#replays[@]} + 9))"
check "a read beyond the end is found" is_found read heap-buffer-overflow
check "a copy from nowhere is found" is_found copy "null pointer"
check "a leak is found" is_found leak "detected memory leaks"
check "tune" tune
check "classify with tuned kernels" tools/effvk classify --model pictures/small.safetensors "$picture"
check "classify with the default model" tools/effvk classify --json "$picture"
check "inspect" tools/effvk inspect pictures/small.safetensors
check "export" tools/effvk export pictures/small.safetensors pictures/small.onnx
check "classify with an ONNX file" tools/effvk classify --model pictures/small.onnx "$picture"
export EFFVK_CACHE_DIR=''
for replay in "${replays[@]}"; do
  kind=${replay#tests/fuzz/fuzz-}
  check "$replay" "$replay" "$EFFVK_CORPUS/${kind%-replay}"
done
for program in "${programs[@]}"; do
  check "$program" "$program" --tap
done
exit $failed
