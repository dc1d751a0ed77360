"""A small network that paints any picture in the manner of any other: one pass, no iterations.

Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style" (2017), and Ghiasi et al., "Exploring the structure of a
real-time, arbitrary neural artistic stylization network" (2017): a style is a gain and a shift for every normalized channel. Here they are
read off the means and deviations of a small encoder's maps of the style, as those of adaptive instance normalization are (Huang and
Belongie 2017). The network is given the picture in the style's colours already (`colour_map`), and adds what the strokes change; so what
it has not learned of a palette it cannot spoil.

Sizes are changed by resizing before a convolution (Odena et al. 2016), and the last two convolutions are at full size: so there is no grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLE = 8
"""What divides both sides of what the network is given."""

REACH = 104
"""So many pixels away from a pixel nothing matters to it any more, the statistics aside. A multiple of `MULTIPLE`."""

WIDTHS = (32, 64, 96)
"""Channels at a half, a quarter and an eighth of the size."""

STYLE_WIDTHS = (32, 64, 96, 128)
CODE = 128
"""Numbers that a style is told by."""

SMALLEST = 1e-5


@dataclass
class Statistics:
    """Means and deviations of every normalized layer, (B, C, 1, 1), in the order of the layers.

    Filled by a pass over a whole picture that is given an empty one; a pass that is given a full one uses them.

    Attributes
    ----------
    shared
        Whether the pictures of a batch are parts of one, and have theirs in common: (1, C, 1, 1).
    """

    layers: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    given: bool = False
    shared: bool = False
    at: int = 0

    def next(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        if self.given:
            found = self.layers[self.at]
            self.at += 1
            return found
        mean, variance = _moments(maps, self.shared)
        found = mean, (variance + SMALLEST).rsqrt()
        self.layers.append(found)
        return found

    def again(self) -> Statistics:
        """The same, to be used by another pass."""
        return Statistics(self.layers, given=True)


class Styled(nn.Module):
    """A convolution whose maps are normalized, then given the style's gain and shift."""

    def __init__(self, channels: int, made: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, made, kernel, stride, kernel // 2, bias=False, padding_mode="reflect")
        self.signals = nn.Linear(CODE, 2 * made)
        nn.init.normal_(self.signals.weight, std=0.025)
        nn.init.zeros_(self.signals.bias)

    def forward(self, x: Tensor, code: Tensor, statistics: Statistics) -> Tensor:
        maps = self.convolution(x)
        mean, inverse = statistics.next(maps)
        gain, shift = self.signals(code).float()[..., None, None].chunk(2, 1)
        scale = inverse * (1 + gain)
        return torch.addcmul((shift - mean * scale).to(maps.dtype), maps, scale.to(maps.dtype))


class StyledBlock(nn.Module):
    """Two of them, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Styled(channels, channels)
        self.second = Styled(channels, channels)
        nn.init.constant_(self.second.signals.bias[:channels], -0.7)

    def forward(self, x: Tensor, code: Tensor, statistics: Statistics) -> Tensor:
        inner = functional.relu(self.first(x, code, statistics))
        changed: Tensor = self.second(inner, code, statistics)
        return x + changed


class StyleEncoder(nn.Module):
    """A style picture (B, 3, h, w) in 0 to 1, both sides at least 16, to its code (B, CODE)."""

    def __init__(self) -> None:
        super().__init__()
        before = 3
        self.convolutions = nn.ModuleList()
        for width in STYLE_WIDTHS:
            kernel = 5 if before == 3 else 3
            self.convolutions.append(nn.Conv2d(before, width, kernel, 2, kernel // 2, padding_mode="reflect"))
            before = width
        numbers = 2 * (3 + sum(STYLE_WIDTHS))
        self.told = nn.Sequential(nn.Linear(numbers, CODE), nn.ReLU(), nn.Linear(CODE, CODE), nn.LayerNorm(CODE))

    def forward(self, style: Tensor) -> Tensor:
        x = style * 2 - 1
        numbers = [_described(x)]
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), 0.1)
            numbers.append(_described(x))
        code: Tensor = self.told(torch.cat(numbers, 1))
        return code


def _described(maps: Tensor) -> Tensor:
    """(B, 2 C): means and deviations."""
    mean, variance = _moments(maps)
    return torch.cat([mean, (variance + SMALLEST).sqrt()], 1).flatten(1)


def _moments(maps: Tensor, shared: bool = False) -> tuple[Tensor, Tensor]:
    """Means and variances over the places, (B, C, 1, 1). (`torch.var_mean` takes as long as the convolution on a CPU.)"""
    wide = maps.float()
    over = (0, 2, 3) if shared else (2, 3)
    mean = wide.mean(over, keepdim=True)
    return mean, (wide.square().mean(over, keepdim=True) - mean.square()).clamp(min=0)


class StyleNetwork(nn.Module):
    """The whole: `encode` a style once, then paint pictures.

    `forward` takes the picture in the style's colours, (B, 3, H, W) in 0 to 1, H and W multiples of `MULTIPLE` and at least 32, and codes
    (B, CODE); gives (B, 3, H, W), not clipped. Without statistics each picture is normalized by its own.
    """

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.style = StyleEncoder()
        self.enter = Styled(3, half, kernel=5, stride=2)
        self.down = Styled(half, quarter, stride=2)
        self.quarter = StyledBlock(quarter)
        self.deeper = Styled(quarter, eighth, stride=2)
        self.eighth = nn.ModuleList(StyledBlock(eighth) for _ in range(2))
        self.up = Styled(eighth, quarter)
        self.again = StyledBlock(quarter)
        self.upper = Styled(quarter, half)
        self.halves = Styled(half, half)
        self.narrow = nn.Conv2d(half, 16, 3, padding=1, padding_mode="reflect")
        self.full = nn.Conv2d(16 + 3, 12, 3, padding=1, padding_mode="reflect")
        self.last = nn.Conv2d(12, 3, 3, padding=1, padding_mode="reflect")
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def encode(self, style: Tensor) -> Tensor:
        """(B, CODE) of style pictures (B, 3, h, w)."""
        code: Tensor = self.style(style)
        return code

    def forward(self, picture: Tensor, code: Tensor, statistics: Statistics | None = None) -> Tensor:
        known = Statistics() if statistics is None else statistics
        x = picture * 2 - 1
        at_half = functional.relu(self.enter(x, code, known))
        at_quarter = self.quarter(functional.relu(self.down(at_half, code, known)), code, known)
        y = functional.relu(self.deeper(functional.relu(at_quarter), code, known))
        for block in self.eighth:
            y = block(y, code, known)
        y = functional.relu(_twice(self.up(functional.relu(y), code, known)) + at_quarter)
        y = self.again(y, code, known)
        y = functional.relu(_twice(self.upper(functional.relu(y), code, known)) + at_half)
        y = functional.relu(self.halves(y, code, known))
        y = functional.relu(self.narrow(y))
        y = torch.cat([_twice(y), x.to(y.dtype)], 1)
        change: Tensor = self.last(functional.relu(self.full(y)))
        return picture + change.float()


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
