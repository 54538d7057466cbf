#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# submit.sh N LIST RESULTS [OPTION…]: classifies the files that LIST names, one a line, in N tasks of
# a Slurm array job. RESULTS is a folder that all nodes see. Each task writes its part there, and a
# job after them merges the parts to RESULTS/results.jsonl, in the order of LIST. The options are
# those of `effvk classify`. Prints the number of the array job and of the merging job.
#
# sbatch's own options come from its variables, such as SBATCH_PARTITION.
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")

if [ $# -lt 3 ] || ! [[ $1 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: submit.sh N LIST RESULTS [OPTION of effvk classify…]" >&2
  exit 2
fi
n=$1 list=$(realpath -e "$2")
mkdir -p "$3"
results=$(realpath "$3")
shift 3

job=$(sbatch --parsable --array="0-$((n - 1))" --output="$results/part-%a.log" \
  "$here/classify.sbatch" "$n" "$list" "$results" "$@")
merge=$(sbatch --parsable --dependency="afterany:${job%%;*}" --output="$results/merge.log" \
  "$here/merge.sbatch" "$n" "$results")
echo "${job%%;*} ${merge%%;*}"
