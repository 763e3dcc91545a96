#!/usr/bin/python3
"""PyTorch as a peer of `tipwright bench`: pytorch.py train NET BATCH, one thread.

Plain and channels-last tensors are both tried; the faster one is timed.
"""
import statistics
import sys
import time

import torch
from torch.nn import functional as F

from nets import SHAPES, Net


def make_step(name, batch, layout):
    net = Net(name).to(memory_format=layout)
    x = torch.rand(batch, *SHAPES[name]).contiguous(memory_format=layout)
    wanted = torch.full((batch, 6), 0.5)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3)

    def step():
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(net.logits(x), wanted).backward()
        optimiser.step()
        return 1e3 * (time.perf_counter() - start)

    step()
    return min(step() for _ in range(2)), step


def main():
    _, name, batch = sys.argv[1:]
    torch.set_num_threads(1)
    layouts = (torch.contiguous_format, torch.channels_last)
    tried = [make_step(name, int(batch), layout) for layout in layouts]
    step = min(tried, key=lambda pair: pair[0])[1]
    print("ready", flush=True)
    for line in sys.stdin:
        times = [step() for _ in range(int(line.split()[1]))]
        print(f"{statistics.median(times):.6f}", flush=True)


main()
