"""The embedded face completion network: it starts where colours and lines alone end.

What SC-FEGAN does (Jo and Park 2019), in a form that a CPU can train: the first guess is `first_guess`'s, and the network adds
what faces have and the guess lacks. Its last layer is zero at the start, so an untrained network gives the guess. It works on a
pixel-unshuffled picture (Shi et al. 2016) with the gated blocks of `scumble.vision.blocks`, attention at a sixteenth of the size, and learned
maps of where in an aligned face a place lies.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble.vision.blocks import KnownAttention, gated_blocks

SIDE = 128
"""Of the aligned faces that it learns from, in pixels."""

UNSHUFFLE = 4
MULTIPLE = 32
"""Sides are a multiple of this: the coarsest scale's stride."""

CHANNELS = 7
"""The guess (3), the hole, lines, where a colour was given, noise."""


@dataclass(frozen=True)
class FaceSketchSize:
    """Widths at a quarter, an eighth, a sixteenth and a 32nd of the picture's size, and how many blocks each has on the
    way down and, but for the last, again on the way up."""

    widths: tuple[int, int, int, int] = (48, 80, 128, 160)
    depths: tuple[int, int, int, int] = (1, 1, 2, 2)
    heads: int = 4
    polish: int = 0
    """Channels of two last convolutions at full size, which take away the weave that a pixel-shuffled picture has; 0: none."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class FaceSketchNetwork(nn.Module):
    """`forward(guess, hole, lines, given, noise)` takes a (B, 3, H, W) guess in 0 to 1 and (B, 1, H, W) maps of 0 and 1 (noise:
    0 to 1), and returns (B, 3, H, W): the guess, bit for bit, outside the hole. H and W are multiples of 32; the face fills
    the picture as FFHQ's do."""

    def __init__(self, size: FaceSketchSize | None = None) -> None:
        super().__init__()
        self.size = size = size or FaceSketchSize()
        cells = UNSHUFFLE**2
        w, d = size.widths, size.depths
        self.enter = nn.Conv2d(CHANNELS * cells, w[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(4))
        self.down = nn.ModuleList(nn.Conv2d(w[n], w[n + 1], 2, stride=2) for n in range(3))
        self.place = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(1, w[n], SIDE // (UNSHUFFLE * 2**n), SIDE // (UNSHUFFLE * 2**n)))
            for n in (2, 3)
        )
        self.attention = KnownAttention(w[2], size.heads)
        self.up = nn.ModuleList(nn.Conv2d(w[n + 1] + w[n], w[n], 1) for n in range(3))
        self.up_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(3))
        self.leave = nn.Conv2d(w[0], 3 * cells, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]
        self.polish: nn.Sequential | None = None
        if size.polish:
            last = nn.Conv2d(size.polish, 3, 3, padding=1)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
            self.polish = nn.Sequential(nn.Conv2d(9, size.polish, 3, padding=1), nn.SiLU(), last)

    def forward(self, guess: Tensor, hole: Tensor, lines: Tensor, given: Tensor, noise: Tensor) -> Tensor:
        x = torch.cat([guess - 0.5, hole, lines * hole, given * hole, noise * hole], 1)
        x = seen = x.contiguous(memory_format=torch.channels_last)
        x = self.enter(functional.pixel_unshuffle(x, UNSHUFFLE))
        skips = []
        for level, blocks in enumerate(self.down_blocks):
            if level:
                x = self.down[level - 1](x)
            if level >= 2:
                place = self.place[level - 2]
                if place.shape[2:] != x.shape[2:]:
                    place = functional.interpolate(place, size=x.shape[2:], mode="bilinear", align_corners=False)
                x = x + place
            x = blocks(x)
            if level == 2:
                x = self.attention(x, functional.avg_pool2d(1 - hole * (1 - given), 4 * UNSHUFFLE))
            skips.append(x)
        for level in (2, 1, 0):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up_blocks[level](self.up[level](torch.cat([x, skips[level]], 1)))
        found = functional.pixel_shuffle(self.leave(functional.silu(x)), UNSHUFFLE)
        if self.polish is not None:
            made = guess - 0.5 + found * hole
            found = found + self.polish(torch.cat([made.to(seen.dtype), seen[:, :6]], 1))
        return guess + found.float() * hole
