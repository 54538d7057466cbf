#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make.sh FOLDER [EFFVK]: makes the signal model from scratch in FOLDER: fetches the pictures, makes the
# training and the test frames, trains, and prints what EFFVK (default: effvk) says of the test frames.
# What is in FOLDER already is not made again. Two idle cores need about an hour and a quarter, by the
# speed of its parts.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: make.sh FOLDER [EFFVK]" >&2; exit 2; }
folder=$(realpath -m "$1")
effvk=${2:-effvk}
cd "$(dirname "${BASH_SOURCE[0]}")"
python=/usr/bin/python3
mkdir -p "$folder"

[ -f "$folder/pictures/pictures.tsv" ] || $python pictures.py --output "$folder/pictures"
for seed in {1..16}; do
  if [ ! -f "$folder/train-$seed.npz" ]; then
    echo "--pictures $folder/pictures --split train --seed $seed --output $folder/train-$seed.npz"
  fi
done | xargs -r -P "$(nproc)" -L 1 $python make_dataset.py
if [ ! -d "$folder/test" ]; then
  $python make_dataset.py --pictures "$folder/pictures" --split test --rounds 60 \
    --output "$folder/test.new"
  mv "$folder/test.new" "$folder/test"
fi
$python train.py "$folder/train-*.npz" --checkpoint "$folder/checkpoint.pt" \
  --output "$folder/signal.safetensors"
$python evaluate.py --effvk "$effvk" --model "$folder/signal.safetensors" --test "$folder/test" \
  --wrong "$folder/wrong.png"
