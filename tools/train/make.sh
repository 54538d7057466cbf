#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make.sh FOLDER [EFFVK]: makes the signal model from scratch in FOLDER: fetches the pictures, renders scenes,
# makes the training, the validation and the test frames, trains, and prints what EFFVK (default: effvk)
# says of the test frames. What is in FOLDER already is not made again. It took 88 minutes on two cores, the
# second training run timed by itself, and 57 of them are training, which follows the clock: a GPU makes more steps of it.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: make.sh FOLDER [EFFVK]" >&2; exit 2; }
folder=$(realpath -m "$1")
effvk=${2:-effvk}
cd "$(dirname "${BASH_SOURCE[0]}")"
python=/usr/bin/python3
mkdir -p "$folder"

[ -f "$folder/pictures/pictures.tsv" ] || $python pictures.py --output "$folder/pictures"
$python scenes.py --pictures "$folder/pictures"
{
  for split in validation/{1..8} train/{1..60}; do
    file=$folder/${split/\//-}.npz
    if [ ! -f "$file" ]; then
      echo "--split ${split%/*} --seed ${split#*/} --rounds 2 --output $file"
    fi
  done
} | xargs -r -P "$(nproc)" -L 1 $python make_dataset.py --pictures "$folder/pictures"
if [ ! -d "$folder/test" ]; then
  $python make_dataset.py --pictures "$folder/pictures" --split test --rounds 40 \
    --output "$folder/test.new"
  mv "$folder/test.new" "$folder/test"
fi

# train ARGUMENT…: train.py with the training frames.
train ()
{
  # Memory that is given back to the system has to be filled with zeros when it is asked for again: a fifth of the time.
  MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=$((16 << 30)) MALLOC_TOP_PAD_=$((1 << 30)) \
    $python train.py "$folder/train-*.npz" "$@"
}

# The second run, without normalization and with the first stages as they are, sees nearly twice as many images a second.
train --minutes 42 --checkpoint "$folder/first.pt" --output "$folder/first.safetensors"
train --start "$folder/first.pt" --frozen 3 --batch 64 --rate 1.5e-3 --seed 2 --minutes 15 \
  --validation "$folder/validation-*.npz" --checkpoint "$folder/checkpoint.pt" --output "$folder/signal.safetensors"
$python evaluate.py --effvk "$effvk" --model "$folder/signal.safetensors" --test "$folder/test" \
  --wrong "$folder/wrong.png" --pictures "$folder"/pictures/screens/*
