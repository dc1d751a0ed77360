"""A U of gated blocks at four scales (after Ronneberger et al., "U-Net", 2015), over a picture unshuffled by 2.

Networks that are given pictures and answer with one of the same size build on it. The last two convolutions see every pixel: an answer
that is shuffled out of channels would have a weave.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import gated_blocks

MULTIPLE = 16
"""Sides are a multiple of this: the coarsest scale's stride."""


@dataclass(frozen=True)
class GatedUNetSize:
    """Widths at a half, a quarter, an eighth and a 16th of the picture's size, how many blocks each has on the way down and, but
    for the last, again on the way up, and the channels of the last convolution at full size."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    last: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class GatedUNet(nn.Module):
    """`answer` makes (B, `made`, H, W) of (B, `given`, H, W); the sides are multiples of `MULTIPLE`."""

    def __init__(self, size: GatedUNetSize, given: int, made: int) -> None:
        super().__init__()
        w, d = size.widths, size.depths
        self.enter = nn.Conv2d(4 * given, w[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(4))
        self.down = nn.ModuleList(nn.Conv2d(w[n], w[n + 1], 2, stride=2) for n in range(3))
        self.up = nn.ModuleList(nn.Conv2d(w[n + 1] + w[n], w[n], 1) for n in range(3))
        self.up_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(3))
        self.widen = nn.Conv2d(w[0], size.last, 1)
        self.mix = nn.Conv2d(size.last + given, size.last, 3, padding=1)
        self.leave = nn.Conv2d(size.last, made, 3, padding=1)

    def answer(self, given: Tensor) -> Tensor:
        """In 32 bits, whatever the convolutions are computed in."""
        given = given.contiguous(memory_format=torch.channels_last)
        x = self.enter(functional.pixel_unshuffle(given, 2))
        skips = []
        for level, blocks in enumerate(self.down_blocks):
            x = blocks(self.down[level - 1](x) if level else x)
            skips.append(x)
        for level in (2, 1, 0):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up_blocks[level](self.up[level](torch.cat([x, skips[level]], 1)))
        wide = functional.interpolate(self.widen(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        found: Tensor = self.leave(functional.silu(self.mix(torch.cat([wide, given.to(wide.dtype)], 1))))
        return found.float()
