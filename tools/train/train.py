#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the signal model from random weights: see README.md beside this file."""
import argparse
import concurrent.futures
import copy
import glob
import io
import math
import os
import time

import numpy as np
from PIL import Image
import torch
import torch.nn.functional as F

from export import save
from network import EfficientNet, fold, PHI, unfold
from recipe import INPUT, LABELS, SIZE

MEAN = STD = 0.5
# How often a class is drawn, next to the others' 1: more where detail decides.
SHARES = {"picture": 14.0, "corruption": 9.0, "combing": 1.5, "wrong-planes": 1.5, "blur": 1.5}
# Within its class, an image is drawn as often as its last loss is large, between these two.
LOSSES = 0.1, 2.0
# How often it is met in the field. The answer is corrected for the difference: an alarm at an ordinary
# picture is worse than damage that is seen a little later.
PRIORS = {"picture": 2.5, "combing": 0.5}
# What may stand on its head and have other colours: few photographs must stand for all.
UPSIDE_DOWN = ["picture", "corruption", "combing", "blur", "noise", "gradient", "wrong-planes"]
OTHER_COLORS = ["picture", "corruption", "combing", "blur", "slate"]


def load(patterns, threads):
    """Images as bytes, [N, 3, *SIZE], and their labels."""
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)})
    if not paths:
        raise SystemExit(f"no such file: {' '.join(patterns)}")
    files, labels = [], []
    for path in paths:
        with np.load(path) as data:
            files += np.split(data["files"], data["ends"][:-1])
            labels.append(data["labels"])
    images = torch.empty((len(files), 3, *SIZE), dtype=torch.uint8)

    def decode(i):
        with Image.open(io.BytesIO(files[i].tobytes())) as image:
            images[i] = torch.from_numpy(np.array(image)).permute(2, 0, 1)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(decode, range(len(files))))
    print(f"{len(paths)} files, {len(files)} images", flush=True)
    return images, torch.from_numpy(np.concatenate(labels)).long()


