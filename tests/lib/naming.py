# SPDX-License-Identifier: LGPL-2.1-or-later
"""What timm, lukemelas and transformers call the tensors of a B0 with torchvision's names."""

import re

# The layers of a block, by the number that torchvision gives them, with expansion and without.
WIDENED = ["expand", "depthwise", "se", "project"]
PLAIN = WIDENED[1:]
SCHEMES = {
    "timm": {
        "ends": {"stem.0": "conv_stem", "stem.1": "bn1", "head.0": "conv_head", "head.1": "bn2",
                 "classifier.1": "classifier"},
        "block": "blocks.{stage}.{index}",
        "se": {"fc1": "se.conv_reduce", "fc2": "se.conv_expand"},
        True: {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")},
        False: {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")},
    },
    "lukemelas": {
        "ends": {"stem.0": "_conv_stem", "stem.1": "_bn0", "head.0": "_conv_head", "head.1": "_bn1",
                 "classifier.1": "_fc"},
        "block": "_blocks.{number}",
        "se": {"fc1": "_se_reduce", "fc2": "_se_expand"},
        True: {"expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1"),
               "project": ("_project_conv", "_bn2")},
        False: {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")},
    },
    "transformers": {
        "ends": {"stem.0": "efficientnet.embeddings.convolution", "stem.1": "efficientnet.embeddings.batchnorm",
                 "head.0": "efficientnet.encoder.top_conv", "head.1": "efficientnet.encoder.top_bn",
                 "classifier.1": "classifier"},
        "block": "efficientnet.encoder.blocks.{number}",
        "se": {"fc1": "squeeze_excite.reduce", "fc2": "squeeze_excite.expand"},
        True: {"expand": ("expansion.expand_conv", "expansion.expand_bn"),
               "depthwise": ("depthwise_conv.depthwise_conv", "depthwise_conv.depthwise_norm"),
               "project": ("projection.project_conv", "projection.project_bn")},
        False: {"depthwise": ("depthwise_conv.depthwise_conv", "depthwise_conv.depthwise_norm"),
                "project": ("projection.project_conv", "projection.project_bn")},
    },
}


def rename(name, scheme, stages):
    """A tensor's name by torchvision, as another scheme has it; of B0 and what is scaled from it."""
    if scheme == "torchvision":
        return name
    table = SCHEMES[scheme]
    layer, leaf = name.rsplit(".", 1)
    end = layer.replace("features.0.", "stem.").replace(f"features.{len(stages) + 1}.", "head.")
    if end in table["ends"]:
        return f"{table['ends'][end]}.{leaf}"
    stage, index, k, part = re.fullmatch(r"features\.(\d+)\.(\d+)\.block\.(\d+)\.(\w+)", layer).groups()
    stage, index = int(stage), int(index)
    number = sum(row.repeats for row in stages[:stage - 1]) + index
    block = table["block"].format(stage=stage - 1, index=index, number=number)
    widened = stage > 1
    kind = (WIDENED if widened else PLAIN)[int(k)]
    inner = table["se"][part] if kind == "se" else table[widened][kind][int(part)]
    return f"{block}.{inner}.{leaf}"
