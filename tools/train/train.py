#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the signal model from random weights: see README.md beside this file."""
import argparse
import copy
import glob
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from export import save
from make_dataset import LABELS
from network import EfficientNet, PHI, SIZE

MEAN = STD = 0.5
# How often a class is drawn, next to the others' 1: more where detail decides.
SHARES = {"picture": 4.0, "corruption": 3.0, "combing": 2.0}
# How often it is met in the field. The answer is corrected for the difference: an alarm at an ordinary
# picture is worse than damage that is seen a little later.
PRIORS = {"picture": 24.0}
# What may stand on its head, and lie on its side: few photographs must stand for all.
UPSIDE_DOWN = ["picture", "corruption", "combing", "blur", "noise", "gradient", "wrong-planes"]
SIDEWAYS = ["picture", "blur"]


def load(patterns):
    paths = sorted({p for pattern in patterns for p in glob.glob(pattern) if not p.endswith('.new.npz')})
    sets = [np.load(path) for path in paths]
    print(f"{len(paths)} files", flush=True)
    return (torch.from_numpy(np.concatenate([s["images"] for s in sets])),
            torch.from_numpy(np.concatenate([s["labels"] for s in sets])).long())


def augment(images, labels, generator):
    """Mirroring, turning, and small changes of brightness and contrast that leave black black."""
    n = len(images)
    x = images.float() / 255

    def chosen(chance, names):
        among = torch.tensor([name in names for name in LABELS])
        return (torch.rand(n, generator=generator) < chance) & among[labels]

    turn = chosen(0.5, LABELS)
    x[turn] = x[turn].flip(3)
    turn = chosen(0.4, UPSIDE_DOWN)
    x[turn] = x[turn].flip(2)
    turn = chosen(0.3, SIDEWAYS)
    x[turn] = x[turn].transpose(2, 3)
    gain = 1 + 0.16 * (torch.rand(n, 1, 1, 1, generator=generator) - 0.5)
    color = 1 + 0.08 * (torch.rand(n, 3, 1, 1, generator=generator) - 0.5)
    return ((x * gain * color).clamp(0, 1) - MEAN) / STD


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", help=".npz files of make_dataset.py, or quoted patterns of them")
    parser.add_argument("--output", required=True, help=".safetensors to write")
    parser.add_argument("--checkpoint", required=True, help="kept up to date, resumed when there")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--minutes", type=float,
                        help="end by then: the schedule follows the clock where that is ahead")
    parser.add_argument("--crop", type=int, default=96,
                        help="side of the crops that the first two thirds are trained on")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    model = EfficientNet(PHI, len(LABELS)).to(memory_format=torch.channels_last)
    decay = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.02},
                                   {"params": other, "weight_decay": 0.0}], lr=args.rate)
    average, step, before = copy.deepcopy(model), 0, 0.0
    if os.path.exists(args.checkpoint):
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, before = state["step"], state["seconds"]
    generator = torch.Generator().manual_seed(args.seed + step)
    images = labels = None
    order, start, seen, total = torch.empty(0, dtype=torch.long), time.time(), 0, 0.0

    def keep():
        torch.save({"model": model.state_dict(), "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(), "step": step,
                    "seconds": before + time.time() - start}, args.checkpoint + ".new")
        os.replace(args.checkpoint + ".new", args.checkpoint)
        final = copy.deepcopy(average)
        with torch.no_grad():
            for i, name in enumerate(LABELS):
                final.classifier[1].bias[i] += math.log(PRIORS.get(name, 1) / SHARES.get(name, 1))
        save(final, PHI, SIZE, LABELS, MEAN, STD, args.output)

    def progress():
        clock = (before + time.time() - start) / (args.minutes * 60) if args.minutes else 0
        return max(step / args.steps, clock)

    while progress() < 1:
        if len(order) < args.batch:
            images, labels = load(args.data)  # what was made in the meantime is taken in
            shares = torch.tensor([SHARES.get(name, 1.0) for name in LABELS])
            weights = (shares / torch.bincount(labels, minlength=len(LABELS)).clamp(min=1))[labels]
            order = torch.multinomial(weights, len(images), True, generator=generator)
        pick, order = order[:args.batch], order[args.batch:]
        warm = min(1.0, (step + 1) / 60)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * warm * (0.01 + 0.99 * 0.5 *
                                              (1 + math.cos(math.pi * min(1.0, progress()))))
        x = augment(images[pick], labels[pick], generator)
        if progress() < 0.67:  # a part of the picture is cheaper, and enough to begin with
            top, left = torch.randint(0, x.shape[2] - args.crop + 1, (2,), generator=generator)
            x = x[:, :, top:top + args.crop, left:left + args.crop]
        x = x.to(memory_format=torch.channels_last)
        loss = F.cross_entropy(model(x), labels[pick], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        step += 1
        share = min(0.99, step / (step + 20))
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), model.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - share)
        seen, total = seen + len(pick), total + loss.item()
        if step % 25 == 0:
            print(f"step {step}/{args.steps} loss {total / 25:.3f} "
                  f"{seen / (time.time() - start):.0f} images/s {time.time() - start:.0f} s",
                  flush=True)
            total = 0.0
        if step % 100 == 0:
            keep()
    keep()


if __name__ == "__main__":
    main()
