# SPDX-License-Identifier: LGPL-2.1-or-later
"""EfficientNet by compound scaling, with torchvision's tensor names.

The rules are those of src/model/variants.c: width 1.1^phi, depth 1.2^phi, resolution 1.15^phi times
B0's, channels to the nearest multiple of 8 (never losing more than a tenth), repeats rounded up.
"""
import math

import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.utils import fusion

# expansion, kernel, stride, channels, repeats of B0
STAGES = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
          (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]
BN_EPS = 1e-3
PHI = -3


def channels(base, width):
    scaled = base * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def convolution(inputs, outputs, kernel, stride=1, groups=1, activation=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups,
                        bias=False), nn.BatchNorm2d(outputs, eps=BN_EPS, momentum=0.1)]
    return nn.Sequential(*layers, *([nn.SiLU()] if activation else []))


class SqueezeExcite(nn.Module):
    def __init__(self, expanded, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(expanded, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, expanded, 1)

    def forward(self, x):
        gate = F.silu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(gate))


class MBConv(nn.Module):
    def __init__(self, inputs, outputs, expansion, kernel, stride):
        super().__init__()
        expanded = inputs * expansion
        layers = [convolution(inputs, expanded, 1)] if expansion != 1 else []
        layers += [convolution(expanded, expanded, kernel, stride, expanded),
                   SqueezeExcite(expanded, max(1, inputs // 4)),
                   convolution(expanded, outputs, 1, activation=False)]
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


class EfficientNet(nn.Module):
    def __init__(self, phi, classes, dropout=0.1):
        super().__init__()
        width, depth = 1.1 ** phi, 1.2 ** phi
        last = channels(32, width)
        features = [convolution(3, last, 3, 2)]
        for expansion, kernel, stride, base, repeats in STAGES:
            outputs, blocks = channels(base, width), []
            for i in range(max(1, math.ceil(repeats * depth - 1e-9))):
                blocks.append(MBConv(last, outputs, expansion, kernel, 1 if i else stride))
                last = outputs
            features.append(nn.Sequential(*blocks))
        head = channels(1280, width)
        features.append(convolution(last, head, 1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(head, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.uniform_(module.weight, -head ** -0.5, head ** -0.5)
                nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def normalized(model):
    return [m for m in model.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d)]


def fold(model):
    """Puts each normalization, as it is, into the convolution before it: nothing of it is left to compute."""
    for layers in normalized(model):
        layers[0], layers[1] = fusion.fuse_conv_bn_eval(layers[0].eval(), layers[1].eval()), nn.Identity()
    return model


def unfold(model):
    """The inverse, where there is something folded: the tensors have their names again, the normalization has the
    convolution's bias."""
    for layers in normalized(model):
        if isinstance(layers[1], nn.BatchNorm2d):
            continue
        shift = layers[0].bias
        layers[1] = nn.BatchNorm2d(len(shift), eps=BN_EPS)
        with torch.no_grad():
            layers[1].bias.copy_(shift)
            layers[1].weight.fill_(math.sqrt(1 + BN_EPS))
        layers[0].register_parameter("bias", None)
    return model
