"""LPIPS: how different two pictures look, as a loss for trainers and as a measure.

Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018),
equation 1, version 0.1, on SqueezeNet 1.1 (Iandola et al. 2016): features of seven layers, each normalized to unit length over its
channels; their squared differences are weighted by learned heads, averaged over places, and summed over layers.

Its weights are published, not ours: `load` reads them where the user has them (`scumble weights pull squeezenet-torchvision
lpips-squeeze`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from scumble.weights import WeightStore
from scumble_client.errors import ScumbleError

NETWORK, HEADS = "squeezenet-torchvision", "lpips-squeeze"
"""Entries of the weights' manifest."""

FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
"""By torchvision's number: channels that come in, that are squeezed to, and that each half expands to."""

POOLED = (3, 6, 9)
"""Fires before which the maps are halved."""

TAPS = (4, 7, 9, 10, 11, 12)
"""Fires whose output is looked at, beside the first convolution's."""

CHANNELS = (64, 128, 256, 384, 384, 512, 512)

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""As published: what pictures in -1 to 1 are shifted and scaled by."""

NCNN_HALF = 0x01306B47


class Fire(nn.Module):
    """A convolution of 1 × 1 that squeezes, then 1 × 1 and 3 × 3 beside each other."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.squeeze(x))
        return functional.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class SqueezeNet(nn.Module):
    """The convolutions of SqueezeNet 1.1. `forward` takes (B, 3, H, W) and gives the seven maps that LPIPS compares."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 64, 3, stride=2)
        self.fires = nn.ModuleDict({str(n): Fire(*sizes) for n, sizes in FIRES.items()})

    def forward(self, x: Tensor) -> list[Tensor]:
        x = functional.relu(self.enter(x))
        found = [x]
        for number in FIRES:
            if number in POOLED:
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
            x = self.fires[str(number)](x)
            if number in TAPS:
                found.append(x)
        return found


class Lpips(nn.Module):
    """`forward(a, b)` takes two (B, 3, H, W) in 0 to 1, H and W at least 32; gives (B,): 0 where they are alike.

    Differentiable in both; its own weights take no gradient. With `where`, (B, 1, H, W) weights, only places that it covers count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = SqueezeNet()
        self.heads = nn.ParameterList(nn.Parameter(torch.ones(1, c, 1, 1)) for c in CHANNELS)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None])
        self.requires_grad_(False)

    def maps(self, picture: Tensor) -> list[Tensor]:
        """The seven maps as SqueezeNet gives them."""
        x = (picture * 2 - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        maps: list[Tensor] = self.network(x.contiguous(memory_format=torch.channels_last))
        return maps

    def forward(self, a: Tensor, b: Tensor, where: Tensor | None = None) -> Tensor:
        return self.apart(self.maps(a), self.maps(b), where)

    def apart(self, maps: Sequence[Tensor], others: Sequence[Tensor], where: Tensor | None = None) -> Tensor:
        """(B,): the same of the maps of two pictures."""
        total = maps[0].new_zeros(len(maps[0]))
        for one, other, head in zip(maps, others, self.heads, strict=True):
            difference = _difference(one, other / _length(other), head)
            if where is None:
                total = total + difference.mean((1, 2, 3))
            else:
                share = functional.interpolate(where, size=difference.shape[2:], mode="area")
                total = total + (difference * share).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=1e-6)
        return total


def _length(maps: Tensor) -> Tensor:
    return maps.square().sum(1, keepdim=True).add(1e-20).sqrt()


def _difference(maps: Tensor, other: Tensor, head: Tensor) -> Tensor:
    """(B, 1, h, w): weighted squares of what parts the maps, brought to unit length, from others of unit length."""
    if other.requires_grad:
        return functional.conv2d((maps / _length(maps) - other).square(), head)
    found: Tensor = _Difference.apply(maps, other, head)  # type: ignore[no-untyped-call]
    return found


class _Difference(torch.autograd.Function):
    """`_difference` to a constant, with its derivative in closed form: half the passes over the largest maps of a training."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, other: Tensor, head: Tensor) -> Tensor:
        length = _length(maps)
        unit = maps / length
        apart = unit - other
        ctx.save_for_backward(unit, apart, length, head)
        return functional.conv2d(apart.square(), head)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        unit, apart, length, head = ctx.saved_tensors
        along = (apart * head).mul_(2 * slope)
        # what would only make the map longer has no effect
        along.addcmul_(unit, (along * unit).sum(1, keepdim=True), value=-1)
        return along.div_(length), None, None


def load(network: Path, heads: Path) -> Lpips:
    """LPIPS out of its published files.

    Parameters
    ----------
    network
        torchvision's `squeezenet1_1-….pth`, or the `.bin` of the same weights in ncnn's form.
    heads
        `squeeze.pth` of LPIPS v0.1.

    Raises
    ------
    ScumbleError
        `weights_missing` where a file is not there, is damaged, or holds something else.
    """
    made = Lpips()
    for path, read in ((network, _read_network), (heads, _read_heads)):
        try:
            read(made, path)
        except Exception as error:  # whatever a damaged file makes its reader raise
            raise ScumbleError(
                "weights_missing",
                f"“{path.name}” can't be read as weights of LPIPS.",
                f"Get it again: scumble weights pull {NETWORK} {HEADS}",
            ) from error
    return made.eval()


def chosen(network: str = "", heads: str = "") -> Lpips:
    """LPIPS out of the files that settings name; what is left empty is the file that was pulled. Raises as `load` does."""
    store = WeightStore()
    return load(*(Path(named) if named else store.path(entry) for named, entry in ((network, NETWORK), (heads, HEADS))))


def _read_network(lpips: Lpips, path: Path) -> None:
    if path.suffix == ".bin":
        state = _from_ncnn(path.read_bytes())
    else:
        loaded: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        state = {name: tensor for name, tensor in loaded.items() if name.startswith("features.")}
    renamed = {}
    for name, tensor in state.items():
        _, number, rest = name.split(".", 2)
        renamed[f"enter.{rest}" if number == "0" else f"fires.{number}.{rest}"] = tensor.float()
    lpips.network.load_state_dict(renamed)


def _read_heads(lpips: Lpips, path: Path) -> None:
    loaded: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    lpips.heads.load_state_dict({str(n): loaded[f"lin{n}.model.1.weight"].float() for n in range(len(CHANNELS))})


def _from_ncnn(data: bytes) -> dict[str, Tensor]:
    """ncnn's form: for each convolution a tag of four bytes (half floats or floats), weights, then the bias as floats."""
    shapes: list[tuple[str, tuple[int, int, int, int]]] = [("features.0", (64, 3, 3, 3))]
    for number, (channels, squeezed, expanded) in FIRES.items():
        shapes.append((f"features.{number}.squeeze", (squeezed, channels, 1, 1)))
        shapes.append((f"features.{number}.expand1x1", (expanded, squeezed, 1, 1)))
        shapes.append((f"features.{number}.expand3x3", (expanded, squeezed, 3, 3)))
    state: dict[str, Tensor] = {}
    at = 0
    for name, shape in shapes:
        size = int(np.prod(shape))
        (tag,) = struct.unpack_from("<I", data, at)
        at += 4
        kind = np.dtype("<f2") if tag == NCNN_HALF else np.dtype("<f4")
        weight = np.frombuffer(data, kind, size, at).astype(np.float32)
        at += (size * kind.itemsize + 3) // 4 * 4
        bias = np.frombuffer(data, "<f4", shape[0], at).copy()
        at += 4 * shape[0]
        state[f"{name}.weight"] = torch.from_numpy(weight).view(shape)
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state  # what follows is the classifier's
