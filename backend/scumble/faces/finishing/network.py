"""The network that finishes a completed face at twice the size: skin, hair and eyes, where the first one gives forms and colours.

The completion network works at 128 pixels across the face; what is finer it can't say. This one sees its result enlarged, beside
the conditions at 256 pixels, and adds what is missing. Where patches of real faces were found that fit, it sees them as well, and
decides what to keep of each. The soft picture may as well be a latent model's, which has neither lines nor colours. It knows no
places: it may be given faces of any size whose sides are a multiple of 16, at about the scale that it learned from. Its last
layer is zero at the start: an untrained one changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble.vision.blocks import gated_blocks

SIDE = 256
"""Of the aligned faces that it learns from, in pixels."""

MULTIPLE = 16
"""Sides are a multiple of this: the coarsest scale's stride."""

CHANNELS = 14
"""The completed face and the first guess (3 each), the hole, lines, where a colour was given, noise; by what copies differ from
the completed face (3), and how far they are trusted. Those of a network that learned without copies end before these."""


@dataclass(frozen=True)
class FaceFinishSize:
    """Widths at a half, a quarter, an eighth and a 16th of the picture's size, how many blocks each has on the way down and, but
    for the last, again on the way up, and the channels of the last convolution at full size."""

    widths: tuple[int, int, int, int] = (32, 56, 80, 112)
    depths: tuple[int, int, int, int] = (1, 1, 1, 2)
    last: int = 16

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class FaceFinishNetwork(nn.Module):
    """`forward(completed, guess, hole, lines, given, noise, copies, trust)` takes (B, 3, H, W) pictures in 0 to 1 and (B, 1, H, W)
    maps of 0 and 1 (noise and trust: 0 to 1), and returns (B, 3, H, W): `completed`, bit for bit, outside the hole. Without
    copies it does what it can alone."""

    def __init__(self, size: FaceFinishSize | None = None) -> None:
        super().__init__()
        self.size = size = size or FaceFinishSize()
        w, d = size.widths, size.depths
        self.enter = nn.Conv2d(4 * CHANNELS, w[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(4))
        self.down = nn.ModuleList(nn.Conv2d(w[n], w[n + 1], 2, stride=2) for n in range(3))
        self.up = nn.ModuleList(nn.Conv2d(w[n + 1] + w[n], w[n], 1) for n in range(3))
        self.up_blocks = nn.ModuleList(gated_blocks(w[n], d[n]) for n in range(3))
        # the last two see every pixel: a picture shuffled out of channels would have a weave
        self.widen = nn.Conv2d(w[0], size.last, 1)
        self.mix = nn.Conv2d(size.last + CHANNELS, size.last, 3, padding=1)
        self.leave = nn.Conv2d(size.last, 3, 3, padding=1)
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
        seen = seen.contiguous(memory_format=torch.channels_last)
        x = self.enter(functional.pixel_unshuffle(seen, 2))
        skips = []
        for level, blocks in enumerate(self.down_blocks):
            x = blocks(self.down[level - 1](x) if level else x)
            skips.append(x)
        for level in (2, 1, 0):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.up_blocks[level](self.up[level](torch.cat([x, skips[level]], 1)))
        wide = functional.interpolate(self.widen(x), scale_factor=2.0, mode="bilinear", align_corners=False)
        found: Tensor = self.leave(functional.silu(self.mix(torch.cat([wide, seen.to(wide.dtype)], 1))))
        return completed + found.float() * hole


def widened(tensors: dict[str, Tensor], size: FaceFinishSize) -> dict[str, Tensor]:
    """Weights of a network that learned without copies, for one that sees them and makes nothing of them yet."""
    found = dict(tensors)
    for name, seen in (("enter.weight", 4 * CHANNELS), ("mix.weight", size.last + CHANNELS)):
        weight = found[name]
        missing = seen - weight.shape[1]
        if missing > 0:
            found[name] = torch.cat([weight, weight.new_zeros(weight.shape[0], missing, *weight.shape[2:])], 1)
    return found
