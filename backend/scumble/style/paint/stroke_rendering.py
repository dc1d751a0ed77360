"""A painting at the size of the document: every stroke is read from the style picture again, at that size.

A painting is solved small; what it holds is, for every pixel, the place in a style that it came from. At a size `factor` times
as large, each pixel reads what its four neighbours at the small size would put there, and these are mixed bilinearly:
inside a stroke all four agree, so it is as sharp as the style picture; across a seam they fade into each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scumble.imaging.geometry import Bounds
from scumble.vision.strip_enlargement import enlarged

from .painting import Painted

Floats = NDArray[np.float32]


def renderer(painted: Painted, textures: Sequence[Tensor], factor: int, bounds: Bounds) -> Callable[[Bounds], Floats]:
    """A function that gives any strip of `strips(bounds, factor)` its part of the painting, (h, w, 3) in 0 to 1.

    Parameters
    ----------
    textures
        The style pictures, (1, 3, H, W) in 0 to 1, as large as there is use for (`factor` times the painting's scale).
    """
    if factor == 1:
        whole = np.ascontiguousarray(np.moveaxis(painted.picture[0].cpu().numpy(), 0, 2))
        return lambda strip: whole[strip.relative_to(bounds.offset).slices]
    mending = enlarged(np.ascontiguousarray(painted.mending[0].cpu().numpy()), factor, bounds)
    places = _Places(painted)
    height, width = painted.origins.shape

    def part(strip: Bounds) -> Floats:
        device = painted.origins.device
        rows = (torch.arange(strip.height, device=device) + (strip.y - bounds.y) + 0.5) / factor - 0.5
        columns = (torch.arange(strip.width, device=device) + (strip.x - bounds.x) + 0.5) / factor - 0.5
        top, left = rows.floor(), columns.floor()
        total = torch.zeros(3, strip.height, strip.width, device=device)
        for below in (0, 1):
            for right in (0, 1):
                row, column = top + below, left + right
                weight = (1 - (rows - row).abs())[:, None] * (1 - (columns - column).abs())
                at_row, at_column = row.clamp(0, height - 1), column.clamp(0, width - 1)
                origin = painted.origins[at_row.long()][:, at_column.long()]
                total += weight * places.read(origin, (rows - at_row)[:, None], columns - at_column, textures)
        rgb = np.moveaxis(total.cpu().numpy(), 0, 2) + np.moveaxis(mending(strip), 0, 2)
        return np.asarray(np.clip(rgb, 0, 1), np.float32)

    return part


class _Places:
    """What the indices of the atlas mean: style, variant, row and column."""

    def __init__(self, painted: Painted) -> None:
        self._shapes, self._variants = painted.shapes, painted.variants
        sizes = [height * width for height, width in painted.shapes for _ in range(painted.variants)]
        self._starts = torch.tensor(np.cumsum([0, *sizes]), device=painted.origins.device)

    def read(self, origins: Tensor, down: Tensor, across: Tensor, textures: Sequence[Tensor]) -> Tensor:
        """(3, h, w): the styles' colours `down` and `across` (in pixels of the solved size) from the origins."""
        down, across = down.expand(origins.shape), across.expand(origins.shape)
        total = torch.zeros(3, *origins.shape, device=origins.device)
        piece = torch.searchsorted(self._starts, origins, right=True) - 1
        for number, (height, width) in enumerate(self._shapes):
            grid = torch.full((*origins.shape, 2), -9.0, device=origins.device)
            for variant in range(self._variants):
                here = piece == number * self._variants + variant
                if not here.any():
                    continue
                local = origins[here] - self._starts[number * self._variants + variant]
                across_variant = height if variant & 2 else width
                row, column = local // across_variant + down[here], local % across_variant + across[here]
                if variant & 2:
                    row, column = column, row
                if variant & 1:
                    column = width - 1 - column
                grid[here] = torch.stack([(column + 0.5) * (2 / width) - 1, (row + 0.5) * (2 / height) - 1], 1)
            ours = (piece // self._variants == number).to(total.dtype)
            if ours.any():
                inside = grid.clamp(-1, 1)
                read = functional.grid_sample(
                    textures[number], inside[None], mode="bilinear", padding_mode="border", align_corners=False
                )
                total += read[0] * ours
        return total
