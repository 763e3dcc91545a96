#!/usr/bin/python3
"""The reference networks of docs/performance.md in PyTorch: `nets.py FOLDER` writes A..D.onnx.

Weights come from the same counter as in nn/reference_nets.c. Needs Debian's python3-torch and
python3-onnx.
"""
import math
import pathlib
import sys
import warnings

import numpy as np
import torch
from torch import nn

SHAPES = {"A": (1, 128, 128), "B": (1, 32, 32), "C": (1, 16, 128), "D": (1, 64, 64)}
GAINS = {"A": 0.25, "B": 0.25, "C": 4.0, "D": 1.0}


def numbers(seed, tensor, shape, bound):
    """SplitMix64 of seed, tensor and place; its top 24 bits from -bound to bound."""
    start = np.uint64((seed << 56) + (tensor << 40) + 1)
    z = (np.arange(math.prod(shape), dtype=np.uint64) + start) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z ^= z >> np.uint64(31)
    unit = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return torch.from_numpy((unit * np.float32(bound)).reshape(shape))


class Net(nn.Module):
    """logits() leaves the last sigmoid out, for training."""

    def __init__(self, name):
        super().__init__()
        blocks, convs, width = {"C": (3, 1, 32), "D": (4, 3, 64)}.get(name, (3, 2, 32))
        dense = {"C": [256], "D": [1024, 1024]}.get(name, [512])
        channels, rows, cols = SHAPES[name]
        layers = []
        for block in range(blocks):
            for _ in range(convs):
                layers += [nn.Conv2d(channels, width << block, 3, padding=1), nn.ReLU()]
                channels = width << block
            if block < 3:
                layers.append(nn.MaxPool2d(2))
                rows, cols = rows // 2, cols // 2
        layers.append(nn.Flatten())
        size = channels * rows * cols
        for units in dense:
            layers += [nn.Linear(size, units), nn.ReLU()]
            size = units
        self.body = nn.Sequential(*layers)
        self.cell = nn.LSTM(size, 256) if name == "C" else None
        self.last = nn.Linear(size, 1 if name == "D" else 6)
        self.fill(ord(name) - ord("A") + 1, GAINS[name])

    def fill(self, seed, gain):
        for tensor, (key, value) in enumerate(self.named_parameters()):
            if key.startswith("cell"):
                bound = 1 / 16
            elif key.endswith("bias"):
                bound = 0.1
            else:
                bound = math.sqrt(6 / value[0].numel()) * (gain if key.startswith("last") else 1)
            value.data = numbers(seed, tensor, tuple(value.shape), bound)

    def logits(self, x, *state):
        x = self.body(x)
        if self.cell is None:
            return self.last(x)
        x, state = self.cell(x.unsqueeze(0), state)
        return self.last(x.squeeze(0)), *state

    def forward(self, x, *state):
        if self.cell is None:
            return torch.sigmoid(self.logits(x))
        x, *state = self.logits(x, *state)
        return torch.sigmoid(x), *state


def export(name, folder):
    inputs, names = [torch.zeros(1, *SHAPES[name])], ["x"]
    if name == "C":
        inputs += [torch.zeros(1, 1, 256), torch.zeros(1, 1, 256)]
        names += ["h", "c"]
    axes = {key: {0 if key == "x" else 1: "n"} for key in names}
    torch.onnx.export(Net(name), tuple(inputs), str(folder / f"{name}.onnx"), input_names=names,
                      dynamic_axes=axes, opset_version=13)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for net in SHAPES:
        export(net, target)
