"""Where a mosaic's cells lie: their edges in whole pixels; and a picture made into a mosaic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Where cells lie: along each axis, cell k takes the pixels from origin + k · size, rounded (halves upwards), to the next edge."""

    size_x: float
    size_y: float
    origin_x: float = 0.0
    origin_y: float = 0.0

    def __post_init__(self) -> None:
        if not (self.size_x >= 1 and self.size_y >= 1):
            raise ValueError("a cell is at least one pixel wide")

    def moved(self, x: float, y: float) -> Grid:
        """The grid in coordinates whose origin lies at (x, y) of these."""
        return Grid(self.size_x, self.size_y, self.origin_x - x, self.origin_y - y)

    def scaled(self, x: float, y: float) -> Grid:
        """The grid of a picture that was resized by these factors."""
        return Grid(self.size_x * x, self.size_y * y, self.origin_x * x, self.origin_y * y)


def edges(size: float, origin: float, length: int) -> NDArray[np.int64]:
    """Edges of all cells that lie in 0 to `length`, with both ends: a cell that is cut there keeps the rest."""
    first = int(np.floor(-origin / size))
    count = int(np.ceil(length / size)) + 2
    inner = np.floor(origin + size * np.arange(first, first + count + 1) + 0.5).astype(np.int64)
    inner = np.unique(inner[(inner > 0) & (inner < length)])
    return np.concatenate([[0], inner, [length]])


def cell_numbers(size: float, origin: float, length: int) -> NDArray[np.int64]:
    """(length,) the number of each pixel's cell, from 0."""
    at = edges(size, origin, length)
    return np.repeat(np.arange(len(at) - 1), np.diff(at))


def pixelate(picture: Bytes, grid: Grid, over: Mask | None = None) -> Bytes:
    """Every cell replaced by its mean, rounded; with `over`, the mean over that part of the cell only."""
    height, width = picture.shape[:2]
    rows = cell_numbers(grid.size_y, grid.origin_y, height)
    columns = cell_numbers(grid.size_x, grid.origin_x, width)
    across = int(columns[-1]) + 1
    number = (rows[:, None] * across + columns[None, :]).ravel()
    weight = np.ones(height * width) if over is None else over.ravel().astype(np.float64) + 1e-9
    area = np.bincount(number, weight)
    means = np.stack(
        [np.bincount(number, weight * picture[..., c].ravel()) / area for c in range(picture.shape[2])], axis=-1
    )
    return np.asarray(np.rint(means)[number].reshape(picture.shape), np.uint8)
