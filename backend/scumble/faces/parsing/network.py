"""The network that tells the parts of an aligned face: other, skin, hair, lips, eyes with brows, and what is between the lips.

A U of gated blocks over the picture unshuffled by 2. It sees the colours as they are and with the picture's own mean and contrast
taken off, so that dark, bright and coloured light are much alike to it; what lies outside the picture is marked as such.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble.vision.blocks import gated_blocks

SIDE = 128
"""Of the aligned faces that it learns from, in pixels."""

MULTIPLE = 16
"""Sides are a multiple of this: the coarsest scale's stride."""

CLASSES = ("other", "skin", "hair", "lips", "eyes", "mouth")
"""What it tells apart, in the order of its channels."""

CHANNELS = 7
"""The colours as they are and freed of the picture's light (3 each), and where there is a picture."""

LEAST_CONTRAST = 0.03
"""Added to a picture's deviation, so that a flat one's noise is not taken for a face."""


@dataclass(frozen=True)
class FaceParserSize:
    """Widths at a half, a quarter, an eighth and a 16th of the picture's size, how many blocks each has on the way down and, but
    for the last, again on the way up, and the channels of the last convolution at full size."""

    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    last: int = 8

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class FaceParser(nn.Module):
    """`forward(picture, seen)` takes (B, 3, H, W) in 0 to 1 and (B, 1, H, W), 1 where there is a picture and 0 outside of it, and
    returns (B, 6, H, W): logits of `CLASSES`. Colours outside the picture do not matter."""

    def __init__(self, size: FaceParserSize | None = None) -> None:
        super().__init__()
        self.size = size = size or FaceParserSize()
        w, d = size.widths, size.depths
        self.enter = nn.Conv2d(4 * CHANNELS, w[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(4))
        self.down = nn.ModuleList(nn.Conv2d(w[n], w[n + 1], 2, stride=2) for n in range(3))
        self.up = nn.ModuleList(nn.Conv2d(w[n + 1] + w[n], w[n], 1) for n in range(3))
        self.up_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(3))
        self.widen = nn.Conv2d(w[0], size.last, 1)
        self.mix = nn.Conv2d(size.last + CHANNELS, size.last, 3, padding=1)
        self.leave = nn.Conv2d(size.last, len(CLASSES), 3, padding=1)

    def forward(self, picture: Tensor, seen: Tensor) -> Tensor:
        given = inputs_of(picture, seen).contiguous(memory_format=torch.channels_last)
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


def inputs_of(picture: Tensor, seen: Tensor) -> Tensor:
    """(B, 7, H, W): `CHANNELS`."""
    area = seen.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (picture * seen).sum((2, 3), keepdim=True) / area
    away = (picture - mean) * seen
    deviation = (away.square().sum((2, 3), keepdim=True) / area).mean(1, keepdim=True).sqrt()
    return torch.cat([(picture - 0.5) * seen, 0.5 * away / (deviation + LEAST_CONTRAST), seen], 1)
