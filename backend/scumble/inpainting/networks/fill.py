"""The embedded inpainting network: it starts where the classical fills end.

Given a smooth fill and PatchMatch's, with how badly each patch matches, it says how much of PatchMatch's coarse structure
and of its detail to take at each pixel, and adds a correction of its own. Its last layer is zero at the start, so an
untrained network gives the mean of both fills. It works on a pixel-unshuffled picture (Shi et al. 2016), with gated blocks
(Yu et al. 2019, section 3.1) and, at its coarsest scale, attention from everywhere to what is known (the place of the
contextual attention of Yu et al. 2018).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble.vision.blocks import GatedBlock, KnownAttention
from scumble.vision.gaussian import blurred

UNSHUFFLE = 4
MULTIPLE = 16
"""Sides are padded to a multiple of this: the coarsest scale's stride."""

CHANNELS = 8
"""Smooth fill (3), PatchMatch's difference to it (3), the patches' distance, the hole."""

COARSE = 2.0
"""Standard deviation, in pixels, of the filter that parts structure from detail."""


@dataclass(frozen=True)
class FillSize:
    """Widths at a quarter, an eighth and a sixteenth of the picture's size, and how many blocks each has."""

    widths: tuple[int, int, int] = (48, 80, 144)
    depths: tuple[int, int, int] = (1, 2, 4)
    heads: int = 4

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class FillNetwork(nn.Module):
    """Blends two fills and corrects them.

    `forward(smooth, patches, distance, hole)` takes (B, 3, H, W) fills in 0 to 1, which agree outside the hole, (B, 1, H, W)
    root mean square distances of the patches (0 outside the hole), and the (B, 1, H, W) hole as 0 or 1. It returns a
    (B, 3, H, W) picture that is `smooth`, bit for bit, outside the hole. Any H and W.
    """

    def __init__(self, size: FillSize | None = None) -> None:
        super().__init__()
        self.size = size = size or FillSize()
        fine, middle, coarse = size.widths
        cells = UNSHUFFLE**2
        self.enter = nn.Conv2d(CHANNELS * cells, fine, 3, padding=1)
        self.fine = _blocks(fine, size.depths[0])
        self.down1 = nn.Conv2d(fine, middle, 2, stride=2)
        self.middle = _blocks(middle, size.depths[1])
        self.down2 = nn.Conv2d(middle, coarse, 2, stride=2)
        self.coarse = nn.ModuleList(GatedBlock(coarse, 2 ** (i % 3)) for i in range(size.depths[2]))
        self.attention = nn.ModuleList(KnownAttention(coarse, size.heads) for _ in range(2))
        self.up2 = nn.Conv2d(coarse + middle, middle, 1)
        self.middle_out = _blocks(middle, size.depths[1])
        self.up1 = nn.Conv2d(middle + fine, fine, 1)
        self.fine_out = _blocks(fine, size.depths[0])
        self.leave = nn.Conv2d(fine, 5 * cells, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, smooth: Tensor, patches: Tensor, distance: Tensor, hole: Tensor) -> Tensor:
        height, width = smooth.shape[2:]
        difference = (patches - smooth) * hole
        structure = blurred(difference, COARSE)
        x = torch.cat([smooth - 0.5, difference, distance, hole], 1)
        pad = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        x = functional.pad(x, pad, mode="replicate")
        known = 1 - x[:, -1:]
        answer = functional.pixel_shuffle(self._answer(x, functional.avg_pool2d(known, MULTIPLE)), UNSHUFFLE)
        answer = answer[:, :, :height, :width].float()
        coarse_share, detail_share = torch.sigmoid(answer[:, :1]), torch.sigmoid(answer[:, 1:2])
        found = coarse_share * structure + detail_share * (difference - structure) + answer[:, 2:]
        return smooth + found * hole

    def _answer(self, x: Tensor, known: Tensor) -> Tensor:
        fine = self.fine(self.enter(functional.pixel_unshuffle(x, UNSHUFFLE)))
        middle = self.middle(self.down1(fine))
        coarse = self.down2(middle)
        for index, block in enumerate(self.coarse):
            coarse = block(coarse)
            if index % 2 == 1 and index // 2 < len(self.attention):
                coarse = self.attention[index // 2](coarse, known)
        middle = self.middle_out(self.up2(torch.cat([_doubled(coarse), middle], 1)))
        fine = self.fine_out(self.up1(torch.cat([_doubled(middle), fine], 1)))
        answer: Tensor = self.leave(functional.silu(fine))
        return answer


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(GatedBlock(width) for _ in range(count)))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
