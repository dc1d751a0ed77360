"""The network that restores drawn art and photographs under a mosaic.

It works on pictures that were resized so that every cell has 8 × 8 pixels and begins at a multiple of 8: then all sizes of
cells are one task, and what lies under a cell is at the same place of every cell's features. It starts from a smooth
picture that agrees with the mosaic (`algorithms.mosaic_cells.smooth_start`) and predicts what that lacks: lines and edges.
A cell's pixels are its channels (Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
convolutional neural network", 2016, section 3.2, and the inverse for the input), and the body is residual blocks without
normalization (Lim et al., "Enhanced deep residual networks for single image super-resolution", 2017). The last layer is zero at
the start, so training begins with the smooth picture; the result is projected onto the mosaic's cells, so no fill
contradicts the mosaic.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from scumble.algorithms.mosaic_cells import Axes, Grid, masked_means, project, smooth_start

CELL = 8
"""Side of a cell in the network's pictures."""

INPUTS = 8
"""Of each pixel: start (3), picture (3), mask, size of cells."""


class Block(nn.Module):
    """A residual block; it changes nothing at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1)
        self.two = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.two.weight)
        assert self.two.bias is not None
        nn.init.zeros_(self.two.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.two(functional.silu(self.one(functional.silu(x))))
        return y


class MosaicNet(nn.Module):
    """(B, 8, H, W) inputs as `inputs` makes them, sides multiples of 8, to the (B, 3, H, W) residual.

    Parameters
    ----------
    channels, blocks
        Of the body; it has one value of each channel for a cell.
    """

    multiple_of = CELL

    def __init__(self, channels: int = 128, blocks: int = 6) -> None:
        super().__init__()
        self.head = nn.Conv2d(INPUTS * CELL**2, channels, 1)
        self.body = nn.Sequential(*(Block(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, 3 * CELL**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.body(self.head(functional.pixel_unshuffle(x, CELL)))
        return functional.pixel_shuffle(self.tail(functional.silu(x)), CELL)


def inputs(start: torch.Tensor, picture: torch.Tensor, mask: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """What the network sees.

    Parameters
    ----------
    start, picture
        (B, 3, H, W) in 0 to 1.
    mask
        (B, 1, H, W)
    sizes
        (B,) pixels of a cell's side in the picture as it was before it was resized.
    """
    size = (torch.log2(sizes / CELL))[:, None, None, None].expand_as(mask)
    return torch.cat([start - 0.5, picture - 0.5, mask, size * mask], dim=1)


def restored(
    network: MosaicNet, picture: torch.Tensor, mask: torch.Tensor, sizes: torch.Tensor, autocast: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures without their mosaics, and the smooth ones that they started from; means of whole cells are kept.

    Parameters
    ----------
    picture
        (B, 3, H, W) in 0 to 1 with a mosaic of cells of 8 pixels in it; sides are multiples of 8.
    mask
        (B, 1, H, W), 1 where the mosaic is.
    sizes
        As `inputs` takes them.
    """
    axes = Axes.of([Grid(CELL, CELL)], *picture.shape[2:], device=picture.device).repeated(len(picture))
    with torch.no_grad():
        start = smooth_start(axes, picture, mask)
        seen = inputs(start, picture, mask, sizes)
        cells = masked_means(axes, picture, mask)
    with torch.autocast(picture.device.type, torch.bfloat16, enabled=autocast):
        residual = network(seen.contiguous(memory_format=torch.channels_last))
    return project(axes, start + mask * residual.float(), cells, mask), start
