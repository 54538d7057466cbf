#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run.sh [SECONDS [TARGET…]]: fuzzes every target, or those named, for as many seconds (600) each, one after the
# other, with AddressSanitizer and UndefinedBehaviorSanitizer, in a build of its own (EFFVK_FUZZ_BUILD, or
# build-fuzz). Prints TAP: a target fails by a crash, a leak, undefined behaviour, an allocation of more than
# 64 MiB at once, 512 MiB in all, or ten seconds for one input. What it found lies in found/TARGET of the build.
set -euo pipefail
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
build=${EFFVK_FUZZ_BUILD:-$source/build-fuzz}
seconds=${1:-600}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(config labels safetensors onnx external tflite)

# Debian's packages are clang and libclang-rt-dev.
if ! echo 'int LLVMFuzzerTestOneInput (void); int LLVMFuzzerTestOneInput (void) { return 0; }' \
  | clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null; then
  echo "1..0 # SKIP no clang with libFuzzer (clang, libclang-rt-dev)"
  exit 0
fi

[ -e "$build/build.ninja" ] || CC=clang meson setup "$build" "$source" --buildtype=debugoptimized -Dfuzz=true \
  -Db_sanitize=address,undefined -Db_lundef=false -Dgstreamer=disabled -Dintrospection=disabled >&2
ninja -C "$build" "${targets[@]/#/tests/fuzz/fuzz-}" >&2

export G_SLICE=always-malloc G_DEBUG=fatal-warnings EFFVK_CACHE_DIR=''
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=64 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
failed=0
echo "1..${#targets[@]}"
for i in "${!targets[@]}"; do
  target=${targets[i]} found=$build/found/${targets[i]} log=$build/found/${targets[i]}.log
  mkdir -p "$found"
  result='ok'
  "$build/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -malloc_limit_mb=64 -rss_limit_mb=512 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="$found.bad-" "$found" "$source/tests/fuzz/corpus/$target" \
    >"$log" 2>&1 || result='not ok' failed=1
  echo "$result $((i + 1)) - $target"
  [ "$result" = ok ] || sed 's/^/# /' "$log" | tail -n 60
  sed -n 's/^stat::number_of_executed_units: */# executions: /p; s/^stat::peak_rss_mb: */# peak RSS, MiB: /p' "$log"
  sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/# edges: \1, features: \2/p' "$log" | tail -n 1
done
exit $failed
