"""Extent, Point and Bounds: small immutable types for sizes and places in document coordinates (pixels)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Point(NamedTuple):
    """A place. Layers may start left of or above the canvas, so both may be negative."""

    x: int
    y: int

    def __add__(self, other: object) -> Point:
        x, y = _pair(other)
        return Point(self.x + x, self.y + y)

    def __sub__(self, other: object) -> Point:
        x, y = _pair(other)
        return Point(self.x - x, self.y - y)


class Extent(NamedTuple):
    """A size; never negative."""

    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def longest(self) -> int:
        return max(self.width, self.height)

    @property
    def shortest(self) -> int:
        return min(self.width, self.height)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width), as arrays have it."""
        return (self.height, self.width)

    def scaled(self, factor: float) -> Extent:
        """Each side times `factor`, rounded, at least 1 where it was not 0."""
        return Extent(*(max(1, round(side * factor)) if side else 0 for side in self))


class Bounds(NamedTuple):
    """A rectangle: pixels x <= column < x + width, y <= row < y + height."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def of(cls, extent: Extent, at: Point | None = None) -> Bounds:
        x, y = at or (0, 0)
        return cls(x, y, extent.width, extent.height)

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> Bounds:
        """Right and bottom are exclusive; crossed edges give an empty rectangle."""
        return cls(left, top, max(0, right - left), max(0, bottom - top))

    @classmethod
    def union(cls, many: Iterable[Bounds]) -> Bounds:
        """The smallest rectangle around all that are not empty."""
        full = [b for b in many if b]
        if not full:
            return cls(0, 0, 0, 0)
        return cls.from_edges(
            min(b.x for b in full), min(b.y for b in full), max(b.right for b in full), max(b.bottom for b in full)
        )

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def offset(self) -> Point:
        return Point(self.x, self.y)

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array whose first pixel is at 0, 0."""
        assert min(self.x, self.y) >= 0, self
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def moved(self, by: Point) -> Bounds:
        return Bounds(self.x + by.x, self.y + by.y, self.width, self.height)

    def relative_to(self, origin: Point) -> Bounds:
        return Bounds(self.x - origin.x, self.y - origin.y, self.width, self.height)

    def padded(self, by: int) -> Bounds:
        """Grown by `by` pixels on each side (shrunk where it is negative)."""
        return Bounds.from_edges(self.x - by, self.y - by, self.right + by, self.bottom + by)

    def intersection(self, other: Bounds) -> Bounds:
        return Bounds.from_edges(
            max(self.x, other.x), max(self.y, other.y), min(self.right, other.right), min(self.bottom, other.bottom)
        )

    def contains(self, other: Bounds) -> bool:
        return self.intersection(other) == other

    def shifted_into(self, frame: Bounds) -> Bounds:
        """Moved, without change of size, so that it lies in `frame`; clipped where it is larger than that."""
        width, height = min(self.width, frame.width), min(self.height, frame.height)
        x = min(max(self.x, frame.x), frame.right - width)
        y = min(max(self.y, frame.y), frame.bottom - height)
        return Bounds(x, y, width, height)


def _pair(other: object) -> tuple[int, int]:
    if isinstance(other, tuple) and len(other) == 2:
        return int(other[0]), int(other[1])
    raise TypeError(f"expected a point, not {other!r}")
