"""The network that tells the parts of an aligned face: other, skin, hair, lips, eyes with brows, and what is between the lips.

A U of gated blocks over the picture unshuffled by 2. It sees the colours as they are and with the picture's own mean and contrast
taken off, so that dark, bright and coloured light are much alike to it; what lies outside the picture is marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scumble.vision.gated_unet import GatedUNet, GatedUNetSize

SIDE = 128
"""Of the aligned faces that it learns from, in pixels."""

CLASSES = ("other", "skin", "hair", "lips", "eyes", "mouth")
"""What it tells apart, in the order of its channels."""

CHANNELS = 7
"""The colours as they are and freed of the picture's light (3 each), and where there is a picture."""

LEAST_CONTRAST = 0.03
"""Added to a picture's deviation, so that a flat one's noise is not taken for a face."""


@dataclass(frozen=True)
class FaceParserSize(GatedUNetSize):
    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    depths: tuple[int, int, int, int] = (1, 1, 1, 1)
    last: int = 8


class FaceParser(GatedUNet):
    """`forward(picture, seen)` takes (B, 3, H, W) in 0 to 1 and (B, 1, H, W), 1 where there is a picture and 0 outside of it, and
    returns (B, 6, H, W): logits of `CLASSES`. Colours outside the picture do not matter."""

    def __init__(self, size: FaceParserSize | None = None) -> None:
        self.size = size or FaceParserSize()
        super().__init__(self.size, CHANNELS, len(CLASSES))

    def forward(self, picture: Tensor, seen: Tensor) -> Tensor:
        return self.answer(inputs_of(picture, seen))


def inputs_of(picture: Tensor, seen: Tensor) -> Tensor:
    """(B, 7, H, W): `CHANNELS`."""
    area = seen.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (picture * seen).sum((2, 3), keepdim=True) / area
    away = (picture - mean) * seen
    deviation = (away.square().sum((2, 3), keepdim=True) / area).mean(1, keepdim=True).sqrt()
    return torch.cat([(picture - 0.5) * seen, 0.5 * away / (deviation + LEAST_CONTRAST), seen], 1)
