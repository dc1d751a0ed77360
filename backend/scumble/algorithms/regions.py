"""The one region policy of all operations: which part of a layer is worked on for a hole, and at which size.

A hole is cropped together with the context that an algorithm looks at; holes whose crops overlap are worked on
together; a crop that is larger than the working limit is scaled down. All of it is geometry on `Bounds`, in the
coordinates of the layer, so that a small hole costs the same on a canvas of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.geometry import Bounds, Extent


@dataclass(frozen=True)
class ContextPolicy:
    """How much is seen around a hole, and at which size.

    Attributes
    ----------
    factor
        Context on each side of the hole, as a part of its longest side.
    minimum
        Least context on each side, in pixels.
    limit
        Longest side of the working size, in pixels; 0 for no limit.
    multiple_of
        Both sides of the working size are multiples of this. The crop is grown to fit where the layer allows it;
        otherwise the working size differs a little from the crop's shape.
    smallest
        Least shortest side of the working size: smaller crops are grown or, in a small layer, scaled up.
    """

    factor: float = 0.5
    minimum: int = 64
    limit: int = 0
    multiple_of: int = 1
    smallest: int = 1

    def __post_init__(self) -> None:
        if self.factor < 0 or self.minimum < 0:
            raise ValueError("the context must not be negative")
        if self.multiple_of < 1 or self.smallest < 1:
            raise ValueError("multiple_of and smallest must be at least 1")
        if self.limit and self.limit < max(self.multiple_of, self.smallest):
            raise ValueError("the working limit is below the least working size")


@dataclass(frozen=True)
class Region:
    """A part of a layer to work on.

    Attributes
    ----------
    hole
        Around all holes of this region.
    crop
        The hole with its context, inside the layer.
    size
        The extent at which the crop is worked on.
    """

    hole: Bounds
    crop: Bounds
    size: Extent

    @property
    def scale_x(self) -> float:
        """Working pixels per layer pixel, horizontally."""
        return self.size.width / self.crop.width

    @property
    def scale_y(self) -> float:
        """Working pixels per layer pixel, vertically."""
        return self.size.height / self.crop.height

    @property
    def is_scaled(self) -> bool:
        return self.size != self.crop.extent

    def to_crop(self, bounds: Bounds) -> Bounds:
        """From the layer's coordinates to those of the crop at full size."""
        return bounds.relative_to(self.crop.offset)

    def to_working(self, bounds: Bounds) -> Bounds:
        """From the layer's coordinates to the working size, rounded outwards to whole pixels, inside the crop."""
        local = self.to_crop(bounds.intersection(self.crop))
        if not local:
            return Bounds(0, 0, 0, 0)
        left, right = _scaled_span(local.x, local.right, self.size.width, self.crop.width)
        top, bottom = _scaled_span(local.y, local.bottom, self.size.height, self.crop.height)
        return Bounds.from_edges(left, top, right, bottom)

    def from_working(self, bounds: Bounds) -> Bounds:
        """From the working size to the layer's coordinates, rounded outwards to whole pixels."""
        inside = bounds.intersection(Bounds(0, 0, *self.size))
        if not inside:
            return Bounds(0, 0, 0, 0)
        left, right = _scaled_span(inside.x, inside.right, self.crop.width, self.size.width)
        top, bottom = _scaled_span(inside.y, inside.bottom, self.crop.height, self.size.height)
        return Bounds.from_edges(left, top, right, bottom).moved(self.crop.offset)


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
    """Regions that together hold all holes; no two of their crops overlap, unless rounding to `multiple_of` makes them.

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
    return [_region(hole, frame, policy) for hole in sorted(groups, key=lambda b: (b.y, b.x))]


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


def _region(hole: Bounds, frame: Bounds, policy: ContextPolicy) -> Region:
    crop = _grown(_context(hole, frame, policy), Extent(policy.smallest, policy.smallest), frame)
    scale = max(1.0, policy.smallest / crop.extent.shortest)
    if policy.limit:
        scale = min(scale, policy.limit / crop.extent.longest)
    if scale == 1:
        crop = _grown(crop, crop.extent.rounded_up(policy.multiple_of), frame)
    size = Extent(*(_working_side(side * scale, policy) for side in crop.extent))
    return Region(hole, crop, size)


def _grown(bounds: Bounds, wanted: Extent, frame: Bounds) -> Bounds:
    """At least the wanted extent, around the same centre, as far as the frame allows."""
    width, height = max(bounds.width, wanted.width), max(bounds.height, wanted.height)
    x, y = bounds.x - (width - bounds.width) // 2, bounds.y - (height - bounds.height) // 2
    return Bounds(x, y, width, height).shifted_into(frame)


def _working_side(side: float, policy: ContextPolicy) -> int:
    multiple = policy.multiple_of
    rounded = -(-round(side) // multiple) * multiple
    if policy.limit and rounded > policy.limit:
        rounded = policy.limit // multiple * multiple
    return max(multiple, rounded)


def _scaled_span(start: int, stop: int, numerator: int, denominator: int) -> tuple[int, int]:
    """Whole-number arithmetic, so that rounding outwards is exact."""
    return start * numerator // denominator, -(-stop * numerator // denominator)
