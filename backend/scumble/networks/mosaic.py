"""What restores drawn art and photographs under a mosaic: many linear maps, of which each cell gets the one for its surroundings.

Timofte et al., "A+: adjusted anchored neighborhood regression for fast super-resolution" (2014): the surroundings of a cell
(5 × 5 means, of lightness, less the middle one and divided by their spread) choose the nearest of some anchors, whose own
ridge regression gives the cell's pixels and half of those around it; where neighbours overlap they are averaged. All is
learned in closed form, in minutes.

It works on pictures that were resized so that every cell has 8 × 8 pixels: then all sizes of cells are one task. It adds lines
and edges to a smooth picture that agrees with the mosaic; the result is projected onto the mosaic's cells, so no fill
contradicts it.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from scumble.algorithms.mosaic_cells import Axes, masked_means, project
from scumble.algorithms.mosaic_grid import Grid

CELL = 8
"""Side of a cell in the pictures that are worked on."""

REACH = 2
"""Cells to each side of a cell that its map sees."""

SEEN = (2 * REACH + 1) ** 2
"""Means that choose the map; it is applied to as many of the channel and as many of the lightness."""

PATCH = 16
"""Side of what a map gives: the cell, and half a cell around it."""

FLAT = 0.01
"""Added to the spread of means, so that flat places are not blown up."""

ROUNDS = 6
"""Of back-projection to the smooth start."""

RIM, RIM_DOUBT = 2.0, 0.3
"""How far (deviation of a Gaussian, in pixels) known pixels beside the mosaic correct it, and the weight against them."""

LIGHTNESS = (0.299, 0.587, 0.114)


class MosaicExperts(nn.Module):
    """Maps by anchor. Nothing of it is trained by gradients: its numbers are buffers.

    Parameters
    ----------
    count
        Of anchors and maps.
    """

    def __init__(self, count: int = 256) -> None:
        super().__init__()
        self.register_buffer("anchors", torch.zeros(count, SEEN))
        self.register_buffer("maps", torch.zeros(count, 2 * SEEN, PATCH**2))

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """What the smooth picture lacks: (B, 3, h, w) means of cells to (B, 3, 8 h, 8 w)."""
        batch, _, rows, columns = cells.shape
        seen, shape, spread = surroundings(functional.pad(cells, (REACH,) * 4, mode="replicate"))
        chosen = nearest(shape, self.get_buffer("anchors"))
        maps = self.get_buffer("maps")
        patches = torch.empty(len(seen), 3, PATCH**2, device=cells.device)
        for number in torch.unique(chosen).tolist():  # one product for each map, rather than a copy of it for each cell
            here = chosen == number
            patches[here] = seen[here] @ maps[number]
        patches = patches * spread[:, None, None] * overlap(cells.device).reshape(-1)
        patches = patches.view(batch, rows * columns, 3, PATCH**2).permute(0, 2, 3, 1).reshape(batch * 3, PATCH**2, -1)
        around = (PATCH - CELL) // 2
        size = (rows * CELL + 2 * around, columns * CELL + 2 * around)
        total = functional.fold(patches, size, PATCH, stride=CELL)
        weights = overlap(cells.device).reshape(1, -1, 1).expand(1, -1, rows * columns)
        total = total / functional.fold(weights, size, PATCH, stride=CELL)
        return total[..., around:-around, around:-around].view(batch, 3, rows * CELL, columns * CELL)


def surroundings(cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every cell that has enough around it: what its map is applied to, what chooses the map, and the spread of means.

    (B, 3, h, w) to (N, 3, 2 · 25), (N, 25) and (N,); N runs over pictures, rows, columns of (h - 4) · (w - 4).
    """
    batch, _, height, width = cells.shape
    side = 2 * REACH + 1
    seen = functional.unfold(cells.reshape(-1, 1, height, width), side).view(batch, 3, SEEN, -1)
    light = (seen * torch.tensor(LIGHTNESS, device=cells.device)[None, :, None, None]).sum(1)
    middle = SEEN // 2
    light = light - light[:, middle : middle + 1]
    spread = light.square().mean(1, keepdim=True).sqrt() + FLAT
    shape = light / spread
    own = (seen - seen[:, :, middle : middle + 1]) / spread[:, None]
    both = torch.cat([own, shape[:, None].expand(-1, 3, -1, -1)], dim=2)
    return both.permute(0, 3, 1, 2).flatten(0, 1), shape.permute(0, 2, 1).flatten(0, 1), spread.flatten()


def nearest(shape: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """(N,) the number of the anchor that is nearest to each of (N, 25)."""
    return ((anchors**2).sum(1) - 2 * shape @ anchors.T).argmin(1)


def overlap(device: torch.device | str = "cpu") -> torch.Tensor:
    """(16, 16) weights of a patch where it overlaps others: most in its cell's middle."""
    place = torch.arange(PATCH, device=device)
    line = torch.minimum(place + 1, PATCH - place).float().clamp(max=PATCH - CELL)
    return line[:, None] * line[None]


def smooth(cells: torch.Tensor) -> torch.Tensor:
    """(B, 3, h, w) means to the smooth (B, 3, 8 h, 8 w) picture that has them, nearly."""
    rows, columns = cells.shape[2:]
    axes = Axes.of([Grid(CELL, CELL)], rows * CELL, columns * CELL, device=cells.device).repeated(len(cells))
    made = axes.cubic(cells)
    for _ in range(ROUNDS):
        made = made + axes.cubic(cells - functional.avg_pool2d(made, CELL))
    return made


def restored(network: MosaicExperts, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Pictures without their mosaics; means of cells that lie wholly in the mask are kept.

    Parameters
    ----------
    picture
        (B, 3, H, W) in 0 to 1 with a mosaic of cells of 8 pixels in it; sides are multiples of 8.
    mask
        (B, 1, H, W), 1 where the mosaic is.
    """
    axes = Axes.of([Grid(CELL, CELL)], *picture.shape[2:], device=picture.device).repeated(len(picture))
    cells = masked_means(axes, picture, mask)
    # a cell that is cut has its mosaic's colour, which is the mean of all of it more often than not
    cells = torch.where(axes.means(mask) > 0, cells, axes.means(picture))
    made = smooth(cells) + network(cells)
    known = 1 - mask
    wrong = _blurred((picture - made) * known) / (_blurred(known) + RIM_DOUBT)
    made = torch.where(mask > 0, made + wrong, picture)
    return project(axes, made, cells, mask)


def _blurred(x: torch.Tensor) -> torch.Tensor:
    reach = int(3 * RIM)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / RIM) ** 2)
    line = line / line.sum()
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = functional.conv2d(flat, line.view(1, 1, -1, 1), padding=(reach, 0))
    return functional.conv2d(flat, line.view(1, 1, 1, -1), padding=(0, reach)).view_as(x)
