"""The network that finishes a completed face at twice the size: skin, hair and eyes, where the first one gives forms and colours.

The completion network works at 128 pixels across the face; what is finer it can't say. This one sees its result enlarged, beside
the conditions at 256 pixels, and adds what is missing. Where patches of real faces were found that fit, it sees them as well, and
decides what to keep of each. The soft picture may as well be a latent model's, which has neither lines nor colours. It knows no
places: it may be given faces of any size whose sides are a multiple of 16, at about the scale that it learned from. Its last
layer is zero at the start: an untrained one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scumble.vision.gated_unet import GatedUNet, GatedUNetSize

SIDE = 256
"""Of the aligned faces that it learns from, in pixels."""

CHANNELS = 14
"""The completed face and the first guess (3 each), the hole, lines, where a colour was given, noise; by what copies differ from
the completed face (3), and how far they are trusted. Those of a network that learned without copies end before these."""


@dataclass(frozen=True)
class FaceFinishSize(GatedUNetSize):
    widths: tuple[int, int, int, int] = (32, 56, 80, 112)
    depths: tuple[int, int, int, int] = (1, 1, 1, 2)
    last: int = 16


class FaceFinishNetwork(GatedUNet):
    """`forward(completed, guess, hole, lines, given, noise, copies, trust)` takes (B, 3, H, W) pictures in 0 to 1 and (B, 1, H, W)
    maps of 0 and 1 (noise and trust: 0 to 1), and returns (B, 3, H, W): `completed`, bit for bit, outside the hole. Without
    copies it does what it can alone."""

    def __init__(self, size: FaceFinishSize | None = None) -> None:
        self.size = size or FaceFinishSize()
        super().__init__(self.size, CHANNELS, 3)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(
        self,
        completed: Tensor,
        guess: Tensor,
        hole: Tensor,
        lines: Tensor,
        given: Tensor,
        noise: Tensor,
        copies: Tensor | None = None,
        trust: Tensor | None = None,
    ) -> Tensor:
        if copies is None or trust is None:
            copies, trust = completed, torch.zeros_like(hole)
        kept = trust * hole
        seen = torch.cat(
            [
                completed - 0.5,
                guess - 0.5,
                hole,
                lines * hole,
                given * hole,
                noise * hole,
                (copies - completed) * kept,
                kept,
            ],
            1,
        )
        return completed + self.answer(seen) * hole


def widened(tensors: dict[str, Tensor], size: FaceFinishSize) -> dict[str, Tensor]:
    """Weights of a network that learned without copies, for one that sees them and makes nothing of them yet."""
    found = dict(tensors)
    for name, seen in (("enter.weight", 4 * CHANNELS), ("mix.weight", size.last + CHANNELS)):
        weight = found[name]
        missing = seen - weight.shape[1]
        if missing > 0:
            found[name] = torch.cat([weight, weight.new_zeros(weight.shape[0], missing, *weight.shape[2:])], 1)
    return found
