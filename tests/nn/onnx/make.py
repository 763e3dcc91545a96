#!/usr/bin/python3
"""Networks as PyTorch writes them, for test_onnx.c: NAME.onnx, NAME.in.f32 and NAME.out.f32.

    /usr/bin/python3 make.py OUTDIR

Needs Debian's python3-torch and python3-onnx; the test does not, it reads what lies beside this
script.
"""
import pathlib
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Norms(nn.Module):
    """Norms before and after layers, groups, dilation, a view as flattening."""

    def __init__(self):
        super().__init__()
        self.first = nn.BatchNorm2d(2)
        self.conv = nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.groups = nn.Conv2d(8, 8, 3, stride=2, groups=8, padding=(2, 1), dilation=(2, 1))
        self.after = nn.BatchNorm2d(8)
        self.hidden = nn.Linear(8 * 4 * 4, 10)
        self.flat_norm = nn.BatchNorm1d(10)
        self.last = nn.Linear(10, 6)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(self.first(x)))), 2)
        x = self.after(F.relu(self.groups(x)))
        x = F.relu(self.flat_norm(self.hidden(x.view(x.size(0), -1))))
        return torch.sigmoid(self.last(F.dropout(x, 0.5, self.training)))


class Pools(nn.Module):
    """Mean and maximum of each channel."""

    def __init__(self, both):
        super().__init__()
        self.both = both
        self.conv = nn.Conv2d(1, 8, 3)
        self.last = nn.Linear(16 if both else 8, 6)

    def forward(self, x):
        x = F.relu(self.conv(x))
        if self.both:
            x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        else:
            x = F.adaptive_max_pool2d(x, 1).flatten(1)
        return torch.sigmoid(self.last(x))


class Rows(nn.Module):
    """A causal convolution, padded by itself, and a recurrent layer over its rows."""

    def __init__(self, kind, layers, last):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=(1, 2))
        self.rows = kind(4 * 5, 5, layers, batch_first=True)
        self.head = nn.Linear(5, 6)
        self.last = last

    def forward(self, x):
        x = F.relu(self.conv(F.pad(x, (1, 1, 2, 0))))
        y, state = self.rows(x.permute(0, 2, 1, 3).flatten(2))
        if self.last == "index":
            y = y[:, -1]
        elif self.last == "state":
            y = state[-1]
        y = torch.sigmoid(self.head(y))
        return y.transpose(1, 2) if self.last == "all" else y


class Moved(nn.Module):
    """Grey levels scaled, columns before channels when flattening."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.last = nn.Linear(3 * 4 * 5, 6)

    def forward(self, x):
        x = F.avg_pool2d(self.conv(x / 255.0 - 0.5), 2)
        return self.last(x.permute(0, 3, 1, 2).reshape(x.shape[0], -1))


NETWORKS = {
    "norms": (Norms(), (2, 16, 16)),
    "means-maxima": (Pools(True), (1, 14, 11)),
    "maxima": (Pools(False), (1, 14, 11)),
    "gru-last": (Rows(nn.GRU, 1, "index"), (1, 12, 10)),
    "gru-state": (Rows(nn.GRU, 1, "state"), (1, 12, 10)),
    "lstm-all": (Rows(nn.LSTM, 2, "all"), (1, 12, 10)),
    "moved": (Moved(), (1, 8, 10)),
}


def main():
    folder = pathlib.Path(sys.argv[1])
    for seed, (name, (net, shape)) in enumerate(NETWORKS.items()):
        torch.manual_seed(seed)
        for key, value in net.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif value.is_floating_point():
                value.normal_(0, 0.3)
        net.eval()
        x = torch.randn(2, *shape)
        with torch.no_grad():
            y = net(x)
        torch.onnx.export(net, x, str(folder / f"{name}.onnx"), input_names=["x"],
                          output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
                          opset_version=13)
        (folder / f"{name}.in.f32").write_bytes(x.numpy().astype("<f4").tobytes())
        (folder / f"{name}.out.f32").write_bytes(y.numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    main()
