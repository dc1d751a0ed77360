"""The one region policy of all operations: which part of a layer is worked on for a hole.

A hole is cropped together with the context that an algorithm looks at; holes whose crops overlap are worked on
together. All of it is geometry on `Bounds`, in the coordinates of the layer, so that a small hole costs the same on a
canvas of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .geometry import Bounds


@dataclass(frozen=True)
class ContextPolicy:
    """How much is seen around a hole.

    Attributes
    ----------
    factor
        Context on each side of the hole, as a part of its longest side.
    minimum
        Least context on each side, in pixels.
    """

    factor: float = 0.5
    minimum: int = 64

    def __post_init__(self) -> None:
        if self.factor < 0 or self.minimum < 0:
            raise ValueError("the context must not be negative")


@dataclass(frozen=True)
class Region:
    """A part of a layer to work on.

    Attributes
    ----------
    hole
        Around all holes of this region.
    crop
        The hole with its context, inside the layer.
    """

    hole: Bounds
    crop: Bounds

    def to_crop(self, bounds: Bounds) -> Bounds:
        """From the layer's coordinates to those of the crop."""
        return bounds.relative_to(self.crop.offset)


def hole_bounds(mask: NDArray[Any]) -> list[Bounds]:
    """Bounds of the connected parts of a mask, row by row.

    Parameters
    ----------
    mask
        (H, W), of any number type; all that is not 0 is hole. Pixels that touch at a corner are connected.
    """
    if mask.ndim != 2:
        raise ValueError(f"a mask has 2 dimensions, not {mask.ndim}")
    if mask.size == 0:
        return []
    present = np.logical_or if mask.dtype == np.bool_ else np.maximum
    magnitude = np.abs(mask) if mask.dtype.kind in "if" else mask
    rows = np.flatnonzero(present.reduce(magnitude, axis=1))
    if rows.size == 0:
        return []
    band = magnitude[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(present.reduce(band, axis=0))
    part = band[:, columns[0] : columns[-1] + 1] != 0
    labels, _ = ndimage.label(part, structure=np.ones((3, 3), dtype=np.bool_))
    found = [
        Bounds.from_edges(across.start, down.start, across.stop, down.stop)
        for down, across in ndimage.find_objects(labels)
    ]
    shift = Bounds(int(columns[0]), int(rows[0]), 0, 0).offset
    return sorted((bounds.moved(shift) for bounds in found), key=lambda b: (b.y, b.x, b.height, b.width))


def plan_regions(frame: Bounds, holes: Sequence[Bounds], policy: ContextPolicy) -> list[Region]:
    """Regions that together hold all holes; no two of their crops overlap.

    Parameters
    ----------
    frame
        Of the layer. Holes are clipped to it; those outside are ignored.
    """
    clipped = [inside for hole in holes if (inside := hole.intersection(frame))]
    groups: list[Bounds] = []
    for hole in _merged_by_cell(clipped, max(1, policy.minimum)):
        # A merged hole has more context than its parts had, so it may reach further groups.
        while touching := [g for g in groups if _context(g, frame, policy).intersection(_context(hole, frame, policy))]:
            groups = [g for g in groups if g not in touching]
            hole = Bounds.union([hole, *touching])
        groups.append(hole)
    return [Region(hole, _context(hole, frame, policy)) for hole in sorted(groups, key=lambda b: (b.y, b.x))]


def _merged_by_cell(holes: Sequence[Bounds], cell: int) -> list[Bounds]:
    """Join holes that start in the same cell of a grid: their contexts overlap, and speckled masks have thousands."""
    cells: dict[tuple[int, int], Bounds] = {}
    for hole in holes:
        key = (hole.x // cell, hole.y // cell)
        cells[key] = Bounds.union([cells[key], hole]) if key in cells else hole
    return list(cells.values())


def _context(hole: Bounds, frame: Bounds, policy: ContextPolicy) -> Bounds:
    margin = max(policy.minimum, round(policy.factor * hole.extent.longest))
    return hole.padded(margin).shifted_into(frame)