def part(x, top=(SIZE[0] - INPUT[0]) // 2, left=(SIZE[1] - INPUT[1]) // 2):
    """What the network gets of a frame between 0 and 1: normally its middle."""
    return (x[:, :, top:top + INPUT[0], left:left + INPUT[1]] - MEAN) / STD


def augment(images, labels, generator):
    """Mirroring, other colours, a part of the frame, and small changes of brightness and
    contrast that leave black black. What is random is drawn on the CPU, the same for every device."""
    n, device = len(images), images.device
    x = images.float() / 255

    def chosen(chance, names):
        among = torch.tensor([name in names for name in LABELS])
        yes = (torch.rand(n, generator=generator) < chance) & among[labels]
        return yes.view(n, 1, 1, 1).to(device, non_blocking=True)

    def amount(spread, *shape):
        return (1 + spread * (torch.rand(n, *shape, generator=generator) - 0.5)).to(device)

    x = torch.where(chosen(0.5, LABELS), x.flip(3), x)
    x = torch.where(chosen(0.4, UPSIDE_DOWN), x.flip(2), x)
    order = torch.randperm(3, generator=generator)
    x = torch.where(chosen(0.15, OTHER_COLORS), x[:, order], x)
    x = (x * amount(0.16, 1, 1, 1) * amount(0.08, 3, 1, 1)).clamp(0, 1)
    return part(x, *(torch.randint(0, size - taken + 1, (), generator=generator)
                     for size, taken in zip(SIZE, INPUT)))


def chances(labels, losses):
    """How often each image is drawn: the classes as SHARES say, and what the network knows already less often."""
    losses = losses.clamp(*LOSSES)
    shares = torch.tensor([SHARES.get(name, 1.0) for name in LABELS])
    return (shares / torch.zeros(len(LABELS)).index_add(0, labels, losses))[labels] * losses


def begin(model, runs):
    """With the mean of other runs' weights, which went on from one another; of networks that have normalization or
    have it no longer."""
    states = []
    for weights in runs:
        one = copy.deepcopy(model)
        if "features.0.1.weight" in weights:
            one.load_state_dict(weights)
            fold(one)
        else:
            fold(one).load_state_dict(weights)
        states.append(one.state_dict())
    fold(model).load_state_dict({name: sum(state[name] for state in states) / len(states)
                                 for name in states[0]})


def corrected(model, priors):
    """A copy whose answers are for classes that are met as often as priors say."""
    final = unfold(copy.deepcopy(model).float().cpu())
    with torch.no_grad():
        for i, name in enumerate(LABELS):
            final.classifier[1].bias[i] += math.log(priors.get(name, 1) / SHARES.get(name, 1))
    return final.eval()


@torch.no_grad()
def validate(model, images, labels, device):
    """What the averaged model makes of the validation images, for several frequencies of "picture"."""
    net = corrected(model, {**PRIORS, "picture": 1.0}).to(device)
    logits = torch.cat([net(part(batch.to(device).float() / 255)).float().cpu()
                        for batch in images.split(256)])
    picture = LABELS.index("picture")
    for prior in (1, 1.5, 2, 2.5, 3, 4, 6):
        shifted = logits.clone()
        shifted[:, picture] += math.log(prior)
        called = shifted.argmax(1)
        right = [(called[labels == i] == i).float().mean().item() for i in range(len(LABELS))]
        print(f"validation, picture {prior}: {100 * (called == labels).float().mean():.2f} % right, "
              + ", ".join(f"{name} {100 * r:.1f}" for name, r in zip(LABELS, right)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+",
                        help=".npz files of make_dataset.py, or quoted patterns of them")
    parser.add_argument("--output", required=True, help=".safetensors to write")
    parser.add_argument("--checkpoint", required=True, help="kept up to date, resumed when there")
    parser.add_argument("--start", nargs="+", help="checkpoint whose averaged weights to begin with, instead "
                        "of random ones, or several, to begin with the mean; normalization stays as it is, and is "
                        "computed no longer")
    parser.add_argument("--frozen", type=int, default=0,
                        help="with --start: how many stages from the first on are not trained further")
    parser.add_argument("--validation", help=".npz of make_dataset.py --split validation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=8000, help="0: only what --start has is written")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--phi", type=float, default=PHI)
    parser.add_argument("--minutes", type=float,
                        help="end by then: the schedule follows the clock where that is ahead")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = True
    images, labels = load(args.data, args.threads)
    held_out = load([args.validation], args.threads) if args.validation else None
    images = images.to(device)
    losses = torch.ones(len(labels))

    model = EfficientNet(args.phi, len(LABELS)).to(device, memory_format=torch.channels_last)
    if args.start:
        begin(model, [torch.load(path, map_location=device)["average"] for path in args.start])
        model.features[:args.frozen].requires_grad_(False)
    decay = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": args.decay},
                                   {"params": other, "weight_decay": 0.0}], lr=args.rate)
    average, step, before = copy.deepcopy(model), 0, 0.0
    if os.path.exists(args.checkpoint):
        state = torch.load(args.checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, before, losses = state["step"], state["seconds"], state["losses"]
    averaged, current = ([t for t in m.state_dict().values() if t.dtype.is_floating_point]
                         for m in (average, model))
    start, first, total = time.time(), step, torch.zeros((), device=device)

    def keep():
        torch.save({"model": model.state_dict(), "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(), "losses": losses, "step": step,
                    "seconds": before + time.time() - start}, args.checkpoint + ".new")
        os.replace(args.checkpoint + ".new", args.checkpoint)
        save(corrected(average, PRIORS), args.phi, LABELS, MEAN, STD, args.output)

    def progress():
        clock = (before + time.time() - start) / (args.minutes * 60) if args.minutes else 0
        return max(step / args.steps if args.steps else 1, clock)

    while progress() < 1:
        # Of its own for every step, so that a run that is resumed goes on as it would have.
        generator = torch.Generator().manual_seed(args.seed * 1000003 + step)
        pick = torch.multinomial(chances(labels, losses), args.batch, True, generator=generator)
        warm = min(1.0, (step + 1) / 60)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * warm * (0.01 + 0.99 * 0.5 *
                                              (1 + math.cos(math.pi * min(1.0, progress()))))
        truth = labels[pick]
        x = augment(images[pick.to(device)], truth, generator)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            answer = model(x).float()
        loss = F.cross_entropy(answer, truth.to(device), label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        step += 1
        share = min(1 - 100 / max(1000, args.steps), step / (step + 20))  # over a hundredth of the run
        with torch.no_grad():
            torch._foreach_mul_(averaged, share)
            torch._foreach_add_(averaged, current, alpha=1 - share)
            total += loss.detach()
            losses[pick] = F.cross_entropy(answer, truth.to(device), reduction="none").cpu()
        if step % 25 == 0 and (device.type == "cpu" or step % 500 == 0):
            every = 25 if device.type == "cpu" else 500
            print(f"step {step}/{args.steps} loss {total.item() / every:.3f} "
                  f"{(step - first) * args.batch / (time.time() - start):.0f} images/s "
                  f"{before + time.time() - start:.0f} s", flush=True)
            total.zero_()
        if step % (100 if device.type == "cpu" else 2000) == 0:
            keep()
    keep()
    if held_out:
        validate(average, *held_out, device)


if __name__ == "__main__":
    main()
