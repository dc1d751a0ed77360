"""The network that restores drawn art and photographs under a mosaic.

A mosaic is a picture reduced by a box filter, so this is super-resolution (Lim et al., "Enhanced deep residual networks for
single image super-resolution", 2017) with surroundings that are known in full. It works on pictures that were resized so that
every cell has 8 × 8 pixels: then all sizes of cells are one task, and nearly all work is done at one value per cell and channel.

What it adds to a smooth picture that agrees with the mosaic is zero at the start of a training; the result is projected onto
the mosaic's cells, so no fill contradicts it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from scumble.vision.precision import fast

from .cells import Axes, masked_means, project, smooth_start
from .grid import Grid

CELL = 8
"""Side of a cell in the pictures that are worked on."""

FINE = 2
"""Values per cell and side in the last blocks."""


class Block(nn.Module):
    """Two convolutions beside the identity, without normalization."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.normal_(self.second.weight, std=0.1 * (2 / (9 * width)) ** 0.5)
        for conv in (self.first, self.second):
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.second(functional.relu(self.first(x)))
        return out


class MosaicNetwork(nn.Module):
    """What a smooth picture under a mosaic lacks.

    Parameters
    ----------
    width, blocks
        Channels and residual blocks where a cell is one value.
    fine, fine_blocks
        The same where a cell is 2 × 2 values.
    """

    def __init__(self, width: int = 96, blocks: int = 10, fine: int = 48, fine_blocks: int = 2) -> None:
        super().__init__()
        self.head = nn.Conv2d(4 * CELL**2 + 3, width, 3, padding=1)
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.widen = nn.Conv2d(width, fine * FINE**2, 3, padding=1)
        self.tail = nn.Sequential(*(Block(fine) for _ in range(fine_blocks)))
        self.last = nn.Conv2d(fine, 3 * (CELL // FINE) ** 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, 3, 8 h, 8 w) in 0 to 1, smooth in the (B, 1, 8 h, 8 w) mask, to what is to be added there, of the same shape."""
        means = functional.avg_pool2d(picture, CELL)
        detail = picture - means.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)
        seen = [functional.pixel_unshuffle(4 * detail, CELL), 2 * means - 1, functional.pixel_unshuffle(mask, CELL)]
        x = self.head(torch.cat(seen, dim=1).contiguous(memory_format=torch.channels_last))
        x = functional.pixel_shuffle(self.widen(x + self.body(x)), FINE)
        x = self.last(self.tail(x.contiguous(memory_format=torch.channels_last)))
        return functional.pixel_shuffle(x, CELL // FINE)


def restored(network: MosaicNetwork, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Pictures without their mosaics; means of cells that lie wholly in the mask are kept.

    Parameters
    ----------
    picture
        (B, 3, H, W) in 0 to 1 with a mosaic of cells of 8 pixels in it; sides are multiples of 8.
    mask
        (B, 1, H, W), 1 where the mosaic is.
    """
    axes = Axes.of([Grid(CELL, CELL)], *picture.shape[2:], device=picture.device).repeated(len(picture))
    start = smooth_start(axes, picture, mask)
    with fast(picture.device):  # the network alone: means of cells need all digits
        missing = network(start, mask).to(picture.dtype)
    made = torch.where(mask > 0, start + missing, picture)
    return project(axes, made, masked_means(axes, picture, mask), mask)
