"""The network that restores drawn art and photographs under a mosaic.

It starts from a smooth picture that agrees with the mosaic (`algorithms.mosaic_cells.smooth_start`) and predicts what
that lacks: lines and edges. Everything works on a pixel-unshuffled input (Shi et al., "Real-time single image and video
super-resolution using an efficient sub-pixel convolutional neural network", 2016, the inverse of section 3.2), in a small
U-Net of residual blocks without normalization (Lim et al. 2017, EDSR). The last layer is zero at the start, so training begins with
the smooth picture; the result is projected onto the mosaic's cells, so no fill contradicts the mosaic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

FACTOR = 4
"""Side of the squares of pixels that become channels."""

INPUTS = 12
"""Of each pixel: start (3), picture (3), mask, size of cells, place in its cell (4)."""


@dataclass(frozen=True)
class Widths:
    """Channels and numbers of residual blocks at 1/4, 1/8 and 1/16 of the picture's size."""

    channels: tuple[int, int, int] = (64, 128, 160)
    down: tuple[int, int, int] = (2, 2, 3)
    up: tuple[int, int] = (3, 2)


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1)
        self.two = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.two.weight)
        nn.init.zeros_(self.two.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.two(functional.silu(self.one(functional.silu(x))))
        return y


def blocks(count: int, channels: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels) for _ in range(count)))


class MosaicNet(nn.Module):
    """(B, 12, H, W) inputs as `inputs` makes them, sides multiples of 16, to the (B, 3, H, W) residual."""

    multiple_of = 16

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or Widths()
        a, b, c = widths.channels
        self.head = nn.Conv2d(INPUTS * FACTOR**2, a, 3, padding=1)
        self.down1, self.down2, self.down3 = (
            blocks(n, w) for n, w in zip(widths.down, widths.channels, strict=True)
        )
        self.shrink1, self.shrink2 = nn.Conv2d(a, b, 2, 2), nn.Conv2d(b, c, 2, 2)
        self.grow1, self.grow2 = nn.Conv2d(b, a * 4, 1), nn.Conv2d(c, b * 4, 1)
        self.up1, self.up2 = blocks(widths.up[0], a), blocks(widths.up[1], b)
        self.tail = nn.Conv2d(a, 3 * FACTOR**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = self.down1(self.head(functional.pixel_unshuffle(x, FACTOR)))
        two = self.down2(self.shrink1(one))
        three = self.down3(self.shrink2(two))
        two = self.up2(two + functional.pixel_shuffle(self.grow2(three), 2))
        one = self.up1(one + functional.pixel_shuffle(self.grow1(two), 2))
        return functional.pixel_shuffle(self.tail(functional.silu(one)), FACTOR)


def inputs(
    start: torch.Tensor, picture: torch.Tensor, mask: torch.Tensor, sizes: torch.Tensor, places: torch.Tensor
) -> torch.Tensor:
    """What the network sees.

    Parameters
    ----------
    start, picture
        (B, 3, H, W) in 0 to 1.
    mask
        (B, 1, H, W)
    sizes
        (B,) pixels of a cell's side.
    places
        (B, 4, H, W) as `places_in_cells` gives them.
    """
    size = (torch.log2(sizes) / 5)[:, None, None, None].expand_as(mask)
    return torch.cat([start - 0.5, picture - 0.5, mask, size * mask, places * mask], dim=1)


def places_in_cells(
    sizes: torch.Tensor, origins: torch.Tensor, height: int, width: int
) -> torch.Tensor:
    """(B, 4, H, W): sine and cosine of where in its cell a pixel lies, across and down.

    Parameters
    ----------
    sizes, origins
        (B, 2): x, y of every picture's grid.
    """
    found = []
    for axis, length in ((0, width), (1, height)):
        place = torch.arange(length, device=sizes.device, dtype=torch.float32) + 0.5
        turn = 2 * torch.pi * (place[None] - origins[:, axis, None]) / sizes[:, axis, None]
        for wave in (torch.sin(turn), torch.cos(turn)):
            line = wave[:, None, :] if axis == 0 else wave[:, :, None]
            found.append(line.expand(len(sizes), height, width))
    return torch.stack(found, dim=1)
