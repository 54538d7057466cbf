# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which network of a file is taken: training writes several into one, and wraps them."""

import re

from . import Problem

# One tensor that every naming scheme has: torchvision's, timm's, lukemelas', transformers'.
LANDMARKS = ("features.0.0.weight", "conv_stem.weight", "_conv_stem.weight",
             "efficientnet.embeddings.convolution.weight")
# What the names of the blocks' tensors begin with, in the same order.
BODIES = ("features.", "blocks.", "_blocks.", "efficientnet.")
# Where training scripts put the weights that they train.
ENTRIES = (None, "state_dict", "model", "model_state_dict", "net", "network")
MAX_ENTRIES = 1000


class Candidate:
    """A network of a file: table has its tensors by name, and others beside them."""

    def __init__(self, entry, prefix, table, body):
        self.entry, self.prefix, self.table, self.body = entry, prefix, table, body

    def __str__(self):
        parts = [f'entry "{self.entry}"'] if self.entry else []
        parts += [f'prefix "{self.prefix}"'] if self.prefix or not parts else []
        return ", ".join(parts)

    def is_average(self):
        """The moving average of the weights, by its name."""
        return any(re.search(r"(^|[._])ema([._]|$)", name or "") for name in (self.entry, self.prefix))

    def rank(self):
        return ENTRIES.index(self.entry) if self.entry in ENTRIES else len(ENTRIES)


def candidates(tables):
    """tables: (entry or None, {name: tensor}) pairs."""
    found = []
    for entry, table in tables:
        for name in table:
            for landmark, body in zip(LANDMARKS, BODIES):
                if isinstance(name, str) and (name == landmark or name.endswith("." + landmark)):
                    found.append(Candidate(entry, name[:-len(landmark)], table, body))
    return found


def choose(tables, entry, prefix):
    """The network to take and why it was, if there are others; None where there is none at all."""
    found = candidates(tables)
    if not found:
        return None, None
    dotted = None if prefix is None else prefix.rstrip(".") + "." if prefix else ""
    left = [c for c in found if (entry is None or c.entry == entry) and (prefix is None or c.prefix == dotted)]
    if not left:
        asked = [f"--{option} {value}" for option, value in (("entry", entry), ("prefix", prefix))
                 if value is not None]
        raise Problem(f"no network with {' and '.join(asked)}: found {'; '.join(map(str, found))}")
    if len(left) == 1:
        return left[0], None
    average = [c for c in left if c.is_average()]
    best = min(left, key=Candidate.rank)
    if len(average) == 1:
        best, why = average[0], "the moving average of the weights, which timm takes as well"
    elif not average and sum(c.rank() == best.rank() for c in left) == 1:
        why = "the usual one"
    else:
        raise Problem(f"expected one network, found {len(left)}: {'; '.join(map(str, left))}. Choose one with "
                      "--entry or --prefix")
    others = "; ".join(str(c) for c in left if c is not best)
    return best, f"took {best}: {why}. --entry or --prefix takes another: {others}"


def is_counter(name):
    """What training counts: batches, and averaged models."""
    return name.endswith("num_batches_tracked") or name == "n_averaged"


def select(chosen, shape_of):
    """{short name: name} of the network's tensors; shape_of (name) is a tensor's shape or None."""
    prefix, table = chosen.prefix, chosen.table
    names = {name[len(prefix):]: name for name in table
             if isinstance(name, str) and name.startswith(prefix) and not is_counter(name[len(prefix):])}

    def linear(names_here):
        return [name for name in names_here if name.endswith(".weight")
                and not name[len(prefix):].startswith(chosen.body) and len(shape_of(name) or ()) == 2]

    heads = linear(names.values())
    if not heads and prefix:
        # A backbone within a network of the user's own, whose classifier is beside it.
        outside = [name for name in table if isinstance(name, str) and not name.startswith(prefix)]
        heads = linear(outside)
        if len(heads) == 1:
            head = heads[0][:-len(".weight")]
            names.update({name: name for name in (f"{head}.weight", f"{head}.bias") if name in table})
    if len(heads) != 1:
        listed = ", ".join(f'"{name}" {list(shape_of(name))}' for name in heads[:8])
        raise Problem("expected one linear layer, the classifier, found "
                      + (f"a head of {len(heads)}: {listed}; effvk runs networks whose head is one" if heads
                         else "none: features alone have no classes"))
    return names
